/* SPDX-License-Identifier: Apache-2.0 */
/* Reads PRED.csv. */
#include <string.h>

#include "base/csv.h"
#include "base/path.h"
#include "base/positive.h"
#include "base/probability.h"
#include "eval/predictions_match.h"

#define PROB "prob_"
#define LABEL "label_"
#define SPLIT "split"

static bool starts_with(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* The classes are the prob_ columns in order; prob_ and label_ columns must match one to one. */
static fv_status find_classes(fv_ctx *ctx, const core_csv *csv, core_predictions *p,
	int64_t *prob_column, int64_t *label_column)
{
	fv_status status = FV_OK;
	p->classes = core_alloc(ctx, (size_t)csv->n_columns, sizeof *p->classes);
	if (!p->classes)
		return FV_FAILED;
	for (int64_t j = 0; j < csv->n_columns; j++) {
		const char *name = csv->header[j];
		if (starts_with(name, PROB)) {
			const char *class_name = name + strlen(PROB);
			char *label = core_format(ctx, LABEL "%s", class_name);
			if (!label)
				return FV_FAILED;
			prob_column[p->C] = j;
			label_column[p->C] = core_csv_column(csv, label);
			if (label_column[p->C] < 0)
				status = core_csv_fail_column(ctx, csv, label);
			p->classes[p->C++] = class_name;
		} else if (starts_with(name, LABEL)) {
			char *prob = core_format(ctx, PROB "%s", name + strlen(LABEL));
			if (!prob)
				return FV_FAILED;
			if (core_csv_column(csv, prob) < 0)
				status = core_csv_fail_column(ctx, csv, prob);
		}
	}
	if (!p->C && !status)
		status = core_fail_at(ctx, FV_DATA, csv->path, core_csv_header_line(csv), 0,
			"no prob_<class> and label_<class> columns: %s",
			core_csv_columns_text(ctx, csv));
	else if (p->C == 1 && !status)
		status = core_fail_at(ctx, FV_DATA, csv->path, core_csv_header_line(csv), 0,
			"only one class: a two-class prediction needs two prob_ columns");
	return status;
}

static fv_status read_text(fv_ctx *ctx, const core_csv *csv, int64_t column, core_text_column *out)
{
	out->name = csv->header[column];
	out->value = core_alloc(ctx, (size_t)csv->n_rows + 1, sizeof *out->value);
	if (!out->value)
		return FV_FAILED;
	for (int64_t i = 0; i < csv->n_rows; i++)
		out->value[i] = core_csv_cell(csv, i, column);
	return FV_OK;
}

static fv_status read_columns(
	fv_ctx *ctx, const core_csv *csv, const char *speaker, core_predictions *p)
{
	fv_status status = FV_OK;
	p->attribute = core_alloc(ctx, (size_t)csv->n_columns, sizeof *p->attribute);
	if (!p->attribute)
		return FV_FAILED;
	for (int64_t j = 0; j < csv->n_columns && !status; j++) {
		const char *name = csv->header[j];
		if (!strcmp(name, "FileName") || !strcmp(name, SPLIT) || starts_with(name, PROB) ||
			starts_with(name, LABEL))
			continue;
		core_text_column *to = !strcmp(name, speaker)   ? &p->speaker
				       : !strcmp(name, "group") ? &p->group
								: &p->attribute[p->n_attributes++];
		status = read_text(ctx, csv, j, to);
	}
	return status;
}

static fv_status read_names(fv_ctx *ctx, const core_csv *csv, core_predictions *p)
{
	int64_t column = core_csv_column(csv, "FileName");
	if (column < 0)
		return core_csv_fail_column(ctx, csv, "FileName");
	core_text_column names;
	fv_status status = read_text(ctx, csv, column, &names);
	p->file = names.value;
	p->stem = core_alloc(ctx, (size_t)p->n + 1, sizeof *p->stem);
	if (status || !p->stem)
		return FV_FAILED;
	for (int64_t i = 0; i < p->n; i++) {
		const char *stem = core_path_stem(ctx, p->file[i]);
		if (!stem)
			return FV_FAILED;
		if (!*stem)
			status = core_fail_at(
				ctx, FV_DATA, csv->path, (int)csv->line[i], 0, "FileName is empty");
	}
	if (status)
		return status;
	return core_predictions_tell_apart(ctx, p);
}

/* Lists the distinct names in a column, for a message. */
static const char *list_names(fv_ctx *ctx, const core_csv *csv, int64_t column)
{
	core_text list = {0};
	for (int64_t i = 0; i < csv->n_rows && list.size < 200; i++) {
		const char *name = core_csv_cell(csv, i, column);
		bool seen = false;
		for (int64_t j = 0; j < i && !seen; j++)
			seen = !strcmp(core_csv_cell(csv, j, column), name);
		if (!seen)
			core_text_add(&list, "%s%s", list.size ? ", " : "", name);
	}
	const char *copy = core_strdup(ctx, list.data ? list.data : "");
	core_text_free(&list);
	return copy ? copy : "";
}

/* Keeps only the rows of one split, in a file with a column `split`. */
static fv_status select_split(fv_ctx *ctx, core_csv *csv, const char *split)
{
	int64_t column = core_csv_column(csv, SPLIT), kept = 0;
	size_t width = (size_t)csv->n_columns;
	const char *name = split ? split : "test";
	if (column < 0 && split)
		return fv_fail(ctx, FV_CONFIG, "--split: %s has no column 'split'", csv->path);
	if (column < 0 || !csv->n_rows)
		return FV_OK;
	for (int64_t i = 0; i < csv->n_rows; i++) {
		if (strcmp(core_csv_cell(csv, i, column), name))
			continue;
		memmove(csv->cell + (size_t)kept * width, csv->cell + (size_t)i * width,
			width * sizeof *csv->cell);
		csv->line[kept++] = csv->line[i];
	}
	if (!kept)
		return fv_fail(ctx, split ? FV_CONFIG : FV_DATA,
			"%s: no row of split '%s' (it has: %s)%s", csv->path, name,
			list_names(ctx, csv, column), split ? "" : ": choose one with --split");
	csv->n_rows = kept;
	return FV_OK;
}

fv_status core_predictions_read(
	fv_ctx *ctx, const char *path, const char *speaker_column, core_predictions *out)
{
	return core_predictions_read_split(ctx, path, speaker_column, NULL, out);
}

fv_status core_predictions_read_split(fv_ctx *ctx, const char *path, const char *speaker_column,
	const char *split, core_predictions *out)
{
	core_csv csv;
	fv_status status = core_csv_read(ctx, path, &csv);
	if (!status)
		status = select_split(ctx, &csv, split);
	if (status)
		return status;
	*out = (core_predictions){.path = csv.path, .n = csv.n_rows, .line = csv.line};
	if (!csv.n_rows)
		return fv_fail(ctx, FV_DATA, "%s: no rows after the header", path);
	int64_t *column = core_alloc(ctx, 2 * (size_t)csv.n_columns, sizeof *column);
	if (!column)
		return FV_FAILED;
	status = find_classes(ctx, &csv, out, column, column + csv.n_columns);
	fv_status names = read_names(ctx, &csv, out);
	if (status || names)
		return status ? status : names;
	size_t cells = (size_t)out->n * (size_t)out->C;
	out->prob = core_alloc(ctx, cells, sizeof *out->prob);
	out->label = core_alloc(ctx, cells, sizeof *out->label);
	if (!out->prob || !out->label)
		return FV_FAILED;
	status = read_columns(ctx, &csv, speaker_column ? speaker_column : "SpkrID", out);
	if (!status && speaker_column && !out->speaker.value) {
		const core_text_column *none;
		status = core_predictions_need(ctx, out, "--speaker-column", speaker_column, &none);
	}
	fv_status prob = core_read_probabilities(ctx, &csv, out->C, column, out->prob);
	fv_status label =
		core_read_probabilities(ctx, &csv, out->C, column + csv.n_columns, out->label);
	if (!status && !prob && !label)
		core_round_labels(ctx, path, out->label, out->n, out->C);
	return status ? status : prob ? prob : label;
}
