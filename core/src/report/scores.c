/* SPDX-License-Identifier: Apache-2.0 */
#include "report/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/speaker_spread.h"

/* Computes means over the seeds for the rows of a group; id NULL: for all rows. */
static fv_status compute_threshold_free(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *set,
	const int32_t *id, int32_t group, core_threshold_free *out)
{
	*out = (core_threshold_free){0};
	for (int32_t k = 0; k < n_seeds; k++) {
		core_threshold_free_metrics s;
		fv_status status = core_threshold_free_compute(ctx, &set[k], id, group, &s);
		if (status)
			return status;
		out->labels_predicted += s.labels_predicted / n_seeds;
		out->labels_true += s.labels_true / n_seeds;
		out->auc += s.auc / n_seeds;
		out->ap += s.ap / n_seeds;
	}
	return FV_OK;
}

/* Replaces the means over folds by those without the groups that are left out of single folds. */
static fv_status compute_fold_means(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *set,
	const core_test_set *test, int32_t a, const core_draws *draws, core_scores *out)
{
	core_scores in_folds;
	fv_status status = core_scores_compute(
		ctx, n_seeds, set, &test->rows, &test->in_folds[a], draws, &in_folds);
	for (int k = 0; k < CORE_METRICS && !status; k++) {
		out->fold_mean[k] = in_folds.fold_mean[k];
		out->folds_used[k] = in_folds.folds_used[k];
	}
	return status;
}

static fv_status compute_attribute_scores(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *set,
	const core_scores_request *request, int32_t a, core_variant_scores *out)
{
	const core_draws *draws = &request->draws;
	const core_test_set *test = out->test;
	const core_eval_attribute *own = &test->attribute[a];
	fv_status status =
		core_scores_compute(ctx, n_seeds, set, &test->rows, own, draws, &out->attribute[a]);
	if (!status && own->id != test->in_folds[a].id)
		status = compute_fold_means(ctx, n_seeds, set, test, a, draws, &out->attribute[a]);
	if (!status && draws->n && request->details)
		status = core_pooled_rates_compute(
			ctx, n_seeds, set, &test->rows, own, draws, &out->rates[a]);
	out->group[a] = core_alloc(ctx, (size_t)own->G + 1, sizeof **out->group);
	if (!status && !out->group[a])
		return FV_FAILED;
	for (int32_t g = 0; g < own->G && !status && request->details; g++)
		status = compute_threshold_free(ctx, n_seeds, set, own->id, g, &out->group[a][g]);
	return status;
}

/* Adds what is not computed from counts, of one seed: metrics of all rows, and of the speakers. */
static fv_status add_other_metrics(fv_ctx *ctx, const core_eval_set *set,
	const core_speakers *speakers, core_metric_mask wanted, double *sum)
{
	double values[CORE_METRICS] = {0};
	core_tally counts;
	core_speaker_spread spread = {0};
	bool of_speakers = (wanted & core_metrics_of_kinds(CORE_METRIC_SPEAKERS)) != 0;
	fv_status status = FV_OK;
	if (wanted & core_metrics_of_kinds(CORE_METRIC_ROWS))
		status = core_row_metrics_compute(ctx, set, values);
	if (!status && of_speakers)
		status = core_tally_make(ctx, set, speakers->S, speakers->of_row, NULL, &counts);
	if (!status && of_speakers)
		status = core_speaker_spread_compute(ctx, &counts, CORE_MIN_SUPPORT, &spread);
	if (status)
		return status;
	values[CORE_SPEAKER_UAR_SPREAD] = spread.sd;
	values[CORE_SPEAKER_GINI] = spread.gini;
	for (int k = 0; k < CORE_METRICS; k++)
		sum[k] += values[k];
	return FV_OK;
}

/* Computes the pooled values of those that a column shows. */
static fv_status compute_other_metrics(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *set,
	const core_test_set *test, core_metric_mask shown, core_scores *out)
{
	core_metric_mask wanted =
		shown & core_metrics_of_kinds(CORE_METRIC_ROWS | CORE_METRIC_SPEAKERS);
	double sum[CORE_METRICS] = {0};
	core_speakers speakers;
	if (!wanted)
		return FV_OK;
	core_mark before = core_ctx_mark(ctx);
	fv_status status = core_speakers_make(ctx, &test->rows, &speakers);
	for (int32_t k = 0; k < n_seeds && !status; k++)
		status = add_other_metrics(ctx, &set[k], &speakers, wanted, sum);
	core_ctx_release(ctx, before);
	for (int k = 0; k < CORE_METRICS && !status; k++)
		if (core_metric_in(wanted, k))
			out->pooled[k] = core_estimate_of(sum[k] / n_seeds);
	return status;
}

fv_status core_scores_of(fv_ctx *ctx, const core_test_set *test, int32_t n_seeds,
	const core_eval_set *set, const core_scores_request *request, core_variant_scores *out)
{
	*out = (core_variant_scores){.test = test, .all = {NAN, NAN, NAN, NAN}};
	size_t n = (size_t)test->n_attributes + 1;
	fv_status status = core_scores_compute(
		ctx, n_seeds, set, &test->rows, NULL, &request->draws, &out->overall);
	if (!status)
		status = compute_other_metrics(
			ctx, n_seeds, set, test, request->shown, &out->overall);
	if (status)
		return status;
	out->attribute = core_alloc(ctx, n, sizeof *out->attribute);
	out->rates = core_alloc(ctx, n, sizeof *out->rates);
	out->group = core_alloc(ctx, n, sizeof *out->group);
	if (!out->attribute || !out->rates || !out->group)
		return FV_FAILED;
	for (int32_t a = 0; a < test->n_attributes && !status; a++)
		status = compute_attribute_scores(ctx, n_seeds, set, request, a, out);
	if (status || !request->details)
		return status;
	return compute_threshold_free(ctx, n_seeds, set, NULL, 0, &out->all);
}

/* Returns the index of the majority class of a fold's training rows; -1: not recorded. */
static int32_t find_majority(const core_test_set *test, int64_t fold)
{
	const core_variant_result *variant = test->first;
	for (int32_t f = 0; f < variant->n_folds; f++) {
		const char *name = variant->used[f * variant->n_seeds]->facts->majority_class;
		for (int32_t c = 0; c < test->C && variant->fold[f] == fold; c++)
			if (!strcmp(name, test->classes[c]))
				return c;
	}
	return -1;
}

/* Fills the predictions fold by fold; the rows are sorted by fold. */
static bool fill_baseline(
	const core_test_set *test, core_baseline baseline, uint64_t seed, float *prob)
{
	for (int64_t from = 0, to; from < test->n; from = to) {
		for (to = from; to < test->n && test->rows.fold[to] == test->rows.fold[from];)
			to++;
		core_eval_set fold = {
			.n = to - from, .C = test->C, .label = test->label + from * test->C};
		int32_t majority = find_majority(test, test->rows.fold[from]);
		if (baseline == CORE_BASELINE_MAJORITY_ONLY && majority < 0)
			return false;
		core_baseline_fill(
			baseline, &fold, test->stem + from, seed, majority, prob + from * test->C);
	}
	return true;
}

fv_status core_scores_of_baseline(fv_ctx *ctx, const core_test_set *test, core_baseline baseline,
	const core_scores_request *request, core_variant_scores *out)
{
	core_eval_set set[CORE_RANDOM_SEEDS];
	int32_t seeds = baseline == CORE_BASELINE_RANDOM ? CORE_RANDOM_SEEDS : 1;
	size_t values = (size_t)(test->n * test->C);
	float *prob = malloc((values * (size_t)seeds + 1) * sizeof *prob);
	bool known = prob != NULL;
	*out = (core_variant_scores){0};
	if (!prob)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (int32_t k = 0; k < seeds && known; k++) {
		float *own = prob + values * (size_t)k;
		known = fill_baseline(test, baseline, (uint64_t)k + 1, own);
		set[k] = (core_eval_set){
			.n = test->n, .C = test->C, .prob = own, .label = test->label};
	}
	fv_status status = known ? core_scores_of(ctx, test, seeds, set, request, out) : FV_OK;
	free(prob);
	return status;
}
