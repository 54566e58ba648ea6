/* SPDX-License-Identifier: Apache-2.0 */
/* Self-attention on the CPU, some queries and one head at a time, so that the scores stay small, and the
 * convolution that encodes positions. The position bias of a distance is the same for all queries: a
 * row of scores gets a piece of one line, times its gate. */
#include <math.h>
#include <string.h>

#include <cblas.h>

#include <fairvox/vector.h>

#include "backend/cpu_ops.h"
#include "backend/kernels.h"
#include "base/context.h"

/* --- attention --- */

/* x [R,width] -> gate [R,heads], which has room for twice as much */
static void compute_gates(
	const core_heads *h, const float *x, int64_t frames, float *gate, float *scratch)
{
	int64_t rows = frames * h->heads, size = h->width / h->heads;
	fv_linear_apply(h->gate, rows, x, size, 0, FV_ACTIVATION_NONE, gate, 2, scratch);
	core_kernels_used()->sigmoid(gate, gate, 2 * rows);
	for (int64_t r = 0; r < rows; r++)
		gate[r] = gate[2 * r] * (gate[2 * r + 1] * h->constant[r % h->heads] - 1) + 2;
}

/* Compiles a function also for wider registers. Which one runs is chosen when the library is loaded; the
 * arithmetic is the same. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define FOR_WIDE_REGISTERS __attribute__((target_clones("avx2", "default")))
#else
#define FOR_WIDE_REGISTERS
#endif

FOR_WIDE_REGISTERS static void add_scaled(float *y, float factor, const float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] += factor * x[i];
}

/* One head of an utterance of T frames and the queries [first, first + n) of it. */
struct block {
	int first, n, frames, size, line; /* size: of the head; line: of joined, in numbers */
	int64_t width, heads;
	const float *joined; /* the head's queries in the utterance's first row */
	const float *gate;   /* of the head, in the utterance's first row */
	const float *bias;   /* of the head, at distance 0; NULL: none */
	float *out;          /* the head's columns in the utterance's first row */
};

static void compute_block(const struct block *b, float *score)
{
	const float *keys = b->joined + b->width, *values = keys + b->width;
	int t = b->frames, n = b->n, size = b->size, line = b->line;
	float scale = (float)(1 / sqrt((double)size));
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, t, size, scale,
		b->joined + (int64_t)b->first * line, line, keys, line, 0, score, t);
	for (int r = 0; r < n && b->bias; r++)
		add_scaled(score + (int64_t)r * t, b->gate[(b->first + r) * b->heads],
			b->bias - (b->first + r), t);
	fv_softmax(score, n, t, t);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, size, t, 1, score, t, values,
		line, 0, b->out + (int64_t)b->first * b->width, (int)b->width);
}

static void compute_tile(const core_heads *h, const fv_layout *layout, const core_tile *tile,
	const float *joined, const float *gate, const float *bias, float *score, float *out)
{
	const core_span *span = &layout->span[tile->utterance];
	int64_t size = h->width / h->heads, line = 2 * layout->longest - 1;
	struct block b = {.first = (int)tile->first,
		.n = (int)tile->count,
		.frames = (int)span->count,
		.size = (int)size,
		.line = (int)(3 * h->width),
		.width = h->width,
		.heads = h->heads};
	for (int64_t i = 0; i < h->heads; i++) {
		b.joined = joined + span->first * 3 * h->width + i * size;
		b.out = out + span->first * h->width + i * size;
		b.gate = gate ? gate + span->first * h->heads + i : NULL;
		b.bias = gate ? bias + i * line + layout->longest - 1 : NULL;
		compute_block(&b, score);
	}
}

void core_cpu_attend(core_queue *queue, const core_heads *h, fv_matrix joined, fv_matrix x,
	const float *bias, fv_matrix y)
{
	const fv_layout *layout = y.layout;
	int64_t rows = layout->rows, queries = queue->device->ops->queries;
	core_arena_mark before = core_scratch_mark(queue->worker);
	float *score = core_cpu_scratch(queue, (size_t)(queries * layout->longest));
	float *gate = NULL;
	if (h->gate) {
		float *linear =
			core_cpu_scratch(queue, fv_linear_scratch(h->gate, rows * h->heads));
		gate = core_cpu_scratch(queue, (size_t)(2 * rows * h->heads));
		if (gate)
			compute_gates(h, x.at, rows, gate, linear);
	}
	for (int64_t i = 0; i < layout->n_tiles && !queue->status; i++)
		compute_tile(h, layout, &layout->tile[i], joined.at, gate, bias, score, y.at);
	core_scratch_release(queue->worker, before);
}

/* --- positions --- */

/* Each group of channels is put together first, with the zeros before and behind it; its rows then
 * overlap, and it is one product. own [(T + taps - 1) width / groups] */
static void encode_positions(const core_position *p, const float *x, int64_t frames, float *out,
	float *own, float *scratch)
{
	int64_t size = p->width / p->groups, before = p->taps / 2;
	memset(own, 0, (size_t)((frames + p->taps - 1) * size) * sizeof *own);
	for (int64_t g = 0; g < p->groups; g++) {
		for (int64_t t = 0; t < frames; t++)
			memcpy(own + (before + t) * size, x + t * p->width + g * size,
				(size_t)size * sizeof *own);
		fv_linear_apply(p->linear[g], frames, own, size, 0, FV_ACTIVATION_GELU,
			out + g * size, p->width, scratch);
	}
}

void core_cpu_position(core_queue *queue, const core_position *p, fv_matrix x, fv_matrix y)
{
	const fv_layout *layout = x.layout;
	int64_t longest = layout->longest;
	int64_t padded = (longest + p->taps - 1) * (p->width / p->groups);
	core_arena_mark before = core_scratch_mark(queue->worker);
	float *own = core_cpu_scratch(queue, (size_t)padded);
	float *scratch = core_cpu_scratch(queue, fv_linear_scratch(p->linear[0], longest));
	for (int32_t u = 0; u < layout->n && scratch; u++) {
		const core_span *span = &layout->span[u];
		encode_positions(p, x.at + span->first * p->width, span->count,
			y.at + span->first * p->width, own, scratch);
	}
	core_scratch_release(queue->worker, before);
}
