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

/* The draws of a metric so far. */
struct counts {
	int64_t defined[CORE_METRICS], as_large[CORE_METRICS];
};

enum { ENOUGH = 10 }; /* draws as large as the difference */
#define SMALL_ENOUGH .005

static void count_draw(
	const double *draw, const core_swap *out, core_metric_mask drawn, struct counts *c)
{
	for (int k = 0; k < CORE_METRICS; k++) {
		if (!core_metric_in(drawn, k) || isnan(draw[k]))
			continue;
		c->defined[k]++;
		c->as_large[k] += fabs(draw[k]) >= fabs(out->diff[k]) - CORE_TIE;
	}
}

/* Can an adjustment over the family not give a small p yet? */
static bool is_floor_high(int32_t family, int64_t defined)
{
	return (double)family / (double)(defined + 1) >= SMALL_ENOUGH;
}

/* Returns the metrics whose draws go on. */
static core_metric_mask find_unfinished(
	const core_swap *out, const struct counts *c, core_metric_mask drawn, int32_t family)
{
	core_metric_mask left = 0;
	for (int k = 0; k < CORE_METRICS; k++)
		if (core_metric_in(drawn, k) && !isnan(out->diff[k]) && c->defined[k] &&
			c->as_large[k] < ENOUGH && is_floor_high(family, c->defined[k]))
			left |= (core_metric_mask)1 << k;
	return left;
}

static void set_wanted(struct work *w, core_metric_mask wanted)
{
	w->overall = wanted & core_metrics_of_kinds(CORE_METRIC_OVERALL);
	w->grouped = wanted & core_metrics_of_kinds(CORE_METRIC_GAP | CORE_METRIC_GROUP);
	w->part = core_metrics_part(wanted);
}

/* Draws beyond draws->n for the metrics that need it. sign, draw: space. */
static void go_on(struct work *w, const core_speakers *speakers, const core_draws *draws,
	core_metric_mask drawn, int32_t *sign, double *draw, core_swap *out, struct counts *c)
{
	core_draws more = *draws;
	more.given = NULL;
	for (int64_t from = draws->n; from < CORE_DRAWS_MAX; from += draws->n) {
		core_metric_mask left = find_unfinished(out, c, drawn, draws->family);
		if (!left)
			return;
		set_wanted(w, left);
		for (int64_t i = from; i < from + draws->n && i < CORE_DRAWS_MAX; i++) {
			core_draw_signs(speakers, &more, i, sign);
			subtract_systems(w, sign, draw);
			count_draw(draw, out, left, c);
		}
	}
	core_metric_mask left = find_unfinished(out, c, drawn, draws->family);
	for (int k = 0; k < CORE_METRICS; k++)
		out->at_floor[k] = core_metric_in(left, k);
}

static void set_p_values(const struct counts *c, core_swap *out)
{
	for (int k = 0; k < CORE_METRICS; k++) {
		bool undefined = isnan(out->diff[k]) || !c->defined[k];
		out->draws[k] = c->defined[k];
		out->p[k] = undefined ? NAN
				      : (double)(c->as_large[k] + 1) / (double)(c->defined[k] + 1);
	}
}

fv_status core_swap_test(fv_ctx *ctx, const core_speakers *speakers, const core_cohort *cohort,
	const core_system *a, const core_system *b, const core_draws *draws, double *trace,
	core_swap *out)
{
	struct work w;
	struct counts counts = {0};
	double draw[CORE_METRICS];
	if (a->n_seeds != b->n_seeds)
		return fv_fail(ctx, FV_CONFIG, "systems with %d and %d seeds cannot be compared",
			(int)a->n_seeds, (int)b->n_seeds);
	fv_status status = alloc_work(ctx, cohort, a, b, draws, &w);
	int32_t *sign = malloc((2 * (size_t)speakers->S + 1) * sizeof *sign);
	if (!sign)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	if (status) {
		free(sign);
		return status;
	}
	compute_observed(&w, out);
	core_metric_mask drawn = w.overall | (cohort ? w.grouped : 0);
	for (int64_t i = 0; i < draws->n; i++) {
		core_draw_signs(speakers, draws, i, sign);
		subtract_systems(&w, sign, draw);
		count_draw(draw, out, drawn, &counts);
		if (trace)
			memcpy(trace + CORE_METRICS * i, draw, sizeof draw);
	}
	if (draws->family)
		go_on(&w, speakers, draws, drawn, sign, draw, out, &counts);
	set_p_values(&counts, out);
	free(sign);
	return FV_OK;
}
