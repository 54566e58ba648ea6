/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/nulls.h"

#include <math.h>
#include <stdlib.h>

#include "eval/summary.h"

struct work {
	const core_cohort *cohort;
	const core_system *system;
	core_tally fold_groups; /* [F * G] */
	core_tally pooled;      /* [G] */
	core_rates rates[CORE_READINGS];
	int32_t *fold_group_of; /* [S] fold * G + group; -1: unknown */
	int32_t *group_of;      /* [F * G] group of each fold and group */
	bool no_folds;          /* means over folds are NaN */
};

static fv_status alloc_work(
	fv_ctx *ctx, const core_cohort *cohort, const core_system *system, struct work *w)
{
	int32_t F = cohort->speakers->F, G = cohort->G, C = system->known[0].C;
	*w = (struct work){.cohort = cohort, .system = system};
	w->fold_group_of =
		core_alloc(ctx, (size_t)cohort->speakers->S + 1, sizeof *w->fold_group_of);
	w->group_of = core_alloc(ctx, (size_t)F * (size_t)G + 1, sizeof *w->group_of);
	if (!w->fold_group_of || !w->group_of)
		return FV_FAILED;
	for (int32_t k = 0; k < F * G; k++)
		w->group_of[k] = k % G;
	fv_status status = core_tally_alloc(ctx, F * G, C, &w->fold_groups);
	if (!status)
		status = core_tally_alloc(ctx, G, C, &w->pooled);
	if (!status)
		status = core_rates_alloc(ctx, C, G, w->rates);
	return status;
}

/* Does a fold count in the mean of this metric? */
static bool is_defined(const core_rates rates[CORE_READINGS], int metric, double value)
{
	const core_metric *m = core_metric_at((core_metric_id)metric);
	return rates[m->reading].present >= core_metric_groups_needed(m->kind) && !isnan(value);
}

/* Adds one seed's wanted metrics to the sums of pooled values and fold means. used: number of folds that
 * count. */
static void add_seed(struct work *w, const core_tally *known, core_metric_mask wanted,
	double *pooled, double *mean, int32_t *used)
{
	double value[CORE_METRICS], sum[CORE_METRICS] = {0};
	int32_t G = w->cohort->G, F = w->cohort->speakers->F;
	core_tally_part part = core_metrics_part(wanted);
	core_tally_sum(known, w->fold_group_of, NULL, part, &w->fold_groups);
	core_tally_sum(&w->fold_groups, w->group_of, NULL, part, &w->pooled);
	core_metrics_of_groups(&w->pooled, wanted, w->rates, value);
	for (int k = 0; k < CORE_METRICS; k++) {
		if (core_metric_in(wanted, k))
			pooled[k] += value[k];
		used[k] = 0;
	}
	for (int32_t f = 0; f < F && !w->no_folds; f++) {
		core_tally fold = {G, w->fold_groups.C, core_tally_unit(&w->fold_groups, f * G)};
		core_metrics_of_groups(&fold, wanted, w->rates, value);
		for (int k = 0; k < CORE_METRICS; k++) {
			if (core_metric_in(wanted, k) && is_defined(w->rates, k, value[k])) {
				sum[k] += value[k];
				used[k]++;
			}
		}
	}
	for (int k = 0; k < CORE_METRICS; k++)
		mean[k] += used[k] ? sum[k] / used[k] : NAN;
}

/* Computes means over the seeds of the wanted metrics; the others are NaN. Speaker s gets the group of
 * speaker from[s]; from NULL: the true groups. */
static void evaluate_groups(struct work *w, const int32_t *from, core_metric_mask wanted,
	double *pooled, double *mean, int32_t *used)
{
	const core_speakers *speakers = w->cohort->speakers;
	for (int32_t s = 0; s < speakers->S; s++) {
		int32_t group = w->cohort->of_speaker[from ? from[s] : s];
		w->fold_group_of[s] = group < 0 ? -1 : speakers->fold[s] * w->cohort->G + group;
	}
	for (int k = 0; k < CORE_METRICS; k++)
		pooled[k] = mean[k] = core_metric_in(wanted, k) ? 0 : NAN;
	for (int32_t r = 0; r < w->system->n_seeds; r++)
		add_seed(w, &w->system->known[r], wanted, pooled, mean, used);
	for (int k = 0; k < CORE_METRICS; k++) {
		pooled[k] /= w->system->n_seeds;
		mean[k] /= w->system->n_seeds;
	}
}

static void summarize_draws(
	const double *trace, int64_t n, core_metric_mask drawn, double *sorted, core_gap_nulls *out)
{
	for (int k = 0; k < CORE_METRICS; k++) {
		if (!core_metric_in(drawn, k))
			continue;
		core_tail tail = core_metric_at((core_metric_id)k)->higher_is_better
					 ? CORE_LOWER_TAIL
					 : CORE_UPPER_TAIL;
		int64_t defined = core_sorted_column(trace, n, 2 * CORE_METRICS, k, sorted);
		out->pooled_defined[k] = core_null_summary(sorted, defined, tail, &out->pooled[k]);
		defined = core_sorted_column(trace, n, 2 * CORE_METRICS, CORE_METRICS + k, sorted);
		out->fold_mean_defined[k] =
			core_null_summary(sorted, defined, tail, &out->fold_mean[k]);
	}
}

fv_status core_nulls_compute(fv_ctx *ctx, const core_cohort *cohort, const core_system *system,
	const core_draws *draws, double *trace, core_gap_nulls *out)
{
	struct work w;
	size_t S = (size_t)cohort->speakers->S, n = (size_t)draws->n;
	*out = (core_gap_nulls){0};
	fv_status status = alloc_work(ctx, cohort, system, &w);
	if (status)
		return status;
	double pooled[CORE_METRICS], mean[CORE_METRICS];
	int32_t unused[CORE_METRICS];
	core_metric_mask drawn = core_draws_metrics(draws, CORE_METRIC_GAP);
	evaluate_groups(&w, NULL, core_metrics_of_kinds(CORE_METRIC_GAP | CORE_METRIC_GROUP),
		pooled, mean, out->folds_used);
	for (int k = 0; k < CORE_METRICS; k++) {
		out->pooled[k] = core_estimate_of(pooled[k]);
		out->fold_mean[k] = core_estimate_of(mean[k]);
	}
	double *own = trace ? NULL : malloc((n + 1) * 2 * CORE_METRICS * sizeof *own);
	double *sorted = malloc((n + 1) * sizeof *sorted);
	int32_t *perm = malloc((2 * S + 1) * sizeof *perm);
	double *rows = trace ? trace : own;
	if (!rows || !sorted || !perm)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	w.no_folds = draws->no_folds;
	for (int64_t b = 0; b < draws->n && !status; b++) {
		core_draw_permutation(cohort, draws, b, perm);
		evaluate_groups(&w, perm, drawn, rows + 2 * CORE_METRICS * b,
			rows + 2 * CORE_METRICS * b + CORE_METRICS, unused);
	}
	if (!status)
		summarize_draws(rows, draws->n, drawn, sorted, out);
	free(own);
	free(sorted);
	free(perm);
	return status;
}
