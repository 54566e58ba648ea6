/* SPDX-License-Identifier: Apache-2.0 */
#include "late_device.h"

#include <math.h>
#include <string.h>

enum { OPERATIONS_MAX = 512 };

/* An operation and what it was given; each kind uses some of the members. */
struct operation {
	void (*run)(core_queue *cpu, const struct operation *o);
	const void *constant, *other;
	fv_matrix x, y, z, w;
	fv_affine a, b;
	int64_t i, j;
	double d;
	int32_t e, f;
	float *to;
	float *const *out;
};

struct late_queue {
	core_queue queue; /* first */
	core_queue *cpu;
	int64_t n;
	struct operation operation[OPERATIONS_MAX];
};

static const core_device_ops *cpu(void)
{
	return core_device_cpu()->ops;
}

static void enqueue(core_queue *queue, struct operation operation)
{
	struct late_queue *late = (struct late_queue *)(void *)queue;
	if (queue->status)
		return;
	if (late->n == OPERATIONS_MAX) {
		queue->status =
			fv_fail(queue->worker, FV_FAILED, "too many operations for the test");
		return;
	}
	late->operation[late->n++] = operation;
	((test_late_device *)(void *)queue->device)->operations++;
}

/* --- memory --- */

static fv_status load(
	fv_ctx *ctx, core_device *device, const float *host, int64_t n, const float **out)
{
	(void)device;
	return cpu()->load(ctx, core_device_cpu(), host, n, out);
}

static fv_linear *open_linear(fv_ctx *ctx, core_device *device, fv_precision precision,
	int64_t outputs, int64_t inputs, const float *weight, const float *bias)
{
	(void)device;
	return cpu()->open_linear(ctx, core_device_cpu(), precision, outputs, inputs, weight, bias);
}

static fv_lstm *open_lstm(fv_ctx *ctx, core_device *device, int32_t inputs, int32_t hidden,
	const float *weight_ih, const float *weight_hh, const float *bias_ih, const float *bias_hh)
{
	(void)device;
	return cpu()->open_lstm(
		ctx, core_device_cpu(), inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh);
}

static core_queue *begin(fv_ctx *worker, core_device *device)
{
	struct late_queue *late = fv_scratch(worker, sizeof *late);
	if (!late)
		return NULL;
	late->queue = (core_queue){.device = device, .worker = worker};
	late->n = 0;
	late->cpu = cpu()->begin(worker, core_device_cpu());
	return late->cpu ? &late->queue : NULL;
}

static float *allocate(core_queue *queue, int64_t n)
{
	test_late_device *device = (test_late_device *)(void *)queue->device;
	if (!queue->status && ++device->allocations == device->fail_at)
		queue->status = fv_fail(queue->worker, FV_FAILED, "out of the device's memory");
	float *memory =
		queue->status ? NULL : fv_scratch(queue->worker, (size_t)n * sizeof *memory);
	for (int64_t i = 0; i < n && memory; i++)
		memory[i] = NAN;
	return memory;
}

static void run_put(core_queue *queue, const struct operation *o)
{
	cpu()->put(queue, o->constant, o->i, o->to);
}

static void put(core_queue *queue, const float *host, int64_t n, float *to)
{
	enqueue(queue, (struct operation){.run = run_put, .constant = host, .i = n, .to = to});
}

static void run_fetch(core_queue *queue, const struct operation *o)
{
	cpu()->fetch(queue, o->x, o->i, o->out);
}

static void fetch(core_queue *queue, fv_matrix from, int64_t block, float *const *out)
{
	enqueue(queue, (struct operation){.run = run_fetch, .x = from, .i = block, .out = out});
}

static fv_status wait_for_all(core_queue *queue)
{
	struct late_queue *late = (struct late_queue *)(void *)queue;
	for (int64_t i = 0; i < late->n && !queue->status; i++) {
		late->operation[i].run(late->cpu, &late->operation[i]);
		queue->status = cpu()->wait(late->cpu);
	}
	late->n = 0;
	return queue->status;
}

/* --- operations: RUN names what the CPU is called with, WITH what is kept --- */

#define OPERATION(name, parameters, kept, call)                                                    \
	static void run_##name(core_queue *queue, const struct operation *o)                       \
	{                                                                                          \
		cpu()->name call;                                                                  \
	}                                                                                          \
	static void name parameters                                                                \
	{                                                                                          \
		struct operation operation = {.run = run_##name};                                  \
		struct operation *o = &operation;                                                  \
		kept;                                                                              \
		enqueue(queue, operation);                                                         \
	}

OPERATION(convolve_waves,
	(core_queue * queue, const core_convolutions *c, fv_matrix wave, bool scaled, fv_matrix y),
	(o->constant = c, o->x = wave, o->e = scaled, o->y = y),
	(queue, o->constant, o->x, o->e != 0, o->y))
OPERATION(layer_norm, (core_queue * queue, const core_norm *norm, fv_matrix x, fv_matrix y),
	(o->constant = norm, o->x = x, o->y = y), (queue, o->constant, o->x, o->y))
OPERATION(multiply,
	(core_queue * queue, const fv_linear *linear, fv_matrix x, bool add,
		fv_activation activation, fv_matrix y),
	(o->constant = linear, o->x = x, o->e = add, o->f = (int32_t)activation, o->y = y),
	(queue, o->constant, o->x, o->e != 0, (fv_activation)o->f, o->y))
OPERATION(feed_forward,
	(core_queue * queue, const fv_linear *inner, int64_t width, const fv_linear *outer,
		fv_matrix x, fv_matrix y),
	(o->constant = inner, o->i = width, o->other = outer, o->x = x, o->y = y),
	(queue, o->constant, o->i, o->other, o->x, o->y))
OPERATION(add, (core_queue * queue, fv_matrix x, fv_matrix y), (o->x = x, o->y = y),
	(queue, o->x, o->y))
OPERATION(position, (core_queue * queue, const core_position *p, fv_matrix x, fv_matrix y),
	(o->constant = p, o->x = x, o->y = y), (queue, o->constant, o->x, o->y))
OPERATION(attend,
	(core_queue * queue, const core_heads *heads, fv_matrix joined, fv_matrix x,
		const float *bias, fv_matrix y),
	(o->constant = heads, o->z = joined, o->x = x, o->other = bias, o->y = y),
	(queue, o->constant, o->z, o->x, o->other, o->y))
OPERATION(dense,
	(core_queue * queue, const fv_dense *dense, fv_function f, double factor, fv_matrix x,
		fv_matrix y),
	(o->constant = dense, o->f = (int32_t)f, o->d = factor, o->x = x, o->y = y),
	(queue, o->constant, (fv_function)o->f, o->d, o->x, o->y))
OPERATION(affine, (core_queue * queue, fv_affine a, fv_function f, fv_matrix x, fv_matrix y),
	(o->a = a, o->f = (int32_t)f, o->x = x, o->y = y),
	(queue, o->a, (fv_function)o->f, o->x, o->y))
OPERATION(mean, (core_queue * queue, fv_sums sums, fv_matrix x, fv_matrix y),
	(o->f = (int32_t)sums, o->x = x, o->y = y), (queue, (fv_sums)o->f, o->x, o->y))
OPERATION(moments,
	(core_queue * queue, fv_affine a, double least, fv_matrix x, fv_matrix logits,
		fv_matrix centre, fv_matrix y),
	(o->a = a, o->d = least, o->x = x, o->z = logits, o->w = centre, o->y = y),
	(queue, o->a, o->d, o->x, o->z, o->w, o->y))
OPERATION(spread, (core_queue * queue, fv_matrix x, fv_matrix y), (o->x = x, o->y = y),
	(queue, o->x, o->y))
OPERATION(gate, (core_queue * queue, fv_affine a, fv_matrix gates, fv_matrix x, fv_matrix y),
	(o->a = a, o->z = gates, o->x = x, o->y = y), (queue, o->a, o->z, o->x, o->y))
OPERATION(lstm,
	(core_queue * queue, fv_lstm *const *layer, int32_t layers, int64_t window, int64_t step,
		fv_matrix x, fv_matrix y),
	(o->constant = layer, o->e = layers, o->i = window, o->j = step, o->x = x, o->y = y),
	(queue, o->constant, o->e, o->i, o->j, o->x, o->y))
OPERATION(direction, (core_queue * queue, fv_matrix x, fv_matrix y), (o->x = x, o->y = y),
	(queue, o->x, o->y))

/* The convolution is described by a struct of the caller's, which may be gone when the operation runs. */
static void run_convolve(core_queue *queue, const struct operation *o)
{
	const fv_convolution c =
		FV_CONVOLUTION(.linear = (fv_linear *)o->constant, .taps = o->e, .dilation = o->f);
	cpu()->convolve(queue, &c, o->a, o->x, o->b, o->z, o->y);
}

static void convolve(core_queue *queue, const fv_convolution *c, fv_affine a, fv_matrix x,
	fv_affine b, fv_matrix added, fv_matrix y)
{
	enqueue(queue, (struct operation){.run = run_convolve,
			       .constant = c->linear,
			       .e = c->taps,
			       .f = c->dilation,
			       .a = a,
			       .x = x,
			       .b = b,
			       .z = added,
			       .y = y});
}

static const core_device_ops ops = {
	.name = "late",
	.queries = 128,
	.load = load,
	.open_linear = open_linear,
	.open_lstm = open_lstm,
	.begin = begin,
	.allocate = allocate,
	.put = put,
	.fetch = fetch,
	.wait = wait_for_all,
	.convolve_waves = convolve_waves,
	.layer_norm = layer_norm,
	.multiply = multiply,
	.feed_forward = feed_forward,
	.add = add,
	.position = position,
	.attend = attend,
	.dense = dense,
	.affine = affine,
	.convolve = convolve,
	.mean = mean,
	.moments = moments,
	.spread = spread,
	.gate = gate,
	.lstm = lstm,
	.direction = direction,
};

test_late_device test_late_device_make(void)
{
	return (test_late_device){.device = {&ops}};
}
