/* SPDX-License-Identifier: Apache-2.0 */
#include "report/verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/table.h"
#include "run/measure.h"

struct compare {
	fv_ctx *ctx;
	const char *dir;
	core_verified *out;
};

static char *shown(fv_ctx *ctx, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
	char *copy = core_strdup(ctx, text ? text : "nothing");
	free(text);
	return copy;
}

static void compare(struct compare *c, const char *place, json_t *said, json_t *found)
{
	const char *key;
	json_t *value;
	if (json_is_object(said) && json_is_object(found)) {
		json_object_foreach(said, key, value)
			compare(c, core_format(c->ctx, "%s.%s", place, key), value,
				json_object_get(found, key));
		json_object_foreach(found, key, value) if (!json_object_get(said, key))
			compare(c, core_format(c->ctx, "%s.%s", place, key), NULL, value);
		return;
	}
	c->out->values++;
	if (said && found && json_equal(said, found))
		return;
	c->out->different++;
	(void)fv_fail(c->ctx, FV_FAILED, "%s/metrics.json: %s is %s, predictions.csv gives %s",
		c->dir, place + 1, shown(c->ctx, said), shown(c->ctx, found));
}

static fv_status names_of(fv_ctx *ctx, const core_result *run, core_strings *out)
{
	while (core_result_attribute(run, (size_t)out->n))
		out->n++;
	out->item = core_alloc(ctx, (size_t)out->n, sizeof *out->item);
	if (!out->item)
		return FV_FAILED;
	for (int32_t i = 0; i < out->n; i++)
		out->item[i] = core_result_attribute(run, (size_t)i);
	return FV_OK;
}

/* The run's metrics anew, as JSON; its numbers went through text as those of the file did. */
static fv_status recompute(fv_ctx *ctx, const core_result *run, json_t **out)
{
	core_predictions predictions;
	core_strings names = {0};
	char *path = core_path_join(ctx, run->dir, "predictions.csv"), *text;
	fv_status status = path ? core_predictions_read(ctx, path, NULL, &predictions) : FV_FAILED;
	if (!status)
		status = names_of(ctx, run, &names);
	json_t *epoch = json_object_get(run->metrics, "selected_epoch");
	const core_measured measured = {run->fold, run->seed, (int32_t)json_integer_value(epoch)};
	if (!status)
		status = core_measure(ctx, &predictions, &names, &measured, &text);
	if (status)
		return status;
	*out = json_loads(text, 0, NULL);
	return *out ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
}

static fv_status verify_run(fv_ctx *ctx, core_result *run, core_verified *out)
{
	json_t *found;
	fv_status status = recompute(ctx, run, &found);
	if (status)
		return status;
	struct compare c = {ctx, run->dir, out};
	compare(&c, "", run->metrics, found);
	out->runs++;
	json_decref(run->metrics);
	run->metrics = found;
	return FV_OK;
}

/* A table's means come from metrics.json, its nulls and comparisons from the predictions: both say
 * the same of every cell. */
static fv_status check_aggregates(fv_ctx *ctx, const core_grid *grid, core_verified *out)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_grid_row *row = &grid->row[i];
		for (size_t j = 0; j < grid->n_columns && row->scores.test; j++) {
			double said = row->value[j].mean, found = row->value[j].fold_mean.value;
			out->values++;
			if (fabs(said - found) <= 1e-12 || (isnan(said) && isnan(found)))
				continue;
			out->different++;
			status = fv_fail(ctx, FV_FAILED,
				"%s: the mean of %s is %.17g over metrics.json, %.17g over "
				"predictions.csv",
				row->cell->dir, grid->column[j].title, said, found);
		}
	}
	return status;
}

/* Values without draws: the draws are made from the predictions alone. check NULL: text only. */
static fv_status table_text(
	fv_ctx *ctx, const core_results *results, core_verified *check, core_text *out)
{
	core_grid grid;
	core_table_options options = core_table_default();
	options.draws.n = 0;
	options.compare = false;
	fv_status status = core_grid_make(ctx, results, &options, &grid);
	if (!status && check)
		status = check_aggregates(ctx, &grid, check);
	return status ? status : core_grid_write(ctx, results, &grid, CORE_TABLE_JSON, out);
}

fv_status core_verify(fv_ctx *ctx, const core_results *results, core_verified *out)
{
	*out = (core_verified){0};
	core_text said = {0}, found = {0};
	fv_status status = table_text(ctx, results, NULL, &said);
	for (size_t i = 0; i < results->n && !status; i++)
		for (size_t j = 0; j < results->cell[i].n && !status; j++)
			if (results->cell[i].run[j].state == CORE_RUN_DONE)
				status = verify_run(ctx, &results->cell[i].run[j], out);
	if (!status)
		status = table_text(ctx, results, out, &found);
	if (!status && (said.size != found.size || memcmp(said.data, found.data, said.size)))
		status = fv_fail(ctx, FV_FAILED,
			"%s: the table made from predictions.csv is another", results->dir);
	core_text_free(&said);
	core_text_free(&found);
	return status ? status : out->different ? FV_FAILED : FV_OK;
}
