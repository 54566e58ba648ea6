/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/corpus.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/nearest.h"
#include "corpus/corpus_private.h"

const char *core_split_name(core_split split)
{
	static const char *const names[] = {"train", "dev", "test"};
	return names[split];
}

const char *core_corpus_split_name(const core_corpus *corpus, int32_t split)
{
	return split < CORE_SPLITS ? core_split_name((core_split)split)
				   : corpus->set_name[split - CORE_SPLITS];
}

const core_attribute *core_corpus_attribute(const core_corpus *corpus, const char *name)
{
	for (int32_t a = 0; a < corpus->n_attributes; a++)
		if (!strcmp(corpus->attribute[a].name, name))
			return &corpus->attribute[a];
	return NULL;
}

fv_status core_corpus_check_attribute(
	fv_ctx *ctx, const core_corpus *corpus, const char *key, const char *name)
{
	if (core_corpus_attribute(corpus, name))
		return FV_OK;
	return fv_fail(ctx, FV_CONFIG, "%s: %s has no attribute '%s'", key, corpus->labels, name);
}

int32_t core_attribute_value(const core_attribute *attribute, const char *name)
{
	for (int32_t v = 0; v < attribute->n_values; v++)
		if (!strcmp(attribute->value[v], name))
			return v;
	return -1;
}

/* Sets stem and joined speaker name of all rows. */
static fv_status name_rows(fv_ctx *ctx, core_label_file *f)
{
	const core_csv *csv = &f->table.csv;
	f->stem = core_alloc(ctx, (size_t)csv->n_rows, sizeof *f->stem);
	f->speaker = core_alloc(ctx, (size_t)csv->n_rows, sizeof *f->speaker);
	if (!f->stem || !f->speaker)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (int64_t r = 0; r < csv->n_rows; r++) {
		f->stem[r] = core_path_stem(ctx, core_csv_cell(csv, r, f->file));
		if (!f->stem[r])
			return FV_FAILED;
		if (!*f->stem[r])
			status = CORE_ROW_FAIL(ctx, f, r, "no file name");
		for (int32_t k = 0; k < f->n_speaker_key; k++) {
			const char *part = core_csv_cell(csv, r, f->speaker_key[k]);
			if (!*part)
				status =
					CORE_ROW_FAIL(ctx, f, r, "no speaker: column '%s' is empty",
						csv->header[f->speaker_key[k]]);
			f->speaker[r] = k ? core_format(ctx, "%s+%s", f->speaker[r], part) : part;
			if (!f->speaker[r])
				return FV_FAILED;
		}
	}
	return status;
}

static int by_stem(const void *a, const void *b, void *stems)
{
	const char *const *stem = stems;
	int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;
	int order = strcmp(stem[i], stem[j]);
	return order ? order : (i > j) - (i < j);
}

/* Sorts all rows by stem; a stem that appears twice is an error. */
static fv_status sort_rows(fv_ctx *ctx, core_label_file *f)
{
	const core_csv *csv = &f->table.csv;
	f->row = core_alloc(ctx, (size_t)csv->n_rows, sizeof *f->row);
	if (!f->row)
		return FV_FAILED;
	int32_t n = (int32_t)csv->n_rows;
	for (int32_t r = 0; r < n; r++)
		f->row[r] = r;
	qsort_r(f->row, (size_t)n, sizeof *f->row, by_stem, (void *)f->stem);
	fv_status status = FV_OK;
	for (int32_t i = 1; i < n; i++) {
		int32_t first = f->row[i - 1], again = f->row[i];
		if (!strcmp(f->stem[first], f->stem[again]))
			status =
				CORE_ROW_FAIL(ctx, f, again, "'%s' appears twice, first on line %d",
					f->stem[again], (int)csv->line[first]);
	}
	return status;
}

/* Removes the excluded stems from f->row; the list may have audio extensions. */
static fv_status exclude_rows(fv_ctx *ctx, core_label_file *f, int32_t *n)
{
	const core_strings *list = &f->spec->exclude;
	fv_status status = FV_OK;
	*n = (int32_t)f->table.csv.n_rows;
	for (int32_t e = 0; e < list->n; e++) {
		const char *stem = core_path_stem(ctx, list->item[e]);
		int32_t kept = 0;
		bool found = false;
		if (!stem)
			return FV_FAILED;
		for (int32_t i = 0; i < *n; i++)
			if (strcmp(f->stem[f->row[i]], stem))
				f->row[kept++] = f->row[i];
		for (int64_t r = 0; r < f->table.csv.n_rows && !found; r++)
			found = !strcmp(f->stem[r], stem);
		if (!found)
			status = core_corpus_fail(ctx, &f->spec->place,
				"corpus.exclude: '%s' is not in %s%s", list->item[e],
				f->table.csv.path,
				core_suggest_name(ctx, stem, f->stem, (size_t)f->table.csv.n_rows));
		*n = kept;
	}
	return status;
}

static fv_status fill_corpus(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	size_t n = (size_t)c->n;
	c->stem = core_alloc(ctx, n, sizeof *c->stem);
	c->file = core_alloc(ctx, n, sizeof *c->file);
	c->source = core_alloc(ctx, n, sizeof *c->source);
	c->line = core_alloc(ctx, n, sizeof *c->line);
	c->split = core_alloc(ctx, n, sizeof *c->split);
	c->speaker = core_alloc(ctx, n, sizeof *c->speaker);
	const char **speaker = core_alloc(ctx, n, sizeof *speaker);
	f->utterance = core_alloc(ctx, (size_t)f->table.csv.n_rows, sizeof *f->utterance);
	if (!c->stem || !c->file || !c->source || !c->line || !c->split || !c->speaker ||
		!speaker || !f->utterance)
		return FV_FAILED;
	c->file_order = f->row;
	for (int64_t r = 0; r < f->table.csv.n_rows; r++)
		f->utterance[r] = -1;
	for (size_t i = 0; i < n; i++) {
		int32_t r = f->row[i];
		f->utterance[r] = (int32_t)i;
		c->stem[i] = f->stem[r];
		c->file[i] = core_csv_cell(&f->table.csv, r, f->file);
		c->source[i] = f->table.path[r];
		c->line[i] = (int32_t)f->table.csv.line[r];
		c->split[i] = f->part[r];
		speaker[i] = f->speaker[r];
	}
	return core_names_index(ctx, speaker, c->n, c->speaker, &c->speaker_name, &c->n_speakers);
}

static fv_status report_shared(
	fv_ctx *ctx, const core_corpus *c, int32_t speaker, int32_t here, int32_t there)
{
	const char *file = c->source[here] == c->source[there] ? "" : c->source[there];
	return core_fail_at(ctx, FV_DATA, c->source[here], c->line[here], 0,
		"speaker '%s' is in %s here and in %s on %s%sline %d: corpus.shared_speakers: true "
		"allows this",
		c->speaker_name[speaker], core_corpus_split_name(c, c->split[here]),
		core_corpus_split_name(c, c->split[there]), file, *file ? ", " : "",
		c->line[there]);
}

/* Reports the speakers that are in train, dev or test and in another split. Further test sets may
 * share speakers with each other and with test. */
static fv_status check_speakers(fv_ctx *ctx, const core_corpus *c)
{
	int32_t(*first)[CORE_SPLITS] = calloc((size_t)c->n_speakers, sizeof *first);
	if (!first)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (int32_t i = 0; i < c->n; i++) {
		int32_t split = c->split[i] < CORE_SPLITS ? c->split[i] : CORE_TEST;
		int32_t *row = &first[c->speaker[i]][split]; /* 1 + utterance; 0: none */
		if (!*row || c->file_order[i] < c->file_order[*row - 1])
			*row = i + 1;
	}
	fv_status status = FV_OK;
	for (int32_t s = 0; s < c->n_speakers; s++) {
		int32_t before = 0;
		for (int split = 0; split < CORE_SPLITS; split++) {
			int32_t here = first[s][split];
			if (here && before)
				status = report_shared(ctx, c, s, here - 1, before - 1);
			before = here ? here : before;
		}
	}
	free(first);
	return status;
}

static fv_status check_splits(fv_ctx *ctx, const core_corpus *c)
{
	bool seen[CORE_SPLITS] = {false};
	fv_status status = FV_OK;
	for (int32_t i = 0; i < c->n; i++)
		if (c->split[i] < CORE_SPLITS)
			seen[c->split[i]] = true;
	for (int split = 0; split < CORE_SPLITS; split++)
		if (!seen[split])
			status = fv_fail(ctx, FV_DATA, "%s: no utterance in split %s", c->labels,
				core_split_name((core_split)split));
	return status;
}

fv_status core_corpus_read(
	fv_ctx *ctx, const core_corpus_spec *spec, int64_t fold, core_corpus **out)
{
	core_corpus *c = core_alloc(ctx, 1, sizeof *c);
	core_label_file *f = core_alloc(ctx, 1, sizeof *f);
	if (!c || !f)
		return FV_FAILED;
	*f = (core_label_file){.spec = spec, .fold = fold};
	fv_status status = core_label_table_read(ctx, spec, fold, &f->table);
	if (status)
		return status;
	c->labels = f->table.csv.path;
	c->files = f->table.files;
	if ((status = core_labels_find_columns(ctx, f, c)) || (status = name_rows(ctx, f)) ||
		(status = sort_rows(ctx, f)) || (status = core_folds_assign(ctx, f, c)) ||
		(status = exclude_rows(ctx, f, &c->n)) || (status = fill_corpus(ctx, f, c)))
		return status;
	/* These checks are independent, so that one call reports all errors. */
	fv_status found[] = {core_labels_read(ctx, f, c), core_attributes_read(ctx, f, c),
		spec->shared_speakers ? FV_OK : check_speakers(ctx, c), check_splits(ctx, c)};
	for (size_t i = 0; i < sizeof found / sizeof *found; i++)
		if (found[i])
			return found[i];
	*out = c;
	return FV_OK;
}
