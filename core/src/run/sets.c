/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sets.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "corpus/audio.h"

/* Adds a word with its length before it, so that no two lists of words give one key. */
static void add_word(core_text *text, const char *word)
{
	if (word)
		core_text_add(text, "|%zu:%s", strlen(word), word);
	else
		core_text_add(text, "|-");
}

static void add_strings(core_text *text, const char *name, const core_strings *list)
{
	add_word(text, name);
	core_text_add(text, "[%d", list->n);
	for (int32_t i = 0; i < list->n; i++)
		add_word(text, list->item[i]);
}

static void add_attributes(core_text *text, const core_corpus_spec *s)
{
	add_word(text, s->attributes_file);
	add_word(text, s->attributes_speaker);
	core_text_add(text, "|%d|%d|%d", s->n_attribute_columns, s->n_bins, s->n_values);
	for (int32_t i = 0; i < s->n_attribute_columns; i++) {
		add_word(text, s->attribute_columns[i].attribute);
		add_word(text, s->attribute_columns[i].column);
	}
	for (int32_t i = 0; i < s->n_bins; i++) {
		add_word(text, s->bins[i].attribute);
		core_text_add(text, "[%d", s->bins[i].n);
		for (int32_t j = 0; j < s->bins[i].n; j++) {
			add_word(text, s->bins[i].bin[j].name);
			core_text_add(text, ",%.17g,%.17g", s->bins[i].bin[j].low,
				s->bins[i].bin[j].high);
		}
	}
	for (int32_t i = 0; i < s->n_values; i++)
		add_strings(text, s->values[i].attribute, &s->values[i].names);
}

/* Makes the key from all that core_corpus_read depends on. */
static char *make_key(fv_ctx *ctx, const core_corpus_spec *s)
{
	const char *words[] = {s->audio, s->labels, s->column_file, s->column_speaker,
		s->column_gender, s->column_split, s->label_column};
	core_text text = {0};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		add_word(&text, words[i]);
	core_text_add(&text, "|%d|%lld|%.17g|%d|%d", s->make_folds, (long long)s->make_folds_seed,
		s->label_smoothing, s->shared_speakers, s->has_folds);
	add_strings(&text, "classes", &s->classes);
	add_strings(&text, "exclude", &s->exclude);
	add_strings(&text, "speaker", &s->speaker_key);
	add_attributes(&text, s);
	char *key = text.failed ? NULL : core_strndup(ctx, text.data, text.size);
	core_text_free(&text);
	return key;
}

static int32_t find_set(core_study *study, const core_corpus_spec *spec, const char *key)
{
	for (int32_t i = 0; i < study->n_sets; i++)
		if (!strcmp(study->set[i].key, key))
			return i;
	study->set[study->n_sets] = (core_set){.spec = spec, .key = key};
	return study->n_sets++;
}

static fv_status read_fold(fv_ctx *ctx, const core_corpus_spec *spec, core_fold *fold)
{
	fv_status status = core_corpus_read(ctx, spec, fold->fold, &fold->corpus);
	if (!status)
		status = core_sha256_file(ctx, fold->corpus->labels, fold->labels_sha256);
	if (!status && spec->attributes_file)
		status = core_sha256_file(ctx, spec->attributes_file, fold->attributes_sha256);
	return status;
}

fv_status core_set_fold(
	fv_ctx *ctx, core_study *study, const core_corpus_spec *spec, int64_t fold, int32_t *index)
{
	char *key = make_key(ctx, spec);
	if (!key)
		return FV_FAILED;
	int32_t set = find_set(study, spec, key);
	for (*index = 0; *index < study->n_folds; ++*index)
		if (study->fold[*index].set == set && study->fold[*index].fold == fold)
			return FV_OK;
	core_fold *next = &study->fold[study->n_folds];
	*next = (core_fold){.set = set, .fold = fold};
	fv_status status = read_fold(ctx, spec, next);
	if (!status)
		study->n_folds++;
	return status;
}

static int compare_stems(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
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
	int64_t at = 0; /* both are sorted, and every stem is there */
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
	return status;
}

/* Hashes all recordings and names every one that cannot be read. */
static fv_status hash_recordings(fv_ctx *ctx, core_recordings *r)
{
	fv_status first = FV_OK;
	for (int64_t i = 0; i < r->n; i++) {
		fv_status status = core_sha256_file(ctx, r->path[i], r->sha256[i]);
		first = first ? first : status;
	}
	return first;
}

/* Hashes only this fold's recordings, because a run must not depend on which other folds are asked for. */
static fv_status hash_fold(fv_ctx *ctx, const core_recordings *r, core_fold *fold)
{
	core_text all = {0};
	for (int32_t i = 0; i < fold->corpus->n; i++)
		core_text_add(&all, "%s %s\n", fold->corpus->stem[i], r->sha256[fold->row[i]]);
	fv_status status = all.failed ? fv_fail(ctx, FV_FAILED, "out of memory")
				      : core_sha256_bytes(ctx, all.data ? all.data : "", all.size,
						fold->audio_sha256);
	core_text_free(&all);
	return status;
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
		return core_fail_at(ctx, FV_CONFIG, spec->place.file ? spec->place.file : "config",
			spec->place.line, spec->place.column,
			"corpus.audio is needed: the encoder reads recordings");
	core_audio_index *index;
	fv_status status = core_audio_index_open(ctx, spec->audio, &index);
	for (int32_t i = 0; i < study->n_folds && !status; i++)
		if (&study->set[study->fold[i].set] == set)
			status = locate_fold(ctx, index, &study->fold[i], &set->recordings);
	if (!status)
		status = hash_set(ctx, study, set);
	set->hashed = !status;
	return status;
}
