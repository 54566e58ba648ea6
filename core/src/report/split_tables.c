/* SPDX-License-Identifier: Apache-2.0 */
#include "report/split_tables.h"

#include "base/plural.h"
#include "run/evaluation.h"

/* --- classes, all rows ------------------------------------------------------------------------ */

static void fill_counts(
	core_result_table *t, size_t row, const char *name, const int32_t *count, int n_splits)
{
	*core_table_at(t, row, 0) = core_value_text(name);
	for (size_t s = 0; s < (size_t)n_splits; s++)
		*core_table_at(t, row, 1 + s) = core_value_count(count[s]);
}

static fv_status add_totals(fv_ctx *ctx, const core_split_report *r, core_document *document)
{
	const core_corpus *c = r->corpus;
	size_t classes = (size_t)c->classes;
	core_result_table *t = core_document_add(
		ctx, document, "totals", NULL, classes + 3, 1 + (size_t)r->n_splits);
	if (!t)
		return FV_FAILED;
	t->column[0] = core_plain_column("count", "", CORE_FOR_PEOPLE);
	for (int s = 0; s < r->n_splits; s++)
		t->column[1 + s] = core_plain_column(core_corpus_split_name(r->corpus, s),
			core_corpus_split_name(r->corpus, s), CORE_FOR_PEOPLE);
	int32_t n[CORE_SPLITS_MAX], speakers[CORE_SPLITS_MAX], none[CORE_SPLITS_MAX],
		of[CORE_SPLITS_MAX];
	for (int s = 0; s < r->n_splits; s++) {
		n[s] = r->split[s].n;
		speakers[s] = r->split[s].speakers;
		none[s] = r->split[s].no_majority;
	}
	fill_counts(t, 0, "recordings", n, r->n_splits);
	fill_counts(t, 1, "speakers", speakers, r->n_splits);
	for (size_t k = 0; k < classes; k++) {
		for (int s = 0; s < r->n_splits; s++)
			of[s] = r->split[s].klass[k];
		fill_counts(t, 2 + k, c->class_name[k], of, r->n_splits);
	}
	fill_counts(t, 2 + classes, "no majority", none, r->n_splits);
	return FV_OK;
}

/* --- one attribute ---------------------------------------------------------------------------- */

/* Fills one row with the counts [n_values] of each split. */
static void fill_values(core_result_table *t, size_t row, const char *name, int32_t values,
	const int32_t *const *from, int n_splits)
{
	*core_table_at(t, row, 0) = core_value_text(name);
	for (int s = 0; s < n_splits; s++)
		for (int32_t v = 0; v < values; v++)
			*core_table_at(t, row, 1 + (size_t)(s * values + v)) =
				core_value_count(from[s][v]);
}

/* Values in brackets, "(Unknown)", are used in training but left out of the metrics. */
static fv_status set_columns(
	fv_ctx *ctx, const core_split_report *r, const core_attribute *a, core_result_table *t)
{
	t->column[0] = core_plain_column("count", a->name, CORE_FOR_PEOPLE);
	for (int s = 0; s < r->n_splits; s++)
		for (int32_t v = 0; v < a->n_values; v++) {
			const char *title = core_format(ctx, a->counted[v] ? "%s %s" : "%s (%s)",
				core_corpus_split_name(r->corpus, s), a->value[v]);
			if (!title)
				return FV_FAILED;
			t->column[1 + s * a->n_values + v] =
				core_plain_column("count", title, CORE_FOR_PEOPLE);
		}
	return FV_OK;
}

static fv_status add_unknown_notes(
	fv_ctx *ctx, const core_split_report *r, int32_t a, core_document *document)
{
	fv_status status = FV_OK;
	for (int s = 0; s < r->n_splits && !status; s++)
		if (r->split[s].unknown[a])
			status = core_document_note(ctx, document, "%s unknown in %s: %d",
				r->corpus->attribute[a].name, core_corpus_split_name(r->corpus, s),
				(int)r->split[s].unknown[a]);
	return status;
}

static fv_status add_attribute(
	fv_ctx *ctx, const core_split_report *r, int32_t a, core_document *document)
{
	const core_corpus *c = r->corpus;
	const core_attribute *attribute = &c->attribute[a];
	int32_t values = attribute->n_values;
	const int32_t *from[CORE_SPLITS_MAX];
	size_t row = 0, rows = (size_t)c->classes + (r->draws ? 3 : 1);
	core_result_table *t = core_document_add(
		ctx, document, "attribute", NULL, rows, 1 + (size_t)(r->n_splits * values));
	fv_status status = t ? set_columns(ctx, r, attribute, t) : FV_FAILED;
	if (status)
		return status;
	for (int32_t k = 0; k < c->classes; k++) {
		for (int s = 0; s < r->n_splits; s++)
			from[s] = r->split[s].class_value[a] + (size_t)k * (size_t)values;
		fill_values(t, row++, c->class_name[k], values, from, r->n_splits);
	}
	t->line[row] = true;
	for (int s = 0; s < r->n_splits; s++)
		from[s] = r->split[s].value[a];
	fill_values(t, row++, "all rows", values, from, r->n_splits);
	for (int high = 0; r->draws && high < 2; high++) {
		for (int s = 0; s < r->n_splits; s++)
			from[s] = high ? r->split[s].high[a] : r->split[s].low[a];
		fill_values(
			t, row++, high ? "most drawn" : "least drawn", values, from, r->n_splits);
	}
	return add_unknown_notes(ctx, r, a, document);
}

/* A table of each year of age would be too wide to read. */
static bool is_raw_number(const core_corpus *c, int32_t attribute)
{
	return c->number && c->number[attribute] &&
	       c->attribute[attribute].n_values > CORE_EVAL_VALUES_MAX;
}

static bool leaves_values_out(const core_corpus *c)
{
	for (int32_t a = 0; a < c->n_attributes; a++)
		for (int32_t v = 0; v < c->attribute[a].n_values; v++)
			if (!c->attribute[a].counted[v])
				return true;
	return false;
}

fv_status core_split_tables(fv_ctx *ctx, const core_split_report *r, core_document *document)
{
	document->heading =
		core_format(ctx, "%s, fold %lld", r->corpus->labels, (long long)r->fold);
	fv_status status = document->heading ? add_totals(ctx, r, document) : FV_FAILED;
	for (int32_t a = 0; a < r->corpus->n_attributes && !status; a++)
		status = is_raw_number(r->corpus, a)
				 ? core_document_note(ctx, document,
					   "%s has %d numeric values: corpus.bins groups them.",
					   r->corpus->attribute[a].name,
					   (int)r->corpus->attribute[a].n_values)
				 : add_attribute(ctx, r, a, document);
	if (!status)
		status = core_document_note(ctx, document,
			"Classes count rows with a strict majority, \"all rows\" every row of the "
			"split.");
	for (int32_t i = 0; i < r->corpus->n_left_out && !status; i++)
		status = core_document_note(ctx, document, "%d of %d row%s %s left out: %s.",
			(int)r->corpus->left_out[i].n, (int)r->corpus->n_rows,
			core_plural(r->corpus->n_rows),
			r->corpus->left_out[i].n == 1 ? "is" : "are", r->corpus->left_out[i].why);
	if (!status && leaves_values_out(r->corpus))
		status = core_document_note(
			ctx, document, "(In brackets: trained on, but left out of the metrics.)");
	if (!status && r->draws)
		status = core_document_note(ctx, document,
			"Least and most of %d draw%s of the bias.", (int)r->draws,
			core_plural(r->draws));
	return status;
}
