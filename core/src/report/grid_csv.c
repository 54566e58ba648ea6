/* SPDX-License-Identifier: Apache-2.0 */
/* The long form: one line per cell x fold x seed x metric, of every done run. */
#include <math.h>

#include "report/decimal.h"
#include "report/few.h"
#include "report/spread.h"

static void put_number(const json_t *r, const char *key, core_text *out)
{
	const json_t *value = json_object_get(r, key);
	core_text_add(out, ",");
	if (value)
		core_put_exact(out, json_is_number(value) ? json_number_value(value) : NAN);
}

/* The rule that chose the model, the split it looked at, and the seeds that are not the run's. */
static void put_origin(fv_ctx *ctx, const core_result *run, core_text *out)
{
	const json_t *cell = json_object_get(run->env, "cell");
	const char *grouping = core_grouping_seed(ctx, cell), *draw = core_draw_seed(ctx, cell);
	const char *rule = json_string_value(json_object_get(cell, "select"));
	const char *split =
		json_string_value(json_object_get(json_object_get(cell, "selection"), "split"));
	core_text_add(out, ",%s,%s,%s,%s", rule ? rule : "", split ? split : "",
		grouping ? grouping : "", draw ? draw : "");
}

/* Every R of metrics.json: an object with a value. What was not computed stays empty. */
static void put_values(fv_ctx *ctx, const core_result_cell *cell, const core_result *run,
	const char *attribute, const json_t *object, int64_t min_support, core_text *out)
{
	const char *metric;
	json_t *r;
	json_object_foreach((json_t *)object, metric, r)
	{
		if (!json_object_get(r, "value"))
			continue;
		core_text_csv(out, cell->name);
		core_text_add(out, ",%lld,%lld,", (long long)run->fold, (long long)run->seed);
		core_text_csv(out, attribute);
		core_text_add(out, ",%s", metric);
		put_number(r, "value", out);
		put_number(r, "null_mean", out);
		put_number(r, "null_p95", out);
		put_number(r, "p", out);
		put_number(r, "excess", out);
		put_number(r, "low", out);
		put_number(r, "high", out);
		put_origin(ctx, run, out);
		core_text_add(out, ",%d\n", core_few_metric(object, metric, min_support));
	}
}

void core_grid_csv(fv_ctx *ctx, const core_results *results, int64_t min_support, core_text *out)
{
	core_text_add(out, "cell,fold,seed,attribute,metric,value,null_mean,null_p95,p,excess,low,"
			   "high,select,chosen_on,grouper_seed,bias_seed,few\n");
	for (size_t i = 0; i < results->n; i++) {
		const core_result_cell *cell = &results->cell[i];
		for (size_t j = 0; j < cell->n; j++) {
			const core_result *run = &cell->run[j];
			if (run->state != CORE_RUN_DONE)
				continue;
			put_values(ctx, cell, run, "", run->metrics, min_support, out);
			const char *attribute;
			json_t *entry;
			json_object_foreach(
				json_object_get(run->metrics, "attributes"), attribute, entry)
				put_values(ctx, cell, run, attribute, entry, min_support, out);
		}
	}
}
