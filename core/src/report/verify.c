/* SPDX-License-Identifier: Apache-2.0 */
#include "report/verify.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "eval/report_json.h"
#include "report/grid.h"
#include "report/verify_choice.h"
#include "run/measure.h"

struct compare {
	fv_ctx *ctx;
	const char *dir;
	core_verified *out;
};

static char *show_json(fv_ctx *ctx, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
	char *copy = core_strdup(ctx, text ? text : "nothing");
	free(text);
	return copy;
}

static void compare_json(struct compare *c, const char *place, json_t *said, json_t *found)
{
	const char *key;
	json_t *value;
	if (json_is_object(said) && json_is_object(found)) {
		json_object_foreach(said, key, value)
			compare_json(c, core_format(c->ctx, "%s.%s", place, key), value,
				json_object_get(found, key));
		json_object_foreach(found, key, value) if (!json_object_get(said, key))
			compare_json(c, core_format(c->ctx, "%s.%s", place, key), NULL, value);
		return;
	}
	c->out->values++;
	if (said && found && json_equal(said, found))
		return;
	c->out->different++;
	(void)fv_fail(c->ctx, FV_FAILED, "%s/metrics.json: %s is %s, but predictions.csv gives %s",
		c->dir, place + 1, show_json(c->ctx, said), show_json(c->ctx, found));
}

/* Lists the further test sets of a run. */
static fv_status list_sets(fv_ctx *ctx, const core_run_result *run, core_strings *out)
{
	json_t *tests = json_object_get(run->metrics, "tests"), *value;
	const char *name;
	out->item = core_alloc(ctx, json_object_size(tests), sizeof *out->item);
	if (!out->item)
		return FV_FAILED;
	json_object_foreach(tests, name, value) out->item[out->n++] = name;
	return FV_OK;
}

/* Recomputes the metrics of a run as JSON. The numbers pass through text, as those of the file did. */
static fv_status recompute_metrics(fv_ctx *ctx, const core_run_result *run, json_t **out)
{
	core_measured_rows rows = {0};
	core_measured_names names = {0};
	core_strings sets = {0};
	char *path = core_path_join(ctx, run->dir, "predictions.csv"), *text;
	bool dev = json_object_get(run->metrics, "dev_threshold") != NULL;
	fv_status status = path ? list_sets(ctx, run, &sets) : FV_FAILED;
	if (!status)
		status = core_measured_rows_read(ctx, path, sets.n, sets.item, dev, &rows);
	if (!status)
		status = core_report_read_options(ctx, run->metrics, &rows.test);
	if (!status && dev)
		status = core_report_read_options(ctx, run->metrics, &rows.dev);
	for (int32_t k = 0; k < rows.n_sets && !status; k++)
		status = core_report_read_options(ctx, run->metrics, &rows.set[k]);
	if (!status)
		status = core_measured_names_read(ctx, run->metrics, &names);
	const core_measured measured = core_measured_read(run->fold, run->seed, run->metrics);
	if (!status)
		status = core_measure_predictions(ctx, &rows, &names, &measured, &text);
	if (status)
		return status;
	*out = json_loads(text, 0, NULL);
	return *out ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
}

static fv_status verify_run(
	fv_ctx *ctx, const core_results *results, core_run_result *run, core_verified *out)
{
	json_t *found = NULL;
	fv_status status = recompute_metrics(ctx, run, &found);
	if (!status)
		status = core_verify_choice(ctx, results, run, found);
	if (status) {
		json_decref(found);
		return status;
	}
	struct compare c = {ctx, run->dir, out};
	compare_json(&c, "", run->metrics, found);
	out->runs++;
	json_decref(run->metrics);
	run->metrics = found;
	return FV_OK;
}

/* Checks that the means over the runs equal the fold means of the pooled code: two computations of one
 * number. */
static fv_status check_aggregates(fv_ctx *ctx, const core_grid *grid, core_verified *out)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_grid_row *row = &grid->row[i];
		for (size_t j = 0; j < grid->n_columns && row->scores.test; j++) {
			double runs = row->value[j].mean, folds = row->value[j].fold_mean.value;
			out->values++;
			if (fabs(runs - folds) <= 1e-12 || (isnan(runs) && isnan(folds)))
				continue;
			out->different++;
			status = fv_fail(ctx, FV_FAILED,
				"%s: the mean of %s is %.17g over the runs, %.17g over the folds",
				row->variant->dir, grid->column[j].title, runs, folds);
		}
	}
	return status;
}

fv_status core_verify(fv_ctx *ctx, const core_results *results, core_verified *out)
{
	core_grid grid;
	core_table_options options = core_table_default();
	*out = (core_verified){0};
	options.draws.n = 0; /* nulls are not stored, so there is nothing to check */
	options.compare = false;
	fv_status status = FV_OK;
	for (size_t i = 0; i < results->n && !status; i++)
		for (size_t j = 0; j < results->variant[i].n && !status; j++)
			if (results->variant[i].run[j].status == CORE_RUN_DONE)
				status = verify_run(ctx, results, &results->variant[i].run[j], out);
	if (!status)
		status = core_grid_make(ctx, results, &options, &grid);
	if (!status)
		status = check_aggregates(ctx, &grid, out);
	size_t left_out = results->n_damaged + (out->runs ? 0 : results->n_old);
	if (!status && left_out)
		status = fv_fail(ctx, FV_DATA, "%s: runs that could not be verified: %zu",
			results->dir, left_out);
	return status ? status : out->different ? FV_FAILED : FV_OK;
}
