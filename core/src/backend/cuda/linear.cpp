/* SPDX-License-Identifier: Apache-2.0 */
#include "linear.hpp"

#include <cstdlib>

#include "bf16.cuh"

namespace gpu
{

enum { PAD = 8 /* numbers; rows of a matrix begin at multiples of 16 bytes */ };

/* --- opening --- */

/* Rounds weight [outputs,inputs] to the planes [outputs,stride]. */
static void round_weight(const fv_linear *l, const float *weight, uint16_t *high, uint16_t *low)
{
	for (int64_t o = 0; o < l->outputs; o++)
		for (int64_t i = 0; i < l->inputs; i++) {
			const float v = weight[o * l->inputs + i];
			high[o * l->stride + i] = round_bf16(v);
			low[o * l->stride + i] = round_rest(v, high[o * l->stride + i]);
		}
}

static bool load_rounded(fv_ctx *ctx, gpu_device *d, fv_linear *l, const float *weight)
{
	const size_t n = static_cast<size_t>(l->outputs * l->stride);
	uint16_t *high = static_cast<uint16_t *>(calloc(2 * n, sizeof *high));
	if (!high) {
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
		return false;
	}
	round_weight(l, weight, high, high + n);
	for (int i = 0; i < l->planes; i++)
		l->weight[i] = load_bytes(ctx, d, high + i * n, n * sizeof *high);
	free(high);
	return l->weight[0] && (l->planes == 1 || l->weight[1]);
}

/* Whether the GPU computes in this precision; if not, with a message. */
static bool check_precision(fv_ctx *ctx, const gpu_device *d, fv_precision precision)
{
	if (precision == FV_PRECISION_FP32)
		return true;
	const bool tf32 = precision == FV_PRECISION_TF32;
	const char *forced = getenv("NVIDIA_TF32_OVERRIDE");
	if (d->major < 8)
		(void)fv_fail(ctx, FV_CONFIG,
			"precision: this GPU (sm_%d%d) has no %s: choose fp32", d->major, d->minor,
			tf32 ? "TensorFloat-32" : "bfloat16");
	else if (tf32 && forced && *forced)
		(void)fv_fail(ctx, FV_CONFIG,
			"precision: NVIDIA_TF32_OVERRIDE=%s forbids TensorFloat-32: unset it, or "
			"choose fp32",
			forced);
	else
		return true;
	return false;
}

fv_linear *open_linear(fv_ctx *ctx, core_device *core, fv_precision precision, int64_t outputs,
	int64_t inputs, const float *weight, const float *bias)
{
	gpu_device *d = static_cast<gpu_device *>(core);
	fv_linear *l = static_cast<fv_linear *>(fv_alloc(ctx, sizeof *l));
	if (!l)
		return nullptr;
	if (!check_precision(ctx, d, precision))
		return nullptr;
	const bool rounded = precision == FV_PRECISION_BF16 || precision == FV_PRECISION_BF16X3;
	*l = fv_linear();
	l->tf32 = precision == FV_PRECISION_TF32;
	l->type = rounded ? NUMBER_BF16 : NUMBER_FLOAT;
	l->planes = precision == FV_PRECISION_BF16X3 ? 2 : 1;
	l->outputs = outputs;
	l->inputs = inputs;
	l->stride = rounded ? round_up(inputs, PAD) : inputs;
	const size_t bytes = static_cast<size_t>(outputs * inputs) * sizeof *weight;
	bool ready = rounded ? load_rounded(ctx, d, l, weight)
			     : (l->weight[0] = load_bytes(ctx, d, weight, bytes)) != nullptr;
	if (ready && bias)
		ready = load_constant(ctx, core, bias, outputs, &l->bias) == FV_OK;
	return ready ? l : nullptr;
}

/* --- products --- */

int64_t find_stride(const fv_linear *layer)
{
	return round_up(layer->inputs, PAD);
}

target allocate_target(queue *q, const fv_linear *layer, int64_t count, int64_t stride)
{
	target t = {nullptr, nullptr, nullptr, stride};
	if (!layer || layer->type == NUMBER_FLOAT) {
		t.at = allocate_array<float>(q, count);
		return t;
	}
	t.high = allocate_array<uint16_t>(q, count);
	if (layer->planes > 1)
		t.low = allocate_array<uint16_t>(q, count);
	return t;
}

target skip_numbers(target t, int64_t n)
{
	return {t.at ? t.at + n : nullptr, t.high ? t.high + n : nullptr,
		t.low ? t.low + n : nullptr, t.stride};
}

void run_product(queue *q, const fv_linear *layer, const target &a, gemm shape, float *c)
{
	/* of the parts of A and W; products of small parts come first */
	static const int pair[][2] = {{1, 0}, {0, 1}, {0, 0}};
	const void *part[2] = {
		layer->type == NUMBER_FLOAT ? static_cast<void *>(a.at) : a.high, a.low};
	shape.type = layer->type;
	shape.tf32 = layer->tf32;
	shape.n = layer->outputs;
	shape.k = layer->inputs;
	shape.ldw = layer->stride;
	if (shape.type == NUMBER_BF16 && shape.batch > 1 && shape.stride_a % 2)
		fail_queue(q, "precision",
			"a convolution over an odd number of channels is not computed in bfloat16 "
			"on a GPU: choose fp32");
	for (int i = layer->planes > 1 ? 0 : 2; i < 3 && !q->status; i++) {
		shape.add = i > 0 && layer->planes > 1;
		const char *error = run_gemm(q->on->gemms, shape, part[pair[i][0]],
			layer->weight[pair[i][1]], c, q->on->stream);
		if (error)
			fail_queue(q, "a product", error);
	}
}

void multiply_rows(queue *q, const fv_linear *layer, const target &a, float *c)
{
	gemm shape = {};
	shape.m = q->on->rows;
	shape.lda = a.stride;
	shape.ldc = layer->outputs;
	shape.batch = 1;
	run_product(q, layer, a, shape, c);
}

static finish finish_of(const fv_linear *l, const float *c, int64_t count, bool add, activation f)
{
	return {{c, l->outputs}, l->bias, nullptr, count, static_cast<int>(l->outputs), add, f};
}

static int64_t count_part(const gpu_device *d, int64_t all, int64_t first)
{
	return all - first < d->rows ? all - first : d->rows;
}

static activation convert_activation(fv_activation f)
{
	return f == FV_ACTIVATION_RELU   ? ACTIVATE_RELU
	       : f == FV_ACTIVATION_GELU ? ACTIVATE_GELU
					 : ACTIVATE_NONE;
}

void multiply_matrix(core_queue *core, const fv_linear *l, fv_matrix x, bool add,
	fv_activation activation, fv_matrix y)
{
	queue *q = as_queue(core);
	const arena_mark before = mark_memory(q);
	const int64_t rows = q->on->rows, all = x.layout->rows;
	const target a = allocate_target(q, l, rows * find_stride(l), find_stride(l));
	float *c = allocate_array<float>(q, rows * l->outputs);
	for (int64_t first = 0; first < all && !q->status; first += rows) {
		const int64_t count = count_part(q->on, all, first);
		copy_rows({x.at + first * x.stride, x.stride}, count, rows,
			static_cast<int>(l->inputs), a, q->on->stream);
		multiply_rows(q, l, a, c);
		finish_rows(finish_of(l, c, count, add, convert_activation(activation)),
			{y.at + first * y.stride, nullptr, nullptr, y.stride}, q->on->stream);
		check_queue(q, "a linear layer");
	}
	release_memory(q, before);
}

void feed_forward(core_queue *core, const fv_linear *inner, int64_t width, const fv_linear *outer,
	fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	const arena_mark before = mark_memory(q);
	const int64_t rows = q->on->rows, all = x.layout->rows;
	const target a = allocate_target(q, inner, rows * find_stride(inner), find_stride(inner));
	const target b = allocate_target(q, outer, rows * find_stride(outer), find_stride(outer));
	float *c =
		allocate_array<float>(q, rows * (width > outer->outputs ? width : outer->outputs));
	for (int64_t first = 0; first < all && !q->status; first += rows) {
		const int64_t count = count_part(q->on, all, first);
		copy_rows({x.at + first * x.stride, x.stride}, count, rows,
			static_cast<int>(inner->inputs), a, q->on->stream);
		multiply_rows(q, inner, a, c);
		finish_rows(finish_of(inner, c, rows, false, ACTIVATE_GELU), b, q->on->stream);
		multiply_rows(q, outer, b, c);
		finish_rows(finish_of(outer, c, count, true, ACTIVATE_NONE),
			{y.at + first * y.stride, nullptr, nullptr, y.stride}, q->on->stream);
		check_queue(q, "a layer's inner network");
	}
	release_memory(q, before);
}

} // namespace gpu
