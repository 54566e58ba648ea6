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
#include "base/plural.h"

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
	const char *key = core_format(ctx, "bins.%s", bins->attribute);
	if (!bin || !key)
		return FV_FAILED;
	memcpy(bin, bins->bin, n * sizeof *bin);
	qsort(bin, n, sizeof *bin, by_lower_bound);
	fv_status status = FV_OK;
	for (size_t i = 0; i < n; i++) {
		if (bin[i].low > bin[i].high)
			status = core_fail_key(ctx, FV_CONFIG,
				(core_key_ref){spec->block, key, bin[i].name},
				"corpus.bins.%s.%s: %g is above %g", bins->attribute, bin[i].name,
				bin[i].low, bin[i].high);
		if (i && bin[i].low <= bin[i - 1].high)
			status = core_fail_key(ctx, FV_CONFIG,
				(core_key_ref){spec->block, key, bin[i].name},
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
		fv_warn(ctx, "%s: %d value%s of %s %s in no bin of corpus.bins and %s as unknown",
			from->csv->path, (int)outside, core_plural(outside), bins->attribute,
			outside == 1 ? "is" : "are", outside == 1 ? "counts" : "count");
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

static fv_status refuse_value(
	fv_ctx *ctx, const core_corpus_spec *spec, const core_attribute *a, const char *value)
{
	const char *key = core_format(ctx, "values.%s", a->name);
	return core_fail_key(ctx, FV_CONFIG,
		(core_key_ref){spec->block, key ? key : "values", value},
		"corpus.values.%s: no utterance has '%s'%s", a->name, value,
		core_suggest_name(ctx, value, a->value, (size_t)a->n_values));
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
			status = refuse_value(ctx, spec, a, list->names.item[i]);
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
	fv_status status = core_csv_check_names(ctx, from->csv, a->name, from->value);
	if (status)
		return status;
	const core_bins *bins = find_bins(f->spec, a->name);
	status = bins ? read_binned(ctx, f, c, from, bins, a)
		      : core_names_index(ctx, text, c->n, a->id, &a->value, &a->n_values);
	if (status)
		return status;
	fv_status constant = check_constant(ctx, f, c, a, is_gender);
	if (!bins && set_numbers(ctx, a, &c->number[a - c->attribute]))
		return FV_FAILED;
	fv_status counted = mark_counted(ctx, f->spec, bins, a);
	return constant ? constant : counted;
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
	for (int32_t a = 0; a < c->n_attributes; a++)
		for (int32_t other = 0; other < a; other++)
			if (!strcmp(name[a], name[other]))
				status = core_fail_key(ctx, FV_CONFIG,
					(core_key_ref){spec->block, "attributes.columns", name[a]},
					"attribute '%s' is both in corpus.columns and in "
					"corpus.attributes: remove one",
					name[a]);
	for (int32_t i = 0; i < spec->n_bins + spec->n_values; i++) {
		bool bins = i < spec->n_bins;
		const char *word =
			bins ? spec->bins[i].attribute : spec->values[i - spec->n_bins].attribute;
		if (!core_corpus_attribute(c, word))
			status = core_fail_key(ctx, FV_CONFIG,
				(core_key_ref){spec->block, bins ? "bins" : "values", word},
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

/* Reads an attribute from a column of `from`. */
static fv_status read_column(fv_ctx *ctx, core_label_file *f, core_corpus *c, struct source *from,
	const core_column *want, int64_t column)
{
	core_attribute *a = &c->attribute[c->n_attributes++];
	a->name = want->attribute;
	fv_status status = FV_OK;
	if (column < 0)
		status = core_attribute_column_find(ctx, f->spec, from->csv, want, &column);
	if (!status)
		status = core_table_values(ctx, f->spec, from->csv, column,
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
		status = row ? core_attribute_table_open(ctx, spec, c, &table, row) : FV_FAILED;
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
