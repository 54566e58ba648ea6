/* SPDX-License-Identifier: Apache-2.0 */
#include "run/measure.h"

#include "eval/assess.h"
#include "eval/attribute_columns.h"
#include "eval/dev_threshold.h"
#include "eval/report_json.h"
#include "eval/slope.h"
#include "nn/base_loss.h"

static fv_status make_attributes(
	fv_ctx *ctx, const core_predictions *p, const core_strings *names, core_eval_attribute *out)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < names->n && !status; i++)
		status = core_attribute_from_columns(
			ctx, p, "eval.attributes", names->item[i], CORE_MIN_SUPPORT, &out[i]);
	return status;
}

static fv_status read_names(fv_ctx *ctx, json_t *object, core_strings *out)
{
	const char *name;
	json_t *value;
	*out = (core_strings){0, core_alloc(ctx, json_object_size(object) + 1, sizeof *out->item)};
	if (!out->item)
		return FV_FAILED;
	json_object_foreach(object, name, value) out->item[out->n++] = name;
	return FV_OK;
}

fv_status core_measured_names_read(fv_ctx *ctx, const json_t *metrics, core_measured_names *out)
{
	fv_status status = read_names(ctx, json_object_get(metrics, "attributes"), &out->groups);
	return status ? status
		      : read_names(ctx, json_object_get(metrics, "numeric"), &out->numeric);
}

/* Adds the slopes on the numeric attributes. */
static fv_status add_slopes(fv_ctx *ctx, const core_predictions *p, const core_strings *names,
	const core_eval_set *set, const core_eval_rows *rows, const core_assess_options *options,
	core_metrics *metrics)
{
	core_numeric_attribute *numeric = core_alloc(ctx, (size_t)names->n + 1, sizeof *numeric);
	fv_status status = numeric ? FV_OK : FV_FAILED;
	for (int32_t i = 0; i < names->n && !status; i++) {
		double *value;
		status = core_number_from_column(ctx, p, "eval.numeric", names->item[i], &value);
		numeric[i] = (core_numeric_attribute){names->item[i], value};
	}
	return status ? status
		      : core_slopes_add(ctx, set, rows, names->n, numeric, options, metrics);
}

core_measured core_measured_read(int64_t fold, int64_t seed, const json_t *metrics)
{
	return (core_measured){fold, seed,
		(int32_t)json_integer_value(json_object_get(metrics, "selected_epoch")),
		(int32_t)json_integer_value(json_object_get(metrics, "epochs"))};
}

fv_status core_measured_rows_read(fv_ctx *ctx, const char *path, int32_t n_sets,
	const char *const *set_name, bool dev, core_measured_rows *out)
{
	*out = (core_measured_rows){.n_sets = n_sets,
		.has_dev = dev,
		.set_name = set_name,
		.set = core_alloc(ctx, (size_t)n_sets, sizeof *out->set)};
	fv_status status =
		out->set ? core_predictions_read(ctx, path, NULL, &out->test) : FV_FAILED;
	for (int32_t k = 0; k < n_sets && !status; k++)
		status = core_predictions_read_split(ctx, path, NULL, set_name[k], &out->set[k]);
	if (!status && dev)
		status = core_predictions_read_split(ctx, path, NULL, "dev", &out->dev);
	return status;
}

fv_status core_measure_set_options(
	fv_ctx *ctx, const core_train_spec *train, bool majority_only, core_predictions *p)
{
	p->majority_only = majority_only;
	if (train->base_loss != FV_BCE)
		return FV_OK;
	float *by_class = core_alloc(ctx, (size_t)p->C, sizeof *by_class);
	for (int32_t c = 0; by_class && c < p->C; c++)
		by_class[c] = core_base_cut(train->base_loss, p->C);
	return by_class ? core_predictions_set_cut(ctx, p, by_class) : FV_FAILED;
}

/* Computes the metrics of some rows, with nulls and intervals if `assess`. */
static fv_status measure_rows(fv_ctx *ctx, const core_predictions *p,
	const core_measured_names *names, bool assess, json_t **out)
{
	int32_t n = names->groups.n;
	core_eval_attribute *attributes = core_alloc(ctx, (size_t)n + 1, sizeof *attributes);
	fv_status status =
		attributes ? make_attributes(ctx, p, &names->groups, attributes) : FV_FAILED;
	if (status)
		return status;
	core_eval_set set = core_predictions_set(p);
	core_eval_rows rows = {
		.n = p->n, .speaker = p->speaker.value, .path = p->path, .line = p->line};
	core_assess_options options = core_assess_default();
	core_metrics metrics;
	status = core_metrics_compute(ctx, &set, p->classes, n, attributes, &metrics);
	if (!status && assess)
		status = core_assess(ctx, &set, &rows, attributes, &options, &metrics);
	if (!status && assess && names->numeric.n)
		status = add_slopes(ctx, p, &names->numeric, &set, &rows, &options, &metrics);
	*out = status ? NULL : core_report_metrics(ctx, &metrics);
	return status || *out ? status : FV_FAILED;
}

fv_status core_measure_values(
	fv_ctx *ctx, const core_predictions *p, const core_measured_names *names, json_t **out)
{
	return measure_rows(ctx, p, names, false, out);
}

/* Measures the rows with the thresholds [C] chosen on development rows, and adds the result to the metrics
 * under the fixed ones. */
static fv_status add_dev_threshold(fv_ctx *ctx, const core_predictions *p,
	const core_measured_names *names, const float *threshold, json_t *metrics)
{
	core_predictions copy = *p;
	json_t *one;
	copy.cut = NULL;
	fv_status status = core_predictions_set_cut(ctx, &copy, threshold);
	if (!status)
		status = measure_rows(ctx, &copy, names, true, &one);
	if (!status && (json_object_del(one, "schema_version") ||
			       json_object_set_new(metrics, "dev_threshold", one)))
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	return status;
}

/* Measures one test set; `threshold` NULL: with the fixed thresholds alone. */
static fv_status measure_set(fv_ctx *ctx, const core_predictions *p,
	const core_measured_names *names, const float *threshold, json_t **out)
{
	fv_status status = measure_rows(ctx, p, names, true, out);
	if (status || !threshold)
		return status;
	status = add_dev_threshold(ctx, p, names, threshold, *out);
	if (status)
		json_decref(*out);
	return status;
}

/* Chooses the thresholds of the second reading; NULL: there is none. */
static fv_status choose_thresholds(fv_ctx *ctx, const core_measured_rows *rows, const float **out)
{
	*out = NULL;
	if (!rows->has_dev)
		return FV_OK;
	const core_eval_set dev = core_predictions_set(&rows->dev);
	float *threshold = core_alloc(ctx, (size_t)dev.C, sizeof *threshold);
	*out = threshold;
	return threshold ? core_choose_thresholds(ctx, &dev, threshold) : FV_FAILED;
}

/* Adds the metrics of further test sets. */
static fv_status add_tests(fv_ctx *ctx, const core_measured_rows *rows,
	const core_measured_names *names, const float *threshold, json_t *root)
{
	json_t *tests = json_object(), *one;
	fv_status status = FV_OK;
	for (int32_t k = 0; k < rows->n_sets && !status; k++) {
		status = measure_set(ctx, &rows->set[k], names, threshold, &one);
		if (!status && (json_object_del(one, "schema_version") ||
				       json_object_set_new(tests, rows->set_name[k], one)))
			status = fv_fail(ctx, FV_FAILED, "out of memory");
	}
	if (json_object_set_new(root, "tests", tests) && !status)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	return status;
}

fv_status core_measure_predictions(fv_ctx *ctx, const core_measured_rows *rows,
	const core_measured_names *names, const core_measured *run, char **json)
{
	json_t *root;
	const float *threshold;
	fv_status status = choose_thresholds(ctx, rows, &threshold);
	if (!status)
		status = measure_set(ctx, &rows->test, names, threshold, &root);
	if (status)
		return status;
	if (rows->n_sets && (status = add_tests(ctx, rows, names, threshold, root))) {
		json_decref(root);
		return status;
	}
	json_object_set_new(root, "fold", json_integer((json_int_t)run->fold));
	json_object_set_new(root, "seed", json_integer((json_int_t)run->seed));
	json_object_set_new(root, "selected_epoch", json_integer(run->selected_epoch));
	if (run->epochs)
		json_object_set_new(root, "epochs", json_integer(run->epochs));
	*json = core_report_dump(ctx, root);
	return *json ? FV_OK : FV_FAILED;
}
