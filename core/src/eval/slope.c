/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/slope.h"

#include <math.h>
#include <stdlib.h>

#include "base/stream.h"
#include "eval/metric_formulas.h"
#include "eval/summary.h"
#include "eval/undefined.h"

/* The speakers that count, in the order of their names. */
struct points {
	int32_t n;
	double *x, *y; /* [n] the number, and the UAR */
	int32_t *fold; /* [n] */
};

static double compute_slope(int32_t n, const double *x, const double *y)
{
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
	for (int32_t i = 0; i < n; i++) {
		mean_x += x[i] / n;
		mean_y += y[i] / n;
	}
	for (int32_t i = 0; i < n; i++) {
		xx += (x[i] - mean_x) * (x[i] - mean_x);
		xy += (x[i] - mean_x) * (y[i] - mean_y);
	}
	return xx > CORE_TIE * (1 + mean_x * mean_x) ? xy / xx : NAN;
}

static fv_status fail_two_numbers(fv_ctx *ctx, const core_eval_rows *rows,
	const core_numeric_attribute *a, int64_t row, double first)
{
	const char *text = core_format(ctx, "speaker '%s' has %s %.9g and %.9g", rows->speaker[row],
		a->name, first, a->value[row]);
	if (!text)
		return FV_FAILED;
	if (rows->path && rows->line)
		return core_fail_at(ctx, FV_DATA, rows->path, (int)rows->line[row], 0, "%s", text);
	return fv_fail(ctx, FV_DATA, "%s", text);
}

/* Finds the number of each speaker -> number [S]; NaN: unknown in all rows. */
static fv_status find_numbers(fv_ctx *ctx, const core_eval_rows *rows,
	const core_speakers *speakers, const core_numeric_attribute *a, double *number,
	core_slope *out)
{
	fv_status status = FV_OK;
	for (int32_t s = 0; s < speakers->S; s++)
		number[s] = NAN;
	for (int64_t i = 0; i < rows->n; i++) {
		double *own = &number[speakers->of_row[i]];
		if (isnan(a->value[i])) {
			out->unknown_rows++;
			continue;
		}
		if (!isnan(*own) && *own != a->value[i])
			status = fail_two_numbers(ctx, rows, a, i, *own);
		*own = a->value[i];
	}
	return status;
}

/* Returns the mean over the seeds of a speaker's UAR; NaN: too few rows. */
static double average_uar(const core_system *system, int32_t speaker, int64_t min_support)
{
	double sum = 0;
	for (int32_t r = 0; r < system->n_seeds; r++) {
		const core_tally argmax = core_tally_read(&system->all[r], CORE_ARGMAX);
		int64_t rows = core_tally_rows(&argmax, speaker);
		sum += rows > 0 && rows >= min_support ? core_uar(&argmax, speaker) : NAN;
	}
	return sum / system->n_seeds;
}

static fv_status make_points(fv_ctx *ctx, const core_eval_rows *rows, const core_system *system,
	const core_speakers *speakers, const core_numeric_attribute *a, int64_t min_support,
	struct points *p, core_slope *out)
{
	size_t S = (size_t)speakers->S + 1;
	double *number = core_alloc(ctx, S, sizeof *number);
	*p = (struct points){0, core_alloc(ctx, S, sizeof *p->x), core_alloc(ctx, S, sizeof *p->y),
		core_alloc(ctx, S, sizeof *p->fold)};
	if (!number || !p->x || !p->y || !p->fold)
		return FV_FAILED;
	fv_status status = find_numbers(ctx, rows, speakers, a, number, out);
	for (int32_t s = 0; s < speakers->S; s++) {
		double uar = average_uar(system, s, min_support);
		if (isnan(number[s]) || isnan(uar))
			continue;
		p->x[p->n] = number[s];
		p->y[p->n] = uar;
		p->fold[p->n++] = speakers->fold[s];
		out->low = fmin(out->low, number[s]); /* fmin and fmax skip NaN */
		out->high = fmax(out->high, number[s]);
	}
	out->speakers = p->n;
	return status;
}

/* Permutes the numbers x within each fold. */
static void permute_numbers(
	const struct points *p, int32_t folds, fv_stream *stream, int32_t *list, double *x)
{
	for (int32_t f = 0; f < folds; f++) {
		int32_t n = 0;
		for (int32_t i = 0; i < p->n; i++)
			if (p->fold[i] == f)
				list[n++] = i;
		for (int32_t i = n - 1; i > 0; i--) {
			int32_t j = (int32_t)fv_below(stream, (uint64_t)i + 1);
			double swap = x[list[i]];
			x[list[i]] = x[list[j]];
			x[list[j]] = swap;
		}
	}
}

static void draw_null(const struct points *p, int32_t folds, const core_draws *draws, uint64_t key,
	int32_t *list, double *x, double *slopes)
{
	for (int64_t b = 0; b < draws->n; b++) {
		fv_stream stream = core_stream(draws->seed, 0, "eval.slope.permutation", b, key);
		for (int32_t i = 0; i < p->n; i++)
			x[i] = p->x[i];
		permute_numbers(p, folds, &stream, list, x);
		slopes[b] = compute_slope(p->n, x, p->y);
	}
}

static void draw_resamples(const struct points *p, const core_draws *draws, uint64_t key, double *x,
	double *y, double *slopes)
{
	for (int64_t b = 0; b < draws->n; b++) {
		fv_stream stream = core_stream(draws->seed, 0, "eval.slope.bootstrap", b, key);
		for (int32_t i = 0; i < p->n; i++) {
			uint64_t from = fv_below(&stream, (uint64_t)p->n);
			x[i] = p->x[from];
			y[i] = p->y[from];
		}
		slopes[b] = compute_slope(p->n, x, y);
	}
}

static fv_status assess_slope(fv_ctx *ctx, const struct points *p, int32_t folds,
	const core_assess_options *options, uint64_t key, core_estimate *slope)
{
	const core_draws *draws = &options->draws;
	size_t n = (size_t)p->n + 1, all = (size_t)draws->n + 1;
	double *x = core_alloc(ctx, 2 * n, sizeof *x);
	double *slopes = core_alloc(ctx, 2 * all, sizeof *slopes);
	int32_t *list = core_alloc(ctx, n, sizeof *list);
	if (!x || !slopes || !list)
		return FV_FAILED;
	draw_null(p, folds, draws, key, list, x, slopes);
	slope->p = core_two_sided(slope->value, slopes, draws->n);
	if (p->n < options->min_speakers)
		return FV_OK;
	draw_resamples(p, draws, key, x, x + n, slopes);
	double *sorted = slopes + all;
	int64_t defined = core_sorted_column(slopes, draws->n, 1, 0, sorted);
	core_interval(sorted, defined, slope);
	return FV_OK;
}

fv_status core_slope_compute(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets,
	const core_eval_rows *rows, const core_numeric_attribute *attribute,
	const core_assess_options *options, core_slope *out)
{
	core_speakers speakers;
	core_system system;
	struct points p;
	*out = (core_slope){
		.name = attribute->name, .low = NAN, .high = NAN, .slope = core_estimate_of(NAN)};
	fv_status status = core_speakers_make(ctx, rows, &speakers);
	if (!status)
		status = core_system_make(ctx, n_seeds, sets, &speakers, NULL, &system);
	if (!status)
		status = make_points(
			ctx, rows, &system, &speakers, attribute, options->min_support, &p, out);
	if (status)
		return status;
	if (p.n > 2)
		out->slope = core_estimate_of(compute_slope(p.n, p.x, p.y));
	return isnan(out->slope.value) ? FV_OK
				       : assess_slope(ctx, &p, speakers.F, options,
						 fv_name_hash(attribute->name), &out->slope);
}

fv_status core_slopes_add(fv_ctx *ctx, const core_eval_set *set, const core_eval_rows *rows,
	int32_t n, const core_numeric_attribute *attributes, const core_assess_options *options,
	core_metrics *metrics)
{
	core_eval_rows block = *rows;
	block.fold = NULL;
	fv_status status = FV_OK;
	if (n > CORE_NUMERIC_MAX)
		return fv_fail(ctx, FV_CONFIG, "more than %d numeric attributes", CORE_NUMERIC_MAX);
	metrics->numeric = core_alloc(ctx, (size_t)n + 1, sizeof *metrics->numeric);
	if (!metrics->numeric)
		return FV_FAILED;
	metrics->n_numeric = n;
	for (int32_t k = 0; k < n && !status; k++) {
		status = core_slope_compute(
			ctx, 1, set, &block, &attributes[k], options, &metrics->numeric[k]);
		if (!status && isnan(metrics->numeric[k].slope.value))
			core_note_numeric(metrics, attributes[k].name);
	}
	return status;
}
