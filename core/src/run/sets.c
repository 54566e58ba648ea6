/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "corpus/audio.h"
#include "run/failures.h"

static int32_t find_set(core_study *study, const core_corpus_spec *spec)
{
	for (int32_t i = 0; i < study->n_sets; i++)
		if (!strcmp(study->set[i].spec->key, spec->key))
			return i;
	study->set[study->n_sets] = (core_set){.spec = spec};
	return study->n_sets++;
}

static fv_status read_fold(fv_ctx *ctx, const core_corpus_spec *spec, core_fold *fold)
{
	fv_status status = core_corpus_read(ctx, spec, fold->fold, &fold->corpus);
	if (!status)
		status = core_corpus_sha256(ctx, fold->corpus, fold->labels_sha256);
	if (!status && spec->attributes_file)
		status = core_sha256_file(ctx, spec->attributes_file, fold->attributes_sha256);
	return status;
}

/* Finds a fold that was read or that could not be. Returns false if it is new. */
static bool find_fold(const core_study *study, int32_t set, int64_t fold, int32_t *index,
	const core_reason **failure)
{
	for (int32_t i = 0; i < study->n_bad_folds; i++)
		if (study->bad_fold[i].set == set && study->bad_fold[i].fold == fold) {
			*failure = study->bad_fold[i].reason;
			return true;
		}
	for (*index = 0; *index < study->n_folds; ++*index)
		if (study->fold[*index].set == set && study->fold[*index].fold == fold)
			return true;
	return false;
}

fv_status core_set_add_fold(fv_ctx *ctx, core_study *study, const core_corpus_spec *spec,
	int64_t fold, int32_t *index, const core_reason **failure)
{
	int32_t set = find_set(study, spec);
	*failure = NULL;
	if (find_fold(study, set, fold, index, failure))
		return FV_OK;
	core_fold *next = &study->fold[study->n_folds];
	*next = (core_fold){.set = set, .fold = fold};
	fv_status status = core_study_move_failure(ctx, study, read_fold(ctx, spec, next), failure);
	if (status)
		return status;
	if (*failure)
		study->bad_fold[study->n_bad_folds++] = (core_bad_fold){set, fold, *failure};
	else
		study->n_folds++;
	return FV_OK;
}

static int compare_stems(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sets the segment of each row, if the corpus of a fold has segments. */
static fv_status set_segments(fv_ctx *ctx, const core_fold *fold, core_recordings *out)
{
	const core_corpus *c = fold->corpus;
	if (!c->start)
		return FV_OK;
	if (!out->segment) {
		out->segment = core_alloc(ctx, (size_t)out->n, sizeof *out->segment);
		for (int64_t i = 0; out->segment && i < out->n; i++)
			out->segment[i].end = INFINITY;
	}
	for (int32_t i = 0; out->segment && i < c->n; i++)
		out->segment[fold->row[i]] = (core_segment){.start = c->start[i],
			.end = c->end[i],
			.labels = c->source[i],
			.line = c->line[i]};
	return out->segment ? FV_OK : FV_FAILED;
}

/* Sets the name of each recording, as the first label file that has it spells it. */
static fv_status set_names(fv_ctx *ctx, const core_study *study, int32_t set, core_recordings *out)
{
	out->name = core_alloc(ctx, (size_t)out->n, sizeof *out->name);
	if (!out->name)
		return FV_FAILED;
	for (int32_t f = 0; f < study->n_folds; f++) {
		const core_fold *fold = &study->fold[f];
		const core_corpus *c = fold->corpus;
		if (fold->set == set && set_segments(ctx, fold, out))
			return FV_FAILED;
		for (int32_t i = 0; fold->set == set && i < c->n; i++) {
			const char **name = &out->name[fold->row[i]];
			if (*name)
				continue;
			*name = core_path_id(ctx, c->file[i]);
			if (*name && c->start)
				*name = core_segment_name(ctx, *name, c->start[i], c->end[i]);
			if (!*name)
				return FV_FAILED;
		}
	}
	return FV_OK;
}

static fv_status join_stems(fv_ctx *ctx, const core_study *study, int32_t set, core_recordings *out)
{
	size_t total = 0;
	for (int32_t i = 0; i < study->n_folds; i++)
		if (study->fold[i].set == set)
			total += (size_t)study->fold[i].corpus->n;
	out->stem = core_alloc(ctx, total, sizeof *out->stem);
	if (!out->stem)
		return FV_FAILED;
	size_t n = 0;
	for (int32_t i = 0; i < study->n_folds; i++)
		for (int32_t j = 0; study->fold[i].set == set && j < study->fold[i].corpus->n; j++)
			out->stem[n++] = study->fold[i].corpus->stem[j];
	qsort(out->stem, n, sizeof *out->stem, compare_stems);
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(out->stem[i], out->stem[out->n - 1]))
			out->stem[out->n++] = out->stem[i];
	out->path = core_alloc(ctx, (size_t)out->n, sizeof *out->path);
	out->sha256 = core_alloc(ctx, (size_t)out->n, sizeof *out->sha256);
	return out->path && out->sha256 ? FV_OK : FV_FAILED;
}

static fv_status find_rows(fv_ctx *ctx, const core_recordings *all, core_fold *fold)
{
	fold->row = core_alloc(ctx, (size_t)fold->corpus->n, sizeof *fold->row);
	if (!fold->row)
		return FV_FAILED;
	int64_t at = 0; /* both are sorted, and every stem exists */
	for (int32_t i = 0; i < fold->corpus->n; i++) {
		while (strcmp(all->stem[at], fold->corpus->stem[i]))
			at++;
		fold->row[i] = at;
	}
	return FV_OK;
}

fv_status core_sets_join(fv_ctx *ctx, core_study *study)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < study->n_sets && !status; i++) {
		core_set *set = &study->set[i];
		char *mark = set->spec->audio ? core_path_join(ctx, set->spec->audio, "synth.csv")
					      : NULL;
		set->synthetic = mark && core_file_exists(mark);
		status = join_stems(ctx, study, i, &set->recordings);
	}
	for (int32_t i = 0; i < study->n_folds && !status; i++)
		status =
			find_rows(ctx, &study->set[study->fold[i].set].recordings, &study->fold[i]);
	for (int32_t i = 0; i < study->n_sets && !status; i++)
		status = set_names(ctx, study, i, &study->set[i].recordings);
	return status;
}

/* Hashes all recordings and reports every one that cannot be read. Segments of one recording follow
 * each other, so that its file is read once. */
static fv_status hash_recordings(fv_ctx *ctx, core_recordings *r)
{
	fv_status first = FV_OK;
	char file[CORE_SHA256_HEX];
	const char *last = NULL;
	for (int64_t i = 0; i < r->n; i++) {
		fv_status status = FV_OK;
		if (!last || strcmp(last, r->path[i]) != 0)
			status = core_sha256_file(ctx, r->path[i], file);
		last = status ? NULL : r->path[i];
		if (!status)
			status = core_recording_sha256(
				ctx, file, core_recording_segment(r, i), r->sha256[i]);
		first = first ? first : status;
	}
	return first;
}

/* Hashes the recordings of this fold only, because a run must not depend on other requested
 * folds. */
static fv_status hash_fold(fv_ctx *ctx, const core_recordings *r, core_fold *fold)
{
	core_text all = {0};
	for (int32_t i = 0; i < fold->corpus->n; i++)
		core_text_add(&all, "%s %s\n", fold->corpus->stem[i], r->sha256[fold->row[i]]);
	return core_sha256_text(ctx, &all, fold->audio_sha256);
}

static fv_status hash_set(fv_ctx *ctx, core_study *study, core_set *set)
{
	fv_status status = hash_recordings(ctx, &set->recordings);
	for (int32_t i = 0; i < study->n_folds && !status; i++)
		if (&study->set[study->fold[i].set] == set)
			status = hash_fold(ctx, &set->recordings, &study->fold[i]);
	return status;
}

static fv_status locate_fold(
	fv_ctx *ctx, const core_audio_index *index, const core_fold *fold, core_recordings *r)
{
	const char **path = core_alloc(ctx, (size_t)fold->corpus->n, sizeof *path);
	fv_status status = path ? core_audio_locate(ctx, index, fold->corpus, path) : FV_FAILED;
	for (int32_t i = 0; i < fold->corpus->n && !status; i++)
		r->path[fold->row[i]] = path[i];
	return status;
}

fv_status core_set_find_audio(fv_ctx *ctx, core_study *study, core_set *set)
{
	if (set->hashed)
		return FV_OK;
	const core_corpus_spec *spec = set->spec;
	if (!spec->audio)
		return core_fail_key(ctx, FV_CONFIG, (core_key_ref){spec->block, "", NULL},
			"corpus.audio is needed: the encoder reads recordings");
	core_audio_index *index;
	fv_status status = core_corpus_open_audio(ctx, spec, &index);
	for (int32_t i = 0; i < study->n_folds && !status; i++)
		if (&study->set[study->fold[i].set] == set)
			status = locate_fold(ctx, index, &study->fold[i], &set->recordings);
	if (!status)
		status = hash_set(ctx, study, set);
	set->hashed = !status;
	return status;
}
