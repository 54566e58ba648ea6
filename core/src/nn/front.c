/* SPDX-License-Identifier: Apache-2.0 */
/* The convolutions of a trunk. They run over blocks of some frames of the last one, so that what
 * lies between two of them stays small; few outputs are computed twice, at the blocks' borders.
 *
 * A group norm over time needs the mean and variance of each channel of the first convolution
 * before its first output can be used. Both follow from the wave alone: with the windows x_t of its
 * taps, mean = w mu, variance = w' C w, mu and C being mean and covariance of the windows. Norm and
 * convolution are then one: w scale / sd and offset - mean scale / sd. The wave's own mean is taken
 * away first, which changes nothing (no padding) but what cancels. */
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/vector.h>

#include "nn/gates.h"
#include "nn/trunk.h"

#define BLOCK 32 /* frames of the last convolution */
#define EPS 1e-5F
#define TAPS_MAX 64 /* of the first convolution under a group norm */
#define ROWS 16     /* frames of it between two calls of gelu */

struct core_front {
	fv_trunk_shape shape;
	fv_linear *linear[FV_TRUNK_CONVS];
	float *scale[FV_TRUNK_CONVS], *offset[FV_TRUNK_CONVS]; /* of the norms */
	float *first; /* [taps,channels] under a group norm, which linear[0] is not made for */
	float *first_bias;
};

/* --- opening --- */

/* [out,in,taps] -> [out,taps,in] */
static void order_taps(const float *from, int64_t out, int64_t in, int64_t taps, float *to)
{
	for (int64_t o = 0; o < out; o++)
		for (int64_t i = 0; i < in; i++)
			for (int64_t k = 0; k < taps; k++)
				to[(o * taps + k) * in + i] = from[(o * in + i) * taps + k];
}

static fv_status open_weight(fv_ctx *ctx, core_front *f, fv_precision precision,
	fv_trunk_read *read, void *user, int32_t i, const float *bias)
{
	const fv_trunk_shape *s = &f->shape;
	int64_t n = core_trunk_size(s, FV_TRUNK_CONV_WEIGHT, i), in = i ? s->channels[i - 1] : 1;
	float *raw = malloc((size_t)n * sizeof *raw), *ordered = malloc((size_t)n * sizeof *raw);
	fv_status status = FV_FAILED;
	if (raw && ordered)
		status = read(user, ctx, FV_TRUNK_CONV_WEIGHT, i, raw);
	else
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	bool folds = f->first && i == 0;
	if (!status && folds) {
		for (int64_t c = 0; c < s->channels[0]; c++)
			for (int64_t k = 0; k < s->taps[0]; k++)
				f->first[k * s->channels[0] + c] = raw[c * s->taps[0] + k];
	}
	if (!status && !folds) {
		order_taps(raw, s->channels[i], in, s->taps[i], ordered);
		f->linear[i] = fv_linear_open(ctx, i ? precision : FV_PRECISION_FP32,
			s->channels[i], in * s->taps[i], ordered, bias);
		status = f->linear[i] ? FV_OK : FV_FAILED;
	}
	free(raw);
	free(ordered);
	return status;
}

static fv_status open_conv(fv_ctx *ctx, core_front *f, fv_precision precision, fv_trunk_read *read,
	void *user, int32_t i)
{
	const fv_trunk_shape *s = &f->shape;
	float *bias = NULL;
	fv_status status = FV_OK;
	if (s->conv_bias)
		status = core_trunk_keep(ctx, s, read, user, FV_TRUNK_CONV_BIAS, i, &bias);
	if (!status && i < fv_trunk_count(s, FV_TRUNK_CONV_NORM_WEIGHT))
		status = core_trunk_keep(
			ctx, s, read, user, FV_TRUNK_CONV_NORM_WEIGHT, i, &f->scale[i]);
	if (!status && i < fv_trunk_count(s, FV_TRUNK_CONV_NORM_BIAS))
		status = core_trunk_keep(
			ctx, s, read, user, FV_TRUNK_CONV_NORM_BIAS, i, &f->offset[i]);
	if (!status && i == 0 && !s->norm_each) {
		f->first_bias = bias; /* the norm takes it away again */
		f->first = fv_alloc(
			ctx, (size_t)s->channels[0] * (size_t)s->taps[0] * sizeof *f->first);
		status = f->first ? FV_OK : FV_FAILED;
	}
	return status ? status : open_weight(ctx, f, precision, read, user, i, bias);
}

fv_status core_front_open(fv_ctx *ctx, const fv_trunk_shape *shape, fv_precision precision,
	fv_trunk_read *read, void *user, core_front **out)
{
	assert(shape->norm_each || shape->taps[0] <= TAPS_MAX);
	core_front *f = fv_alloc(ctx, sizeof *f);
	if (!f)
		return FV_FAILED;
	f->shape = *shape;
	fv_status status = FV_OK;
	for (int32_t i = 0; i < shape->convs && !status; i++)
		status = open_conv(ctx, f, precision, read, user, i);
	*out = f;
	return status;
}

/* --- sizes --- */

int64_t core_front_frames(const fv_trunk_shape *s, int64_t n)
{
	for (int32_t i = 0; i < s->convs; i++)
		n = n < s->taps[i] ? 0 : (n - s->taps[i]) / s->step[i] + 1;
	return n;
}

/* Finds the outputs [from, to) of each convolution that outputs [a, b) of the last one need. Entry [convs] is
 * the last convolution's, [0] the wave's samples. */
struct range {
	int64_t from, to;
};

static void find_ranges(const fv_trunk_shape *s, int64_t a, int64_t b, struct range *range)
{
	range[s->convs] = (struct range){a, b};
	for (int32_t i = s->convs - 1; i >= 0; i--)
		range[i] = (struct range){range[i + 1].from * s->step[i],
			(range[i + 1].to - 1) * s->step[i] + s->taps[i]};
}

/* Counts the floats that a block's samples, the outputs of even and odd convolutions, and fv_linear need. */
static void find_scratch(const core_front *f, int64_t n, size_t room[4])
{
	const fv_trunk_shape *s = &f->shape;
	int64_t frames = core_front_frames(s, n);
	struct range range[FV_TRUNK_CONVS + 1];
	find_ranges(s, 0, frames < BLOCK ? frames : BLOCK, range);
	room[0] = (size_t)range[0].to;
	room[1] = room[2] = room[3] = 0;
	for (int32_t i = 0; i < s->convs; i++) {
		int64_t rows = range[i + 1].to;
		size_t own = (size_t)rows * (size_t)s->channels[i];
		size_t linear = f->linear[i] ? fv_linear_scratch(f->linear[i], rows) : 0;
		if (i + 1 < s->convs && own > room[1 + i % 2])
			room[1 + i % 2] = own;
		if (linear > room[3])
			room[3] = linear;
	}
	for (int k = 0; k < 4; k++)
		room[k] = (room[k] + 15) / 16 * 16;
}

/* Counts the floats of the first convolution's weights and offsets for one recording, under a group norm. */
static size_t find_folded_scratch(const core_front *f)
{
	const fv_trunk_shape *s = &f->shape;
	return f->first ? (size_t)s->channels[0] * (size_t)(s->taps[0] + 1) : 0;
}

size_t core_front_scratch(const core_front *f, int64_t n)
{
	size_t room[4];
	find_scratch(f, n, room);
	return find_folded_scratch(f) + room[0] + room[1] + room[2] + room[3] + 16;
}

/* --- the first convolution under a group norm --- */

/* Computes mean and covariance of the windows of `taps` samples, one every `step`. */
struct windows {
	double mean[TAPS_MAX], covariance[TAPS_MAX][TAPS_MAX];
};

static void measure_windows(const fv_trunk_shape *s, const float *wave, int64_t n, double shift,
	double scale, struct windows *w)
{
	int32_t taps = s->taps[0], step = s->step[0];
	int64_t frames = (n - taps) / step + 1;
	*w = (struct windows){0};
	for (int64_t t = 0; t < frames; t++) {
		double x[TAPS_MAX];
		for (int32_t k = 0; k < taps; k++)
			x[k] = (float)((wave[t * step + k] - shift) * scale);
		for (int32_t k = 0; k < taps; k++) {
			w->mean[k] += x[k];
			for (int32_t j = 0; j < taps; j++)
				w->covariance[k][j] += x[k] * x[j];
		}
	}
	for (int32_t k = 0; k < taps; k++)
		w->mean[k] /= (double)frames;
	for (int32_t k = 0; k < taps; k++)
		for (int32_t j = 0; j < taps; j++)
			w->covariance[k][j] =
				w->covariance[k][j] / (double)frames - w->mean[k] * w->mean[j];
}

/* Folds the norm for these windows into the convolution -> weight [taps,channels], offset [channels]. */
static void fold_norm(const core_front *f, const struct windows *w, float *weight, float *offset)
{
	int64_t channels = f->shape.channels[0], taps = f->shape.taps[0];
	for (int64_t c = 0; c < channels; c++) {
		double mean = 0, variance = 0;
		for (int64_t k = 0; k < taps; k++) {
			double v = f->first[k * channels + c], row = 0;
			for (int64_t j = 0; j < taps; j++)
				row += w->covariance[k][j] * f->first[j * channels + c];
			mean += v * w->mean[k];
			variance += v * row;
		}
		double factor = f->scale[0][c] / sqrt((variance > 0 ? variance : 0) + EPS);
		for (int64_t k = 0; k < taps; k++)
			weight[k * channels + c] = (float)(f->first[k * channels + c] * factor);
		offset[c] = (float)(f->offset[0][c] - mean * factor);
	}
}

CORE_LANES_FAST static void convolve_first(const float *weight, const float *offset, int64_t taps,
	int64_t channels, const float *x, float *y)
{
	memcpy(y, offset, (size_t)channels * sizeof *y);
	for (int64_t k = 0; k < taps; k++, weight += channels)
		for (int64_t c = 0; c < channels; c++)
			y[c] += weight[c] * x[k];
}

static void apply_first(
	const core_front *f, const float *folded, const float *x, int64_t rows, float *y)
{
	int64_t channels = f->shape.channels[0], taps = f->shape.taps[0];
	const float *offset = folded + taps * channels;
	for (int64_t r = 0; r < rows; r += ROWS) {
		int64_t count = rows - r < ROWS ? rows - r : ROWS;
		for (int64_t i = r; i < r + count; i++)
			convolve_first(folded, offset, taps, channels, x + i * f->shape.step[0],
				y + i * channels);
		fv_gelu(y + r * channels, y + r * channels, count * channels);
	}
}

/* --- all of them --- */

static void apply_conv(
	const core_front *f, int32_t i, const float *x, int64_t rows, float *y, float *scratch)
{
	const fv_trunk_shape *s = &f->shape;
	int64_t channels = s->channels[i],
		stride = (int64_t)s->step[i] * (i ? s->channels[i - 1] : 1);
	fv_linear_apply(f->linear[i], rows, x, stride, 0,
		s->norm_each ? FV_ACTIVATION_NONE : FV_ACTIVATION_GELU, y, channels, scratch);
	if (s->norm_each) {
		fv_layer_norm(y, rows, channels, f->scale[i], f->offset[i], EPS, y);
		fv_gelu(y, y, rows * channels);
	}
}

/* Folds the group norm of the recording into the first convolution; *shift is the wave's mean. */
static void fold_first(const core_front *f, const float *wave, int64_t n, double *shift,
	double scale, float *folded)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += wave[i];
	*shift = sum / (double)n;
	struct windows windows;
	measure_windows(&f->shape, wave, n, *shift, scale, &windows);
	fold_norm(f, &windows, folded, folded + f->shape.taps[0] * f->shape.channels[0]);
}

void core_front_apply(const core_front *f, const float *wave, int64_t n, double shift, double scale,
	float *out, float *scratch)
{
	const fv_trunk_shape *s = &f->shape;
	int64_t frames = core_front_frames(s, n), last = s->channels[s->convs - 1];
	size_t room[4];
	find_scratch(f, n, room);
	float *folded = scratch, *samples = folded + (find_folded_scratch(f) + 15) / 16 * 16;
	float *between[2] = {samples + room[0], samples + room[0] + room[1]};
	float *linear = between[1] + room[2];
	if (f->first)
		fold_first(f, wave, n, &shift, scale, folded);
	for (int64_t a = 0; a < frames; a += BLOCK) {
		struct range range[FV_TRUNK_CONVS + 1];
		find_ranges(s, a, a + BLOCK < frames ? a + BLOCK : frames, range);
		const float *x = samples;
		for (int64_t i = range[0].from; i < range[0].to; i++)
			samples[i - range[0].from] = (float)((wave[i] - shift) * scale);
		for (int32_t i = 0; i < s->convs; i++) {
			int64_t rows = range[i + 1].to - range[i + 1].from;
			float *y = i + 1 < s->convs ? between[i % 2] : out + a * last;
			if (i == 0 && f->first)
				apply_first(f, folded, x, rows, y);
			else
				apply_conv(f, i, x, rows, y, linear);
			x = y;
		}
	}
}
