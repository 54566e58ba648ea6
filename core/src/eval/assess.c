/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/assess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/calibration.h"
#include "eval/speaker_spread.h"
#include "eval/summary.h"
#include "eval/swap.h"
#include "eval/undefined.h"

/* Values of resamples, and space to sort a column. Release with free_resamples(). */
struct resamples {
	int64_t n, width;
	double *observed, *trace, *sorted;
};

static void free_resamples(struct resamples *r)
{
	free(r->observed);
	free(r->trace);
	free(r->sorted);
}

static fv_status draw_resamples(fv_ctx *ctx, const core_speakers *speakers,
	const core_cohort *cohort, const core_system *system, const core_draws *draws,
	struct resamples *r)
{
	r->n = draws->n;
	r->width = core_resample_width(system->all[0].C, cohort ? cohort->G : 0);
	size_t n = (size_t)r->n + 1, width = (size_t)r->width;
	r->observed = malloc(width * sizeof *r->observed);
	r->trace = malloc(n * width * sizeof *r->trace);
	r->sorted = malloc(n * sizeof *r->sorted);
	if (!r->observed || !r->trace || !r->sorted)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	return core_bootstrap(ctx, speakers, cohort, system, draws, r->observed, r->trace);
}

static void set_interval(const struct resamples *r, int64_t column, core_estimate *estimate)
{
	int64_t n = core_sorted_column(r->trace, r->n, r->width, column, r->sorted);
	core_interval(r->sorted, n, estimate);
}

static fv_status add_overall_intervals(fv_ctx *ctx, const core_speakers *speakers,
	const core_system *system, const core_draws *draws, core_metrics *m)
{
	struct resamples r = {0};
	fv_status status = draw_resamples(ctx, speakers, NULL, system, draws, &r);
	if (!status) {
		for (int k = 0; k < CORE_METRICS; k++)
			if (core_metric_is((core_metric_id)k, CORE_METRIC_OVERALL))
				set_interval(&r, k, &m->metric[k]);
	}
	free_resamples(&r);
	return status;
}

/* Removes the interval of a difference if a group has few speakers, as for the rates of a single block. */
static void drop_small_group_intervals(int32_t n, int32_t C, core_tpr_difference *difference)
{
	for (int32_t k = 0; k < n; k++)
		for (int32_t c = 0; c < C && difference[k].few; c++)
			difference[k].value[c] = core_estimate_of(difference[k].value[c].value);
}

static fv_status add_rate_intervals(fv_ctx *ctx, const core_cohort *cohort,
	const core_system *system, const core_assess_options *options, int32_t C,
	core_attribute_metrics *a)
{
	struct resamples r = {0};
	core_draws draws = options->draws;
	draws.only = CORE_WITH_RATES; /* a gap has no interval */
	fv_status status = draw_resamples(ctx, cohort->speakers, cohort, system, &draws, &r);
	for (int32_t g = 0; g < a->G && !status; g++) {
		if (cohort->size[g] < options->min_speakers)
			continue;
		for (int32_t c = 0; c < C; c++) {
			int32_t i = c * a->G + g;
			set_interval(
				&r, core_resample_tpr(CORE_THRESHOLD, C, a->G, c, g), &a->tpr[i]);
			set_interval(
				&r, core_resample_tpr(CORE_ARGMAX, C, a->G, c, g), &a->recall[i]);
		}
	}
	if (!status)
		status = core_tpr_differences(
			ctx, cohort, C, r.observed, r.trace, r.n, &a->difference);
	if (!status) {
		a->n_differences = a->G * (a->G - 1) / 2;
		drop_small_group_intervals(a->n_differences, C, a->difference);
	}
	free_resamples(&r);
	return status;
}

static fv_status assess_attribute(fv_ctx *ctx, const core_eval_set *set, const core_eval_rows *rows,
	const core_speakers *speakers, const core_eval_attribute *attribute,
	const core_assess_options *options, core_attribute_metrics *a)
{
	core_cohort cohort;
	core_system system;
	core_gap_nulls nulls;
	fv_status status = core_cohort_make(ctx, rows, speakers, attribute, &cohort);
	if (!status)
		status = core_system_make(ctx, 1, set, speakers, attribute, &system);
	if (!status)
		status = core_nulls_compute(ctx, &cohort, &system, &options->draws, NULL, &nulls);
	if (status)
		return status;
	a->speakers = cohort.size;
	for (int k = 0; k < CORE_METRICS; k++)
		if (core_metric_is((core_metric_id)k, CORE_METRIC_GAP))
			a->metric[k] = nulls.pooled[k];
	return add_rate_intervals(ctx, &cohort, &system, options, set->C, a);
}

static fv_status add_speaker_spread(
	fv_ctx *ctx, const core_tally *speakers, int64_t min_support, core_metrics *m)
{
	core_speaker_spread spread;
	fv_status status = core_speaker_spread_compute(ctx, speakers, min_support, &spread);
	m->metric[CORE_SPEAKER_UAR_SPREAD] = core_estimate_of(spread.sd);
	m->metric[CORE_SPEAKER_GINI] = core_estimate_of(spread.gini);
	core_note_speakers(m);
	return status;
}

fv_status core_assess(fv_ctx *ctx, const core_eval_set *set, const core_eval_rows *rows,
	const core_eval_attribute *attributes, const core_assess_options *options,
	core_metrics *metrics)
{
	core_speakers speakers;
	core_system system;
	core_eval_rows block = *rows; /* all rows together, whatever their folds */
	block.fold = NULL;
	fv_status status = core_speakers_make(ctx, &block, &speakers);
	if (!status)
		status = core_system_make(ctx, 1, set, &speakers, NULL, &system);
	if (status)
		return status;
	metrics->n_speakers = speakers.S;
	metrics->draws = options->draws.n;
	status = add_speaker_spread(ctx, &system.all[0], options->min_support, metrics);
	if (!status)
		status = core_calibration_assess(ctx, set, attributes, &options->draws, metrics);
	if (status)
		return status;
	if (speakers.S >= options->min_speakers)
		status = add_overall_intervals(ctx, &speakers, &system, &options->draws, metrics);
	fv_status first = status;
	for (int32_t k = 0; k < metrics->n_attributes && status != FV_FAILED; k++) {
		status = assess_attribute(ctx, set, &block, &speakers, &attributes[k], options,
			&metrics->attribute[k]);
		first = first ? first : status;
	}
	return first;
}

static fv_status make_rates(fv_ctx *ctx, const core_cohort *cohort, int32_t C,
	const struct resamples *r, core_estimate **out)
{
	int32_t G = cohort->G;
	core_estimate *tpr = core_alloc(ctx, (size_t)C * (size_t)G + 1, sizeof *tpr);
	*out = tpr;
	if (!tpr)
		return FV_FAILED;
	for (int32_t c = 0; c < C; c++)
		for (int32_t g = 0; g < G; g++) {
			int64_t column = core_resample_tpr(CORE_THRESHOLD, C, G, c, g);
			core_estimate *own = &tpr[c * G + g];
			*own = core_estimate_of(r->observed[column]);
			if (cohort->size[g] > 1 && !isnan(own->value))
				set_interval(r, column, own);
		}
	return FV_OK;
}

fv_status core_pooled_rates_compute(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets,
	const core_eval_rows *rows, const core_eval_attribute *attribute, const core_draws *draws,
	core_pooled_rates *out)
{
	core_speakers speakers;
	core_system system;
	core_cohort cohort;
	struct resamples r = {0};
	core_draws rates = *draws;
	rates.only = CORE_WITH_TPR;
	fv_status status = core_speakers_make(ctx, rows, &speakers);
	if (!status)
		status = core_system_make(ctx, n_seeds, sets, &speakers, attribute, &system);
	if (!status)
		status = core_cohort_make(ctx, rows, &speakers, attribute, &cohort);
	if (!status)
		status = draw_resamples(ctx, &speakers, &cohort, &system, &rates, &r);
	if (!status)
		status = core_tpr_differences(
			ctx, &cohort, sets[0].C, r.observed, r.trace, r.n, &out->difference);
	if (!status)
		status = make_rates(ctx, &cohort, sets[0].C, &r, &out->tpr);
	free_resamples(&r);
	return status;
}

/* --- a variant of a table --------------------------------------------------------------------- */

/* Adds the mean over the folds where a metric is defined; folds [F] are the counts of one seed. */
static void add_fold_means(const core_tally *folds, double *mean, int32_t *used)
{
	double value[CORE_METRICS];
	for (int k = 0; k < CORE_METRICS; k++)
		used[k] = 0;
	for (int pass = 0; pass < 2; pass++)
		for (int32_t f = 0; f < folds->K; f++) {
			core_metrics_of_unit(folds, f, CORE_ALL_METRICS, value);
			for (int k = 0; k < CORE_METRICS; k++) {
				if (!core_metric_at((core_metric_id)k)->of_unit || isnan(value[k]))
					continue;
				if (pass == 0)
					used[k]++;
				else
					mean[k] += value[k] / used[k];
			}
		}
	for (int k = 0; k < CORE_METRICS; k++)
		if (!used[k])
			mean[k] = NAN;
}

static void compute_overall_scores(const core_speakers *speakers, const core_system *system,
	core_tally *folds, core_tally *one, core_scores *out)
{
	double pooled[CORE_METRICS] = {0}, mean[CORE_METRICS] = {0}, value[CORE_METRICS] = {0};
	for (int32_t r = 0; r < system->n_seeds; r++) {
		core_tally_sum(&system->all[r], speakers->fold, NULL, CORE_TALLY_ALL, folds);
		core_tally_sum(folds, NULL, NULL, CORE_TALLY_ALL, one);
		core_metrics_of_unit(one, 0, CORE_ALL_METRICS, value);
		for (int k = 0; k < CORE_METRICS; k++)
			pooled[k] += value[k];
		add_fold_means(folds, mean, out->folds_used);
	}
	for (int k = 0; k < CORE_METRICS; k++) {
		if (!core_metric_is((core_metric_id)k, CORE_METRIC_OVERALL))
			continue;
		out->pooled[k] = core_estimate_of(pooled[k] / system->n_seeds);
		out->fold_mean[k] = core_estimate_of(mean[k] / system->n_seeds);
	}
}

static fv_status alloc_support(fv_ctx *ctx, size_t C, size_t fold_groups, core_scores *out)
{
	out->speakers = core_alloc(ctx, fold_groups, sizeof *out->speakers);
	out->rows = core_alloc(ctx, 2 * fold_groups, sizeof *out->rows);
	out->positives = core_alloc(ctx, 2 * C * fold_groups, sizeof *out->positives);
	if (!out->speakers || !out->rows || !out->positives)
		return FV_FAILED;
	out->argmax_rows = out->rows + fold_groups;
	out->argmax_positives = out->positives + C * fold_groups;
	return FV_OK;
}

static fv_status count_support(
	fv_ctx *ctx, const core_cohort *cohort, const core_tally *known, core_scores *out)
{
	const core_speakers *speakers = cohort->speakers;
	const core_tally argmax = core_tally_read(known, CORE_ARGMAX);
	size_t F = (size_t)speakers->F, fold_groups = (size_t)cohort->G * F;
	fv_status status = alloc_support(ctx, (size_t)known->C, fold_groups, out);
	for (int32_t s = 0; s < speakers->S && !status; s++) {
		if (cohort->of_speaker[s] < 0)
			continue;
		size_t at = (size_t)cohort->of_speaker[s] * F + (size_t)speakers->fold[s];
		out->speakers[at]++;
		out->rows[at] += core_tally_rows(known, s);
		out->argmax_rows[at] += core_tally_rows(&argmax, s);
		for (int32_t c = 0; c < known->C; c++) {
			size_t i = (size_t)c * fold_groups + at;
			out->positives[i] += core_tally_positives(known, s, c);
			out->argmax_positives[i] += core_tally_positives(&argmax, s, c);
		}
	}
	return status;
}

static fv_status compute_gap_scores(fv_ctx *ctx, const core_cohort *cohort,
	const core_system *system, const core_draws *draws, core_scores *out)
{
	core_gap_nulls nulls;
	fv_status status = core_nulls_compute(ctx, cohort, system, draws, NULL, &nulls);
	if (status)
		return status;
	for (int k = 0; k < CORE_METRICS; k++) {
		if (core_metric_is((core_metric_id)k, CORE_METRIC_OVERALL))
			continue;
		out->pooled[k] = nulls.pooled[k];
		out->fold_mean[k] = nulls.fold_mean[k];
		out->folds_used[k] = nulls.folds_used[k];
	}
	out->G = cohort->G;
	out->group = cohort->group;
	return count_support(ctx, cohort, &system->known[0], out);
}

fv_status core_scores_compute(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets,
	const core_eval_rows *rows, const core_eval_attribute *attribute, const core_draws *draws,
	core_scores *out)
{
	core_speakers speakers;
	core_system system;
	core_tally folds, one;
	*out = (core_scores){0};
	fv_status status = core_speakers_make(ctx, rows, &speakers);
	if (!status)
		status = core_system_make(ctx, n_seeds, sets, &speakers, attribute, &system);
	if (!status)
		status = core_tally_alloc(ctx, speakers.F, sets[0].C, &folds);
	if (!status)
		status = core_tally_alloc(ctx, 1, sets[0].C, &one);
	if (status)
		return status;
	for (int k = 0; k < CORE_METRICS; k++)
		out->pooled[k] = out->fold_mean[k] = core_estimate_of(NAN);
	out->n_folds = speakers.F;
	out->fold_name = speakers.fold_name;
	compute_overall_scores(&speakers, &system, &folds, &one, out);
	if (!attribute)
		return FV_OK;
	core_cohort cohort;
	status = core_cohort_make(ctx, rows, &speakers, attribute, &cohort);
	return status ? status : compute_gap_scores(ctx, &cohort, &system, draws, out);
}

/* --- two systems ------------------------------------------------------------------------------ */

struct pair {
	const core_speakers *speakers;
	const core_cohort *cohort; /* NULL: F1 and ACC only */
	core_system a, b;
	core_swap swap;
	int64_t draws;               /* before they go on */
	struct resamples of_a, of_b; /* of_a becomes a - b */
};

/* Returns a - b of metric k with its p-value and interval. */
static core_estimate estimate_difference(const struct pair *p, core_metric_id k)
{
	core_estimate estimate = core_estimate_of(p->swap.diff[k]);
	if (p->speakers->S > 1)
		set_interval(&p->of_a, k, &estimate);
	estimate.p = p->swap.p[k];
	estimate.draws = p->swap.draws[k] > p->draws ? p->swap.draws[k] : 0;
	estimate.at_floor = p->swap.at_floor[k];
	return estimate;
}

static fv_status compare_pair(fv_ctx *ctx, const core_draws *draws, struct pair *p)
{
	p->draws = draws->n;
	fv_status status =
		core_swap_test(ctx, p->speakers, p->cohort, &p->a, &p->b, draws, NULL, &p->swap);
	if (!status)
		status = draw_resamples(ctx, p->speakers, p->cohort, &p->a, draws, &p->of_a);
	if (!status)
		status = draw_resamples(ctx, p->speakers, p->cohort, &p->b, draws, &p->of_b);
	return status;
}

static void subtract_resamples(struct pair *p)
{
	for (int64_t i = 0; i < p->of_a.n * p->of_a.width; i++)
		p->of_a.trace[i] -= p->of_b.trace[i];
	for (int64_t i = 0; i < p->of_a.width; i++)
		p->of_a.observed[i] -= p->of_b.observed[i];
}

static fv_status compare_groups(fv_ctx *ctx, struct pair *p, core_attribute_comparison *out)
{
	const core_cohort *cohort = p->cohort;
	int32_t C = p->a.all[0].C, G = cohort->G;
	fv_status status = core_levelling_compute(ctx, C, G, p->of_b.observed + CORE_METRICS,
		p->of_a.observed + CORE_METRICS, &out->levelling);
	if (status)
		return status;
	subtract_resamples(p);
	for (int k = 0; k < CORE_METRICS; k++)
		out->metric[k] = core_metric_is((core_metric_id)k, CORE_METRIC_OVERALL)
					 ? core_estimate_of(NAN)
					 : estimate_difference(p, (core_metric_id)k);
	out->n_differences = G * (G - 1) / 2;
	return core_tpr_differences(
		ctx, cohort, C, p->of_a.observed, p->of_a.trace, p->of_a.n, &out->tpr_difference);
}

static fv_status make_systems(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets_a,
	const core_eval_set *sets_b, const core_eval_attribute *attribute, struct pair *p)
{
	const core_eval_set *a = &sets_a[0], *b = &sets_b[0];
	if (a->n != b->n || a->C != b->C ||
		memcmp(a->label, b->label, (size_t)a->n * (size_t)a->C * sizeof *a->label) != 0)
		return fv_fail(ctx, FV_DATA, "the two systems have different rows or labels");
	fv_status status = core_system_make(ctx, n_seeds, sets_a, p->speakers, attribute, &p->a);
	if (!status)
		status = core_system_make(ctx, n_seeds, sets_b, p->speakers, attribute, &p->b);
	return status;
}

static fv_status compare_overall(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets_a,
	const core_eval_set *sets_b, const core_speakers *speakers, const core_draws *draws,
	core_comparison *out)
{
	struct pair p = {.speakers = speakers};
	fv_status status = make_systems(ctx, n_seeds, sets_a, sets_b, NULL, &p);
	if (!status)
		status = compare_pair(ctx, draws, &p);
	if (!status) {
		subtract_resamples(&p);
		for (int k = 0; k < CORE_METRICS; k++)
			out->metric[k] = core_metric_is((core_metric_id)k, CORE_METRIC_OVERALL)
						 ? estimate_difference(&p, (core_metric_id)k)
						 : core_estimate_of(NAN);
	}
	free_resamples(&p.of_a);
	free_resamples(&p.of_b);
	return status;
}

static fv_status compare_attribute(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets_a,
	const core_eval_set *sets_b, const core_eval_rows *rows, const core_speakers *speakers,
	const core_eval_attribute *attribute, const core_draws *draws,
	core_attribute_comparison *out)
{
	core_cohort cohort;
	core_draws grouped = *draws; /* compare_overall has drawn for the overall metrics */
	grouped.only =
		CORE_WITH_TPR | core_draws_metrics(draws, CORE_METRIC_GAP | CORE_METRIC_GROUP);
	struct pair p = {.speakers = speakers, .cohort = &cohort};
	*out = (core_attribute_comparison){
		.name = attribute->name, .G = attribute->G, .group = attribute->group};
	fv_status status = core_cohort_make(ctx, rows, speakers, attribute, &cohort);
	if (!status)
		status = make_systems(ctx, n_seeds, sets_a, sets_b, attribute, &p);
	if (!status)
		status = compare_pair(ctx, &grouped, &p);
	if (!status)
		status = compare_groups(ctx, &p, out);
	free_resamples(&p.of_a);
	free_resamples(&p.of_b);
	return status;
}

fv_status core_compare(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets_a,
	const core_eval_set *sets_b, const core_eval_rows *rows, const char *const *classes,
	int32_t n_attributes, const core_eval_attribute *attributes, const core_draws *draws,
	core_comparison *out)
{
	core_speakers speakers;
	*out = (core_comparison){
		.n = rows->n, .C = sets_a[0].C, .n_attributes = n_attributes, .classes = classes};
	out->attribute = core_alloc(ctx, (size_t)n_attributes + 1, sizeof *out->attribute);
	if (!out->attribute)
		return FV_FAILED;
	fv_status status = core_speakers_make(ctx, rows, &speakers);
	for (int k = 0; k < CORE_METRICS; k++)
		out->metric[k] = core_estimate_of(NAN);
	if (!status && !draws->no_overall)
		status = compare_overall(ctx, n_seeds, sets_a, sets_b, &speakers, draws, out);
	for (int32_t k = 0; k < n_attributes && !status; k++)
		status = compare_attribute(ctx, n_seeds, sets_a, sets_b, rows, &speakers,
			&attributes[k], draws, &out->attribute[k]);
	return status;
}
