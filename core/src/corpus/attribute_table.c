/* SPDX-License-Identifier: Apache-2.0 */
/* The table of attributes: a row a speaker, joined to the rows of the label files. */
#include <stdlib.h>
#include <string.h>

#include "base/missing.h"
#include "base/nearest.h"
#include "base/plural.h"
#include "corpus/corpus_private.h"

/* Sets row [n], the table row of each utterance's speaker. */
static fv_status join_speakers(
	fv_ctx *ctx, const core_csv *table, int64_t column, const core_corpus *c, int32_t *row)
{
	int32_t *row_of = core_alloc(ctx, (size_t)c->n_speakers, sizeof *row_of), missing = 0;
	if (!row_of)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (int64_t r = 0; r < table->n_rows; r++) {
		const char *name = core_csv_cell(table, r, column);
		int32_t low = 0, high = c->n_speakers;
		while (low < high) {
			int32_t middle = low + (high - low) / 2;
			if (strcmp(c->speaker_name[middle], name) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == c->n_speakers || strcmp(c->speaker_name[low], name))
			continue;
		if (row_of[low])
			status = core_fail_at(ctx, FV_DATA, table->path, (int)table->line[r], 0,
				"speaker '%s' appears twice, first on line %lld", name,
				(long long)table->line[row_of[low] - 1]);
		else
			row_of[low] = (int32_t)r + 1;
	}
	const char *example = NULL;
	for (int32_t s = 0; s < c->n_speakers; s++) {
		missing += !row_of[s];
		if (!row_of[s] && !example)
			example = c->speaker_name[s];
	}
	if (c->n_speakers && missing == c->n_speakers)
		return fv_fail(ctx, FV_DATA, "%s: column '%s' has no speaker of %s ('%s', ...)",
			table->path, table->header[column], c->labels, example);
	if (missing)
		fv_warn(ctx,
			"%s: %d of %d speaker%s %s missing ('%s'%s): %s attributes are unknown",
			table->path, (int)missing, (int)c->n_speakers, core_plural(c->n_speakers),
			missing == 1 ? "is" : "are", example, missing == 1 ? "" : ", ...",
			missing == 1 ? "its" : "their");
	for (int32_t i = 0; i < c->n; i++)
		row[i] = row_of[c->speaker[i]] - 1;
	return status;
}

static fv_status find_speakers(
	fv_ctx *ctx, const core_corpus_spec *spec, const core_csv *table, int64_t *column)
{
	const char *name = spec->attributes_speaker;
	fv_status status = core_table_column_find(
		ctx, spec, table, NULL, "attributes.speaker", name, core_usual_speakers, column);
	if (!status && *column < 0)
		status = core_fail_at(ctx, FV_DATA, table->path, core_csv_header_line(table), 0,
			"no column 'SpkrID' or 'speaker': name it with corpus.attributes.speaker");
	return status;
}

static fv_status read_table(fv_ctx *ctx, const core_corpus_spec *spec, core_csv *out)
{
	fv_status status =
		core_corpus_check_file(ctx, spec, "attributes.file", spec->attributes_file);
	return status ? status : core_csv_read(ctx, spec->attributes_file, out);
}

fv_status core_attribute_table_open(fv_ctx *ctx, const core_corpus_spec *spec, const core_corpus *c,
	core_csv *table, int32_t *row)
{
	int64_t column;
	fv_status status = read_table(ctx, spec, table);
	if (!status)
		status = find_speakers(ctx, spec, table, &column);
	return status ? status : join_speakers(ctx, table, column, c, row);
}

fv_status core_table_values(fv_ctx *ctx, const core_corpus_spec *spec, const core_csv *csv,
	int64_t column, bool raw, const char *const **out)
{
	const char **value = core_alloc(ctx, (size_t)csv->n_rows, sizeof *value);
	if (!value)
		return FV_FAILED;
	for (int64_t r = 0; r < csv->n_rows; r++) {
		const char *cell = core_csv_cell(csv, r, column);
		value[r] = *cell ? cell : NULL;
	}
	*out = value;
	return raw ? FV_OK
		   : core_clean_column(ctx, csv->path, csv->header[column], csv->n_rows, value,
			     csv->line, spec->missing.n, spec->missing.item);
}

fv_status core_attribute_column_find(fv_ctx *ctx, const core_corpus_spec *spec, const core_csv *csv,
	const core_column *want, int64_t *column)
{
	*column = core_csv_column(csv, want->column);
	if (*column >= 0)
		return FV_OK;
	const char *key = core_format(ctx, "attributes.columns.%s", want->attribute);
	return core_fail_key(ctx, FV_CONFIG,
		(core_key_ref){spec->block, key ? key : "attributes", NULL},
		"corpus.attributes.columns.%s: %s has no column '%s'%s", want->attribute, csv->path,
		want->column,
		core_suggest_name(ctx, want->column, (const char *const *)csv->header,
			(size_t)csv->n_columns));
}

/* Joins the values [table rows] to the rows of the label files by speaker. */
static fv_status join_values(fv_ctx *ctx, const core_label_file *f, const core_csv *table,
	int64_t speaker, const char *const *value, const char *const **out)
{
	int64_t n = f->table.csv.n_rows;
	size_t rows = (size_t)table->n_rows;
	const char **found = core_alloc(ctx, (size_t)n, sizeof *found);
	const char **name = core_alloc(ctx, rows, sizeof *name), **distinct;
	const char **of_speaker = core_alloc(ctx, rows, sizeof *of_speaker);
	int32_t *id = core_alloc(ctx, rows, sizeof *id), n_distinct;
	if (!found || !name || !of_speaker || !id)
		return FV_FAILED;
	for (size_t r = 0; r < rows; r++)
		name[r] = core_csv_cell(table, (int64_t)r, speaker);
	if (core_names_index(ctx, name, table->n_rows, id, &distinct, &n_distinct))
		return FV_FAILED;
	for (size_t r = 0; r < rows; r++)
		of_speaker[id[r]] = value[r];
	for (int64_t r = 0; r < n; r++) {
		int32_t s = core_names_find(distinct, n_distinct, f->speaker[r]);
		found[r] = s < 0 ? NULL : of_speaker[s];
	}
	*out = found;
	return FV_OK;
}

fv_status core_speaker_values(
	fv_ctx *ctx, core_label_file *f, const core_column *want, const char *const **out)
{
	const core_corpus_spec *spec = f->spec;
	const char *const *value;
	int64_t speaker = -1, at = -1;
	core_csv table;
	fv_status status = read_table(ctx, spec, &table);
	if (!status)
		status = find_speakers(ctx, spec, &table, &speaker);
	if (!status)
		status = core_attribute_column_find(ctx, spec, &table, want, &at);
	if (!status)
		status = core_table_values(ctx, spec, &table, at, false, &value);
	return status ? status : join_values(ctx, f, &table, speaker, value, out);
}
