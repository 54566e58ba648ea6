/* SPDX-License-Identifier: Apache-2.0 */
/* What needs no system: the baselines on CREMA-D's own labels, five folds, three attributes, in
 * both aggregates, and the support of every cell. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "eval/assess.h"
#include "eval/baselines.h"

#define CLASSES 6
#define MOST 7442
#define SEEDS 20

static const char *const classes[CLASSES] = {"angry", "sad", "disgust", "fear", "neutral", "happy"};
static const char *const attributes[] = {"gender", "race", "age"};
static const char *const races[] = {"Caucasian", "African American", "Asian"};

struct row {
	const char *file, *speaker;
	int64_t fold;
	float label[CLASSES];
};

struct corpus {
	int64_t n;
	struct row row[MOST];
	const char *stem[MOST], *speaker[MOST];
	int64_t fold[MOST];
	float label[MOST * CLASSES], prob[SEEDS][MOST * CLASSES];
	int32_t majority[5];
	core_eval_attribute attribute[3];
	core_eval_rows rows;
};

static bool defective(const char *file)
{
	static const char *const names[] = {"1064_IEO_DIS_MD.wav", "1064_TIE_SAD_XX.wav",
		"1076_MTI_NEU_XX.wav", "1076_MTI_SAD_XX.wav"};
	for (size_t i = 0; i < 4; i++)
		if (!strcmp(file, names[i]))
			return true;
	return false;
}

static const char *text(const core_csv *csv, int64_t row, const char *column)
{
	return core_csv_cell(csv, row, core_csv_column(csv, column));
}

static void read_label(const core_csv *csv, int64_t row, float *label)
{
	for (int c = 0; c < CLASSES; c++) {
		double value;
		assert_true(core_parse_double(text(csv, row, classes[c]), &value));
		label[c] = (float)value;
	}
}

static void read_fold(fv_ctx *ctx, int fold, struct corpus *x)
{
	char name[64];
	core_csv csv;
	snprintf(name, sizeof name, "corpora/cremad/labels_consensus_%d.csv", fold);
	test_ok(ctx, core_csv_read(ctx, test_shared(name), &csv));
	float *train = malloc((size_t)csv.n_rows * CLASSES * sizeof *train);
	core_eval_set training = {.C = CLASSES, .label = train};
	for (int64_t i = 0; i < csv.n_rows; i++) {
		const char *file = text(&csv, i, "FileName");
		if (defective(file))
			continue;
		if (!strcmp(text(&csv, i, "Split_Set"), "Train"))
			read_label(&csv, i, train + CLASSES * training.n++);
		if (strcmp(text(&csv, i, "Split_Set"), "Test") != 0)
			continue;
		struct row *row = &x->row[x->n++];
		*row = (struct row){file, text(&csv, i, "SpkrID"), fold, {0}};
		read_label(&csv, i, row->label);
	}
	x->majority[fold - 1] = core_majority_class(&training);
	free(train);
}

static int by_file(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->file, ((const struct row *)b)->file);
}

static const char *age_group(const char *age)
{
	int64_t years;
	assert_true(core_parse_int(age, &years));
	return years < 20 ? "" : years <= 35 ? "Young" : years <= 49 ? "Middle" : "Elderly";
}

static void read_people(fv_ctx *ctx, struct corpus *x)
{
	core_csv csv;
	test_ok(ctx, core_csv_read(ctx, test_shared("corpora/cremad/VideoDemographics.csv"), &csv));
	const char *value[3][MOST];
	for (int64_t i = 0; i < x->n; i++) {
		int64_t k = 0;
		while (strcmp(text(&csv, k, "ActorID"), x->speaker[i]) != 0)
			k++;
		value[0][i] = text(&csv, k, "Sex");
		value[1][i] = text(&csv, k, "Race");
		value[2][i] = age_group(text(&csv, k, "Age"));
	}
	for (int a = 0; a < 3; a++)
		test_ok(ctx, core_eval_attribute_make(ctx, attributes[a], x->n, value[a],
				     a == 1 ? races : NULL, a == 1 ? 3 : 0, &x->attribute[a]));
}

static struct corpus *read_corpus(fv_ctx *ctx)
{
	struct corpus *x = core_alloc(ctx, 1, sizeof *x);
	assert_non_null(x);
	for (int fold = 1; fold <= 5; fold++)
		read_fold(ctx, fold, x);
	assert_int_equal(x->n, 7438);
	qsort(x->row, (size_t)x->n, sizeof *x->row, by_file);
	for (int64_t i = 0; i < x->n; i++) {
		x->stem[i] = core_path_stem(ctx, x->row[i].file);
		x->speaker[i] = x->row[i].speaker;
		x->fold[i] = x->row[i].fold;
		memcpy(x->label + CLASSES * i, x->row[i].label, sizeof x->row[i].label);
	}
	x->rows = (core_eval_rows){.n = x->n, .speaker = x->speaker, .fold = x->fold};
	read_people(ctx, x);
	return x;
}

static core_eval_set set_of(struct corpus *x, int seed)
{
	core_eval_set set = {.n = x->n, .C = CLASSES, .prob = x->prob[seed], .label = x->label};
	return set;
}

static void compare(
	const json_t *want, const core_estimate *got, const int32_t *used, const char *attribute)
{
	static const core_metric_id gaps[] = {CORE_TPR_GAP, CORE_DP_GAP, CORE_FPR_GAP};
	const json_t *figures = json_object_get(want, attribute);
	test_close(got[CORE_F1].value, json_number_value(json_object_get(want, "f1")), 1e-12);
	test_close(got[CORE_ACC].value, json_number_value(json_object_get(want, "acc")), 1e-12);
	for (int k = 0; k < 3; k++) {
		const char *name = core_metric_at(gaps[k])->name;
		assert_non_null(json_object_get(figures, name));
		test_close(got[gaps[k]].value, json_number_value(json_object_get(figures, name)),
			1e-12);
		const json_t *folds = json_object_get(figures, "folds_used");
		if (folds)
			assert_int_equal(
				used[gaps[k]], json_integer_value(json_object_get(folds, name)));
	}
}

static void check_row(fv_ctx *ctx, struct corpus *x, const json_t *want)
{
	core_eval_set set = set_of(x, 0);
	core_draws none = {0};
	for (int a = 0; a < 3; a++) {
		core_scores got;
		test_ok(ctx,
			core_scores_compute(ctx, 1, &set, &x->rows, &x->attribute[a], &none, &got));
		compare(json_object_get(want, "fold_mean"), got.fold_mean, got.folds_used,
			attributes[a]);
		compare(json_object_get(want, "pooled"), got.pooled, got.folds_used, attributes[a]);
	}
}

static void fill(struct corpus *x, core_baseline baseline, int seed)
{
	core_eval_set set = set_of(x, seed);
	core_baseline_fill(baseline, &set, x->stem, (uint64_t)seed, x->majority[0], x->prob[seed]);
}

static void exact_rows(fv_ctx *ctx, struct corpus *x, const json_t *json)
{
	static const core_baseline rows[] = {
		CORE_BASELINE_ALL_POSITIVE, CORE_BASELINE_MAJORITY_ONLY, CORE_BASELINE_PERFECT};
	const json_t *majority = json_object_get(json, "majority_class_of_train");
	for (size_t f = 0; f < 5; f++)
		assert_string_equal(
			classes[x->majority[f]], json_string_value(json_array_get(majority, f)));
	for (int k = 0; k < 3; k++) {
		fill(x, rows[k], 0);
		check_row(ctx, x, json_object_get(json, core_baseline_name(rows[k])));
	}
	int64_t shape[4];
	int rank;
	double *logit =
		test_npy(test_shared("golden/statistics/cremad/random_logits.npy"), shape, &rank);
	for (int64_t i = 0; i < x->n; i++) {
		double sum = 0;
		for (int c = 0; c < CLASSES; c++)
			sum += exp(logit[i * CLASSES + c]);
		for (int c = 0; c < CLASSES; c++)
			x->prob[0][i * CLASSES + c] = (float)(exp(logit[i * CLASSES + c]) / sum);
	}
	free(logit);
	check_row(ctx, x, json_object_get(json, "random_given"));
}

static void check_floor(const json_t *floor, const char *aggregate, const char *attribute,
	const char *metric, double got)
{
	char key[64];
	snprintf(key, sizeof key, "%s%s%s/%s", aggregate, attribute ? "/" : "",
		attribute ? attribute : "", metric);
	const json_t *want = json_object_get(floor, key);
	assert_non_null(want);
	double mean = json_number_value(json_object_get(want, "mean"));
	double sd = json_number_value(json_object_get(want, "sd"));
	if (!(fabs(got - mean) <= 4 * sd * sqrt(1.0 / SEEDS + 1.0 / 200)))
		fail_msg("%s is %g, not %g", key, got, mean);
}

/* Our own draws against the reference's: a mean of 20 seeds within four standard errors. */
static void random_floor(fv_ctx *ctx, struct corpus *x, const json_t *json)
{
	const json_t *floor = json_object_get(json, "random_floor");
	core_eval_set sets[SEEDS];
	core_draws none = {0};
	for (int seed = 0; seed < SEEDS; seed++) {
		fill(x, CORE_BASELINE_RANDOM, seed);
		sets[seed] = set_of(x, seed);
	}
	for (int a = 0; a < 3; a++) {
		core_scores got;
		test_ok(ctx, core_scores_compute(
				     ctx, SEEDS, sets, &x->rows, &x->attribute[a], &none, &got));
		for (int k = 0; k < CORE_DP_GAP_EQ4; k++) {
			const char *name = core_metric_at((core_metric_id)k)->name;
			const char *of = core_metric_is((core_metric_id)k, CORE_METRIC_GAP)
						 ? attributes[a]
						 : NULL;
			if (k == CORE_TPR_GAP_ZERO)
				continue;
			check_floor(floor, "fold_mean", of, name, got.fold_mean[k].value);
			check_floor(floor, "pooled", of, name, got.pooled[k].value);
		}
	}
}

static int64_t at(const json_t *list, size_t i, size_t j)
{
	return json_integer_value(json_array_get(json_array_get(list, i), j));
}

static void check_support(fv_ctx *ctx, struct corpus *x, const json_t *json)
{
	core_eval_set set = set_of(x, 0);
	core_draws none = {0};
	for (int a = 0; a < 3; a++) {
		const json_t *want =
			json_object_get(json_object_get(json, "support"), attributes[a]);
		const json_t *names =
			json_object_get(json_object_get(json, "groups"), attributes[a]);
		core_scores got;
		test_ok(ctx,
			core_scores_compute(ctx, 1, &set, &x->rows, &x->attribute[a], &none, &got));
		assert_int_equal(got.G, json_array_size(names));
		for (size_t k = 0; k < json_array_size(names) * 5; k++) {
			size_t g = k / 5, f = k % 5, own = 0; /* ours are sorted by name */
			while (strcmp(got.group[own],
				       json_string_value(json_array_get(names, g))) != 0)
				own++;
			size_t cell = own * 5 + f;
			assert_int_equal(
				got.speakers[cell], at(json_object_get(want, "speakers"), g, f));
			assert_int_equal(
				got.rows[cell], at(json_object_get(want, "utterances"), g, f));
			for (size_t c = 0; c < CLASSES; c++)
				assert_int_equal(got.positives[c * (size_t)got.G * 5 + cell],
					at(json_array_get(json_object_get(want, "positives"), c), g,
						f));
		}
	}
}

static void cremad(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct corpus *x = read_corpus(ctx);
	json_t *json = test_json(test_golden("statistics/cremad_labels.json"));
	exact_rows(ctx, x, json);
	check_support(ctx, x, json);
	random_floor(ctx, x, json);
	json_decref(json);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cremad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
