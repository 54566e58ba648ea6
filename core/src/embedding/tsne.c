/* SPDX-License-Identifier: Apache-2.0 */
#include "embedding/tsne.h"

#include <math.h>

#include <fairvox/stream.h>

#include "embedding/field.h"

enum { LEAST_ROWS = 4, EXACT_BELOW = 5000, LEAST_ITERATIONS = 250 };
static const double start_sd = 1e-4;

core_tsne_options core_tsne_defaults(void)
{
	return (core_tsne_options){.perplexity = 30, .iterations = 1000, .threads = 1};
}

static fv_status check_options(fv_ctx *ctx, const core_tsne_options *options)
{
	if (!(options->perplexity >= 1 && isfinite(options->perplexity)))
		return fv_fail(ctx, FV_CONFIG, "t-SNE: perplexity %g: use at least 1",
			options->perplexity);
	if (options->iterations < LEAST_ITERATIONS)
		return fv_fail(ctx, FV_CONFIG, "t-SNE: %d iterations: use at least %d",
			options->iterations, LEAST_ITERATIONS);
	return FV_OK;
}

/* Checks the numbers and finds the largest. */
static fv_status check_rows(fv_ctx *ctx, const float *x, int64_t n, int64_t dims, float *largest)
{
	if (n < LEAST_ROWS || dims < 1)
		return fv_fail(ctx, FV_DATA,
			"t-SNE: %lld rows of %lld numbers: at least %d rows of 1 number are needed",
			(long long)n, (long long)dims, LEAST_ROWS);
	if (n > INT32_MAX)
		return fv_fail(ctx, FV_DATA, "t-SNE: %lld rows: at most %d can be mapped",
			(long long)n, INT32_MAX);
	*largest = 0;
	for (int64_t row = 0; row < n; row++)
		for (int64_t column = 0; column < dims; column++) {
			float value = x[row * dims + column];
			if (!isfinite(value))
				return fv_fail(ctx, FV_DATA,
					"t-SNE: row %lld, column %lld is %g: all numbers must be "
					"finite",
					(long long)row + 1, (long long)column + 1, (double)value);
			*largest = fmaxf(*largest, fabsf(value));
		}
	return FV_OK;
}

/* Copies the rows, multiplied by the power of two that brings the largest number to between 1/2 and 1. The map stays the
 * same, bit by bit, and no square overflows. */
static float *scale_rows(fv_ctx *ctx, const float *x, int64_t n, int64_t dims, float largest)
{
	float *scaled = core_alloc(ctx, (size_t)n * (size_t)dims, sizeof *scaled);
	int exponent = 0;
	(void)frexpf(largest, &exponent);
	for (int64_t i = 0; scaled && i < n * dims; i++)
		scaled[i] = ldexpf(x[i], -exponent);
	return scaled;
}

static double measure_spread(const double *plane, int64_t n)
{
	double sum = 0, squares = 0;
	for (int64_t i = 0; i < n; i++)
		sum += plane[2 * i];
	for (int64_t i = 0; i < n; i++) {
		double off = plane[2 * i] - sum / (double)n;
		squares += off * off;
	}
	return sqrt(squares / (double)n);
}

/* The components scaled to start_sd. If there is only one, points would never leave their line, so that the second is
 * drawn, a hundred times smaller. If there is none, all points start and stay at 0. */
static fv_status start_from_components(fv_ctx *ctx, core_team *team, const float *rows, int64_t n,
	int64_t dims, uint64_t seed, float *x, float *y)
{
	double *plane = core_alloc(ctx, 2 * (size_t)n, sizeof *plane);
	if (!plane)
		return FV_FAILED;
	fv_status status = core_pca_project(ctx, team, rows, n, dims, plane);
	if (status)
		return status;
	double first = measure_spread(plane, n), second = measure_spread(plane + 1, n);
	fv_stream stream = fv_rng_seeded(seed, "tsne", 0, 0);
	for (int64_t i = 0; first > 0 && i < n; i++) {
		x[i] = (float)(plane[2 * i] / first * start_sd);
		y[i] = second > 1e-6 * first ? (float)(plane[2 * i + 1] / first * start_sd)
					     : (float)(fv_normal(&stream) * start_sd / 100);
	}
	return FV_OK;
}

static void draw_start(int64_t n, uint64_t seed, float *x, float *y)
{
	fv_stream stream = fv_rng_seeded(seed, "tsne", 0, 0);
	for (int64_t i = 0; i < n; i++) {
		x[i] = (float)(fv_normal(&stream) * start_sd);
		y[i] = (float)(fv_normal(&stream) * start_sd);
	}
}

static double limit_perplexity(fv_ctx *ctx, double perplexity, int64_t n)
{
	double most = (double)(n - 1) / 3;
	if (perplexity <= most)
		return perplexity;
	fv_warn(ctx, "t-SNE: perplexity %g needs %.0f rows: %.3g is used for these %lld",
		perplexity, ceil(3 * perplexity) + 1, most, (long long)n);
	return most;
}

static fv_status open_field(fv_ctx *ctx, core_team *team, const float *x, int64_t n, int64_t dims,
	const core_tsne_result *result, core_field *out)
{
	return result->exact
		       ? core_field_open_exact(ctx, team, x, n, dims, result->perplexity, out)
		       : core_field_open_barnes_hut(ctx, team, x, n, dims, result->perplexity, out);
}

static fv_status compute_map(fv_ctx *ctx, core_team *team, const float *rows, int64_t n,
	int64_t dims, const core_tsne_options *options, float *map, core_tsne_result *result)
{
	size_t padded = (size_t)core_map_padded(n);
	float *x = core_alloc(ctx, padded, sizeof *x), *y = core_alloc(ctx, padded, sizeof *y);
	if (!x || !y)
		return FV_FAILED;
	core_field field;
	fv_status status = FV_OK;
	if (options->start == CORE_TSNE_RANDOM)
		draw_start(n, options->seed, x, y);
	else
		status = start_from_components(ctx, team, rows, n, dims, options->seed, x, y);
	if (!status)
		status = open_field(ctx, team, rows, n, dims, result, &field);
	if (!status)
		status = core_field_descend(ctx, &field, n, options, x, y, result);
	for (int64_t i = 0; !status && i < n; i++) {
		map[2 * i] = x[i];
		map[2 * i + 1] = y[i];
	}
	return status;
}

fv_status core_tsne(fv_ctx *ctx, const float *x, int64_t n, int64_t dims,
	const core_tsne_options *options, float *map, core_tsne_result *result)
{
	float largest = 0;
	fv_status status = check_options(ctx, options);
	if (!status)
		status = check_rows(ctx, x, n, dims, &largest);
	if (status)
		return status;
	*result = (core_tsne_result){.perplexity = limit_perplexity(ctx, options->perplexity, n),
		.exact = options->method == CORE_TSNE_EXACT ||
			 (options->method == CORE_TSNE_AUTO && n < EXACT_BELOW)};
	core_mark mark = core_ctx_mark(ctx);
	core_team *team = core_team_open(ctx, options->threads);
	const float *rows = team ? scale_rows(ctx, x, n, dims, largest) : NULL;
	status = rows ? compute_map(ctx, team, rows, n, dims, options, map, result) : FV_FAILED;
	core_team_close(team);
	core_ctx_release(ctx, mark);
	return status;
}
