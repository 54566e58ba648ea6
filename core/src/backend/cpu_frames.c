/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of the CPU along the rows of each utterance: convolutions that keep their number, and
 * recurrent layers over windows. */
#include <string.h>

#include "backend/cpu_ops.h"

#define WINDOWS 8 /* that go through the recurrent layers at once */

/* --- convolutions --- */

/* Input rows of a convolution. A product over taps needs them next to each other in memory, so the rows of a
 * convolution with dilation d lie in d phases: rows t, t + d, t + 2d ... together, `rows` each. */
struct phases {
	int64_t frames, width, reach, dilation, rows;
	float *at;
};

static struct phases plan_phases(
	const fv_convolution *c, int64_t width, int64_t frames, float *memory)
{
	int64_t dilation = c->dilation, reach = dilation * (c->taps - 1) / 2;
	int64_t rows = (frames + 2 * reach + dilation - 1) / dilation;
	return (struct phases){frames, width, reach, dilation, rows, memory};
}

/* Address of row t, from -reach to frames + reach - 1. */
static float *frame_at(const struct phases *p, int64_t t)
{
	int64_t place = t + p->reach;
	return p->at + (place % p->dilation * p->rows + place / p->dilation) * p->width;
}

/* Fills in the rows outside the utterance. The rows inside must be there already. */
static void reflect_edges(const struct phases *p)
{
	size_t row = (size_t)p->width * sizeof *p->at;
	int64_t last = p->frames - 1;
	for (int64_t i = 1; i <= p->reach; i++) {
		memcpy(frame_at(p, -i), frame_at(p, i), row);
		memcpy(frame_at(p, last + i), frame_at(p, last - i), row);
	}
}

static void scale_row(fv_affine affine, const float *x, int64_t n, float *y)
{
	if (!affine.scale)
		memcpy(y, x, (size_t)n * sizeof *y);
	for (int64_t c = 0; c < n && affine.scale; c++)
		y[c] = affine.scale[c] * x[c] + affine.shift[c];
}

static void add_scaled_row(fv_affine affine, const float *x, int64_t n, float *y)
{
	for (int64_t c = 0; c < n && !affine.scale; c++)
		y[c] += x[c];
	for (int64_t c = 0; c < n && affine.scale; c++)
		y[c] += affine.scale[c] * x[c] + affine.shift[c];
}

/* Writes row t to y + t stride. */
static void multiply_phases(
	const fv_linear *linear, const struct phases *p, float *y, int64_t stride, float *scratch)
{
	for (int64_t phase = 0; phase < p->dilation && phase < p->frames; phase++)
		fv_linear_apply(linear, (p->frames - phase + p->dilation - 1) / p->dilation,
			p->at + phase * p->rows * p->width, p->width, 0, FV_ACTIVATION_RELU,
			y + phase * stride, p->dilation * stride, scratch);
}

void core_cpu_convolve(core_queue *queue, const fv_convolution *c, fv_affine a, fv_matrix x,
	fv_affine b, fv_matrix added, fv_matrix y)
{
	const fv_layout *layout = x.layout;
	struct phases most = plan_phases(c, x.width, layout->longest, NULL);
	core_arena_mark before = core_scratch_mark(queue->worker);
	float *scratch = core_cpu_scratch(queue, fv_linear_scratch(c->linear, layout->longest));
	float *memory = core_cpu_scratch(queue, (size_t)(most.dilation * most.rows * x.width));
	for (int32_t u = 0; u < layout->n && memory; u++) {
		const core_span *span = &layout->span[u];
		struct phases p = plan_phases(c, x.width, span->count, memory);
		for (int64_t t = 0; t < span->count; t++) {
			float *sum = frame_at(&p, t);
			scale_row(a, x.at + (span->first + t) * x.stride, x.width, sum);
			if (added.at)
				add_scaled_row(b, added.at + (span->first + t) * added.stride,
					x.width, sum);
		}
		reflect_edges(&p);
		multiply_phases(c->linear, &p, y.at + span->first * y.stride, y.stride, scratch);
	}
	core_scratch_release(queue->worker, before);
}

/* --- recurrent layers --- */

struct recurrent {
	fv_lstm *const *layer;
	int32_t layers;
	int64_t window, step;
	float *input;     /* [window,WINDOWS,inputs] */
	float *hidden[2]; /* [window,WINDOWS,hidden] */
	float *scratch;
};

/* Computes `count` windows, the first of which starts at row 0 of x -> y [count, hidden]. */
static void run_windows(const struct recurrent *r, const float *x, int64_t stride, int64_t width,
	int64_t count, fv_matrix y, int64_t first)
{
	for (int64_t t = 0; t < r->window; t++)
		for (int64_t p = 0; p < count; p++)
			memcpy(r->input + (t * count + p) * width, x + (p * r->step + t) * stride,
				(size_t)width * sizeof *x);
	const float *in = r->input;
	for (int32_t l = 0; l < r->layers; l++) {
		fv_lstm_apply(r->layer[l], in, r->window, count, r->hidden[l % 2], r->scratch);
		in = r->hidden[l % 2];
	}
	in += (r->window - 1) * count * y.width;
	for (int64_t p = 0; p < count; p++)
		memcpy(y.at + (first + p) * y.stride, in + p * y.width,
			(size_t)y.width * sizeof *in);
}

void core_cpu_lstm(core_queue *queue, fv_lstm *const *layer, int32_t layers, int64_t window,
	int64_t step, fv_matrix x, fv_matrix y)
{
	core_arena_mark before = core_scratch_mark(queue->worker);
	size_t scratch = 0;
	for (int32_t l = 0; l < layers; l++) {
		size_t one = fv_lstm_scratch(layer[l], WINDOWS);
		scratch = one > scratch ? one : scratch;
	}
	size_t frames = (size_t)window * WINDOWS, hidden = frames * (size_t)y.width;
	struct recurrent r = {.layer = layer, .layers = layers, .window = window, .step = step};
	r.input = core_cpu_scratch(queue, frames * (size_t)x.width);
	r.hidden[0] = core_cpu_scratch(queue, hidden);
	r.hidden[1] = core_cpu_scratch(queue, hidden);
	r.scratch = core_cpu_scratch(queue, scratch);
	for (int32_t u = 0; u < x.layout->n && r.scratch; u++) {
		const core_span *from = &x.layout->span[u], *to = &y.layout->span[u];
		for (int64_t p = 0; p < to->count; p += WINDOWS)
			run_windows(&r, x.at + (from->first + p * step) * x.stride, x.stride,
				x.width, to->count - p < WINDOWS ? to->count - p : WINDOWS, y,
				to->first + p);
	}
	core_scratch_release(queue->worker, before);
}
