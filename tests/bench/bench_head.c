/* SPDX-License-Identifier: Apache-2.0 */
/* Steps a second of the head on one core: pooled 13 x 768, batch 32, projection 256, 6 classes,
 * Adam, clipping. Run by hand; tests/bench/head_pytorch.py measures the same in PyTorch. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <fairvox/stream.h>

#include "base/context.h"
#include "nn/adam.h"
#include "nn/base_loss.h"
#include "nn/head.h"

enum { ROWS = 1728, BATCH = 32, CLASSES = 6, STEPS = 2000 };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *random_floats(fv_ctx *ctx, const char *name, size_t n)
{
	float *x = core_alloc(ctx, n, sizeof *x);
	fv_stream stream = fv_rng(ctx, name, 0, 0);
	for (size_t i = 0; x && i < n; i++)
		x[i] = (float)(2 * fv_uniform(&stream) - 1);
	return x;
}

int main(void)
{
	fv_ctx *ctx = core_ctx_new();
	const core_head_shape shape = {13, 768, 256, CLASSES};
	size_t width = 13 * 768, count = (size_t)core_head_count(&shape);
	float *x = random_floats(ctx, "x", ROWS * width);
	float *param = core_alloc(ctx, count, 4), *gradient = core_alloc(ctx, count, 4);
	float *m = core_alloc(ctx, count, 4), *v = core_alloc(ctx, count, 4);
	core_head *head;
	if (!x || !param || !gradient || !m || !v || core_head_new(ctx, &shape, BATCH, &head))
		return 1;
	core_head_init(ctx, &shape, 0, param);
	float label[BATCH * CLASSES], logits[BATCH * CLASSES], dlogits[BATCH * CLASSES];
	double weight[CLASSES], loss[BATCH], grad[BATCH * CLASSES], part[5] = {0}, start = now();
	for (int i = 0; i < BATCH * CLASSES; i++)
		label[i] = i % CLASSES == i / CLASSES % CLASSES ? 0.75f : 0.05f;
	for (int k = 0; k < CLASSES; k++)
		weight[k] = 1;
	const core_adam adam = {.learning_rate = 1e-4};
	for (int step = 1; step <= STEPS; step++) {
		const float *row[BATCH];
		for (int i = 0; i < BATCH; i++)
			row[i] = x + (size_t)((step * 797 + i * 131) % ROWS) * width;
		double t0 = now();
		core_head_forward(head, param, row, BATCH, logits);
		double t1 = now();
		core_base_loss(BATCH, CLASSES, logits, label, weight, loss, grad);
		for (int i = 0; i < BATCH * CLASSES; i++)
			dlogits[i] = (float)(grad[i] / BATCH);
		double t2 = now();
		core_head_backward(head, param, row, BATCH, dlogits, gradient);
		double t3 = now(), scale = core_clip_scale(core_norm(gradient, (int64_t)count), 1);
		double t4 = now();
		core_adam_step(&adam, step, scale, (int64_t)count, param, gradient, m, v);
		double t5 = now(), t[6] = {t0, t1, t2, t3, t4, t5};
		for (int i = 0; i < 5; i++)
			part[i] += t[i + 1] - t[i];
	}
	double seconds = now() - start;
	printf("%.0f steps/s: forward %.0f us, loss %.0f, backward %.0f, norm %.0f, Adam %.0f\n",
		STEPS / seconds, part[0] / STEPS * 1e6, part[1] / STEPS * 1e6,
		part[2] / STEPS * 1e6, part[3] / STEPS * 1e6, part[4] / STEPS * 1e6);
	core_head_free(head);
	core_ctx_free(ctx);
	return 0;
}
