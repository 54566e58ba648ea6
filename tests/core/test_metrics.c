/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of twelve sets, compared with an independent implementation that was checked against
 * scikit-learn and fairlearn. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/metrics.h"
#include "eval/predictions.h"
#include "eval/report_json.h"
#include "nn/base_loss.h"

#define TIGHT 1e-14

struct given {
	core_eval_set set;
	int32_t *group; /* ids shifted by one, because -1 is a group in these sets */
	int32_t G;
};

static float *floats(fv_ctx *ctx, const json_t *rows, int32_t C)
{
	float *out = core_alloc(ctx, json_array_size(rows) * (size_t)C, sizeof *out);
	assert_non_null(out);
	for (size_t i = 0; i < json_array_size(rows); i++)
		for (int32_t c = 0; c < C; c++)
			out[i * (size_t)C + (size_t)c] = (float)json_number_value(
				json_array_get(json_array_get(rows, i), (size_t)c));
	return out;
}

static struct given read_set(fv_ctx *ctx, const json_t *json)
{
	struct given s = {0};
	s.set.n = json_integer_value(json_object_get(json, "N"));
	s.set.C = (int32_t)json_integer_value(json_object_get(json, "C"));
	float *prob = floats(ctx, json_object_get(json, "logits"), s.set.C);
	core_softmax((int32_t)s.set.n, s.set.C, prob, prob);
	s.set.prob = prob;
	s.set.label = floats(ctx, json_object_get(json, "labels"), s.set.C);
	s.group = core_alloc(ctx, (size_t)s.set.n, sizeof *s.group);
	const json_t *ids = json_object_get(json, "g");
	const json_t *groups = json_object_get(json_object_get(json, "metrics"), "groups");
	s.G = (int32_t)json_array_size(groups);
	json_int_t first = json_integer_value(json_array_get(groups, 0));
	for (int64_t i = 0; i < s.set.n; i++)
		s.group[i] = (int32_t)(json_integer_value(json_array_get(ids, (size_t)i)) - first);
	return s;
}

static int64_t decision_at(const json_t *json, const char *key, int64_t row, int32_t c)
{
	const json_t *rows = json_object_get(json, key);
	return json_integer_value(json_array_get(json_array_get(rows, (size_t)row), (size_t)c));
}

/* Compares our predictions with the reference's, whose softmax is PyTorch's in float32. A probability
 * may be on the other side of 1/C only if it is one unit in the last place from it. Returns how many
 * are. */
static int check_positives(const struct given *s, const json_t *json)
{
	float threshold = core_eval_threshold(&s->set);
	int beside = 0;
	for (int64_t i = 0; i < s->set.n; i++) {
		for (int32_t c = 0; c < s->set.C; c++) {
			int64_t at = i * s->set.C + c;
			float prob = s->set.prob[at];
			assert_int_equal(
				s->set.label[at] > threshold, decision_at(json, "true", i, c));
			if ((prob > threshold) == decision_at(json, "predicted", i, c))
				continue;
			assert_true(prob == threshold || prob == nextafterf(threshold, 0) ||
				    prob == nextafterf(threshold, 1));
			beside++;
		}
	}
	return beside;
}

/* From here on, use the reference's predictions. */
static void take_predictions(fv_ctx *ctx, struct given *s, const json_t *json)
{
	float *prob = core_alloc(ctx, (size_t)(s->set.n * s->set.C), sizeof *prob);
	assert_non_null(prob);
	for (int64_t i = 0; i < s->set.n; i++)
		for (int32_t c = 0; c < s->set.C; c++)
			prob[i * s->set.C + c] = (float)decision_at(json, "predicted", i, c);
	s->set.prob = prob;
}

static void check_value(const json_t *want, double got, const char *what)
{
	if (!want)
		fail_msg("the reference has no %s", what);
	if (json_is_null(want))
		assert_true(isnan(got));
	else
		test_close_(got, json_number_value(want), TIGHT, what, __FILE__, __LINE__);
}

static void check_list(const json_t *m, const char *key, const double *got, size_t n)
{
	const json_t *list = json_object_get(m, key);
	assert_int_equal(json_array_size(list), n);
	for (size_t i = 0; i < n; i++)
		check_value(json_array_get(list, i), got[i], key);
}

static void check_table(const json_t *m, const char *key, const double *got, int32_t C, int32_t G)
{
	const json_t *rows = json_object_get(m, key);
	assert_int_equal(json_array_size(rows), C);
	for (int32_t c = 0; c < C; c++)
		for (int32_t g = 0; g < G; g++)
			check_value(json_array_get(json_array_get(rows, (size_t)c), (size_t)g),
				got[c * G + g], key);
}

static void check_gaps(const json_t *m, const core_attribute_metrics *a)
{
	static const struct {
		const char *key;
		core_metric_id stat;
	} gaps[] = {{"tpr_gap_skip", CORE_TPR_GAP}, {"tpr_gap_zero", CORE_TPR_GAP_ZERO},
		{"fpr_gap_skip", CORE_FPR_GAP}, {"eo_rms", CORE_EO_RMS}, {"eo_max", CORE_EO_MAX}};
	for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
		check_value(json_object_get(m, gaps[i].key), a->metric[gaps[i].stat].value,
			gaps[i].key);
	if (a->G < 2) { /* the plain formula gives 0 here, but a gap needs two groups */
		assert_true(isnan(a->metric[CORE_DP_GAP].value));
		assert_true(isnan(a->metric[CORE_DP_GAP_EQ4].value));
		return;
	}
	check_value(json_object_get(m, "dp_gap"), a->metric[CORE_DP_GAP].value, "dp_gap");
	check_value(
		json_object_get(m, "dp_gap_eq4"), a->metric[CORE_DP_GAP_EQ4].value, "dp_gap_eq4");
}

static void check_attribute(const json_t *m, const core_attribute_metrics *a, int32_t C)
{
	size_t subgroups = (size_t)C * (size_t)a->G;
	double *tpr = malloc(subgroups * sizeof *tpr);
	const json_t *positives = json_object_get(m, "positives");
	for (size_t i = 0; i < subgroups; i++) {
		size_t c = i / (size_t)a->G, g = i % (size_t)a->G;
		tpr[i] = a->tpr[i].value;
		assert_int_equal(a->positives[i],
			json_integer_value(json_array_get(json_array_get(positives, c), g)));
	}
	check_gaps(m, a);
	check_table(m, "tpr", tpr, C, a->G);
	check_table(m, "fpr", a->fpr, C, a->G);
	check_table(m, "positive_rate", a->positive, C, a->G);
	check_list(m, "eo_per_class", a->eo, (size_t)C);
	check_list(m, "group_f1", a->group_f1, (size_t)a->G);
	check_list(m, "group_acc", a->group_acc, (size_t)a->G);
	check_value(json_object_get(m, "worst_group_f1"), a->metric[CORE_WORST_GROUP_F1].value,
		"worst_group_f1");
	check_value(json_object_get(m, "worst_group_acc"), a->metric[CORE_WORST_GROUP_ACC].value,
		"worst_group_acc");
	assert_int_equal(a->tpr_pairs, json_integer_value(json_object_get(m, "tpr_pairs_skip")));
	assert_int_equal(a->fpr_pairs, json_integer_value(json_object_get(m, "fpr_pairs_skip")));
	free(tpr);
}

static const char *const names[] = {
	"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"};

static void golden_sets(void **state)
{
	(void)state;
	json_t *sets = test_json(test_golden("metrics/sets.json"));
	const char *name;
	json_t *json;
	int count = 0, beside = 0;
	json_object_foreach(sets, name, json)
	{
		fv_ctx *ctx = test_ctx();
		struct given s = read_set(ctx, json);
		beside += check_positives(&s, json);
		take_predictions(ctx, &s, json);
		core_eval_attribute attribute = {
			.name = "group", .G = s.G, .group = names, .id = s.group};
		core_metrics m;
		test_ok(ctx, core_metrics_compute(ctx, &s.set, names, 1, &attribute, &m));
		const json_t *want = json_object_get(json, "metrics");
		check_value(json_object_get(want, "f1_macro"), m.metric[CORE_F1].value, name);
		check_value(json_object_get(want, "acc"), m.metric[CORE_ACC].value, name);
		check_list(want, "f1_per_class", m.class_f1, (size_t)s.set.C);
		check_attribute(want, &m.attribute[0], s.set.C);
		core_ctx_free(ctx);
		count++;
	}
	assert_int_equal(count, 12);
	assert_true(beside <= 1); /* of 9,890 */
	json_decref(sets);
}

/* Groups 0: positives of class a only; 1: of both; 2: no rows; one row unknown. */
static void undefined_and_unknown(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const float prob[] = {.9f, .1f, .2f, .8f, .8f, .2f, .1f, .9f, .9f, .1f};
	const float label[] = {1, 0, 1, 0, 1, 0, 0, 1, 0, 1};
	const char *const value[] = {"A", "A", "B", "B", ""}, *const only[] = {"B", "C", "A"};
	const char *const classes[] = {"a", "b"};
	core_eval_set set = {.n = 5, .C = 2, .prob = prob, .label = label};
	core_eval_attribute attribute;
	test_ok(ctx, core_eval_attribute_make(ctx, "x", 5, value, only, 3, &attribute));
	assert_int_equal(attribute.G, 3);
	assert_string_equal(attribute.group[2], "C");
	core_metrics m;
	test_ok(ctx, core_metrics_compute(ctx, &set, classes, 1, &attribute, &m));
	const core_attribute_metrics *a = &m.attribute[0];
	test_close(
		m.metric[CORE_ACC].value, 0.6, 0); /* 6 of 10 decisions, the unknown row included */
	test_close(a->metric[CORE_ACC].value, 0.75, 0); /* without it */
	assert_int_equal(a->unknown_rows, 1);
	assert_int_equal(a->present, 2);
	assert_int_equal(a->rows[2], 0);
	assert_true(isnan(a->group_f1[2]));
	/* TPR a: 1/2 and 1/1; b: none for A, 1/1 for B, so the zero form has the pair (0, 1). */
	test_close(a->metric[CORE_TPR_GAP].value, 0.5, 0);
	test_close(a->metric[CORE_TPR_GAP_ZERO].value, sqrt((0.25 + 1) / 2), 0);
	assert_int_equal(a->tpr_pairs, 1);
	/* P(yhat): a 2/4 overall, A 1/2, B 1/2: no gap. */
	test_close(a->metric[CORE_DP_GAP].value, 0, 0);
	static const struct {
		const char *metric, *class_name, *group;
	} want[] = {{"fpr", "a", "A"}, {"tpr", "b", "A"}, {"tpr", NULL, "C"}, {"auc", NULL, "A"}};
	/* No class has TPR and FPR in both groups. */
	assert_int_equal(m.n_undefined, 5);
	assert_string_equal(m.undefined[0].metric, "equalized_odds_ratio");
	for (int i = 0; i < 4; i++) {
		const core_undefined *u = &m.undefined[1 + i];
		assert_string_equal(u->metric, want[i].metric);
		assert_string_equal(u->group, want[i].group);
		assert_string_equal(u->attribute, "x");
		if (want[i].class_name)
			assert_string_equal(u->class_name, want[i].class_name);
		else
			assert_null(u->class_name);
	}
	core_ctx_free(ctx);
}

/* Three classes: labels are positive above 1/3, probabilities above their own thresholds. */
static void own_thresholds_of_predictions(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	float prob[] = {.4f, .6f, .45f, .5f, .1f, .7f}, label[] = {.4f, .6f, 0, 1, 0, 0};
	const float cut[] = {.5f, .5f, .5f}, other[] = {.3f, .5f, .8f};
	const char *classes[] = {"a", "b", "c"};
	const char *file[] = {"x", "y"}, *second[] = {"u", "v"};
	const int64_t fold[] = {1, 2};
	core_predictions p = {.n = 2, .C = 3, .classes = classes, .prob = prob, .label = label};
	core_eval_set set = core_predictions_set(&p);
	core_metrics m;
	test_ok(ctx, core_metrics_compute(ctx, &set, classes, 0, NULL, &m));
	/* predicted a b c | a c, true a b | a */
	test_close(m.metric[CORE_ACC].value, 4 / 6.0, 1e-15);
	assert_null(m.cut);
	test_ok(ctx, core_predictions_set_cut(ctx, &p, cut));
	set = core_predictions_set(&p);
	test_ok(ctx, core_metrics_compute(ctx, &set, classes, 0, NULL, &m));
	/* predicted b | c: 0.5 is not above 0.5 */
	test_close(m.metric[CORE_ACC].value, 3 / 6.0, 1e-15);
	test_close(m.class_f1[1], 1, 0);
	test_close(m.class_f1[0], 0, 0);
	test_close(m.threshold_free.labels_predicted, 1, 0);
	test_close(m.threshold_free.labels_true, 1.5, 0);
	/* The report says so, and what it says is read back. */
	json_t *report = core_report_metrics(ctx, &m);
	const json_t *said = json_object_get(report, "prediction_threshold");
	test_close(json_number_value(json_object_get(said, "b")), 0.5, 0);
	test_close(json_number_value(json_object_get(report, "threshold")),
		(double)(float)(1 / 3.0), 0);
	core_predictions parts[2] = {p, p}, all;
	parts[0].file = parts[0].stem = file;
	parts[1].file = parts[1].stem = second;
	parts[0].cut = parts[1].cut = NULL;
	test_ok(ctx, core_report_read_options(ctx, report, &parts[0]));
	test_ok(ctx, core_predictions_set_cut(ctx, &parts[1], other));
	int64_t *block;
	test_ok(ctx, core_predictions_concat(ctx, 2, parts, fold, &all, &block));
	for (int i = 0; i < 12; i++)
		test_close((double)all.cut[i], (double)(i < 6 ? cut : other)[i % 3], 0);
	json_decref(report);
	core_ctx_free(ctx);
}

static void one_group_has_no_gap(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const float prob[] = {.9f, .1f, .2f, .8f}, label[] = {1, 0, 0, 1};
	const char *const value[] = {"A", "A"}, *const classes[] = {"a", "b"};
	core_eval_set set = {.n = 2, .C = 2, .prob = prob, .label = label};
	core_eval_attribute attribute;
	test_ok(ctx, core_eval_attribute_make(ctx, "x", 2, value, NULL, 0, &attribute));
	core_metrics m;
	test_ok(ctx, core_metrics_compute(ctx, &set, classes, 1, &attribute, &m));
	int gaps = 0;
	for (int s = 0; s < CORE_METRICS; s++) {
		if (!core_metric_is((core_metric_id)s, CORE_METRIC_GAP))
			continue;
		assert_true(isnan(m.attribute[0].metric[s].value));
		gaps++;
	}
	assert_int_equal(m.n_undefined, gaps);
	assert_string_equal(m.undefined[0].reason, "fewer than two groups have rows");
	core_ctx_free(ctx);
}

/* 1/6 is a tie for both, 0.5000001 against 0.5 is not; NaN is an error, not "not predicted". */
static void thresholds(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	float prob[6];
	memset(prob, 0, sizeof prob);
	core_softmax(1, 6, prob, prob);
	const float label[6] = {1.0f / 6, 1.0f / 6, 1.0f / 6, 0.16666669f, 0, 0};
	core_eval_set set = {.n = 1, .C = 6, .prob = prob, .label = label};
	core_tally t;
	test_ok(ctx, core_tally_make(ctx, &set, 1, NULL, NULL, &t));
	for (int32_t c = 0; c < 6; c++) {
		assert_int_equal(core_tally_tp(&t, 0, c) + core_tally_fp(&t, 0, c), 0);
		assert_int_equal(core_tally_positives(&t, 0, c), c == 3);
	}
	set.has_threshold = true;
	set.threshold = 0.1f;
	test_ok(ctx, core_tally_make(ctx, &set, 1, NULL, NULL, &t));
	for (int32_t c = 0; c < 6; c++)
		assert_int_equal(core_tally_tp(&t, 0, c), c < 4);
	prob[5] = NAN;
	test_fails(ctx, core_tally_make(ctx, &set, 1, NULL, NULL, &t), FV_FAILED,
		"row 0, class 5: a probability or label is not finite");
	core_ctx_free(ctx);
}

static void softmax_of_large_logits(void **state)
{
	(void)state;
	float z[] = {700, -700, 700, -700}, p[4];
	core_softmax(2, 2, z, p);
	test_close(p[0], 1, 0);
	test_close(p[1], 0, 0);
	core_softmax(1, 4, z, p);
	test_close(p[0] + p[2], 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_sets),
		cmocka_unit_test(undefined_and_unknown),
		cmocka_unit_test(own_thresholds_of_predictions),
		cmocka_unit_test(one_group_has_no_gap),
		cmocka_unit_test(thresholds),
		cmocka_unit_test(softmax_of_large_logits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
