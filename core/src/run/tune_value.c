/* SPDX-License-Identifier: Apache-2.0 */
/* The development values that trials are compared by. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "eval/metric.h"
#include "eval/predictions.h"
#include "eval/report_json.h"
#include "run/tune.h"

/* Finds the line of the kept epoch: of the last training stage, and of this epoch. */
static fv_status read_epoch(
	fv_ctx *ctx, const char *dir, const char *by, int64_t epoch, double *out)
{
	char *path = core_path_join(ctx, dir, "metrics.jsonl"), *text;
	size_t size;
	json_int_t stage = 0;
	bool found = false;
	fv_status status = path ? core_file_read(ctx, path, 0, &text, &size) : FV_FAILED;
	if (status)
		return status;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		json_t *one = json_loadb(line, (size_t)(end - line), 0, NULL);
		json_int_t own = json_integer_value(json_object_get(one, "stage"));
		json_t *value = json_object_get(one, by);
		if (own > stage)
			found = false;
		stage = own > stage ? own : stage;
		if (own == stage && value &&
			json_integer_value(json_object_get(one, "epoch")) == epoch) {
			*out = json_is_number(value) ? json_number_value(value) : NAN;
			found = true;
		}
		json_decref(one);
	}
	return found ? FV_OK
		     : fv_fail(ctx, FV_DATA, "%s: no %s of epoch %lld", path, by, (long long)epoch);
}

/* Computes a metric over the development rows of the predictions. */
static fv_status compute_metric(
	fv_ctx *ctx, const char *dir, const json_t *metrics, core_metric_id id, double *out)
{
	double values[CORE_METRICS];
	core_predictions p;
	char *path = core_path_join(ctx, dir, "predictions.csv");
	fv_status status =
		path ? core_predictions_read_split(ctx, path, NULL, "dev", &p) : FV_FAILED;
	if (!status)
		status = core_report_read_options(ctx, metrics, &p);
	if (status)
		return status;
	core_eval_set set = core_predictions_set(&p);
	status = core_metric_values(ctx, &set, NULL, values);
	*out = values[id];
	return status;
}

static bool find_metric(const char *by, core_metric_id *id)
{
	return !strncmp(by, "dev_", 4) && core_metric_find(by + 4, id) &&
	       core_metric_is(*id, CORE_METRIC_OVERALL);
}

fv_status core_tune_read_value(fv_ctx *ctx, const char *dir, const char *by, double *value)
{
	fv_ctx *own = core_ctx_aside(ctx); /* holds the files, released below */
	core_metric_id id;
	json_t *metrics = NULL;
	if (!own)
		return FV_FAILED;
	fv_status status = core_json_read(own, dir, "metrics.json", &metrics);
	if (!status && find_metric(by, &id))
		status = compute_metric(own, dir, metrics, id, value);
	else if (!status)
		status = read_epoch(own, dir, by,
			json_integer_value(json_object_get(metrics, "selected_epoch")), value);
	json_decref(metrics);
	return core_ctx_rejoin(ctx, own, status);
}

int32_t core_tune_find_best(const char *by, int32_t n, const double *value)
{
	core_metric_id id;
	int32_t best = -1;
	bool higher = find_metric(by, &id) && core_metric_at(id)->higher_is_better;
	for (int32_t i = 0; i < n; i++) {
		bool better =
			best < 0 || (higher ? value[i] > value[best] : value[i] < value[best]);
		if (isfinite(value[i]) && better)
			best = i;
	}
	return best;
}
