/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/bootstrap.h"

#include <math.h>
#include <stdlib.h>

#include "eval/summary.h"

#define MIN_SPEAKERS 10

struct work {
	const core_cohort *cohort; /* NULL: none */
	const core_system *system;
	core_tally one, groups;
	core_rates rates[CORE_READINGS];
	core_metric_mask overall, grouped; /* the wanted metrics: of all rows, of groups */
	core_tally_part part;
};

static fv_status alloc_work(fv_ctx *ctx, const core_cohort *cohort, const core_system *system,
	const core_draws *draws, struct work *w)
{
	int32_t C = system->all[0].C;
	*w = (struct work){.cohort = cohort,
		.system = system,
		.overall = core_draws_metrics(draws, CORE_METRIC_OVERALL),
		.grouped = core_draws_metrics(draws, CORE_METRIC_GAP | CORE_METRIC_GROUP)};
	w->grouped |= draws->only ? draws->only & CORE_WITH_RATES : CORE_WITH_RATES;
	w->part = core_metrics_part(w->overall | w->grouped);
	fv_status status = core_tally_alloc(ctx, 1, C, &w->one);
	if (!status && cohort)
		status = core_tally_alloc(ctx, cohort->G, C, &w->groups);
	if (!status && cohort)
		status = core_rates_alloc(ctx, C, cohort->G, w->rates);
	return status;
}

/* times [S]: how often each speaker counts; NULL: once each. */
static void evaluate_resample(struct work *w, const int32_t *times, double *out)
{
	int32_t C = w->one.C, G = w->cohort ? w->cohort->G : 0, n_seeds = w->system->n_seeds;
	int64_t width = core_resample_width(C, G);
	for (int64_t k = 0; k < width; k++)
		out[k] = 0;
	for (int32_t r = 0; r < n_seeds; r++) {
		double value[CORE_METRICS];
		for (int k = 0; k < CORE_METRICS; k++)
			value[k] = NAN;
		if (w->overall) {
			core_tally_sum(&w->system->all[r], NULL, times, w->part, &w->one);
			core_metrics_of_unit(&w->one, 0, w->overall, value);
		}
		if (w->cohort) {
			core_tally_sum(&w->system->known[r], w->cohort->of_speaker, times, w->part,
				&w->groups);
			core_metrics_of_groups(&w->groups, w->grouped, w->rates, value);
		}
		for (int k = 0; k < CORE_METRICS; k++)
			out[k] += value[k] / n_seeds;
		for (int64_t k = 0; k < CORE_READINGS * (int64_t)C * G; k++)
			out[CORE_METRICS + k] += w->rates[k / (C * G)].tpr[k % (C * G)] / n_seeds;
	}
}

fv_status core_bootstrap(fv_ctx *ctx, const core_speakers *speakers, const core_cohort *cohort,
	const core_system *system, const core_draws *draws, double *observed, double *trace)
{
	struct work w;
	fv_status status = alloc_work(ctx, cohort, system, draws, &w);
	if (status)
		return status;
	int64_t width = core_resample_width(w.one.C, cohort ? cohort->G : 0);
	int32_t *times = malloc((2 * (size_t)speakers->S + 1) * sizeof *times);
	if (!times)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	if (observed)
		evaluate_resample(&w, NULL, observed);
	for (int64_t b = 0; b < draws->n; b++) {
		core_draw_speakers(speakers, cohort, draws, b, times);
		evaluate_resample(&w, times, trace + b * width);
	}
	free(times);
	return FV_OK;
}

/* Sets the interval of the difference of two columns of the trace, leaving out undefined resamples. */
static void set_difference_interval(const double *trace, int64_t n, int64_t width, int64_t i,
	int64_t j, double *scratch, core_estimate *out)
{
	for (int64_t b = 0; b < n; b++)
		scratch[b] = trace[b * width + i] - trace[b * width + j];
	int64_t defined = core_sorted_column(scratch, n, 1, 0, scratch + n);
	core_interval(scratch + n, defined, out);
}

static fv_status fill_pair(fv_ctx *ctx, const core_cohort *cohort, int32_t C,
	const double *observed, const double *trace, int64_t n, double *scratch,
	core_tpr_difference *d)
{
	int64_t width = core_resample_width(C, cohort->G), least = cohort->size[d->g];
	if (cohort->size[d->h] < least)
		least = cohort->size[d->h];
	d->few = least < MIN_SPEAKERS;
	d->one_speaker = least == 1;
	d->value = core_alloc(ctx, (size_t)C, sizeof *d->value);
	if (!d->value)
		return FV_FAILED;
	for (int32_t c = 0; c < C; c++) {
		int64_t i = core_resample_tpr(CORE_THRESHOLD, C, cohort->G, c, d->g);
		int64_t j = core_resample_tpr(CORE_THRESHOLD, C, cohort->G, c, d->h);
		d->value[c] = core_estimate_of(observed[i] - observed[j]);
		if (least > 1)
			set_difference_interval(trace, n, width, i, j, scratch, &d->value[c]);
	}
	return FV_OK;
}

fv_status core_tpr_differences(fv_ctx *ctx, const core_cohort *cohort, int32_t C,
	const double *observed, const double *trace, int64_t n, core_tpr_difference **out)
{
	size_t G = (size_t)cohort->G, pair = 0;
	double *scratch = malloc((2 * (size_t)n + 1) * sizeof *scratch);
	*out = core_alloc(ctx, G * G / 2 + 1, sizeof **out);
	fv_status status = *out ? FV_OK : FV_FAILED;
	if (!scratch)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	for (int32_t g = 0; g < cohort->G; g++) {
		for (int32_t h = g + 1; h < cohort->G && !status; h++, pair++) {
			(*out)[pair].g = g;
			(*out)[pair].h = h;
			status = fill_pair(
				ctx, cohort, C, observed, trace, n, scratch, &(*out)[pair]);
		}
	}
	free(scratch);
	return status;
}
