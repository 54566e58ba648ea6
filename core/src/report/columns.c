/* SPDX-License-Identifier: Apache-2.0 */
#include "report/columns.h"

#include <string.h>

#define FEW_SPEAKERS 10

/* What the grid shows, of all rows and of each attribute. */
static const core_metric_id overall_metrics[] = {CORE_F1, CORE_ACC};
static const core_metric_id attribute_metrics[] = {CORE_TPR_GAP, CORE_DP_GAP};
#define N_OVERALL (sizeof overall_metrics / sizeof *overall_metrics)
#define N_OF_ATTRIBUTE (sizeof attribute_metrics / sizeof *attribute_metrics)

/* "gender TPR gap", "F1" */
static const char *make_title(fv_ctx *ctx, const char *attribute, core_metric_id id)
{
	const char *title = core_metric_at(id)->title;
	return attribute ? core_format(ctx, "%s %s", attribute, title) : title;
}

/* Does any group have too few speakers for an interval in any test set? */
static bool has_few_speakers(const core_test_sets *tests, const char *attribute)
{
	for (int32_t t = 0; t < tests->n_sets; t++) {
		const core_test_set *test = &tests->set[t];
		for (int32_t a = 0; a < test->n_attributes; a++)
			if (!strcmp(test->attribute[a].name, attribute) &&
				core_smallest_group(test, a) < FEW_SPEAKERS)
				return true;
	}
	return false;
}

static fv_status add_column(fv_ctx *ctx, core_grid *grid, int32_t attribute, core_metric_id id)
{
	const char *name = attribute < 0 ? NULL : grid->tests.attribute[attribute];
	const char *title = make_title(ctx, name, id);
	if (!title)
		return FV_FAILED;
	grid->column[grid->n_columns++] = (core_grid_column){.attribute = name,
		.attribute_index = attribute,
		.metric = core_metric_at(id)->name,
		.title = title,
		.id = id,
		.compared = grid->options.details,
		.few_speakers = name && has_few_speakers(&grid->tests, name)};
	return FV_OK;
}

static int32_t find_attribute(const core_test_sets *tests, const char *name)
{
	for (int32_t a = 0; a < tests->n_attributes; a++)
		if (!strcmp(tests->attribute[a], name))
			return a;
	return -1;
}

const core_run_facts *core_find_declaration(const core_results *results)
{
	for (size_t i = 0; i < results->n; i++) {
		const core_run_facts *facts = core_variant_facts(&results->variant[i]);
		if (facts && facts->compare_metric)
			return facts;
	}
	return NULL;
}

/* Returns the column of a metric; -1: there is none. */
static int64_t find_column(const core_grid *grid, int32_t attribute, core_metric_id id)
{
	for (size_t j = 0; j < grid->n_columns; j++)
		if (grid->column[j].id == id && grid->column[j].attribute_index == attribute)
			return (int64_t)j;
	return -1;
}

/* Finds the column that eval.compare names, and adds it if it is missing. */
static fv_status find_family(fv_ctx *ctx, const core_results *results, core_grid *grid)
{
	const core_run_facts *facts = core_find_declaration(results);
	core_metric_id id;
	grid->family = -1;
	if (!facts || !core_metric_find(facts->compare_metric, &id))
		return FV_OK;
	bool overall = core_metric_is_overall(id);
	int32_t attribute = overall || !facts->compare_attribute
				    ? -1
				    : find_attribute(&grid->tests, facts->compare_attribute);
	if (!overall && attribute < 0)
		return FV_OK;
	grid->family = find_column(grid, attribute, id);
	if (grid->family >= 0)
		return FV_OK;
	grid->family = (int64_t)grid->n_columns;
	return add_column(ctx, grid, attribute, id);
}

/* Adds a column for every metric of options.more_metrics, of every attribute if it is of groups. Names that
 * are no metric are left to the caller. */
static fv_status add_more(fv_ctx *ctx, core_grid *grid)
{
	fv_status status = FV_OK;
	for (const char *at = grid->options.more_metrics; at && *at && !status;) {
		core_metric_id id;
		size_t n = strcspn(at, ",");
		const char *name = core_strndup(ctx, at, n);
		at += n + (at[n] == ',');
		if (!name)
			return FV_FAILED;
		if (!core_metric_find(name, &id))
			continue;
		bool overall = core_metric_is_overall(id);
		for (int32_t a = overall ? -1 : 0;
			a < (overall ? 0 : grid->tests.n_attributes) && !status; a++)
			if (find_column(grid, a, id) < 0)
				status = add_column(ctx, grid, a, id);
	}
	return status;
}

/* Adds the columns that are asked for, unless they are there. */
static fv_status add_requests(fv_ctx *ctx, core_grid *grid)
{
	fv_status status = FV_OK;
	for (size_t k = 0; k < grid->options.n_requests && !status; k++) {
		const core_column_request *r = &grid->options.request[k];
		int32_t attribute = r->attribute ? find_attribute(&grid->tests, r->attribute) : -1;
		if (r->attribute && attribute < 0)
			continue;
		if (find_column(grid, attribute, r->id) < 0)
			status = add_column(ctx, grid, attribute, r->id);
		if (!status)
			grid->column[find_column(grid, attribute, r->id)].compared |= r->compared;
	}
	return status;
}

static bool is_any_run_done(const core_results *results)
{
	for (size_t i = 0; i < results->n; i++)
		for (size_t j = 0; j < results->variant[i].n; j++)
			if (results->variant[i].run[j].status == CORE_RUN_DONE)
				return true;
	return false;
}

fv_status core_columns_make(fv_ctx *ctx, const core_results *results, core_grid *grid)
{
	if (!is_any_run_done(results))
		return fv_fail(ctx, FV_DATA,
			"%s: no finished run: wait for 'fairvox run', or see 'fairvox status'",
			results->dir);
	size_t attributes = (size_t)grid->tests.n_attributes;
	/* each metric once, over all rows or of each attribute */
	size_t columns = CORE_METRICS * (1 + attributes);
	grid->column = core_alloc(ctx, columns, sizeof *grid->column);
	fv_status status = grid->column ? FV_OK : FV_FAILED;
	for (size_t k = 0; k < N_OVERALL && !status; k++)
		status = add_column(ctx, grid, -1, overall_metrics[k]);
	for (int32_t a = 0; a < grid->tests.n_attributes && !status; a++)
		for (size_t k = 0; k < N_OF_ATTRIBUTE && !status; k++)
			status = add_column(ctx, grid, a, attribute_metrics[k]);
	if (!status)
		status = find_family(ctx, results, grid);
	if (!status)
		status = add_more(ctx, grid);
	return status ? status : add_requests(ctx, grid);
}
