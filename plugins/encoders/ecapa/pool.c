/* SPDX-License-Identifier: Apache-2.0 */
/* Attentive statistics pooling: mean and standard deviation of each channel over the frames, first
 * with equal weights, then weighted by the softmax over time of
 *     V tanh(norm(max(0, W (z_t, mean, deviation) + b))) + c.
 *
 * z = norm(x) is never stored: its mean is scale times the mean of x plus shift, its deviation
 * |scale| times that of x, with a minimum of 1e-6. Sums are of differences from the mean, in float
 * over sixteen frames and in double over those. */
#include <math.h>
#include <string.h>

#include "ecapa.h"

enum { CHANNELS = 256, FRAMES = 16 }; /* at a time */

#define VARIANCE_MIN 1e-12

static int64_t limit_chunk(int64_t whole, int64_t from, int64_t most)
{
	return whole - from < most ? whole - from : most;
}

void ecapa_apply_dense(const ecapa_dense *dense, const float *x, float *y)
{
	for (int64_t o = 0; o < dense->outputs; o++)
		y[o] = fv_dot(dense->weight + o * dense->inputs, x, dense->inputs) + dense->bias[o];
}

void ecapa_compute_mean(
	const float *x, int64_t frames, int64_t stride, int64_t channels, double *sum, float *mean)
{
	memset(sum, 0, (size_t)channels * sizeof *sum);
	for (int64_t t = 0; t < frames; t += FRAMES)
		for (int64_t from = 0; from < channels; from += CHANNELS) {
			int64_t n = limit_chunk(channels, from, CHANNELS);
			float part[CHANNELS] = {0};
			for (int64_t r = t; r < t + limit_chunk(frames, t, FRAMES); r++)
				for (int64_t c = 0; c < n; c++)
					part[c] += x[r * stride + from + c];
			for (int64_t c = 0; c < n; c++)
				sum[from + c] += (double)part[c];
		}
	for (int64_t c = 0; c < channels; c++)
		mean[c] = (float)(sum[c] / (double)frames);
}

/* Writes the maximum over time of logits [T,M] into largest [M]. */
static void find_largest(const float *logits, int64_t frames, int64_t channels, float *largest)
{
	memcpy(largest, logits, (size_t)channels * sizeof *largest);
	for (int64_t t = 1; t < frames; t++)
		for (int64_t c = 0; c < channels; c++) {
			float l = logits[t * channels + c];
			largest[c] = l > largest[c] ? l : largest[c];
		}
}

struct pool {
	float *mean, *largest; /* [M] */
	double *sums;          /* [3,M] */
};

/* Writes statistics [2 M] of norm(x) for x [T,M], weighted equally or by the softmax of logits
 * [T,M]. */
static void find_statistics(const ecapa_state *s, const struct pool *pool, const float *x,
	const float *logits, int64_t frames, float *statistics)
{
	const int64_t channels = s->sizes.pooled;
	const double *weight = pool->sums, *first = weight + channels, *second = first + channels;
	if (logits)
		find_largest(logits, frames, channels, pool->largest);
	fv_column_moments(
		x, logits, frames, channels, channels, pool->mean, pool->largest, pool->sums);
	for (int64_t c = 0; c < channels; c++) {
		double scale = (double)s->merge_norm.scale[c];
		double d = first[c] / weight[c];
		double square = second[c] / weight[c] - d * d;
		double variance = fmax(scale * scale * square, VARIANCE_MIN);
		statistics[c] = (float)(scale * ((double)pool->mean[c] + d) +
					(double)s->merge_norm.shift[c]);
		statistics[channels + c] = (float)sqrt(variance);
	}
}

fv_status ecapa_pool_frames(const ecapa_state *s, fv_ctx *worker, const float *x, int64_t frames,
	float *hidden, float *logits, float *linear_scratch, float *statistics)
{
	const ecapa_sizes *z = &s->sizes;
	float *context = fv_scratch(worker, (size_t)z->attention * sizeof *context);
	float *mean = fv_scratch(worker, 2 * (size_t)z->pooled * sizeof *mean);
	double *sums = fv_scratch(worker, 3 * (size_t)z->pooled * sizeof *sums);
	if (!context || !mean || !sums)
		return FV_FAILED;
	const struct pool pool = {mean, mean + z->pooled, sums};
	ecapa_compute_mean(x, frames, z->pooled, z->pooled, sums, mean);
	find_statistics(s, &pool, x, NULL, frames, statistics);
	ecapa_apply_dense(&s->context, statistics, context);
	for (int64_t t = 0; t < frames; t++)
		memcpy(hidden + t * z->attention, context, (size_t)z->attention * sizeof *context);
	fv_linear_apply(s->look, frames, x, z->pooled, 1, FV_ACTIVATION_RELU, hidden, z->attention,
		linear_scratch);
	for (int64_t t = 0; t < frames; t++)
		for (int64_t c = 0; c < z->attention; c++) {
			float *h = &hidden[t * z->attention + c];
			*h = tanhf(s->look_norm.scale[c] * *h + s->look_norm.shift[c]);
		}
	fv_linear_apply(s->attend, frames, hidden, z->attention, 0, FV_ACTIVATION_NONE, logits,
		z->pooled, linear_scratch);
	find_statistics(s, &pool, x, logits, frames, statistics);
	return FV_OK;
}
