/* SPDX-License-Identifier: Apache-2.0 */
#include "report/best_on_dev.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "eval/assess.h"
#include "eval/attribute_columns.h"
#include "eval/predictions.h"
#include "eval/report_json.h"

/* Computes a metric of the development rows of a run; NaN: undefined, or there are none. */
static fv_status measure_run(fv_ctx *own, const core_run_result *run, const char *attribute,
	core_metric_id id, double *out)
{
	core_predictions p;
	core_eval_attribute groups;
	double values[CORE_METRICS];
	*out = NAN;
	char *path = core_path_join(own, run->dir, "predictions.csv");
	fv_status status =
		path ? core_predictions_read_split(own, path, NULL, "dev", &p) : FV_FAILED;
	if (status == FV_CONFIG) { /* no such split */
		core_error_clear(own);
		return FV_OK;
	}
	if (!status)
		status = core_report_read_options(own, run->metrics, &p);
	if (status)
		return status;
	core_eval_set set = core_predictions_set(&p);
	bool known = false;
	if (attribute)
		status = core_attribute_is_known(own, &p, attribute, &known);
	if (status || (attribute && !known))
		return status;
	if (attribute)
		status = core_attribute_from_columns(
			own, &p, "eval.attributes", attribute, CORE_MIN_SUPPORT, &groups);
	if (!status)
		status = core_metric_values(own, &set, attribute ? &groups : NULL, values);
	*out = status ? NAN : values[id];
	return status;
}

/* Computes the mean over the runs of a variant; NaN: not all of them have the value. */
static fv_status measure_variant(fv_ctx *ctx, const core_variant_result *variant,
	const char *attribute, core_metric_id id, double *out)
{
	int32_t runs = variant->n_folds * variant->n_seeds;
	*out = runs ? 0 : NAN;
	for (int32_t k = 0; k < runs && !isnan(*out); k++) {
		double value;
		fv_ctx *own = core_ctx_aside(ctx); /* holds the text of the file */
		if (!own)
			return FV_FAILED;
		fv_status status = core_ctx_rejoin(
			ctx, own, measure_run(own, variant->used[k], attribute, id, &value));
		if (status)
			return status;
		*out += value / runs;
	}
	return FV_OK;
}

static bool is_better(core_metric_id id, double a, double b)
{
	return isnan(b) || (core_metric_at(id)->higher_is_better ? a > b : a < b);
}

fv_status core_find_best_on_dev(
	fv_ctx *ctx, const core_grid *grid, const char *attribute, core_metric_id id, int64_t *best)
{
	double least = NAN;
	*best = -1;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_grid_row *row = &grid->row[i];
		double value;
		if (!row->facts || row->facts->plain || core_row_unranked(row) || !row->scores.test)
			continue;
		fv_status status = measure_variant(ctx, row->variant, attribute, id, &value);
		if (status)
			return status;
		if (!isnan(value) && is_better(id, value, least)) {
			least = value;
			*best = (int64_t)i;
		}
	}
	return FV_OK;
}
