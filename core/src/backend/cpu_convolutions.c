/* SPDX-License-Identifier: Apache-2.0 */
/* The convolutions over a wave, on the CPU. They run over blocks of some frames of the last one, so that
 * what lies between two of them stays small; few outputs are computed twice, at the blocks' borders.
 *
 * A group norm over time needs the mean and variance of each channel of the first convolution
 * before its first output can be used. Both follow from the wave alone: with the windows x_t of its
 * taps, mean = w mu, variance = w' C w, mu and C being mean and covariance of the windows. Norm and
 * convolution are then one: w scale / sd and offset - mean scale / sd. The wave's own mean is taken
 * away first, which changes nothing (no padding) but what cancels. */
#include <math.h>
#include <string.h>

#include <fairvox/vector.h>

#include "backend/cpu_ops.h"
#include "backend/kernels.h"
#include "base/context.h"

#define BLOCK 32 /* frames of the last convolution */
#define ROWS 16  /* frames of the first one between two calls of gelu */
#define TAPS CORE_FIRST_TAPS
#define SCALED_EPS 1e-7

/* --- the first convolution under a group norm --- */

/* Computes mean and covariance of the windows of `taps` samples, one every `step`. */
struct windows {
	double mean[TAPS], covariance[TAPS][TAPS];
};

static void measure_windows(const core_convolutions *c, const float *wave, int64_t n, double shift,
	double scale, struct windows *w)
{
	int32_t taps = c->taps[0], step = c->step[0];
	int64_t frames = (n - taps) / step + 1;
	*w = (struct windows){0};
	for (int64_t t = 0; t < frames; t++) {
		double x[TAPS];
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
static void fold_norm(
	const core_convolutions *f, const struct windows *w, float *weight, float *offset)
{
	int64_t channels = f->channels[0], taps = f->taps[0];
	const core_norm *norm = &f->norm[0];
	for (int64_t c = 0; c < channels; c++) {
		double mean = 0, variance = 0;
		for (int64_t k = 0; k < taps; k++) {
			double v = f->first[k * channels + c], row = 0;
			for (int64_t j = 0; j < taps; j++)
				row += w->covariance[k][j] * f->first[j * channels + c];
			mean += v * w->mean[k];
			variance += v * row;
		}
		double factor = norm->scale[c] / sqrt((variance > 0 ? variance : 0) + norm->eps);
		for (int64_t k = 0; k < taps; k++)
			weight[k * channels + c] = (float)(f->first[k * channels + c] * factor);
		offset[c] = (float)(norm->offset[c] - mean * factor);
	}
}

/* folded: weights and behind them offsets, as fold_norm makes them */
static void apply_first(
	const core_convolutions *c, const float *folded, const float *x, int64_t rows, float *y)
{
	const core_kernels *kernels = core_kernels_used();
	int64_t channels = c->channels[0], taps = c->taps[0];
	for (int64_t r = 0; r < rows; r += ROWS) {
		const core_first_rows job = {.taps = taps,
			.channels = channels,
			.step = c->step[0],
			.rows = rows - r < ROWS ? rows - r : ROWS,
			.weight = folded,
			.offset = folded + taps * channels,
			.x = x + r * c->step[0],
			.y = y + r * channels};
		kernels->first_rows(&job);
		fv_gelu(job.y, job.y, job.rows * channels);
	}
}

/* --- an utterance --- */

/* Outputs [from, to) of a convolution */
struct range {
	int64_t from, to;
};

/* Finds what outputs [a, b) of the last convolution need: entry [n] is the last convolution's, [0] the
 * wave's samples. */
static void find_ranges(const core_convolutions *c, int64_t a, int64_t b, struct range *range)
{
	range[c->n] = (struct range){a, b};
	for (int32_t i = c->n - 1; i >= 0; i--)
		range[i] = (struct range){range[i + 1].from * c->step[i],
			(range[i + 1].to - 1) * c->step[i] + c->taps[i]};
}

/* Memory for a block of frames */
struct memory {
	float *folded;     /* weights and offsets of the first convolution for an utterance */
	float *samples;    /* of the wave */
	float *between[2]; /* outputs of even and odd convolutions */
	float *linear;
};

static bool allocate_memory(
	core_queue *queue, const core_convolutions *c, int64_t longest, struct memory *m)
{
	struct range range[FV_TRUNK_CONVS + 1];
	size_t between[2] = {0}, linear = 0;
	find_ranges(c, 0, longest < BLOCK ? longest : BLOCK, range);
	for (int32_t i = 0; i < c->n; i++) {
		size_t own = (size_t)(range[i + 1].to * c->channels[i]);
		size_t one = c->linear[i] ? fv_linear_scratch(c->linear[i], range[i + 1].to) : 0;
		between[i % 2] = i + 1 < c->n && own > between[i % 2] ? own : between[i % 2];
		linear = one > linear ? one : linear;
	}
	size_t folded = c->first ? (size_t)(c->channels[0] * (c->taps[0] + 1)) : 0;
	m->folded = core_cpu_scratch(queue, folded);
	m->samples = core_cpu_scratch(queue, (size_t)range[0].to);
	m->between[0] = core_cpu_scratch(queue, between[0]);
	m->between[1] = core_cpu_scratch(queue, between[1]);
	m->linear = core_cpu_scratch(queue, linear);
	return m->linear;
}

static void apply_convolution(const core_convolutions *c, int32_t i, const float *x, int64_t rows,
	float *y, float *scratch)
{
	int64_t channels = c->channels[i];
	int64_t stride = (int64_t)c->step[i] * (i ? c->channels[i - 1] : 1);
	fv_linear_apply(c->linear[i], rows, x, stride, 0,
		c->first ? FV_ACTIVATION_GELU : FV_ACTIVATION_NONE, y, channels, scratch);
	if (!c->first) {
		const core_norm *norm = &c->norm[i];
		fv_layer_norm(y, rows, channels, norm->scale, norm->offset, norm->eps, y);
		fv_gelu(y, y, rows * channels);
	}
}

/* Folds the group norm of the utterance into the first convolution; *shift becomes the wave's mean. */
static void fold_first(const core_convolutions *c, const float *wave, int64_t n, double *shift,
	double scale, float *folded)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i++)
		sum += wave[i];
	*shift = sum / (double)n;
	struct windows windows;
	measure_windows(c, wave, n, *shift, scale, &windows);
	fold_norm(c, &windows, folded, folded + (int64_t)c->taps[0] * c->channels[0]);
}

/* (wave - shift) scale has mean 0 and variance 1. */
static void find_scaling(const float *wave, int64_t n, double *shift, double *scale)
{
	double sum = 0, squares = 0;
	for (int64_t i = 0; i < n; i++)
		sum += wave[i];
	*shift = sum / (double)n;
	for (int64_t i = 0; i < n; i++)
		squares += (wave[i] - *shift) * (wave[i] - *shift);
	*scale = 1 / sqrt(squares / (double)n + SCALED_EPS);
}

static void convolve_wave(const core_convolutions *c, const float *wave, int64_t n, bool scaled,
	int64_t frames, float *out, const struct memory *m)
{
	double shift = 0, scale = 1;
	if (scaled)
		find_scaling(wave, n, &shift, &scale);
	if (c->first)
		fold_first(c, wave, n, &shift, scale, m->folded);
	for (int64_t a = 0; a < frames; a += BLOCK) {
		struct range range[FV_TRUNK_CONVS + 1];
		find_ranges(c, a, a + BLOCK < frames ? a + BLOCK : frames, range);
		const float *x = m->samples;
		for (int64_t i = range[0].from; i < range[0].to; i++)
			m->samples[i - range[0].from] = (float)((wave[i] - shift) * scale);
		for (int32_t i = 0; i < c->n; i++) {
			int64_t rows = range[i + 1].to - range[i + 1].from;
			float *y = i + 1 < c->n ? m->between[i % 2] : out + a * c->channels[i];
			if (i == 0 && c->first)
				apply_first(c, m->folded, x, rows, y);
			else
				apply_convolution(c, i, x, rows, y, m->linear);
			x = y;
		}
	}
}

void core_cpu_convolve_waves(
	core_queue *queue, const core_convolutions *c, fv_matrix wave, bool scaled, fv_matrix y)
{
	struct memory memory;
	core_arena_mark before = core_scratch_mark(queue->worker);
	bool ready = allocate_memory(queue, c, y.layout->longest, &memory);
	for (int32_t u = 0; u < y.layout->n && ready; u++) {
		const core_span *from = &wave.layout->span[u], *to = &y.layout->span[u];
		convolve_wave(c, wave.at + from->first, from->count, scaled, to->count,
			y.at + to->first * y.stride, &memory);
	}
	core_scratch_release(queue->worker, before);
}
