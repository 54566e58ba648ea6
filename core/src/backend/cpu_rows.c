/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of the CPU that work on each row. They go over the rows of the whole pack. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include <fairvox/dsp.h>
#include <fairvox/vector.h>

#include "backend/cpu_ops.h"

#define ROWS 512 /* that go through the inner layer at once */

void core_cpu_layer_norm(core_queue *queue, const core_norm *norm, fv_matrix x, fv_matrix y)
{
	assert(x.stride == x.width && y.stride == y.width);
	if (!queue->status)
		fv_layer_norm(
			x.at, x.layout->rows, x.width, norm->scale, norm->offset, norm->eps, y.at);
}

void core_cpu_multiply(core_queue *queue, const fv_linear *linear, fv_matrix x, bool add,
	fv_activation activation, fv_matrix y)
{
	int64_t rows = x.layout->rows;
	core_arena_mark before = core_scratch_mark(queue->worker);
	float *scratch = core_cpu_scratch(queue, fv_linear_scratch(linear, rows));
	if (scratch)
		fv_linear_apply(
			linear, rows, x.at, x.stride, add, activation, y.at, y.stride, scratch);
	core_scratch_release(queue->worker, before);
}

void core_cpu_feed_forward(core_queue *queue, const fv_linear *inner, int64_t width,
	const fv_linear *outer, fv_matrix x, fv_matrix y)
{
	int64_t all = x.layout->rows, most = all < ROWS ? all : ROWS;
	size_t in = fv_linear_scratch(inner, most), out = fv_linear_scratch(outer, most);
	core_arena_mark before = core_scratch_mark(queue->worker);
	float *scratch = core_cpu_scratch(queue, in > out ? in : out);
	float *between = core_cpu_scratch(queue, core_round_floats(most * width));
	for (int64_t first = 0; first < all && between; first += ROWS) {
		int64_t rows = all - first < ROWS ? all - first : ROWS;
		fv_linear_apply(inner, rows, x.at + first * x.stride, x.stride, 0,
			FV_ACTIVATION_GELU, between, width, scratch);
		fv_linear_apply(outer, rows, between, width, 1, FV_ACTIVATION_NONE,
			y.at + first * y.stride, y.stride, scratch);
	}
	core_scratch_release(queue->worker, before);
}

void core_cpu_add(core_queue *queue, fv_matrix x, fv_matrix y)
{
	assert(x.stride == x.width && y.stride == y.width);
	const float *in = x.at;
	float *out = y.at;
	for (int64_t i = 0; i < x.layout->rows * x.width && !queue->status; i++)
		out[i] += in[i];
}

/* --- dense layers --- */

static double multiply_dense(const fv_dense *dense, int64_t o, const float *x)
{
	const float *w = dense->weight + o * dense->inputs;
	if (dense->sums == FV_SUMS_FLOAT)
		return (double)(fv_dot(w, x, dense->inputs) + dense->bias[o]);
	double sum = 0;
	for (int64_t i = 0; i < dense->inputs; i++)
		sum += (double)w[i] * x[i];
	return sum + dense->bias[o];
}

static double apply_function(fv_function f, double x)
{
	if (f == FV_FUNCTION_RELU)
		return x > 0 ? x : 0;
	return f == FV_FUNCTION_TANH ? tanh(x) : x;
}

static void round_softmax(const double *x, int64_t n, float *y)
{
	double largest = x[0], sum = 0;
	for (int64_t k = 1; k < n; k++)
		largest = x[k] > largest ? x[k] : largest;
	for (int64_t k = 0; k < n; k++)
		sum += exp(x[k] - largest);
	for (int64_t k = 0; k < n; k++)
		y[k] = (float)(exp(x[k] - largest) / sum);
}

void core_cpu_dense(core_queue *queue, const fv_dense *dense, fv_function f, double factor,
	fv_matrix x, fv_matrix y)
{
	core_arena_mark before = core_scratch_mark(queue->worker);
	double *z = (double *)(void *)core_cpu_scratch(queue, 2 * (size_t)dense->outputs);
	for (int64_t r = 0; r < x.layout->rows && z; r++) {
		const float *in = x.at + r * x.stride;
		float *out = y.at + r * y.stride;
		for (int64_t o = 0; o < dense->outputs; o++)
			z[o] = factor * multiply_dense(dense, o, in);
		if (f == FV_FUNCTION_SOFTMAX)
			round_softmax(z, dense->outputs, out);
		for (int64_t o = 0; o < dense->outputs && f != FV_FUNCTION_SOFTMAX; o++)
			out[o] = (float)apply_function(f, z[o]);
	}
	core_scratch_release(queue->worker, before);
}

/* --- scale and shift --- */

static void apply_affine_row(fv_affine affine, fv_function f, const float *x, int64_t n, float *y)
{
	for (int64_t c = 0; c < n; c++)
		y[c] = affine.scale[c] * x[c] + affine.shift[c];
	for (int64_t c = 0; c < n && f == FV_FUNCTION_RELU; c++)
		y[c] = y[c] > 0 ? y[c] : 0;
	for (int64_t c = 0; c < n && f == FV_FUNCTION_TANH; c++)
		y[c] = tanhf(y[c]);
}

void core_cpu_affine(core_queue *queue, fv_affine affine, fv_function f, fv_matrix x, fv_matrix y)
{
	assert(f != FV_FUNCTION_SOFTMAX);
	for (int64_t r = 0; r < x.layout->rows && !queue->status; r++)
		apply_affine_row(affine, f, x.at + r * x.stride, x.width, y.at + r * y.stride);
}

/* --- from utterances to their rows --- */

void core_cpu_spread(core_queue *queue, fv_matrix x, fv_matrix y)
{
	const fv_layout *layout = y.layout;
	for (int32_t u = 0; u < layout->n && !queue->status; u++)
		for (int64_t r = 0; r < layout->span[u].count; r++)
			memcpy(y.at + (layout->span[u].first + r) * y.stride, x.at + u * x.stride,
				(size_t)x.width * sizeof *y.at);
}

/* The utterance's scale and shift: the affine's, times the sigmoid of the gate */
static void find_scale(
	fv_affine affine, const float *gate, int64_t width, float *scale, float *shift)
{
	for (int64_t c = 0; c < width; c++) {
		double open = 1 / (1 + exp(-(double)gate[c]));
		scale[c] = (float)(open * (double)affine.scale[c]);
		shift[c] = (float)(open * (double)affine.shift[c]);
	}
}

void core_cpu_gate(core_queue *queue, fv_affine affine, fv_matrix gate, fv_matrix x, fv_matrix y)
{
	const fv_layout *layout = y.layout;
	core_arena_mark before = core_scratch_mark(queue->worker);
	float *scale = core_cpu_scratch(queue, (size_t)y.width);
	float *shift = core_cpu_scratch(queue, (size_t)y.width);
	for (int32_t u = 0; u < layout->n && shift; u++) {
		const core_span *span = &layout->span[u];
		find_scale(affine, gate.at + u * gate.stride, y.width, scale, shift);
		for (int64_t r = span->first; r < span->first + span->count; r++) {
			float *out = y.at + r * y.stride;
			const float *in = x.at + r * x.stride;
			for (int64_t c = 0; c < y.width; c++)
				out[c] = scale[c] * out[c] + shift[c] + in[c];
		}
	}
	core_scratch_release(queue->worker, before);
}
