/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "report/decimal.h"
#include "report/grid_tables.h"
#include "report/low_support.h"
#include "report/notes.h"
#include "report/paper.h"

enum { LABEL, KIND, VARIANT, SELECT, FIRST };

static const core_mean *find_value(const core_paper *p, int32_t row, int32_t column)
{
	const core_grid_row *from = p->row[row].row;
	int64_t at = p->column[column].grid;
	return from && at >= 0 ? &from->value[at] : NULL;
}

static double from_thousandths(int64_t value)
{
	return value == CORE_NO_NUMBER ? NAN : (double)value / 1000;
}

static const char *make_title(fv_ctx *ctx, const core_paper_column *c)
{
	core_metric_id id;
	const char *title =
		core_metric_find(c->metric, &id) ? core_metric_at(id)->title : c->metric;
	return c->attribute ? core_format(ctx, "%s %s", c->attribute, title) : title;
}

static fv_status set_columns(fv_ctx *ctx, const core_paper *p, unsigned parts, core_result_table *t)
{
	t->column[LABEL] = core_plain_column("label", "method", CORE_FOR_ALL);
	t->column[KIND] = core_plain_column(p->variant_title, p->variant_title, CORE_FOR_ALL);
	t->column[VARIANT] = core_plain_column("variant", "variant", CORE_FOR_JSON | CORE_FOR_CSV);
	t->column[SELECT] = core_plain_column("select", "select", CORE_FOR_JSON | CORE_FOR_CSV);
	for (int32_t j = 0; j < p->n_columns; j++) {
		const core_paper_column *c = &p->column[j];
		t->column[FIRST + j] = (core_table_column){.path = {"values", c->published},
			.title = make_title(ctx, c),
			.audience = CORE_FOR_ALL,
			.attribute = c->attribute,
			.metric = c->metric,
			.parts = parts,
			.has_support = c->attribute != NULL};
		if (!t->column[FIRST + j].title)
			return FV_FAILED;
	}
	return FV_OK;
}

static void fill_names(const core_paper_row *row, core_result_table *t, size_t i)
{
	*core_table_at(t, i, LABEL) = core_value_text(row->label);
	*core_table_at(t, i, KIND) = core_value_text(row->variant);
	if (!row->row)
		return;
	core_table_at(t, i, LABEL)->mark = core_row_marks(row->row);
	*core_table_at(t, i, VARIANT) = core_value_text(core_row_name(row->row));
	*core_table_at(t, i, SELECT) = core_value_text(row->row->facts->selection.rule);
}

/* --- the layout ------------------------------------------------------------------------------- */

static void fill_methods(const core_paper *p, core_result_table *t)
{
	for (int32_t i = 0; i < p->n_rows; i++) {
		fill_names(&p->row[i], t, (size_t)i);
		for (int32_t j = 0; j < p->n_columns; j++) {
			const core_mean *m = find_value(p, i, j);
			core_table_value *v = core_table_at(t, (size_t)i, FIRST + (size_t)j);
			if (!m)
				continue;
			core_figure f = core_figure_of(m->fold_mean);
			f.e.value = m->mean;
			f.sd = m->sd;
			f.folds = m->folds;
			*v = core_value_figure(f);
			v->low_support = core_column_has_low_support(
				p->grid, p->row[i].row, (size_t)p->column[j].grid, false);
		}
	}
}

static core_table_value make_gain(const core_paper_scope *scope, int32_t j)
{
	int64_t gain = scope->gain[j];
	core_figure f =
		core_figure_of(core_estimate_of(gain == CORE_NO_NUMBER ? NAN : (double)gain / 100));
	f.change = scope->change[j];
	f.excess_change = scope->excess[j];
	core_table_value v = core_value_figure(f);
	v.has_format = true;
	v.format = CORE_PERCENT;
	return v;
}

static void fill_scopes(const core_paper *p, core_result_table *t)
{
	for (int32_t s = 0; s < p->n_scopes; s++) {
		const core_paper_scope *scope = &p->scope[s];
		size_t overall = (size_t)p->n_rows + (size_t)s,
		       gain = overall + (size_t)p->n_scopes;
		*core_table_at(t, overall, LABEL) = core_value_text("Overall");
		*core_table_at(t, gain, LABEL) = core_value_text("Gain");
		*core_table_at(t, overall, KIND) = core_value_text(scope->variant);
		*core_table_at(t, gain, KIND) = core_value_text(scope->variant);
		t->line[overall] = t->line[gain] = s == 0;
		for (int32_t j = 0; j < p->n_columns; j++) {
			*core_table_at(t, overall, FIRST + (size_t)j) =
				core_value_number(from_thousandths(scope->overall[j]));
			*core_table_at(t, gain, FIRST + (size_t)j) = make_gain(scope, j);
		}
	}
}

/* Ranks best and second in three scopes: the methods, the Overalls, the Gains. */
static fv_status rank_column(fv_ctx *ctx, const core_paper *p, int32_t j, core_result_table *t)
{
	size_t n = t->n_rows, methods = (size_t)p->n_rows, scopes = (size_t)p->n_scopes;
	int64_t *value = core_alloc(ctx, n + 1, sizeof *value);
	bool *skip = core_alloc(ctx, n + 1, sizeof *skip), better = p->column[j].higher_is_better;
	core_rank *rank = core_alloc(ctx, n + 1, sizeof *rank);
	if (!value || !skip || !rank)
		return FV_FAILED;
	for (size_t i = 0; i < methods; i++) {
		const core_paper_row *row = &p->row[i];
		value[i] = row->printed[j];
		skip[i] = !row->ranked || (row->row && core_row_unranked(row->row));
	}
	for (size_t s = 0; s < scopes; s++) {
		value[methods + s] = p->scope[s].overall[j];
		value[methods + scopes + s] = p->scope[s].gain[j];
	}
	core_rank_values(methods, value, skip, better, rank);
	core_rank_values(scopes, value + methods, skip + methods, better, rank + methods);
	core_rank_values(scopes, value + methods + scopes, skip + methods + scopes, true,
		rank + methods + scopes);
	for (size_t i = 0; i < n; i++)
		core_table_at(t, i, FIRST + (size_t)j)->rank = rank[i];
	return FV_OK;
}

static fv_status add_layout(fv_ctx *ctx, const core_paper *p, core_document *document)
{
	core_result_table *t = core_document_add(ctx, document, "rows",
		"fold_mean [excess over the null, p]; ▲ above its null (p ≤ .05); Overall: mean of "
		"the values as printed; Gain over the first row in percent (change; change of the "
		"excess)",
		(size_t)p->n_rows + 2 * (size_t)p->n_scopes, FIRST + (size_t)p->n_columns);
	fv_status status = t ? set_columns(ctx, p, CORE_SHOW_NULL | CORE_SHOW_GAIN, t) : FV_FAILED;
	if (status)
		return status;
	t->audience = CORE_FOR_ALL;
	fill_methods(p, t);
	fill_scopes(p, t);
	for (int32_t j = 0; j < p->n_columns && !status; j++)
		status = rank_column(ctx, p, j, t);
	return status;
}

/* --- against the published table -------------------------------------------------------------- */

static fv_status add_published(fv_ctx *ctx, const core_paper *p, core_document *document)
{
	core_result_table *t = core_document_add(ctx, document, "published",
		"ours ± half width of the 95% t interval of the mean over folds / "
		"published; inside or outside that interval",
		(size_t)p->n_rows, FIRST + (size_t)p->n_columns);
	fv_status status =
		t ? set_columns(ctx, p, CORE_SHOW_HALF_WIDTH | CORE_SHOW_PUBLISHED, t) : FV_FAILED;
	if (status)
		return status;
	t->audience = CORE_FOR_ALL;
	for (int32_t i = 0; i < p->n_rows; i++) {
		fill_names(&p->row[i], t, (size_t)i);
		for (int32_t j = 0; j < p->n_columns; j++) {
			const core_mean *m = find_value(p, i, j);
			core_figure f = core_figure_of(core_estimate_of(m ? m->mean : NAN));
			double half = m ? core_paper_width(m) : NAN;
			f.e.low = f.e.value - half;
			f.e.high = f.e.value + half;
			f.e.level = isnan(half) ? NAN : 0.95;
			f.published = from_thousandths(p->row[i].published[j]);
			*core_table_at(t, (size_t)i, FIRST + (size_t)j) = core_value_figure(f);
		}
	}
	return FV_OK;
}

static fv_status add_notes(fv_ctx *ctx, const core_paper *p, core_document *document)
{
	fv_status status =
		core_document_note(ctx, document, "— no variant in this folder matches the row.");
	if (!status && p->n_on_test)
		status = core_document_note(ctx, document,
			"Variants chosen on test are not shown in this layout: %d left out.",
			(int)p->n_on_test);
	return status ? status : core_grid_notes(ctx, p->grid, document);
}

fv_status core_paper_tables(fv_ctx *ctx, const core_paper *p, core_document *document)
{
	json_t *head = json_pack("{s:i, s:s, s:b}", "schema_version", 2, "layout", p->name,
		"synthetic", p->grid->synthetic);
	int failed = head ? json_object_update(document->head, head) : -1;
	json_decref(head);
	if (failed)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	fv_status status = add_layout(ctx, p, document);
	if (!status && p->against)
		status = add_published(ctx, p, document);
	if (!status)
		status = core_add_variants(ctx, p->grid, false, document);
	return status ? status : add_notes(ctx, p, document);
}
