/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the classes of the label files and reads the labels, in three forms:
 * one label: a column with the name of the class, y = (1 - e) onehot + e/C;
 * soft: one column per class with the share of raters; rows sum to 1 (EMO-SUPERB);
 * votes: a table with a row for each rater, or class columns that count raters. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/number.h"
#include "corpus/corpus_private.h"

/* --- class columns ---------------------------------------------------------------------------- */

static bool is_dimension(const char *name)
{
	return !strcmp(name, "EmoAct") || !strcmp(name, "EmoVal") || !strcmp(name, "EmoDom");
}

static bool is_in_template(const core_label_file *f, const char *header)
{
	const char *template = f->spec->column_file;
	size_t n = strlen(header);
	for (const char *p = f->file < 0 ? template : NULL; p && (p = strchr(p, '{')); p++)
		if (!strncmp(p + 1, header, n) && p[n + 1] == '}')
			return true;
	return false;
}

bool core_may_be_class(const core_label_file *f, int64_t column)
{
	bool other = column == f->gender || column == f->split || column == f->start ||
		     column == f->end || f->used[column] != CORE_COLUMN_FREE ||
		     is_dimension(f->table.csv.header[column]) ||
		     is_in_template(f, f->table.csv.header[column]);
	for (int32_t k = 0; k < f->n_speaker_key; k++)
		other = other || column == f->speaker_key[k];
	return !other;
}

static int64_t find_last_class(const core_label_file *f)
{
	return f->n_speaker_key ? f->speaker_key[0] : f->table.csv.n_columns;
}

/* Finds the columns between the file name and the speaker that are not dimensions of emotion. */
static fv_status guess_columns(fv_ctx *ctx, core_label_file *f)
{
	const core_csv *csv = &f->table.csv;
	f->classes_found = true;
	for (int64_t i = f->file + 1; i < find_last_class(f); i++) {
		double number;
		if (!core_may_be_class(f, i))
			continue;
		if (!core_parse_double(core_csv_cell(csv, 0, i), &number))
			return CORE_ROW_FAIL(ctx, f, 0,
				"column '%s' holds '%s', which is not a share of raters: name the "
				"classes with corpus.classes or corpus.label_column",
				csv->header[i], core_csv_cell(csv, 0, i));
		f->class_column[f->n_sources] = i;
		f->source_class[f->n_sources++] = csv->header[i];
	}
	return FV_OK;
}

static fv_status add_given_column(fv_ctx *ctx, core_label_file *f, const char *name, bool needed)
{
	int64_t column = core_csv_column(&f->table.csv, name);
	if (column < 0 && !needed)
		return FV_OK;
	fv_status status = core_column_find(ctx, f, "classes", name, NULL, &column);
	if (status)
		return status;
	for (int32_t s = 0; s < f->n_sources; s++)
		if (f->class_column[s] == column)
			return FV_OK;
	f->class_column[f->n_sources] = column;
	f->source_class[f->n_sources++] = f->table.csv.header[column];
	return FV_OK;
}

static bool is_map_target(const core_corpus_spec *spec, const char *class)
{
	for (int32_t m = 0; m < spec->n_map; m++)
		if (spec->map[m].column && !strcmp(spec->map[m].column, class))
			return true;
	return false;
}

/* The columns that corpus.classes names, and those that corpus.map merges into them. */
static fv_status find_given_columns(fv_ctx *ctx, core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	fv_status status = FV_OK;
	for (int32_t k = 0; k < spec->classes.n; k++) {
		const char *name = spec->classes.item[k];
		fv_status found = add_given_column(ctx, f, name, !is_map_target(spec, name));
		status = found ? found : status;
	}
	for (int32_t m = 0; m < spec->n_map && !status; m++)
		status = add_given_column(ctx, f, spec->map[m].attribute, false);
	return status;
}

static fv_status find_class_columns(fv_ctx *ctx, core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	size_t room = (size_t)f->table.csv.n_columns;
	f->class_column = core_alloc(ctx, room, sizeof *f->class_column);
	f->source_class = core_alloc(ctx, room, sizeof *f->source_class);
	if (!f->class_column || !f->source_class)
		return FV_FAILED;
	return spec->classes.n ? find_given_columns(ctx, f) : guess_columns(ctx, f);
}

/* --- one label a row -------------------------------------------------------------------------- */

/* True when the numbers between file name and speaker sum to 1 in every row. */
static bool has_share_columns(const core_label_file *f)
{
	for (int64_t r = 0; r < f->table.csv.n_rows; r++) {
		double sum = 0, number;
		int n = 0;
		for (int64_t i = f->file + 1; i < find_last_class(f); i++) {
			if (!core_may_be_class(f, i) ||
				!core_parse_double(core_csv_cell(&f->table.csv, r, i), &number))
				continue;
			sum += number;
			n++;
		}
		if (n < 2 || !(fabs(sum - 1) < 0.005))
			return false;
	}
	return true;
}

/* Sets the column of the class name; -1: the classes have columns. */
static fv_status find_label_column(fv_ctx *ctx, core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	f->label = -1;
	if (spec->label_column)
		return core_column_find(
			ctx, f, "label_column", spec->label_column, NULL, &f->label);
	bool columns = false;
	for (int32_t k = 0; k < spec->classes.n; k++)
		columns = columns || core_csv_column(&f->table.csv, spec->classes.item[k]) >= 0;
	if (columns || (!spec->classes.n && has_share_columns(f)))
		return FV_OK;
	return core_column_find(ctx, f, "label_column", NULL, core_usual_labels, &f->label);
}

static fv_status list_labels(fv_ctx *ctx, core_label_file *f)
{
	const core_csv *csv = &f->table.csv;
	const char *const *label;
	int32_t *id = core_alloc(ctx, (size_t)csv->n_rows, sizeof *id);
	fv_status status = id ? core_label_values(ctx, f, f->label, &label) : FV_FAILED;
	return status ? status
		      : core_names_index(
				ctx, label, csv->n_rows, id, &f->source_class, &f->n_sources);
}

/* Says how many votes do not count because their class is not one of corpus.classes. */
static void note_other_votes(fv_ctx *ctx, const core_label_file *f)
{
	const core_votes *v = f->votes;
	const char *example = NULL;
	double votes = 0;
	for (int32_t s = 0; s < f->n_sources; s++) {
		if (f->target[s] != CORE_UNKNOWN_CLASS)
			continue;
		for (int32_t i = 0; i < v->n; i++)
			votes += v->count[(int64_t)i * v->n_classes + s];
		example = example ? example : f->source_class[s];
	}
	if (example)
		fv_note(ctx,
			"%s: votes that do not count, because corpus.classes does not list their "
			"class: %.0f ('%s', ...)",
			v->path, votes, example);
}

fv_status core_labels_find(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	fv_status status = FV_OK;
	f->label = -1;
	if (f->votes) {
		f->n_sources = f->votes->n_classes;
		f->source_class = f->votes->class_name;
	} else {
		status = find_label_column(ctx, f);
		if (!status)
			status = f->label < 0 ? find_class_columns(ctx, f) : list_labels(ctx, f);
	}
	if (!status)
		status = core_classes_map(ctx, f, c);
	if (!status && f->votes)
		note_other_votes(ctx, f);
	return status || !f->class_column ? status : core_counts_detect(ctx, f, c);
}

static fv_status read_one_label(
	fv_ctx *ctx, core_label_file *f, const core_corpus *c, int64_t r, float *y)
{
	const char *const *label;
	fv_status status = core_label_values(ctx, f, f->label, &label);
	if (status)
		return status;
	if (!label[r]) {
		f->dropped[r] = "without a class";
		return FV_OK;
	}
	int32_t class = f->target[core_names_find(f->source_class, f->n_sources, label[r])];
	if (class == CORE_DROPPED_CLASS) {
		f->dropped[r] = "of classes that corpus.map drops";
		return FV_OK;
	}
	if (class == CORE_UNKNOWN_CLASS)
		return CORE_ROW_FAIL(ctx, f, r,
			"label '%s' is not one of corpus.classes%s: corpus.map renames or drops it",
			label[r],
			core_suggest_name(ctx, label[r], c->class_name, (size_t)c->classes));
	double e = core_label_smoothing(f->spec), rest = e / c->classes;
	for (int32_t k = 0; k < c->classes; k++)
		y[k] = (float)(k == class ? 1 - e + rest : rest);
	return FV_OK;
}

fv_status core_labels_read(fv_ctx *ctx, core_label_file *f, const core_corpus *c)
{
	size_t n = (size_t)f->table.csv.n_rows, classes = (size_t)c->classes;
	f->y = core_alloc(ctx, n * classes, sizeof *f->y);
	f->votes_of_row = core_alloc(ctx, classes, sizeof *f->votes_of_row);
	if (!f->y || !f->votes_of_row)
		return FV_FAILED;
	fv_status status = f->votes ? core_votes_check(ctx, f) : FV_OK;
	if (status)
		return status;
	for (int64_t r = 0; r < (int64_t)n; r++) {
		float *y = f->y + (size_t)r * classes;
		fv_status row = FV_OK;
		if (f->excluded[r])
			continue;
		if (f->votes)
			core_row_votes_read(f, c, r, y);
		else
			row = f->class_column ? core_shares_read(ctx, f, c, r, y)
					      : read_one_label(ctx, f, c, r, y);
		if (row == FV_FAILED)
			return row;
		status = row ? row : status;
	}
	return status;
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
