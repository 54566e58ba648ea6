/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/nearest.h"
#include "base/number.h"

#define PROB "prob_"
#define LABEL "label_"
#define SPLIT "split"

static bool starts_with(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static fv_status report_missing_column(fv_ctx *ctx, const core_csv *csv, const char *name)
{
	return core_fail_at(ctx, FV_DATA, csv->path, 1, 0, "no column '%s'", name);
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
				status = report_missing_column(ctx, csv, label);
			p->classes[p->C++] = class_name;
		} else if (starts_with(name, LABEL)) {
			char *prob = core_format(ctx, PROB "%s", name + strlen(LABEL));
			if (!prob)
				return FV_FAILED;
			if (core_csv_column(csv, prob) < 0)
				status = report_missing_column(ctx, csv, prob);
		}
	}
	if (!p->C && !status)
		status = core_fail_at(
			ctx, FV_DATA, csv->path, 1, 0, "no prob_<class> and label_<class> columns");
	else if (p->C == 1 && !status)
		status = core_fail_at(ctx, FV_DATA, csv->path, 1, 0,
			"only one class: a two-class prediction needs two prob_ columns");
	return status;
}

static fv_status read_numbers(
	fv_ctx *ctx, const core_csv *csv, const int64_t *column, int32_t C, float *out)
{
	fv_status status = FV_OK;
	for (int64_t i = 0; i < csv->n_rows; i++) {
		for (int32_t c = 0; c < C; c++) {
			const char *text = core_csv_cell(csv, i, column[c]);
			double value;
			if (core_parse_double(text, &value) && isfinite((float)value))
				out[i * C + c] = (float)value;
			else
				status = core_fail_at(ctx, FV_DATA, csv->path, (int)csv->line[i], 0,
					"%s is '%s', not a finite number", csv->header[column[c]],
					text);
		}
	}
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
		return report_missing_column(ctx, csv, "FileName");
	core_text_column names;
	fv_status status = read_text(ctx, csv, column, &names);
	p->file = names.value;
	p->stem = core_alloc(ctx, (size_t)p->n + 1, sizeof *p->stem);
	if (status || !p->stem)
		return FV_FAILED;
	for (int64_t i = 0; i < p->n; i++) {
		p->stem[i] = core_path_stem(ctx, p->file[i]);
		if (!p->stem[i])
			return FV_FAILED;
		if (!*p->stem[i])
			status = core_fail_at(
				ctx, FV_DATA, csv->path, (int)csv->line[i], 0, "FileName is empty");
	}
	if (status)
		return status;
	return core_predictions_check_stems(ctx, p);
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
	fv_status prob = read_numbers(ctx, &csv, column, out->C, out->prob);
	fv_status label = read_numbers(ctx, &csv, column + csv.n_columns, out->C, out->label);
	return status ? status : prob ? prob : label;
}

static void add_column(core_text *text, const core_text_column *column, int64_t row)
{
	if (!column->value)
		return;
	core_text_put(text, ",", 1);
	core_text_csv(text, row < 0 ? column->name : column->value[row]);
}

/* row -1: writes the header */
static void add_names(core_text *text, const core_predictions *p, int64_t row)
{
	for (int32_t a = 0; a < p->n_attributes; a++)
		add_column(text, &p->attribute[a], row);
	add_column(text, &p->speaker, row);
	add_column(text, &p->group, row);
	add_column(text, &p->split, row);
	core_text_put(text, "\n", 1);
}

static void add_header(core_text *text, const core_predictions *p, const char *prefix)
{
	for (int32_t c = 0; c < p->C; c++) {
		core_text name = {0};
		core_text_add(&name, "%s%s", prefix, p->classes[c]);
		core_text_put(text, ",", 1);
		core_text_csv(text, name.data ? name.data : "");
		text->failed = text->failed || name.failed;
		core_text_free(&name);
	}
}

void core_predictions_text(const core_predictions *p, core_text *out)
{
	core_text_add(out, "FileName");
	add_header(out, p, PROB);
	add_header(out, p, LABEL);
	add_names(out, p, -1);
	for (int64_t i = 0; i < p->n; i++) {
		core_text_csv(out, p->file[i]);
		for (int32_t c = 0; c < p->C; c++)
			core_text_add(out, ",%.9g", (double)p->prob[i * p->C + c]);
		for (int32_t c = 0; c < p->C; c++)
			core_text_add(out, ",%.9g", (double)p->label[i * p->C + c]);
		add_names(out, p, i);
	}
}

fv_status core_predictions_write(fv_ctx *ctx, const char *path, const core_predictions *p)
{
	core_text text = {0};
	core_predictions_text(p, &text);
	fv_status status = text.failed ? fv_fail(ctx, FV_FAILED, "out of memory")
				       : core_file_write(ctx, path, text.data, text.size);
	core_text_free(&text);
	return status;
}

const core_text_column *core_predictions_column(const core_predictions *p, const char *name)
{
	if (p->speaker.value && !strcmp(p->speaker.name, name))
		return &p->speaker;
	if (p->group.value && !strcmp(p->group.name, name))
		return &p->group;
	for (int32_t a = 0; a < p->n_attributes; a++)
		if (!strcmp(p->attribute[a].name, name))
			return &p->attribute[a];
	return NULL;
}

fv_status core_predictions_need(fv_ctx *ctx, const core_predictions *p, const char *option,
	const char *name, const core_text_column **out)
{
	*out = core_predictions_column(p, name);
	if (*out)
		return FV_OK;
	const char **names = core_alloc(ctx, (size_t)p->n_attributes + 2, sizeof *names);
	size_t n = 0;
	if (!names)
		return FV_FAILED;
	for (int32_t a = 0; a < p->n_attributes; a++)
		names[n++] = p->attribute[a].name;
	if (p->speaker.value)
		names[n++] = p->speaker.name;
	if (p->group.value)
		names[n++] = p->group.name;
	const char *hint = core_suggest_name(ctx, name, names, n);
	core_text list = {0};
	for (size_t i = 0; i < n; i++)
		core_text_add(&list, "%s%s", i ? ", " : "", names[i]);
	fv_status status = *hint ? fv_fail(ctx, FV_CONFIG, "%s: %s has no column '%s'%s", option,
					   p->path ? p->path : "the table", name, hint)
				 : fv_fail(ctx, FV_CONFIG, "%s: %s has no column '%s' (it has: %s)",
					   option, p->path ? p->path : "the table", name,
					   list.data ? list.data : "none");
	core_text_free(&list);
	return status;
}
