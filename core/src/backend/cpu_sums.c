/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of the CPU that sum over the rows of each utterance. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include <fairvox/vector.h>

#include "backend/cpu_ops.h"

enum { CHANNELS = 256, FRAMES = 16 }; /* at a time */

static int64_t limit_chunk(int64_t whole, int64_t from, int64_t most)
{
	return whole - from < most ? whole - from : most;
}

/* Memory for n doubles; NULL: the queue has failed. */
static double *allocate_doubles(core_queue *queue, int64_t n)
{
	return (double *)(void *)core_cpu_scratch(queue, 2 * (size_t)n);
}

/* The rows of utterance u */
static const float *find_rows(fv_matrix x, int32_t u)
{
	return x.at + x.layout->span[u].first * x.stride;
}

/* --- means --- */

static void add_rows(const float *x, int64_t rows, int64_t stride, int64_t width, double *sum)
{
	for (int64_t r = 0; r < rows; r++, x += stride)
		for (int64_t d = 0; d < width; d++)
			sum[d] += x[d];
}

static void add_sixteens(const float *x, int64_t rows, int64_t stride, int64_t width, double *sum)
{
	for (int64_t t = 0; t < rows; t += FRAMES)
		for (int64_t from = 0; from < width; from += CHANNELS) {
			int64_t n = limit_chunk(width, from, CHANNELS);
			float part[CHANNELS] = {0};
			for (int64_t r = t; r < t + limit_chunk(rows, t, FRAMES); r++)
				for (int64_t c = 0; c < n; c++)
					part[c] += x[r * stride + from + c];
			for (int64_t c = 0; c < n; c++)
				sum[from + c] += (double)part[c];
		}
}

void core_cpu_mean(core_queue *queue, fv_sums sums, fv_matrix x, fv_matrix y)
{
	core_arena_mark before = core_scratch_mark(queue->worker);
	double *sum = allocate_doubles(queue, x.width);
	for (int32_t u = 0; u < x.layout->n && sum; u++) {
		int64_t rows = x.layout->span[u].count;
		float *mean = y.at + u * y.stride;
		memset(sum, 0, (size_t)x.width * sizeof *sum);
		(sums == FV_SUMS_FLOAT ? add_sixteens : add_rows)(
			find_rows(x, u), rows, x.stride, x.width, sum);
		for (int64_t d = 0; d < x.width; d++)
			mean[d] = (float)(sum[d] / (double)rows);
	}
	core_scratch_release(queue->worker, before);
}

/* --- moments --- */

/* Writes the maximum over time of logits [T,M] into largest [M]. */
static void find_largest(const float *logits, int64_t rows, int64_t width, float *largest)
{
	memcpy(largest, logits, (size_t)width * sizeof *largest);
	for (int64_t t = 1; t < rows; t++)
		for (int64_t c = 0; c < width; c++) {
			float l = logits[t * width + c];
			largest[c] = l > largest[c] ? l : largest[c];
		}
}

/* sums [3,M] -> y [2 M]. z = scale x + shift is never stored: its mean is scale times the mean of x plus
 * shift, its deviation |scale| times that of x. */
static void finish_moments(fv_affine affine, double least, const float *centre, const double *sums,
	int64_t width, float *y)
{
	const double *weight = sums, *first = weight + width, *second = first + width;
	for (int64_t c = 0; c < width; c++) {
		double scale = (double)affine.scale[c];
		double d = first[c] / weight[c];
		double square = second[c] / weight[c] - d * d;
		double variance = fmax(scale * scale * square, least);
		y[c] = (float)(scale * ((double)centre[c] + d) + (double)affine.shift[c]);
		y[width + c] = (float)sqrt(variance);
	}
}

void core_cpu_moments(core_queue *queue, fv_affine affine, double least, fv_matrix x,
	fv_matrix logits, fv_matrix centre, fv_matrix y)
{
	assert(x.stride == x.width && (!logits.at || logits.stride == x.width));
	core_arena_mark before = core_scratch_mark(queue->worker);
	float *largest = core_cpu_scratch(queue, (size_t)x.width);
	double *sums = allocate_doubles(queue, 3 * x.width);
	for (int32_t u = 0; u < x.layout->n && sums; u++) {
		int64_t rows = x.layout->span[u].count;
		const float *weights = logits.at ? find_rows(logits, u) : NULL;
		const float *about = centre.at + u * centre.stride;
		if (weights)
			find_largest(weights, rows, x.width, largest);
		fv_column_moments(find_rows(x, u), weights, rows, x.width, x.stride, about,
			weights ? largest : NULL, sums);
		finish_moments(affine, least, about, sums, x.width, y.at + u * y.stride);
	}
	core_scratch_release(queue->worker, before);
}

/* --- directions --- */

static void find_direction(
	const float *x, int64_t rows, int64_t stride, int64_t width, double *sum, float *y)
{
	double square = 0;
	memset(sum, 0, (size_t)width * sizeof *sum);
	add_rows(x, rows, stride, width, sum);
	for (int64_t d = 0; d < width; d++)
		square += sum[d] * sum[d];
	double length = square > 0 && isfinite(square) ? sqrt(square) : NAN;
	for (int64_t d = 0; d < width; d++)
		y[d] = (float)(sum[d] / length);
}

void core_cpu_direction(core_queue *queue, fv_matrix x, fv_matrix y)
{
	core_arena_mark before = core_scratch_mark(queue->worker);
	double *sum = allocate_doubles(queue, x.width);
	bool each = x.layout == y.layout;
	for (int64_t r = 0; r < y.layout->rows && sum; r++) {
		const float *from = each ? x.at + r * x.stride : find_rows(x, (int32_t)r);
		find_direction(from, each ? 1 : x.layout->span[r].count, x.stride, x.width, sum,
			y.at + r * y.stride);
	}
	core_scratch_release(queue->worker, before);
}
