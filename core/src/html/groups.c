/* SPDX-License-Identifier: Apache-2.0 */
/* The section on inferred groups: how they agree with the attributes. */
#include <math.h>
#include <string.h>

#include "base/path.h"
#include "eval/agreement.h"
#include "eval/predictions.h"
#include "html/figures.h"

/* --- agreement of inferred groups with attributes --------------------------------------------- */

enum { GROUPS, ATTRIBUTE, ROWS, PURITY, NMI, ARI, COLUMNS };

/* Sums over folds; each measure is averaged over the folds where it is defined. */
struct agreement {
	int64_t rows, n[3];
	double sum[3]; /* purity, NMI, ARI */
};

static void add_agreement(struct agreement *sum, const core_agreement *a)
{
	const double value[] = {a->purity, a->nmi, a->ari};
	sum->rows += a->n;
	for (int k = 0; k < 3; k++)
		if (!isnan(value[k])) {
			sum->sum[k] += value[k];
			sum->n[k]++;
		}
}

static core_partition make_partition(const core_eval_attribute *of)
{
	return (core_partition){.G = of->G, .name = of->group, .id = of->id};
}

/* Adds the test rows of a run, whose inferred groups stand in its predictions. */
static fv_status measure_run(
	fv_ctx *own, const core_run_result *run, const char *attribute, struct agreement *sum)
{
	core_predictions p;
	core_eval_attribute truth, inferred;
	core_agreement agreement;
	char *path = core_path_join(own, run->dir, "predictions.csv");
	fv_status status = path ? core_predictions_read(own, path, NULL, &p) : FV_FAILED;
	if (status)
		return status;
	const core_text_column *column = core_predictions_column(&p, attribute);
	if (!column || !p.group.value)
		return FV_OK;
	status = core_eval_attribute_make(own, attribute, p.n, column->value, NULL, 0, &truth);
	if (!status)
		status = core_eval_attribute_make(
			own, "group", p.n, p.group.value, NULL, 0, &inferred);
	const core_partition a = make_partition(&inferred), b = make_partition(&truth);
	if (!status)
		status = core_agreement_compute(own, p.n, &a, &b, &agreement);
	if (!status)
		add_agreement(sum, &agreement);
	return status;
}

/* Adds the first seed of every fold. */
static fv_status measure_variant(fv_ctx *ctx, const core_variant_result *variant,
	const char *attribute, struct agreement *sum)
{
	fv_status status = FV_OK;
	for (int32_t f = 0; f < variant->n_folds && !status; f++) {
		fv_ctx *own = core_ctx_aside(ctx); /* holds the text of the file */
		if (!own)
			return FV_FAILED;
		const core_run_result *run = variant->used[f * variant->n_seeds];
		status = core_ctx_rejoin(ctx, own, measure_run(own, run, attribute, sum));
	}
	return status;
}

/* Have two variants the same groups in their first runs? */
static bool have_same_groups(const core_run_facts *a, const core_run_facts *b)
{
	return json_equal(a->grouping, b->grouping) && !strcmp(a->encoder, b->encoder) &&
	       json_equal(a->bias, b->bias);
}

/* Lists variants with inferred groups, one for each way of making them. */
static size_t list_grouped(const core_html_page *page, size_t *row)
{
	size_t n = 0;
	for (size_t i = 0; i < page->grid->n_rows; i++) {
		const core_run_facts *f = page->grid->row[i].facts;
		size_t k = 0;
		if (!f || !f->n_groupers || !f->grouping || f->uses_group_labels)
			continue;
		while (k < n && !have_same_groups(f, page->grid->row[row[k]].facts))
			k++;
		if (k == n)
			row[n++] = i;
	}
	return n;
}

/* Returns the groups of a variant as its axes name them. */
static const char *name_groups(const core_html_page *page, size_t row)
{
	for (size_t k = 0; k < page->axes->n; k++) {
		const core_variant_axis *axis = &page->axes->axis[k];
		if (axis->is_block && !strncmp(axis->key, "group", 5) && axis->text[row])
			return axis->text[row];
	}
	return page->grid->row[row].label;
}

static fv_status fill_agreement(
	core_html_page *page, size_t row, const char *attribute, core_result_table *t, size_t at)
{
	struct agreement sum = {0};
	fv_status status =
		measure_variant(page->ctx, page->grid->row[row].variant, attribute, &sum);
	*core_table_at(t, at, GROUPS) = core_value_text(name_groups(page, row));
	*core_table_at(t, at, ATTRIBUTE) = core_value_text(attribute);
	*core_table_at(t, at, ROWS) = core_value_count(sum.rows);
	for (int k = 0; k < 3 && sum.rows; k++)
		*core_table_at(t, at, (size_t)PURITY + (size_t)k) =
			core_value_number(sum.n[k] ? sum.sum[k] / (double)sum.n[k] : NAN);
	return status;
}

static fv_status add_agreements(core_html_page *page)
{
	static const char *const titles[COLUMNS] = {
		"groups", "attribute", "recordings", "purity", "NMI", "ARI"};
	const core_test_sets *tests = &page->grid->tests;
	size_t *row = core_alloc(page->ctx, page->grid->n_rows + 1, sizeof *row), at = 0;
	if (!row)
		return FV_FAILED;
	size_t n = list_grouped(page, row), attributes = (size_t)tests->n_attributes;
	if (!n || !attributes)
		return FV_OK;
	core_result_table *t = core_document_add_titled(page->ctx, page->report->details,
		"agreement",
		"Agreement of inferred groups with the attributes on test recordings: means over "
		"folds, first seed. NMI and ARI: 0 is chance or no relation, 1 the same groups",
		titles, COLUMNS, n * attributes);
	fv_status status = t ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < n && !status; i++)
		for (size_t a = 0; a < attributes && !status; a++)
			status = fill_agreement(page, row[i], tests->attribute[a], t, at++);
	if (!status)
		core_html_table(page->out, t);
	return status;
}

fv_status core_html_groups(core_html_page *page)
{
	bool grouped = false;
	for (size_t i = 0; i < page->grid->n_rows; i++) {
		const core_run_facts *f = page->grid->row[i].facts;
		grouped |= f && f->n_groupers && !f->uses_group_labels;
	}
	if (!grouped)
		return FV_OK;
	fv_status status = add_agreements(page);
	if (!status)
		status = core_html_figure_add(page, "clusters", NULL);
	return status ? status : core_html_figure_add(page, "tsne", NULL);
}
