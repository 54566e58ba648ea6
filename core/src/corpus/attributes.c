/* SPDX-License-Identifier: Apache-2.0 */
/* Reads attributes: gender from the label file; the others joined by speaker from a table or,
 * without a table, from columns of the label file. Bins turn numbers into values. A missing value
 * means unknown. */
#include <stdlib.h>
#include <string.h>

#include "corpus/corpus_private.h"

#include "base/missing.h"
#include "base/nearest.h"
#include "base/number.h"

/* Where the values of an attribute are: row [n] in csv, -1 for an utterance whose speaker is
 * missing there; value [csv rows], NULL where it is missing. */
struct source {
	const core_csv *csv;
	const int32_t *row;
	const char *const *value;
};

static const core_bins *find_bins(const core_corpus_spec *spec, const char *attribute)
{
	for (int32_t b = 0; b < spec->n_bins; b++)
		if (!strcmp(spec->bins[b].attribute, attribute))
			return &spec->bins[b];
	return NULL;
}

static int by_lower_bound(const void *a, const void *b)
{
	const core_bin *s = a, *t = b;
	return (s->low > t->low) - (s->low < t->low);
}

/* Sorts the bins of one attribute by lower bound; overlapping bins are an error. */
static fv_status sort_bins(
	fv_ctx *ctx, const core_corpus_spec *spec, const core_bins *bins, core_bin **out)
{
	size_t n = (size_t)bins->n;
	core_bin *bin = core_alloc(ctx, n, sizeof *bin);
	if (!bin)
		return FV_FAILED;
	memcpy(bin, bins->bin, n * sizeof *bin);
	qsort(bin, n, sizeof *bin, by_lower_bound);
	fv_status status = FV_OK;
	for (size_t i = 0; i < n; i++) {
		if (bin[i].low > bin[i].high)
			status = core_corpus_fail(ctx, &spec->place,
				"corpus.bins.%s.%s: %g is above %g", bins->attribute, bin[i].name,
				bin[i].low, bin[i].high);
		if (i && bin[i].low <= bin[i - 1].high)
			status = core_corpus_fail(ctx, &spec->place,
				"corpus.bins.%s: %s and %s overlap", bins->attribute,
				bin[i - 1].name, bin[i].name);
	}
	*out = bin;
	return status;
}

/* Sets bin_of [csv rows], the bin of every row in use; -1: unknown. Each bad cell is reported
 * once. */
static fv_status bin_rows(fv_ctx *ctx, const core_corpus *c, const struct source *from,
	const core_bins *bins, const core_bin *bin, int32_t *bin_of)
{
	enum { NOT_SEEN = -2 };
	fv_status status = FV_OK;
	int32_t outside = 0;
	for (int64_t r = 0; r < from->csv->n_rows; r++)
		bin_of[r] = NOT_SEEN;
	for (int32_t i = 0; i < c->n; i++) {
		int32_t r = from->row[i];
		if (r < 0 || bin_of[r] != NOT_SEEN)
			continue;
		bin_of[r] = -1;
		const char *cell = from->value[r];
		double number;
		if (!cell)
			continue;
		if (!core_parse_double(cell, &number)) {
			status = core_fail_at(ctx, FV_DATA, from->csv->path,
				(int)from->csv->line[r], 0, "%s: '%s' is not a finite number",
				bins->attribute, cell);
			continue;
		}
		for (int32_t b = 0; b < bins->n; b++)
			if (number >= bin[b].low && number <= bin[b].high)
				bin_of[r] = b;
		outside += bin_of[r] < 0;
	}
	if (outside)
		fv_warn(ctx,
			"%s: %d values of %s are in no bin of corpus.bins and count as unknown",
			from->csv->path, (int)outside, bins->attribute);
	return status;
}

/* Drops the bins without an utterance and renumbers the rest. */
static fv_status drop_empty_bins(
	fv_ctx *ctx, int32_t n, int32_t n_bins, const core_bin *bin, core_attribute *a)
{
	int32_t *number = core_alloc(ctx, (size_t)n_bins, sizeof *number);
	a->value = core_alloc(ctx, (size_t)n_bins, sizeof *a->value);
	if (!number || !a->value)
		return FV_FAILED;
	for (int32_t i = 0; i < n; i++)
		if (a->id[i] >= 0)
			number[a->id[i]] = 1;
	for (int32_t b = 0; b < n_bins; b++) {
		if (number[b]) {
			a->value[a->n_values] = bin[b].name;
			number[b] = a->n_values++;
		}
	}
	for (int32_t i = 0; i < n; i++)
		if (a->id[i] >= 0)
			a->id[i] = number[a->id[i]];
	return FV_OK;
}

static fv_status read_binned(fv_ctx *ctx, const core_label_file *f, const core_corpus *c,
	const struct source *from, const core_bins *bins, core_attribute *a)
{
	core_bin *bin;
	int32_t *bin_of = core_alloc(ctx, (size_t)from->csv->n_rows, sizeof *bin_of);
	if (!bin_of)
		return FV_FAILED;
	fv_status status = sort_bins(ctx, f->spec, bins, &bin);
	if (!status)
		status = bin_rows(ctx, c, from, bins, bin, bin_of);
	if (status)
		return status;
	for (int32_t i = 0; i < c->n; i++)
		a->id[i] = from->row[i] < 0 ? -1 : bin_of[from->row[i]];
	return drop_empty_bins(ctx, c->n, bins->n, bin, a);
}

/* Rejects two known values for one speaker; each speaker is reported once. */
static fv_status check_constant(fv_ctx *ctx, const core_label_file *f, const core_corpus *c,
	const core_attribute *a, bool is_gender)
{
	int32_t *first = malloc((size_t)(c->n_speakers + 1) * sizeof *first);
	if (!first)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (int32_t s = 0; s < c->n_speakers; s++)
		first[s] = -1;
	enum { TOLD = -2 };
	fv_status status = FV_OK;
	for (int64_t r = 0; r < f->table.csv.n_rows; r++) {
		int32_t i = f->utterance[r], s = i < 0 ? -1 : c->speaker[i];
		if (i < 0 || a->id[i] < 0 || first[s] == TOLD)
			continue;
		if (first[s] < 0) {
			first[s] = i;
		} else if (a->id[i] != a->id[first[s]]) {
			status = core_fail_at(ctx, FV_DATA, c->source[i], c->line[i], 0,
				"speaker '%s' has two values of %s: %s here, %s on line %d%s",
				c->speaker_name[s], a->name, a->value[a->id[i]],
				a->value[a->id[first[s]]], c->line[first[s]],
				is_gender ? ": if these are two people, join columns with "
					    "corpus.speaker_key"
					  : "");
			first[s] = TOLD;
		}
	}
	free(first);
	return status;
}

/* Marks the values that the metrics of an attribute count. */
static fv_status mark_counted(
	fv_ctx *ctx, const core_corpus_spec *spec, const core_bins *bins, core_attribute *a)
{
	a->counted = core_alloc(ctx, (size_t)a->n_values, sizeof *a->counted);
	if (!a->counted)
		return FV_FAILED;
	const core_values *list = NULL;
	for (int32_t v = 0; v < spec->n_values; v++)
		if (!strcmp(spec->values[v].attribute, a->name))
			list = &spec->values[v];
	for (int32_t v = 0; v < a->n_values; v++)
		a->counted[v] = !list;
	fv_status status = FV_OK;
	for (int32_t i = 0; list && i < list->names.n; i++) {
		int32_t v = core_attribute_value(a, list->names.item[i]);
		bool empty_bin = false;
		for (int32_t b = 0; bins && b < bins->n; b++)
			empty_bin = empty_bin || !strcmp(bins->bin[b].name, list->names.item[i]);
		if (v >= 0)
			a->counted[v] = true;
		else if (!empty_bin)
			status = core_corpus_fail(ctx, &spec->place,
				"corpus.values.%s: no utterance has '%s'%s", a->name,
				list->names.item[i],
				core_suggest_name(
					ctx, list->names.item[i], a->value, (size_t)a->n_values));
	}
	return status;
}

/* Keeps the values of an attribute as numbers where all are numbers. */
static fv_status set_numbers(fv_ctx *ctx, const core_attribute *a, double **out)
{
	double *number = core_alloc(ctx, (size_t)a->n_values, sizeof *number);
	if (!number)
		return FV_FAILED;
	for (int32_t v = 0; v < a->n_values; v++)
		if (!core_parse_double(a->value[v], &number[v]))
			return FV_OK;
	*out = a->n_values ? number : NULL;
	return FV_OK;
}

static fv_status read_attribute(fv_ctx *ctx, const core_label_file *f, const core_corpus *c,
	const struct source *from, bool is_gender, core_attribute *a)
{
	a->id = core_alloc(ctx, (size_t)c->n, sizeof *a->id);
	const char **text = core_alloc(ctx, (size_t)c->n, sizeof *text);
	if (!a->id || !text)
		return FV_FAILED;
	for (int32_t i = 0; i < c->n; i++)
		text[i] = from->row[i] < 0 ? NULL : from->value[from->row[i]];
	const core_bins *bins = find_bins(f->spec, a->name);
	fv_status status = bins ? read_binned(ctx, f, c, from, bins, a)
				: core_names_index(ctx, text, c->n, a->id, &a->value, &a->n_values);
	if (status)
		return status;
	fv_status constant = check_constant(ctx, f, c, a, is_gender);
	if (!bins && set_numbers(ctx, a, &c->number[a - c->attribute]))
		return FV_FAILED;
	fv_status counted = mark_counted(ctx, f->spec, bins, a);
	return constant ? constant : counted;
}

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
			"%s: %d of %d speakers are missing ('%s', ...): their attributes are "
			"unknown",
			table->path, (int)missing, (int)c->n_speakers, example);
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
		status = core_fail_at(ctx, FV_DATA, table->path, 1, 0,
			"no column 'SpkrID' or 'speaker': name it with corpus.attributes.speaker");
	return status;
}

static fv_status open_table(fv_ctx *ctx, const core_corpus_spec *spec, const core_corpus *c,
	core_csv *table, int32_t *row)
{
	int64_t column;
	fv_status status = core_csv_read(ctx, spec->attributes_file, table);
	if (!status)
		status = find_speakers(ctx, spec, table, &column);
	return status ? status : join_speakers(ctx, table, column, c, row);
}

/* Checks that every bins: and values: block names an attribute. */
static fv_status check_names(fv_ctx *ctx, const core_corpus_spec *spec, const core_corpus *c)
{
	const char **name = core_alloc(ctx, (size_t)c->n_attributes, sizeof *name);
	if (!name)
		return FV_FAILED;
	for (int32_t a = 0; a < c->n_attributes; a++)
		name[a] = c->attribute[a].name;
	fv_status status = FV_OK;
	for (int32_t i = 0; i < spec->n_bins + spec->n_values; i++) {
		bool bins = i < spec->n_bins;
		const char *word =
			bins ? spec->bins[i].attribute : spec->values[i - spec->n_bins].attribute;
		if (!core_corpus_attribute(c, word))
			status = core_corpus_fail(ctx, &spec->place,
				"corpus.%s: there is no attribute '%s'%s", bins ? "bins" : "values",
				word, core_suggest_name(ctx, word, name, (size_t)c->n_attributes));
	}
	return status;
}

/* Whether corpus.values lists the values that count: then a word like Unknown is one that does not. */
static bool has_value_list(const core_corpus_spec *spec, const char *attribute)
{
	for (int32_t v = 0; v < spec->n_values; v++)
		if (!strcmp(spec->values[v].attribute, attribute))
			return true;
	return false;
}

/* The values [rows] of a column; NULL where they are missing, or where `raw` is set only where the
 * cell is empty. */
static fv_status read_values(fv_ctx *ctx, const core_corpus_spec *spec, const core_csv *csv,
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

static fv_status find_table_column(fv_ctx *ctx, const core_corpus_spec *spec, const core_csv *csv,
	const core_column *want, int64_t *column)
{
	*column = core_csv_column(csv, want->column);
	if (*column >= 0)
		return FV_OK;
	return core_corpus_fail(ctx, &spec->place,
		"corpus.attributes.columns.%s: %s has no column '%s'%s", want->attribute, csv->path,
		want->column,
		core_suggest_name(ctx, want->column, (const char *const *)csv->header,
			(size_t)csv->n_columns));
}

/* Reads an attribute from a column of `from`. */
static fv_status read_column(fv_ctx *ctx, core_label_file *f, core_corpus *c, struct source *from,
	const core_column *want, int64_t column)
{
	core_attribute *a = &c->attribute[c->n_attributes++];
	a->name = want->attribute;
	fv_status status = FV_OK;
	if (column < 0)
		status = find_table_column(ctx, f->spec, from->csv, want, &column);
	if (!status)
		status = read_values(ctx, f->spec, from->csv, column,
			has_value_list(f->spec, a->name), &from->value);
	return status ? status : read_attribute(ctx, f, c, from, !strcmp(a->name, "gender"), a);
}

/* The attributes of corpus.columns, whose columns may be joined. */
static fv_status read_joined(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	const core_corpus_spec *spec = f->spec;
	struct source from = {&f->table.csv, f->row, NULL};
	fv_status status = FV_OK;
	for (int32_t i = 0; i < spec->n_label_attributes; i++) {
		const core_joined_column *want = &spec->label_attributes[i];
		const core_column one = {want->name, want->columns.item[0]};
		const char *key = core_format(ctx, "columns.%s", want->name);
		int64_t column;
		fv_status read =
			key ? core_column_find(ctx, f, key, one.column, NULL, &column) : FV_FAILED;
		if (!read && want->columns.n == 1) {
			read = read_column(ctx, f, c, &from, &one, column);
		} else if (!read) {
			core_attribute *a = &c->attribute[c->n_attributes++];
			a->name = want->name;
			read = core_label_named(ctx, f, &want->columns, key, &from.value);
			if (!read)
				read = read_attribute(ctx, f, c, &from, false, a);
		}
		status = read ? read : status;
	}
	return status;
}

/* The attributes of corpus.attributes, from its table or, without one, the label file. */
static fv_status read_declared(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	const core_corpus_spec *spec = f->spec;
	struct source from = {&f->table.csv, f->row, NULL};
	core_csv table;
	fv_status status = FV_OK;
	if (spec->n_attribute_columns && spec->attributes_file) {
		int32_t *row = core_alloc(ctx, (size_t)c->n, sizeof *row);
		status = row ? open_table(ctx, spec, c, &table, row) : FV_FAILED;
		from = (struct source){&table, row, NULL};
	}
	if (status)
		return status;
	for (int32_t d = 0; d < spec->n_attribute_columns; d++) {
		fv_status read = read_column(ctx, f, c, &from, &spec->attribute_columns[d], -1);
		status = read ? read : status;
	}
	return status;
}

/* Gender is read from the label file unless the configuration reads it from elsewhere. */
static bool finds_gender(const core_label_file *f)
{
	const core_corpus_spec *spec = f->spec;
	bool found = f->gender >= 0;
	for (int32_t d = 0; d < spec->n_attribute_columns; d++)
		found = found && strcmp(spec->attribute_columns[d].attribute, "gender") != 0;
	return found;
}

fv_status core_attributes_read(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	const core_corpus_spec *spec = f->spec;
	size_t most = (size_t)spec->n_attribute_columns + (size_t)spec->n_label_attributes + 1;
	c->attribute = core_alloc(ctx, most, sizeof *c->attribute);
	c->number = core_alloc(ctx, most, sizeof *c->number);
	if (!c->attribute || !c->number)
		return FV_FAILED;
	fv_status gender = FV_OK;
	if (finds_gender(f)) {
		struct source from = {&f->table.csv, f->row, NULL};
		const core_column want = {"gender", NULL};
		gender = read_column(ctx, f, c, &from, &want, f->gender);
	}
	fv_status joined = read_joined(ctx, f, c);
	fv_status declared = read_declared(ctx, f, c);
	fv_status names = declared == FV_FAILED ? FV_FAILED : check_names(ctx, spec, c);
	return gender ? gender : joined ? joined : declared ? declared : names;
}

fv_status core_speaker_values(
	fv_ctx *ctx, core_label_file *f, const char *column, const char *const **out)
{
	const core_corpus_spec *spec = f->spec;
	int64_t n = f->table.csv.n_rows, speaker;
	const core_column want = {column, column};
	int64_t at;
	core_csv table;
	const char *const *value;
	fv_status status = core_csv_read(ctx, spec->attributes_file, &table);
	if (!status)
		status = find_speakers(ctx, spec, &table, &speaker);
	if (!status)
		status = find_table_column(ctx, spec, &table, &want, &at);
	if (!status)
		status = read_values(ctx, spec, &table, at, false, &value);
	const char **found = core_alloc(ctx, (size_t)n, sizeof *found);
	const char **name = core_alloc(ctx, (size_t)table.n_rows, sizeof *name), **distinct;
	int32_t *id = core_alloc(ctx, (size_t)table.n_rows, sizeof *id), n_distinct;
	if (status || !found || !name || !id)
		return status ? status : FV_FAILED;
	for (int64_t r = 0; r < table.n_rows; r++)
		name[r] = core_csv_cell(&table, r, speaker);
	status = core_names_index(ctx, name, table.n_rows, id, &distinct, &n_distinct);
	const char **of_speaker = core_alloc(ctx, (size_t)table.n_rows, sizeof *of_speaker);
	if (status || !of_speaker)
		return FV_FAILED;
	for (int64_t r = 0; r < table.n_rows; r++)
		of_speaker[id[r]] = value[r];
	for (int64_t r = 0; r < n; r++) {
		int32_t s = core_names_find(distinct, n_distinct, f->speaker[r]);
		found[r] = s < 0 ? NULL : of_speaker[s];
	}
	*out = found;
	return FV_OK;
}
