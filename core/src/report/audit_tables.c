/* SPDX-License-Identifier: Apache-2.0 */
#include "report/audit_tables.h"

#include <math.h>

#include "base/plural.h"
#include "eval/slope.h"
#include "report/confusion_table.h"
#include "report/low_support.h"

enum { PAIRS_SHOWN = 3 }; /* those of three groups; the JSON has all */

static core_table_column figure_column(const char *title, unsigned parts, core_number_format format)
{
	return (core_table_column){
		.title = title, .audience = CORE_FOR_PEOPLE, .parts = parts, .format = format};
}

/* --- all rows --------------------------------------------------------------------------------- */

static const char *make_heading(fv_ctx *ctx, const char *path, const core_metrics *m)
{
	core_text text = {0};
	core_text_add(&text, "%s: %lld row%s", path, (long long)m->n, core_plural(m->n));
	if (m->n_speakers)
		core_text_add(
			&text, ", %d speaker%s", (int)m->n_speakers, core_plural(m->n_speakers));
	core_text_add(&text, ", %d classes; positive above %.9g", (int)m->C, (double)m->threshold);
	if (m->cut)
		core_text_add(&text, ", predicted above %.9g", (double)m->cut[0]);
	if (m->draws)
		core_text_add(&text, "; %lld draw%s", (long long)m->draws, core_plural(m->draws));
	return core_text_move(ctx, &text);
}

static size_t count_metrics(core_metric_kind kind)
{
	size_t n = 0;
	for (int k = 0; k < CORE_METRICS; k++)
		n += core_metric_is((core_metric_id)k, kind);
	return n;
}

/* Is it a metric of all rows that was computed? */
static bool is_overall_of(const core_metrics *m, core_metric_id id)
{
	return core_metric_is_overall(id) &&
	       (m->n_speakers || !core_metric_is(id, CORE_METRIC_SPEAKERS));
}

static fv_status add_overall(
	fv_ctx *ctx, const char *path, const core_metrics *m, core_document *document)
{
	const char *title = make_heading(ctx, path, m);
	size_t rows = 2, at = 0;
	for (int k = 0; k < CORE_METRICS; k++)
		rows += is_overall_of(m, (core_metric_id)k);
	core_result_table *t = core_document_add(ctx, document, "overall", title, rows, 2);
	if (!t || !title)
		return FV_FAILED;
	t->column[0] = core_plain_column("metric", "metric", CORE_FOR_PEOPLE);
	t->column[1] =
		figure_column("value", CORE_SHOW_NULL | CORE_SHOW_INTERVAL, CORE_THREE_DECIMALS);
	for (int k = 0; k < CORE_METRICS; k++) {
		if (!is_overall_of(m, (core_metric_id)k))
			continue;
		*core_table_at(t, at, 0) =
			core_value_text(core_metric_at((core_metric_id)k)->title);
		*core_table_at(t, at++, 1) = core_value_figure(core_figure_of(m->metric[k]));
	}
	const char *const names[] = {"labels per row, predicted", "labels per row, true"};
	const double values[] = {m->threshold_free.labels_predicted, m->threshold_free.labels_true};
	for (size_t k = 0; k < 2; k++) {
		*core_table_at(t, at, 0) = core_value_text(names[k]);
		*core_table_at(t, at++, 1) = core_value_number(values[k]);
	}
	return FV_OK;
}

/* --- one attribute ---------------------------------------------------------------------------- */

/* Names the groups of a product that are left out. */
static fv_status add_left_out(fv_ctx *ctx, const core_attribute_metrics *a, core_document *document)
{
	fv_status status = FV_OK;
	for (int32_t k = 0; k < a->n_small && !status; k++)
		status = core_document_note(ctx, document,
			"%s: '%s' has %lld row%s and is left out.", a->name, a->small[k],
			(long long)a->small_rows[k], a->small_rows[k] == 1 ? "" : "s");
	return status;
}

static fv_status add_groups(fv_ctx *ctx, const core_attribute_metrics *a, core_document *document)
{
	size_t groups = (size_t)a->G, rows = groups + (a->unknown_rows > 0);
	core_result_table *t =
		core_document_add(ctx, document, "groups", NULL, rows, a->speakers ? 3 : 2);
	if (!t)
		return FV_FAILED;
	t->column[0] = core_plain_column("group", a->name, CORE_FOR_PEOPLE);
	t->column[1] = core_plain_column("rows", "rows", CORE_FOR_PEOPLE);
	if (a->speakers)
		t->column[2] = core_plain_column("speakers", "speakers", CORE_FOR_PEOPLE);
	for (size_t g = 0; g < groups; g++) {
		*core_table_at(t, g, 0) = core_value_text(a->group[g]);
		*core_table_at(t, g, 1) = core_value_count(a->rows[g]);
		if (a->speakers)
			*core_table_at(t, g, 2) = core_value_count(a->speakers[g]);
	}
	if (rows > groups) {
		*core_table_at(t, groups, 0) = core_value_text("(unknown, left out)");
		*core_table_at(t, groups, 1) = core_value_count(a->unknown_rows);
	}
	return add_left_out(ctx, a, document);
}

static fv_status add_gaps(fv_ctx *ctx, const core_attribute_metrics *a, int32_t C,
	int64_t min_support, core_document *document)
{
	size_t rows = count_metrics(CORE_METRIC_GAP) + count_metrics(CORE_METRIC_GROUP), at = 0;
	core_result_table *t = core_document_add(ctx, document, "gaps", NULL, rows, 6);
	if (!t)
		return FV_FAILED;
	t->column[0] = core_plain_column("metric", a->name, CORE_FOR_PEOPLE);
	t->column[1] = figure_column("value", 0, CORE_THREE_DECIMALS);
	t->column[2] = figure_column("null mean", 0, CORE_THREE_DECIMALS);
	t->column[3] = figure_column("null 95% (ratio: 5%)", 0, CORE_THREE_DECIMALS);
	t->column[4] = figure_column("excess", 0, CORE_SIGNED);
	t->column[5] = figure_column("p", 0, CORE_FOUR_DECIMALS);
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *metric = core_metric_at((core_metric_id)k);
		const core_estimate *e = &a->metric[k];
		if (!metric->of_groups)
			continue;
		double edge = metric->higher_is_better ? e->null_p05 : e->null_p95;
		const double value[] = {e->value, e->null_mean, edge, e->excess, e->p};
		*core_table_at(t, at, 0) = core_value_text(metric->name);
		for (size_t j = 0; j < 5; j++)
			*core_table_at(t, at, 1 + j) = core_value_number(value[j]);
		core_table_at(t, at++, 1)->low_support =
			core_metric_has_low_support(a, C, (core_metric_id)k, min_support);
	}
	return FV_OK;
}

/* Fills a row of the table of rates from values that are `step` doubles apart. */
static void fill_group_row(core_result_table *t, size_t row, const core_attribute_metrics *a,
	const char *name, const double *value, size_t stride)
{
	*core_table_at(t, row, 0) = core_value_text(name);
	for (int32_t g = 0; g < a->G; g++) {
		if (a->rows[g])
			*core_table_at(t, row, 1 + (size_t)g) = core_value_number(*value);
		value = (const double *)((const char *)value + stride);
	}
}

/* Adds an empty table with a column for each group. */
static core_result_table *add_group_columns(fv_ctx *ctx, const core_attribute_metrics *a,
	const char *title, size_t rows, core_document *document)
{
	size_t groups = (size_t)a->G;
	core_result_table *t = core_document_add(ctx, document, "rates", NULL, rows, 1 + groups);
	if (!t)
		return NULL;
	t->column[0] = core_plain_column("class", title, CORE_FOR_PEOPLE);
	for (size_t g = 0; g < groups; g++) {
		t->column[1 + g] =
			figure_column(a->group[g], CORE_SHOW_INTERVAL, CORE_THREE_DECIMALS);
		if (!a->rows[g])
			t->column[1 + g].audience = 0;
	}
	return t;
}

/* Fills a row for each class with the groups' rates [C, G], which rest on `positives`. */
static void fill_rates(core_result_table *t, const core_metrics *m, const core_attribute_metrics *a,
	const core_estimate *rate, const int64_t *positives, int64_t min_support)
{
	size_t groups = (size_t)a->G;
	for (size_t c = 0; c < (size_t)m->C; c++) {
		*core_table_at(t, c, 0) = core_value_text(m->classes[c]);
		for (size_t g = 0; g < groups; g++) {
			core_table_value *v = core_table_at(t, c, 1 + g);
			int64_t n = positives[c * groups + g];
			*v = core_value_figure(core_figure_of(rate[c * groups + g]));
			v->low_support = core_metric_low_support(CORE_TPR_GAP, n, n, min_support);
		}
	}
	t->line[m->C] = true;
}

static fv_status add_rates(fv_ctx *ctx, const core_metrics *m, const core_attribute_metrics *a,
	int64_t min_support, core_document *document)
{
	size_t classes = (size_t)m->C;
	core_result_table *t = add_group_columns(ctx, a, "TPR", classes + 3, document);
	if (!t)
		return FV_FAILED;
	fill_rates(t, m, a, a->tpr, a->positives, min_support);
	fill_group_row(t, classes, a, "F1", a->group_f1, sizeof *a->group_f1);
	fill_group_row(t, classes + 1, a, "ACC", a->group_acc, sizeof *a->group_acc);
	fill_group_row(
		t, classes + 2, a, "AUC", &a->threshold_free[0].auc, sizeof *a->threshold_free);
	return FV_OK;
}

/* The same in the argmax reading. */
static fv_status add_recalls(fv_ctx *ctx, const core_metrics *m, const core_attribute_metrics *a,
	int64_t min_support, core_document *document)
{
	static const core_metric_id shown[] = {
		CORE_UAR, CORE_ACCURACY, CORE_ARGMAX_F1, CORE_ECE, CORE_BRIER};
	size_t classes = (size_t)m->C, stride = CORE_METRICS * sizeof *a->group_metric;
	core_result_table *t = add_group_columns(ctx, a, "recall (argmax)", classes + 5, document);
	if (!t)
		return FV_FAILED;
	fill_rates(t, m, a, a->recall, a->argmax_positives, min_support);
	for (size_t k = 0; k < 5; k++)
		fill_group_row(t, classes + k, a, core_metric_at(shown[k])->title,
			&a->group_metric[shown[k]].value, stride);
	return FV_OK;
}

/* Adds the TPR of one group minus that of another, for each class. */
static fv_status add_differences(fv_ctx *ctx, int32_t C, const char *const *classes,
	const core_attribute_metrics *a, core_document *document)
{
	size_t pairs = (size_t)a->n_differences;
	if (pairs > PAIRS_SHOWN)
		return core_document_note(ctx, document,
			"TPR differences of %d pairs of groups of %s: see --json.",
			(int)a->n_differences, a->name);
	core_result_table *t =
		core_document_add(ctx, document, "differences", NULL, (size_t)C, 1 + pairs);
	if (!t)
		return FV_FAILED;
	t->column[0] = core_plain_column("class", "TPR, less TPR", CORE_FOR_PEOPLE);
	for (size_t k = 0; k < pairs; k++) {
		const core_tpr_difference *d = &a->difference[k];
		t->column[1 + k] =
			figure_column(core_format(ctx, "%s - %s", a->group[d->g], a->group[d->h]),
				CORE_SHOW_INTERVAL, CORE_SIGNED);
		if (!t->column[1 + k].title)
			return FV_FAILED;
	}
	for (int32_t c = 0; c < C; c++) {
		*core_table_at(t, (size_t)c, 0) = core_value_text(classes[c]);
		for (size_t k = 0; k < pairs; k++)
			*core_table_at(t, (size_t)c, 1 + k) =
				core_value_figure(core_figure_of(a->difference[k].value[c]));
	}
	return FV_OK;
}

static bool has_rows(const core_attribute_metrics *a)
{
	for (int32_t g = 0; g < a->G; g++)
		if (a->rows[g])
			return true;
	return false;
}

static fv_status add_attribute(fv_ctx *ctx, const core_metrics *m, const core_attribute_metrics *a,
	int64_t min_support, core_document *document)
{
	fv_status status = add_groups(ctx, a, document);
	if (!status)
		status = add_gaps(ctx, a, m->C, min_support, document);
	if (!status && has_rows(a))
		status = add_rates(ctx, m, a, min_support, document);
	if (!status && has_rows(a))
		status = add_recalls(ctx, m, a, min_support, document);
	if (!status && a->n_differences)
		status = add_differences(ctx, m->C, m->classes, a, document);
	return status;
}

/* Adds the slopes of the speakers' recall on numbers. */
static fv_status add_slopes(fv_ctx *ctx, const core_metrics *m, core_document *document)
{
	static const char *const titles[] = {
		"slope of UAR on", "per unit", "p", "speakers", "from", "to", "rows without"};
	size_t columns = sizeof titles / sizeof *titles;
	core_result_table *t =
		core_document_add(ctx, document, "slopes", NULL, (size_t)m->n_numeric, columns);
	if (!t)
		return FV_FAILED;
	for (size_t j = 0; j < columns; j++)
		t->column[j] = figure_column(titles[j], 0, CORE_THREE_DECIMALS);
	t->column[1] = figure_column(titles[1], CORE_SHOW_INTERVAL, CORE_FOUR_DECIMALS);
	t->column[2].format = CORE_FOUR_DECIMALS;
	for (int32_t k = 0; k < m->n_numeric; k++) {
		const core_slope *s = &m->numeric[k];
		const core_table_value values[] = {core_value_text(s->name),
			core_value_figure(core_figure_of(s->slope)), core_value_number(s->slope.p),
			core_value_count(s->speakers), core_value_number(s->low),
			core_value_number(s->high), core_value_count(s->unknown_rows)};
		for (size_t j = 0; j < columns; j++)
			*core_table_at(t, (size_t)k, j) = values[j];
		core_table_at(t, (size_t)k, 1)->figure.e.p = NAN;
	}
	return FV_OK;
}

static fv_status add_undefined(fv_ctx *ctx, const core_metrics *m, core_document *document)
{
	static const char *const titles[] = {"undefined", "attribute", "class", "group", "reason"};
	if (!m->n_undefined)
		return FV_OK;
	core_result_table *t = core_document_add_titled(
		ctx, document, "undefined", NULL, titles, 5, (size_t)m->n_undefined);
	if (!t)
		return FV_FAILED;
	for (int32_t i = 0; i < m->n_undefined; i++) {
		const core_undefined *u = &m->undefined[i];
		const char *const text[] = {
			u->metric, u->attribute, u->class_name, u->group, u->reason};
		for (size_t j = 0; j < 5; j++)
			*core_table_at(t, (size_t)i, j) = core_value_text(text[j]);
	}
	return FV_OK;
}

fv_status core_audit_tables(fv_ctx *ctx, const char *path, const core_metrics *m,
	int64_t min_support, core_document *document)
{
	fv_status status = add_overall(ctx, path, m, document);
	if (!status)
		status = core_add_confusion(ctx, m->C, m->classes, m->confusion, NULL, document);
	if (!status && m->no_majority)
		status = core_document_note(ctx, document,
			"%lld of %lld rows have no class with a label above one half; the argmax "
			"reading %s.",
			(long long)m->no_majority, (long long)m->n,
			m->majority_only ? "leaves them out" : "counts them too");
	for (int32_t k = 0; k < m->n_attributes && !status; k++)
		status = add_attribute(ctx, m, &m->attribute[k], min_support, document);
	if (!status && m->n_numeric)
		status = add_slopes(ctx, m, document);
	if (!status)
		status = add_undefined(ctx, m, document);
	if (!status && core_document_has_low_support(document))
		status = core_document_note(ctx, document,
			"* low support: rests on a subgroup (class x group) with fewer than %lld "
			"positives (negatives for an FPR, rows for a DP gap).",
			(long long)min_support);
	return status;
}
