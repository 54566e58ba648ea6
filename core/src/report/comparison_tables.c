/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "report/audit_tables.h"

/* Adds the metrics of the given kinds with difference, interval and p. */
static fv_status add_metrics(fv_ctx *ctx, const char *name, unsigned kinds,
	const core_estimate *metric, const char *title, core_document *document)
{
	size_t rows = 0, at = 0;
	for (int k = 0; k < CORE_METRICS; k++)
		rows += (core_metric_at((core_metric_id)k)->kind & kinds) != 0;
	core_result_table *t = core_document_add(ctx, document, "comparison", title, rows, 3);
	if (!t)
		return FV_FAILED;
	t->column[0] = core_plain_column("metric", name, CORE_FOR_PEOPLE);
	t->column[1] = (core_table_column){.title = "A - B [95% interval]",
		.audience = CORE_FOR_PEOPLE,
		.parts = CORE_SHOW_INTERVAL,
		.format = CORE_SIGNED};
	t->column[2] = (core_table_column){
		.title = "p", .audience = CORE_FOR_PEOPLE, .format = CORE_FOUR_DECIMALS};
	for (int k = 0; k < CORE_METRICS; k++) {
		if (!(core_metric_at((core_metric_id)k)->kind & kinds))
			continue;
		*core_table_at(t, at, 0) = core_value_text(core_metric_at((core_metric_id)k)->name);
		*core_table_at(t, at, 1) = core_value_figure(core_figure_of(metric[k]));
		*core_table_at(t, at++, 2) = core_value_number(metric[k].p);
	}
	return FV_OK;
}

enum { CLASS, BEST, BEST_CHANGE, WORST, WORST_CHANGE, LEVELLED, COLUMNS };

static void fill_change(core_result_table *t, size_t row, const char *name,
	const core_attribute_comparison *a, const core_level_change *change)
{
	*core_table_at(t, row, CLASS) = core_value_text(name);
	*core_table_at(t, row, BEST_CHANGE) = core_value_number(change->best_change);
	*core_table_at(t, row, WORST_CHANGE) = core_value_number(change->worst_change);
	*core_table_at(t, row, LEVELLED) = core_value_text(change->flag ? "levelled down" : "");
	if (change->best < 0)
		return;
	*core_table_at(t, row, BEST) = core_value_text(a->group[change->best]);
	*core_table_at(t, row, WORST) = core_value_text(a->group[change->worst]);
}

static fv_status add_levelling(fv_ctx *ctx, const core_comparison *m,
	const core_attribute_comparison *a, core_document *document)
{
	static const char *const titles[COLUMNS] = {
		"class", "best in B", "change to A", "worst in B", "change to A", ""};
	size_t classes = (size_t)m->C;
	core_result_table *t = core_document_add_titled(ctx, document, "levelling",
		"TPR of the groups that are best and worst in B", titles, COLUMNS, classes + 1);
	if (!t)
		return FV_FAILED;
	for (size_t j = 0; j < COLUMNS; j++)
		t->column[j].format = CORE_SIGNED;
	for (size_t c = 0; c < classes; c++)
		fill_change(t, c, m->classes[c], a, &a->levelling.per_class[c]);
	fill_change(t, classes, "mean", a, &a->levelling.mean);
	t->line[classes] = true;
	return FV_OK;
}

fv_status core_comparison_tables(fv_ctx *ctx, const char *first, const char *second,
	const core_comparison *m, core_document *document)
{
	const char *title = core_format(ctx, "A - B, A = %s, B = %s", first, second);
	fv_status status =
		title ? add_metrics(ctx, "metric", CORE_METRIC_OVERALL, m->metric, title, document)
		      : FV_FAILED;
	for (int32_t k = 0; k < m->n_attributes && !status; k++) {
		const core_attribute_comparison *a = &m->attribute[k];
		status = add_metrics(ctx, a->name, CORE_METRIC_GAP | CORE_METRIC_GROUP, a->metric,
			NULL, document);
		if (!status)
			status = add_levelling(ctx, m, a, document);
	}
	return status;
}
