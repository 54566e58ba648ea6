/* SPDX-License-Identifier: Apache-2.0 */
#include "run/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "corpus/audio.h"

/* Returns the lowest requested fold of a set. */
static const core_fold *find_lowest_fold(const core_study *study, int32_t set)
{
	const core_fold *lowest = NULL;
	for (int32_t i = 0; i < study->n_folds; i++) {
		const core_fold *fold = &study->fold[i];
		if (fold->set == set && (!lowest || fold->fold < lowest->fold))
			lowest = fold;
	}
	return lowest;
}

int64_t core_find_lowest_fold(
	fv_ctx *ctx, const core_study *study, int32_t set, const char *pattern)
{
	int64_t named = find_lowest_fold(study, set)->fold;
	for (int64_t f = 0; strstr(pattern, CORE_FOLD_MARK) && f < named; f++) {
		const char *path = core_expand_fold(ctx, pattern, f);
		if (path && core_file_exists(path))
			return f;
	}
	return named;
}

static int compare_text(const void *stem, const void *item)
{
	return strcmp(stem, *(const char *const *)item);
}

/* Returns the known hash of the recording of a row, or hashes its file. */
static fv_status hash_recording(fv_ctx *own, const core_set *set, const core_audio_index *index,
	const core_corpus *corpus, int32_t row, char hex[CORE_SHA256_HEX])
{
	const core_recordings *r = &set->recordings;
	const char *stem = corpus->stem[row];
	const char *const *known =
		bsearch(stem, r->stem, (size_t)r->n, sizeof *r->stem, compare_text);
	if (known) {
		memcpy(hex, r->sha256[known - r->stem], CORE_SHA256_HEX);
		return FV_OK;
	}
	const char *path = core_audio_find_row(own, index, corpus, row, NULL);
	core_segment segment = {.end = INFINITY};
	if (corpus->start)
		segment = (core_segment){.start = corpus->start[row], .end = corpus->end[row]};
	const core_recordings one = {.n = 1, .segment = &segment};
	char file[CORE_SHA256_HEX];
	fv_status status = path ? core_sha256_file(own, path, file) : FV_DATA;
	return status ? status
		      : core_recording_sha256(own, file, core_recording_segment(&one, 0), hex);
}

/* Hashes stems and recording hashes, as in the fingerprint of a fold. */
static fv_status hash_audio(
	fv_ctx *own, const core_set *set, const core_corpus *corpus, char hex[CORE_SHA256_HEX])
{
	core_audio_index *index;
	core_text all = {0};
	fv_status status = core_corpus_open_audio(own, set->spec, &index);
	for (int32_t i = 0; i < corpus->n && !status; i++) {
		char one[CORE_SHA256_HEX];
		status = hash_recording(own, set, index, corpus, i, one);
		core_text_add(&all, "%s %s\n", corpus->stem[i], status ? "" : one);
	}
	if (!status)
		return core_sha256_text(own, &all, hex);
	core_text_free(&all);
	return status;
}

/* Hashes a fold that was not requested. Returns false if any of its files cannot be read. */
static bool read_other_fold(const core_set *set, int64_t fold, core_set *out)
{
	fv_ctx *own = core_ctx_new();
	core_corpus *corpus;
	bool good = own && !core_corpus_read(own, set->spec, fold, &corpus) &&
		    !core_corpus_sha256(own, corpus, out->labels_sha256) &&
		    (!set->hashed || !hash_audio(own, set, corpus, out->audio_sha256));
	core_ctx_free(own);
	return good;
}

/* Gives the folds of a set the order of classes that the corpus of one has. */
static fv_status order_classes(fv_ctx *ctx, core_study *study, int32_t set, const core_corpus *like)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < study->n_folds && !status; i++)
		if (study->fold[i].set == set)
			status = core_corpus_order_classes(ctx, study->fold[i].corpus,
				like->class_name, like->classes, &study->fold[i].classes_moved);
	return status;
}

/* Returns a class that the corpus of one fold has and that of the other lacks; NULL: there is none. */
static const char *find_other_class(const core_corpus *of, const core_corpus *in)
{
	for (int32_t k = 0; k < of->classes; k++)
		if (core_corpus_find_class(in, of->class_name[k]) < 0)
			return of->class_name[k];
	return NULL;
}

/* Errors: FV_DATA for a requested fold whose classes are not those of the lowest one. */
static fv_status check_classes(fv_ctx *ctx, const core_study *study, int32_t set)
{
	const core_fold *lowest = find_lowest_fold(study, set);
	fv_status status = FV_OK;
	for (int32_t i = 0; i < study->n_folds; i++) {
		const core_corpus *a = lowest->corpus, *b = study->fold[i].corpus;
		const char *first = find_other_class(a, b), *second = find_other_class(b, a);
		if (study->fold[i].set == set && (first || second))
			status = fv_fail(ctx, FV_DATA,
				"fold %lld: %s has %s class '%s', which %s %s: all folds need the "
				"same classes: corpus.classes or corpus.map makes them so",
				(long long)study->fold[i].fold, b->labels, second ? "a" : "no",
				second ? second : first, a->labels, second ? "lacks" : "has");
	}
	return status;
}

/* Gives the folds of a set the order of classes of a fold that was not requested; if its files cannot be read, that of the
 * lowest one that was. */
static fv_status order_as_other(fv_ctx *ctx, core_study *study, int32_t set, int64_t fold)
{
	fv_ctx *own = core_ctx_new();
	core_corpus *corpus;
	if (!own)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	fv_status status = core_corpus_read(own, study->set[set].spec, fold, &corpus);
	if (status == FV_FAILED)
		status = core_reason_report(
			ctx, study->set[set].spec->labels, core_error_take(ctx, own, status));
	else
		status = order_classes(
			ctx, study, set, status ? find_lowest_fold(study, set)->corpus : corpus);
	core_ctx_free(own);
	return status;
}

static fv_status order_set(fv_ctx *ctx, core_study *study, int32_t index)
{
	const core_corpus_spec *spec = study->set[index].spec;
	const core_fold *named = find_lowest_fold(study, index);
	if (!named || spec->classes.n)
		return FV_OK;
	int64_t lowest = core_find_lowest_fold(ctx, study, index, spec->labels);
	fv_status status = lowest == named->fold ? order_classes(ctx, study, index, named->corpus)
						 : order_as_other(ctx, study, index, lowest);
	return status ? status : check_classes(ctx, study, index);
}

fv_status core_reference_order_classes(fv_ctx *ctx, core_study *study)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < study->n_sets && !status; i++)
		status = order_set(ctx, study, i);
	return status;
}

fv_status core_reference_make(fv_ctx *ctx, core_study *study, const core_run *run)
{
	int32_t index = study->fold[run->fold].set;
	core_set *set = &study->set[index];
	if (set->identified)
		return FV_OK;
	const core_fold *named = find_lowest_fold(study, index);
	int64_t lowest = core_find_lowest_fold(ctx, study, index, set->spec->labels);
	if (lowest == named->fold || !read_other_fold(set, lowest, set)) {
		memcpy(set->labels_sha256, named->labels_sha256, CORE_SHA256_HEX);
		memcpy(set->audio_sha256, named->audio_sha256, CORE_SHA256_HEX);
	}
	set->identified = true;
	return FV_OK;
}
