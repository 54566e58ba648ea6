/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the columns and reads the labels of a label file, in two forms:
 * soft: one column per class with the share of raters; rows sum to 1 (EMO-SUPERB);
 * one label: a column with the name of the class, y = (1 - e) onehot + e/C. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/corpus_private.h"

#include "base/nearest.h"
#include "base/number.h"

#define SUM_TOLERANCE 5e-3

/* Finds the column `given`, or the first of the usual names; *out = -1 when neither exists and
 * none was given. */
static fv_status find_column(fv_ctx *ctx, const core_label_file *f, const char *key,
	const char *given, const char *const usual[2], int64_t *out)
{
	const core_csv *csv = &f->table.csv;
	*out = -1;
	if (!given) {
		for (int i = 0; usual && i < 2 && *out < 0; i++)
			*out = core_csv_column(csv, usual[i]);
		return FV_OK;
	}
	*out = core_csv_column(csv, given);
	if (*out >= 0)
		return FV_OK;
	return core_corpus_fail(ctx, &f->spec->place, "corpus.%s: %s has no column '%s'%s", key,
		csv->path, given,
		core_suggest_name(
			ctx, given, (const char *const *)csv->header, (size_t)csv->n_columns));
}

static fv_status find_speaker_key(fv_ctx *ctx, core_label_file *f)
{
	static const char *const usual[2] = {"SpkrID", "speaker"};
	const core_corpus_spec *spec = f->spec;
	int32_t n = spec->speaker_key.n ? spec->speaker_key.n : 1;
	f->speaker_key = core_alloc(ctx, (size_t)n, sizeof *f->speaker_key);
	if (!f->speaker_key)
		return FV_FAILED;
	f->n_speaker_key = n;
	if (!spec->speaker_key.n) {
		fv_status status = find_column(
			ctx, f, "columns.speaker", spec->column_speaker, usual, &f->speaker_key[0]);
		if (!status && f->speaker_key[0] < 0)
			status = core_fail_at(ctx, FV_DATA, f->table.csv.path, 1, 0,
				"no column 'SpkrID' or 'speaker': name it with "
				"corpus.columns.speaker");
		return status;
	}
	fv_status status = FV_OK;
	for (int32_t k = 0; k < n; k++) {
		fv_status found = find_column(ctx, f, "speaker_key", spec->speaker_key.item[k],
			usual, &f->speaker_key[k]);
		status = found ? found : status;
	}
	return status;
}

static bool is_dimension(const char *name)
{
	return !strcmp(name, "EmoAct") || !strcmp(name, "EmoVal") || !strcmp(name, "EmoDom");
}

static fv_status set_classes(fv_ctx *ctx, core_corpus *c, int32_t n, const char *const *name)
{
	if (n < 2)
		return fv_fail(ctx, FV_DATA, "%s: %d classes, needs at least 2%s", c->labels,
			(int)n, n ? "" : ": name them with corpus.classes or corpus.label_column");
	c->classes = n;
	c->class_name = core_alloc(ctx, (size_t)n, sizeof *c->class_name);
	if (!c->class_name)
		return FV_FAILED;
	memcpy(c->class_name, name, (size_t)n * sizeof *name);
	return FV_OK;
}

/* Takes the columns between the file name and the speaker that are not dimensions of emotion. */
static fv_status guess_classes(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	const core_csv *csv = &f->table.csv;
	const char **name = core_alloc(ctx, (size_t)csv->n_columns, sizeof *name);
	if (!name)
		return FV_FAILED;
	f->classes_found = true;
	int32_t n = 0;
	for (int64_t i = f->file + 1; i < f->speaker_key[0]; i++) {
		bool other = i == f->gender || i == f->split || is_dimension(csv->header[i]);
		for (int32_t k = 0; k < f->n_speaker_key; k++)
			other = other || i == f->speaker_key[k];
		double number;
		if (other)
			continue;
		if (!core_parse_double(core_csv_cell(csv, 0, i), &number))
			return CORE_ROW_FAIL(ctx, f, 0,
				"column '%s' holds '%s', which is not a share of raters: name the "
				"classes with corpus.classes or corpus.label_column",
				csv->header[i], core_csv_cell(csv, 0, i));
		f->class_column[n] = i;
		name[n++] = csv->header[i];
	}
	return set_classes(ctx, c, n, name);
}

static fv_status find_classes(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	const core_strings *given = &f->spec->classes;
	int64_t room = given->n > f->table.csv.n_columns ? given->n : f->table.csv.n_columns;
	f->class_column = core_alloc(ctx, (size_t)room, sizeof *f->class_column);
	if (!f->class_column)
		return FV_FAILED;
	if (!given->n)
		return guess_classes(ctx, f, c);
	fv_status status = FV_OK;
	for (int32_t k = 0; k < given->n; k++) {
		fv_status found =
			find_column(ctx, f, "classes", given->item[k], NULL, &f->class_column[k]);
		status = found ? found : status;
	}
	return status ? status : set_classes(ctx, c, given->n, given->item);
}

/* One label per row: the class names are those given, or all that occur, sorted by bytes. */
static fv_status find_label_classes(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	const core_csv *csv = &f->table.csv;
	fv_status status =
		find_column(ctx, f, "label_column", f->spec->label_column, NULL, &f->label);
	if (status)
		return status;
	if (f->spec->classes.n)
		return set_classes(ctx, c, f->spec->classes.n, f->spec->classes.item);
	const char **label = core_alloc(ctx, (size_t)csv->n_rows, sizeof *label), **name;
	int32_t *id = core_alloc(ctx, (size_t)csv->n_rows, sizeof *id), n;
	if (!label || !id)
		return FV_FAILED;
	for (int64_t r = 0; r < csv->n_rows; r++) {
		const char *cell = core_csv_cell(csv, r, f->label);
		label[r] = *cell ? cell : NULL;
	}
	status = core_names_index(ctx, label, csv->n_rows, id, &name, &n);
	return status ? status : set_classes(ctx, c, n, name);
}

fv_status core_labels_find_columns(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	static const char *const file[2] = {"FileName", "file"};
	static const char *const gender[2] = {"Gender", "gender"};
	static const char *const split[2] = {"Split_Set", "split"};
	const core_corpus_spec *spec = f->spec;
	fv_status found[] = {find_column(ctx, f, "columns.file", spec->column_file, file, &f->file),
		find_column(ctx, f, "columns.gender", spec->column_gender, gender, &f->gender),
		find_column(ctx, f, "columns.split", spec->column_split, split, &f->split),
		find_speaker_key(ctx, f)};
	for (size_t i = 0; i < sizeof found / sizeof *found; i++)
		if (found[i])
			return found[i];
	if (f->file < 0 && f->table.csv.header[0][0] == '\0')
		f->file = 0;
	if (f->file < 0)
		return core_fail_at(ctx, FV_DATA, f->table.csv.path, 1, 0,
			"no column 'FileName' or 'file': name it with corpus.columns.file");
	if (f->split < 0 && !spec->make_folds && !f->table.split[0])
		return core_fail_at(ctx, FV_DATA, f->table.csv.path, 1, 0,
			"no column 'Split_Set' or 'split': name it with corpus.columns.split or "
			"use corpus.make_folds");
	return spec->label_column ? find_label_classes(ctx, f, c) : find_classes(ctx, f, c);
}

/* Reads one row of shares. Every bad cell is reported; the sum only when all cells are numbers. */
static fv_status read_shares(
	fv_ctx *ctx, const core_label_file *f, const core_corpus *c, int32_t r, float *out)
{
	const core_csv *csv = &f->table.csv;
	fv_status status = FV_OK;
	double sum = 0;
	for (int32_t k = 0; k < c->classes; k++) {
		const char *cell = core_csv_cell(csv, r, f->class_column[k]);
		double share;
		if (!core_parse_double(cell, &share))
			status = CORE_ROW_FAIL(ctx, f, r, "%s: '%s' is not a finite number",
				c->class_name[k], cell);
		else if (share < 0)
			status = CORE_ROW_FAIL(
				ctx, f, r, "%s: %s is negative", c->class_name[k], cell);
		else
			sum += out[k] = (float)share;
	}
	if (!status && !(fabs(sum - 1) <= SUM_TOLERANCE))
		status = CORE_ROW_FAIL(ctx, f, r, "labels sum to %.6g, not 1%s", sum,
			f->classes_found ? " (all columns between file and speaker except EmoAct, "
					   "EmoVal, EmoDom): name others with corpus.classes"
					 : "");
	return status;
}

static fv_status read_one_label(
	fv_ctx *ctx, const core_label_file *f, const core_corpus *c, int32_t r, float *out)
{
	const char *label = core_csv_cell(&f->table.csv, r, f->label);
	double e = f->spec->label_smoothing, rest = e / c->classes;
	bool found = false;
	for (int32_t k = 0; k < c->classes; k++) {
		bool here = !strcmp(label, c->class_name[k]);
		found = found || here;
		out[k] = (float)(here ? 1 - e + rest : rest);
	}
	if (found)
		return FV_OK;
	if (!*label)
		return CORE_ROW_FAIL(ctx, f, r, "no label");
	return CORE_ROW_FAIL(ctx, f, r, "label '%s' is not one of corpus.classes%s", label,
		core_suggest_name(ctx, label, c->class_name, (size_t)c->classes));
}

void core_label_class(const float *label, int32_t n, int32_t classes, int32_t *klass)
{
	for (int32_t i = 0; i < n; i++) {
		const float *row = label + (size_t)i * (size_t)classes;
		klass[i] = 0;
		for (int32_t k = 1; k < classes; k++)
			if (row[k] > row[klass[i]])
				klass[i] = k;
	}
}

fv_status core_labels_read(fv_ctx *ctx, const core_label_file *f, core_corpus *c)
{
	size_t n = (size_t)c->n, classes = (size_t)c->classes;
	c->label = core_alloc(ctx, n * classes, sizeof *c->label);
	c->klass = core_alloc(ctx, n, sizeof *c->klass);
	c->strict = core_alloc(ctx, n, sizeof *c->strict);
	if (!c->label || !c->klass || !c->strict)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (int32_t r = 0; r < (int32_t)f->table.csv.n_rows; r++) {
		int32_t i = f->utterance[r];
		if (i < 0)
			continue;
		float *y = c->label + (size_t)i * classes;
		fv_status row = f->class_column ? read_shares(ctx, f, c, r, y)
						: read_one_label(ctx, f, c, r, y);
		if (row)
			status = row;
		core_label_class(y, 1, c->classes, &c->klass[i]);
		c->strict[i] = y[c->klass[i]] > 0.5f ? c->klass[i] : -1;
	}
	return status;
}
