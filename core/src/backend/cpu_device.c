/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU as a device: its memory is the host's, its kernels are those of the processor (kernels.h) and
 * OpenBLAS. Operations on rows go over the rows of the whole pack, the others over its utterances. */
#include "backend/cpu_ops.h"

#include <assert.h>
#include <string.h>

#include <fairvox/vector.h>

#include "base/context.h"

#define ROWS 512    /* that go through the inner layer at once */
#define QUERIES 128 /* of one block of scores */

/* --- memory --- */

static fv_status load_constant(
	fv_ctx *ctx, core_device *device, const float *host, int64_t n, const float **out)
{
	(void)device;
	float *copy = fv_alloc(ctx, (size_t)n * sizeof *copy);
	*out = copy;
	if (!copy)
		return FV_FAILED;
	memcpy(copy, host, (size_t)n * sizeof *copy);
	return FV_OK;
}

static fv_linear *open_linear(fv_ctx *ctx, core_device *device, fv_precision precision,
	int64_t outputs, int64_t inputs, const float *weight, const float *bias)
{
	(void)device;
	return fv_linear_open(ctx, precision, outputs, inputs, weight, bias);
}

static core_queue *begin_work(fv_ctx *worker, core_device *device)
{
	core_queue *queue = fv_scratch(worker, sizeof *queue);
	if (queue)
		*queue = (core_queue){.device = device, .worker = worker};
	return queue;
}

float *core_cpu_scratch(core_queue *queue, size_t floats)
{
	float *memory = queue->status ? NULL : fv_scratch(queue->worker, floats * sizeof *memory);
	if (!memory && !queue->status)
		queue->status = FV_FAILED;
	return memory;
}

static float *allocate_floats(core_queue *queue, int64_t n)
{
	return core_cpu_scratch(queue, (size_t)n);
}

static void put_floats(core_queue *queue, const float *host, int64_t n, float *to)
{
	if (!queue->status)
		memcpy(to, host, (size_t)n * sizeof *to);
}

static void fetch_rows(core_queue *queue, core_rows from, int64_t block, float *const *out)
{
	const core_layout *layout = from.layout;
	size_t row = (size_t)from.width * sizeof *from.at;
	if (queue->status)
		return;
	for (int32_t u = 0; u < layout->n; u++) {
		const core_span *span = &layout->span[u];
		const float *x = from.at + span->first * from.stride;
		float *to = out[u] + block * span->count * from.width;
		if (from.stride == from.width)
			memcpy(to, x, (size_t)span->count * row);
		for (int64_t r = 0; r < span->count && from.stride != from.width; r++)
			memcpy(to + r * from.width, x + r * from.stride, row);
	}
}

static fv_status wait_for_all(core_queue *queue)
{
	return queue->status;
}

/* --- operations on rows --- */

static void normalise_rows(core_queue *queue, const core_norm *norm, core_rows x, core_rows y)
{
	assert(x.stride == x.width && y.stride == y.width);
	if (!queue->status)
		fv_layer_norm(
			x.at, x.layout->rows, x.width, norm->scale, norm->offset, norm->eps, y.at);
}

static void multiply_rows(core_queue *queue, const fv_linear *linear, core_rows x, bool add,
	fv_activation activation, core_rows y)
{
	int64_t rows = x.layout->rows;
	core_arena_mark before = core_scratch_mark(queue->worker);
	float *scratch = core_cpu_scratch(queue, fv_linear_scratch(linear, rows));
	if (scratch)
		fv_linear_apply(
			linear, rows, x.at, x.stride, add, activation, y.at, y.stride, scratch);
	core_scratch_release(queue->worker, before);
}

static void apply_feed_forward(core_queue *queue, const fv_linear *inner, int64_t width,
	const fv_linear *outer, core_rows x, core_rows y)
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

static void add_rows(core_queue *queue, core_rows x, core_rows y)
{
	assert(x.stride == x.width && y.stride == y.width);
	for (int64_t i = 0; i < x.layout->rows * x.width && !queue->status; i++)
		y.at[i] += x.at[i];
}

/* --- operations on utterances --- */

static void compute_mean(
	const float *x, int64_t rows, int64_t stride, int64_t width, double *sum, float *mean)
{
	memset(sum, 0, (size_t)width * sizeof *sum);
	for (int64_t r = 0; r < rows; r++, x += stride)
		for (int64_t d = 0; d < width; d++)
			sum[d] += x[d];
	for (int64_t d = 0; d < width; d++)
		mean[d] = (float)(sum[d] / (double)rows);
}

static void compute_means(core_queue *queue, core_rows x, core_rows y)
{
	core_arena_mark before = core_scratch_mark(queue->worker);
	double *sum = (double *)(void *)core_cpu_scratch(queue, 2 * (size_t)x.width);
	for (int32_t u = 0; u < x.layout->n && sum; u++)
		compute_mean(x.at + x.layout->span[u].first * x.stride, x.layout->span[u].count,
			x.stride, x.width, sum, y.at + u * y.stride);
	core_scratch_release(queue->worker, before);
}

/* --- the table --- */

static const core_device_ops ops = {
	.name = "cpu",
	.queries = QUERIES,
	.load = load_constant,
	.linear = open_linear,
	.begin = begin_work,
	.allocate = allocate_floats,
	.put = put_floats,
	.fetch = fetch_rows,
	.wait = wait_for_all,
	.convolve_waves = core_cpu_convolve_waves,
	.layer_norm = normalise_rows,
	.multiply = multiply_rows,
	.feed_forward = apply_feed_forward,
	.add = add_rows,
	.position = core_cpu_position,
	.attend = core_cpu_attend,
	.mean = compute_means,
};

core_device *core_device_cpu(void)
{
	static core_device cpu = {&ops};
	return &cpu;
}
