/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of the field against scikit-learn and fairlearn, on sets with ties, soft labels, empty
 * classes and classes that are never predicted (golden/metrics_field/make.py). */
#include "support.h"

#include <math.h>
#include <string.h>

#include "config/spec.h"
#include "eval/argmax.h"
#include "eval/assess.h"

#define TOLERANCE 1e-12

static double largest[CORE_METRICS]; /* differences from the reference, over all sets */

struct given {
	core_eval_set set;
	const char **speaker; /* [n] */
	int64_t min_support;
	core_eval_attribute group;
	const char *classes[8];
	const json_t *expected;
};

static const float *read_cells(fv_ctx *ctx, const json_t *rows, int32_t C)
{
	float *out = core_alloc(ctx, json_array_size(rows) * (size_t)C, sizeof *out);
	assert_non_null(out);
	for (size_t i = 0; i < json_array_size(rows); i++)
		for (int32_t c = 0; c < C; c++)
			out[i * (size_t)C + (size_t)c] = (float)json_number_value(
				json_array_get(json_array_get(rows, i), (size_t)c));
	return out;
}

static const char **read_names(fv_ctx *ctx, const json_t *numbers)
{
	const char **out = core_alloc(ctx, json_array_size(numbers), sizeof *out);
	assert_non_null(out);
	for (size_t i = 0; i < json_array_size(numbers); i++)
		out[i] =
			core_format(ctx, "%d", (int)json_integer_value(json_array_get(numbers, i)));
	return out;
}

static struct given read_set(fv_ctx *ctx, const json_t *json)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
	struct given s = {.expected = json_object_get(json, "expected")};
	const json_t *label = json_object_get(json, "label");
	s.set.n = (int64_t)json_array_size(label);
	s.set.C = (int32_t)json_array_size(json_array_get(label, 0));
	s.set.label = read_cells(ctx, label, s.set.C);
	s.set.prob = read_cells(ctx, json_object_get(json, "prob"), s.set.C);
	s.set.majority_only = json_is_true(json_object_get(json, "majority_only"));
	test_ok(ctx, core_eval_attribute_make(ctx, "group", s.set.n,
			     read_names(ctx, json_object_get(json, "group")), NULL, 0, &s.group));
	s.speaker = read_names(ctx, json_object_get(json, "speaker"));
	s.min_support = json_integer_value(json_object_get(json, "min_support"));
	memcpy(s.classes, names, sizeof names);
	return s;
}

/* Compares a metric with the reference's, if that has it; returns whether it has. */
static bool check_metric(const json_t *expected, core_metric_id id, double got)
{
	const char *name = core_metric_at(id)->name;
	const json_t *want = json_object_get(expected, name);
	if (!want)
		return false;
	if (json_is_null(want)) {
		if (!isnan(got))
			fail_msg("%s is %.17g, not undefined", name, got);
		return true;
	}
	double difference = fabs(got - json_number_value(want));
	if (!(difference <= TOLERANCE))
		fail_msg("%s is %.17g, not %.17g", name, got, json_number_value(want));
	largest[id] = fmax(largest[id], difference);
	return true;
}

static int check_metrics(const json_t *expected, const core_estimate *metric)
{
	int found = 0;
	for (int k = 0; k < CORE_METRICS; k++)
		found += check_metric(expected, (core_metric_id)k, metric[k].value);
	return found;
}

static void check_confusion(const json_t *expected, const int64_t *count, int32_t C)
{
	const json_t *rows = json_object_get(expected, "confusion");
	for (int32_t c = 0; c < C; c++)
		for (int32_t k = 0; k < C; k++)
			assert_int_equal(count[c * C + k],
				json_integer_value(json_array_get(
					json_array_get(rows, (size_t)c), (size_t)k)));
}

/* Compares one value for each class. */
static void check_classes(const json_t *expected, const char *key, const double *got, int32_t C)
{
	const json_t *list = json_object_get(expected, key);
	assert_int_equal(json_array_size(list), C);
	for (int32_t c = 0; c < C; c++) {
		const json_t *want = json_array_get(list, (size_t)c);
		if (json_is_null(want))
			assert_true(isnan(got[c]));
		else
			test_close(got[c], json_number_value(want), TOLERANCE);
	}
}

static void check_groups(const struct given *s, const core_attribute_metrics *a)
{
	const json_t *groups = json_object_get(s->expected, "groups");
	assert_int_equal(json_array_size(groups), a->G);
	for (size_t g = 0; g < (size_t)a->G; g++) {
		const json_t *one = json_array_get(groups, g);
		assert_true(check_metrics(one, a->group_metric + g * CORE_METRICS) >= 11);
		check_confusion(one, a->confusion[g], s->set.C);
	}
}

static void check_set(fv_ctx *ctx, const json_t *json)
{
	struct given s = read_set(ctx, json);
	core_metrics m;
	test_ok(ctx, core_metrics_compute(ctx, &s.set, s.classes, 1, &s.group, &m));
	const core_attribute_metrics *a = &m.attribute[0];
	core_assess_options options = core_assess_default();
	const core_eval_rows rows = {.n = s.set.n, .speaker = s.speaker};
	options.draws.n = 100;
	options.min_support = s.min_support;
	test_ok(ctx, core_assess(ctx, &s.set, &rows, &s.group, &options, &m));
	assert_int_equal(check_metrics(s.expected, m.metric), 16);
	check_classes(s.expected, "class_auc", m.threshold_free.class_auc, s.set.C);
	check_classes(s.expected, "class_ap", m.threshold_free.class_ap, s.set.C);
	assert_int_equal(
		m.no_majority, json_integer_value(json_object_get(s.expected, "no_majority")));
	check_classes(s.expected, "recall", m.class_recall, s.set.C);
	check_confusion(s.expected, m.confusion, s.set.C);
	const json_t *gaps = json_object_get(s.expected, "gaps");
	if (json_object_size(gaps))
		assert_int_equal(check_metrics(gaps, a->metric), json_object_size(gaps));
	assert_true(check_metrics(json_object_get(s.expected, "argmax_gaps"), a->metric) >= 3);
	check_groups(&s, a);
}

static void agrees_with_scikit_learn_and_fairlearn(void **state)
{
	(void)state;
	const char *name;
	json_t *set, *root = test_json(test_golden("metrics_field/sets.json"));
	json_object_foreach(json_object_get(root, "sets"), name, set)
	{
		print_message("%s\n", name);
		fv_ctx *ctx = test_ctx();
		check_set(ctx, set);
		core_ctx_free(ctx);
	}
	json_decref(root);
	for (int k = 0; k < CORE_METRICS; k++)
		print_message("%-30s %.1e\n", core_metric_at((core_metric_id)k)->name, largest[k]);
}

/* Counts the words of "a|b|c" ; each must be a metric of the kind. */
static int count_choices(fv_ctx *ctx, const char *choices, bool groups)
{
	int n = 0;
	char *copy = core_strdup(ctx, choices), *rest = NULL;
	for (char *word = strtok_r(copy, "|", &rest); word; word = strtok_r(NULL, "|", &rest)) {
		core_metric_id id;
		if (!core_metric_find(word, &id))
			fail_msg("%s is no metric", word);
		const core_metric *metric = core_metric_at(id);
		assert_true(groups ? metric->of_groups != NULL : metric->of_unit != NULL);
		n++;
	}
	return n;
}

/* eval.compare takes every metric that has a paired test. */
static void configuration_knows_all_metrics(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	int units = 0, groups = 0;
	for (int k = 0; k < CORE_METRICS; k++) {
		units += core_metric_at((core_metric_id)k)->of_unit != NULL;
		groups += core_metric_at((core_metric_id)k)->of_groups != NULL;
	}
	assert_int_equal(count_choices(ctx, CORE_OVERALL_METRICS, false), units);
	assert_int_equal(count_choices(ctx, CORE_GROUP_METRICS, true), groups);
	core_ctx_free(ctx);
}

/* A row counts for its first largest class; without a label it never does, without a majority only if
 * asked. */
static void ties_and_rows_without_majority(void **state)
{
	(void)state;
	const float prob[] = {.4f, .4f, .2f, .1f, .45f, .45f, .2f, .3f, .5f, 1, 0, 0};
	const float label[] = {.5f, .5f, 0, 0, .6f, .4f, 0, 0, 0, 1, 1, 0};
	core_eval_set set = {.n = 4, .C = 3, .prob = prob, .label = label};
	core_argmax_row row;
	assert_true(core_argmax_read(&set, 0, &row));
	assert_int_equal(row.predicted, 0);
	assert_int_equal(row.label, 0);
	assert_true(core_argmax_read(&set, 1, &row));
	assert_int_equal(row.predicted, 1);
	assert_false(core_argmax_read(&set, 2, &row));
	assert_true(core_argmax_read(&set, 3, &row));
	assert_int_equal(core_count_no_majority(&set), 3);
	set.majority_only = true;
	assert_false(core_argmax_read(&set, 0, &row));
	assert_true(core_argmax_read(&set, 1, &row));
	assert_false(core_argmax_read(&set, 3, &row));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_scikit_learn_and_fairlearn),
		cmocka_unit_test(configuration_knows_all_metrics),
		cmocka_unit_test(ties_and_rows_without_majority),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
