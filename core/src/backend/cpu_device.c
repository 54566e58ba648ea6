/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU as a device: its memory is the host's, its kernels are those of the processor (kernels.h) and
 * OpenBLAS. Operations on rows go over the rows of the whole pack, the others over its utterances. */
#include "backend/cpu_ops.h"

#include <string.h>

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

static void fetch_rows(core_queue *queue, fv_matrix from, int64_t block, float *const *out)
{
	const fv_layout *layout = from.layout;
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

/* --- the table --- */

static const core_device_ops ops = {
	.name = "cpu",
	.queries = QUERIES,
	.load = load_constant,
	.open_linear = core_cpu_open_linear,
	.open_lstm = core_cpu_open_lstm,
	.begin = begin_work,
	.allocate = allocate_floats,
	.put = put_floats,
	.fetch = fetch_rows,
	.wait = wait_for_all,
	.convolve_waves = core_cpu_convolve_waves,
	.layer_norm = core_cpu_layer_norm,
	.multiply = core_cpu_multiply,
	.feed_forward = core_cpu_feed_forward,
	.add = core_cpu_add,
	.position = core_cpu_position,
	.attend = core_cpu_attend,
	.dense = core_cpu_dense,
	.affine = core_cpu_affine,
	.convolve = core_cpu_convolve,
	.mean = core_cpu_mean,
	.moments = core_cpu_moments,
	.spread = core_cpu_spread,
	.gate = core_cpu_gate,
	.lstm = core_cpu_lstm,
	.direction = core_cpu_direction,
};

core_device *core_device_cpu(void)
{
	static core_device cpu = {&ops};
	return &cpu;
}
