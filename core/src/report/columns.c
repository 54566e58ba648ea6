/* SPDX-License-Identifier: Apache-2.0 */
#include "report/columns.h"

#include <string.h>

#define FEW_SPEAKERS 10

/* The first done run of all: its metrics say which attributes there are. */
static const core_result *first_done(const core_results *results)
{
	for (size_t i = 0; i < results->n; i++)
		for (size_t j = 0; j < results->cell[i].n; j++)
			if (results->cell[i].run[j].state == CORE_RUN_DONE)
				return &results->cell[i].run[j];
	return NULL;
}

/* "gender TPR gap", "F1" */
static const char *title_of(fv_ctx *ctx, const char *attribute, core_metric_id stat)
{
	static const char *const titles[CORE_METRICS] = {[CORE_F1] = "F1",
		[CORE_ACC] = "ACC",
		[CORE_TPR_GAP] = "TPR gap",
		[CORE_TPR_GAP_ZERO] = "TPR gap (zero)",
		[CORE_FPR_GAP] = "FPR gap",
		[CORE_DP_GAP] = "DP gap",
		[CORE_DP_GAP_EQ4] = "DP gap (eq. 4)"};
	const char *title = titles[stat] ? titles[stat] : core_metric_at(stat)->name;
	return attribute ? core_format(ctx, "%s %s", attribute, title) : title;
}

/* Has some group fewer speakers in some test set than an interval would ask for? */
static bool few_speakers(const core_evidences *evidence, const char *attribute)
{
	for (int32_t t = 0; t < evidence->n_tests; t++) {
		const core_test_set *test = &evidence->test[t];
		for (int32_t a = 0; a < test->n_attributes; a++)
			if (!strcmp(test->attribute[a].name, attribute) &&
				core_test_fewest(test, a) < FEW_SPEAKERS)
				return true;
	}
	return false;
}

static fv_status add(fv_ctx *ctx, core_grid *grid, const char *attribute, core_metric_id stat)
{
	const char *title = title_of(ctx, attribute, stat);
	if (!title)
		return FV_FAILED;
	grid->column[grid->n_columns++] = (core_grid_column){.attribute = attribute,
		.metric = core_metric_at(stat)->name,
		.title = title,
		.stat = stat,
		.higher_is_better = !core_metric_is(stat, CORE_METRIC_GAP),
		.few_speakers = attribute && few_speakers(&grid->evidence, attribute)};
	return FV_OK;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* The column that the configuration's eval.compare names; it gets one if it has none. */
static fv_status find_family(fv_ctx *ctx, const core_result *run, core_grid *grid)
{
	const json_t *compare = json_object_get(json_object_get(run->env, "cell"), "compare");
	const char *metric = json_string_value(json_object_get(compare, "metric"));
	const char *attribute = json_string_value(json_object_get(compare, "attribute"));
	core_metric_id stat;
	grid->family = -1;
	if (!metric || !core_metric_find(metric, &stat))
		return FV_OK;
	for (size_t j = 0; j < grid->n_columns; j++)
		if (grid->column[j].stat == stat && same_text(grid->column[j].attribute, attribute))
			grid->family = (int64_t)j;
	if (grid->family >= 0 || core_metric_is(stat, CORE_METRIC_GAP) != (attribute != NULL))
		return FV_OK;
	grid->family = (int64_t)grid->n_columns;
	return add(ctx, grid, attribute ? core_strdup(ctx, attribute) : NULL, stat);
}

fv_status core_columns_make(fv_ctx *ctx, const core_results *results, core_grid *grid)
{
	const core_result *run = first_done(results);
	if (!run)
		return fv_fail(ctx, FV_DATA, "%s: no run is done", results->dir);
	size_t attributes = 0;
	while (core_result_attribute(run, attributes))
		attributes++;
	grid->column = core_alloc(ctx, 3 + 2 * attributes, sizeof *grid->column);
	fv_status status = grid->column ? add(ctx, grid, NULL, CORE_F1) : FV_FAILED;
	if (!status)
		status = add(ctx, grid, NULL, CORE_ACC);
	for (size_t i = 0; i < attributes && !status; i++) {
		const char *name = core_strdup(ctx, core_result_attribute(run, i));
		status = name ? add(ctx, grid, name, CORE_TPR_GAP) : FV_FAILED;
		if (!status)
			status = add(ctx, grid, name, CORE_DP_GAP);
	}
	return status ? status : find_family(ctx, run, grid);
}
