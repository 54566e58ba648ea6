/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/swap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/summary.h"

struct work {
	const core_cohort *cohort; /* NULL: none */
	const core_system *a, *b;
	core_tally one, groups;
	core_rates rates[CORE_READINGS];
	core_metric_mask overall, grouped; /* the wanted metrics: of all rows, of groups */
	core_tally_part part;
};

static fv_status alloc_work(fv_ctx *ctx, const core_cohort *cohort, const core_system *a,
	const core_system *b, const core_draws *draws, struct work *w)
{
	int32_t C = a->all[0].C;
	*w = (struct work){.cohort = cohort,
		.a = a,
		.b = b,
		.overall = core_draws_metrics(draws, CORE_METRIC_OVERALL),
		.grouped = core_draws_metrics(draws, CORE_METRIC_GAP | CORE_METRIC_GROUP)};
	w->part = core_metrics_part(w->overall | w->grouped);
	fv_status status = core_tally_alloc(ctx, 1, C, &w->one);
	if (!status && cohort)
		status = core_tally_alloc(ctx, cohort->G, C, &w->groups);
	if (!status && cohort)
		status = core_rates_alloc(ctx, C, cohort->G, w->rates);
	return status;
}

/* Clears out, then adds sign[s] > 0 ? own[s] : other[s] to out[to[s]] for every speaker s. */
static void sum_exchanged(const core_tally *own, const core_tally *other, const int32_t *sign,
	const int32_t *to, core_tally_part part, core_tally *out)
{
	size_t width = (size_t)part * core_tally_width(own->C);
	core_tally_clear(out, part);
	for (int32_t s = 0; s < own->K; s++) {
		int32_t target = to ? to[s] : 0;
		if (target >= 0)
			core_tally_add(core_tally_unit(out, target),
				core_tally_unit(sign && sign[s] < 0 ? other : own, s), width);
	}
}

/* Adds scale * (metrics of `own` after the exchange, for seed r) to sum. */
static void add_metrics(struct work *w, const core_system *own, const core_system *other, int32_t r,
	const int32_t *sign, double scale, double *sum)
{
	double value[CORE_METRICS];
	for (int k = 0; k < CORE_METRICS; k++)
		value[k] = NAN;
	if (w->overall) {
		sum_exchanged(&own->all[r], &other->all[r], sign, NULL, w->part, &w->one);
		core_metrics_of_unit(&w->one, 0, w->overall, value);
	}
	if (w->cohort) {
		sum_exchanged(&own->known[r], &other->known[r], sign, w->cohort->of_speaker,
			w->part, &w->groups);
		core_metrics_of_groups(&w->groups, w->grouped, w->rates, value);
	}
	for (int k = 0; k < CORE_METRICS; k++)
		sum[k] += scale * value[k];
}

static void subtract_systems(struct work *w, const int32_t *sign, double *out)
{
	int32_t n_seeds = w->a->n_seeds;
	memset(out, 0, CORE_METRICS * sizeof *out);
	for (int32_t r = 0; r < n_seeds; r++) {
		add_metrics(w, w->a, w->b, r, sign, 1, out);
		add_metrics(w, w->b, w->a, r, sign, -1, out);
	}
	for (int k = 0; k < CORE_METRICS; k++)
		out[k] /= n_seeds;
}

static void compute_observed(struct work *w, core_swap *out)
{
	*out = (core_swap){0};
	for (int32_t r = 0; r < w->a->n_seeds; r++) {
		add_metrics(w, w->a, w->b, r, NULL, 1.0 / w->a->n_seeds, out->a);
		add_metrics(w, w->b, w->a, r, NULL, 1.0 / w->a->n_seeds, out->b);
	}
	subtract_systems(w, NULL, out->diff);
}

fv_status core_swap_test(fv_ctx *ctx, const core_speakers *speakers, const core_cohort *cohort,
	const core_system *a, const core_system *b, const core_draws *draws, double *trace,
	core_swap *out)
{
	struct work w;
	size_t S = (size_t)speakers->S, n = (size_t)draws->n;
	if (a->n_seeds != b->n_seeds)
		return fv_fail(ctx, FV_CONFIG, "systems with %d and %d seeds cannot be compared",
			(int)a->n_seeds, (int)b->n_seeds);
	fv_status status = alloc_work(ctx, cohort, a, b, draws, &w);
	if (status)
		return status;
	compute_observed(&w, out);
	double *rows = malloc((n + 1) * CORE_METRICS * sizeof *rows);
	double *column = malloc((n + 1) * sizeof *column);
	int32_t *sign = malloc((2 * S + 1) * sizeof *sign);
	if (!rows || !column || !sign)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	for (int64_t i = 0; i < draws->n && !status; i++) {
		core_draw_signs(speakers, draws, i, sign);
		subtract_systems(&w, sign, rows + CORE_METRICS * i);
	}
	for (int k = 0; k < CORE_METRICS && !status; k++) {
		for (int64_t i = 0; i < draws->n; i++)
			column[i] = rows[CORE_METRICS * i + k];
		out->p[k] = core_two_sided(out->diff[k], column, draws->n);
	}
	if (!status && trace)
		memcpy(trace, rows, n * CORE_METRICS * sizeof *rows);
	free(rows);
	free(column);
	free(sign);
	return status;
}
