/* SPDX-License-Identifier: Apache-2.0 */
/* Steps per second of the head on one core: pooled 13 x 768, batch 32, projection 256, 6 classes,
 * Adam, clipping; collapsed (as runs are trained) and layer by layer, and with a hidden layer of 64
 * with ReLU, without and with dropout. Each is the best of ten measurements, with the time of each
 * part. Run by hand; head_pytorch.py measures the same in PyTorch. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fairvox/stream.h>

#include "base/context.h"
#include "corpus/corpus.h"
#include "nn/adam.h"
#include "nn/base_loss.h"
#include "nn/head.h"
#include "train/trainer.h"

enum { ROWS = 1728, BATCH = 32, CLASSES = 6, STEPS = 200, STRETCHES = 10, PARTS = 5, LEAD = 3 };

typedef struct bench {
	core_head *head;
	float *x, *param, *gradient, *m, *v;
	float label[BATCH * CLASSES];
	size_t width, count;
	int64_t step;
	core_dropout drop; /* ctx NULL: none */
} bench;

/* Processor time, since other programs may be running. */
static double read_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void one_step(bench *b, double *part)
{
	const core_adam adam = {.learning_rate = 1e-4};
	const double weight[CLASSES] = {1, 1, 1, 1, 1, 1};
	const float *row[BATCH];
	float logits[BATCH * CLASSES], dlogits[BATCH * CLASSES];
	double loss[BATCH], grad[BATCH * CLASSES], t[PARTS + 1];
	b->step++;
	for (int i = 0; i < BATCH; i++)
		row[i] = b->x + (size_t)((b->step * 797 + i * 131) % ROWS) * b->width;
	t[0] = read_clock();
	core_head_prepare(b->head, b->param);
	if (b->drop.ctx) {
		b->drop.epoch = b->step;
		core_head_set_dropout(b->head, &b->drop, 0, BATCH);
	}
	core_head_forward(b->head, b->param, row, BATCH, logits);
	t[1] = read_clock();
	core_base_loss(
		&(core_base){.weight = weight}, BATCH, CLASSES, logits, b->label, loss, grad);
	for (int i = 0; i < BATCH * CLASSES; i++)
		dlogits[i] = (float)(grad[i] / BATCH);
	t[2] = read_clock();
	core_head_backward(b->head, b->param, row, BATCH, dlogits, b->gradient);
	t[3] = read_clock();
	double scale = core_clip_scale(core_vector_norm(b->gradient, (int64_t)b->count), 1);
	t[4] = read_clock();
	core_adam_step(&adam, b->step, scale, (int64_t)b->count, b->param, b->gradient, b->m, b->v);
	t[5] = read_clock();
	for (int i = 0; i < PARTS; i++)
		part[i] += (t[i + 1] - t[i]) / STEPS * 1e6;
}

static void measure_head(bench *b, const char *name)
{
	double best = 1e9, shown[PARTS] = {0};
	for (int stretch = 0; stretch < STRETCHES; stretch++) {
		double part[PARTS] = {0}, start = read_clock();
		for (int step = 0; step < STEPS; step++)
			one_step(b, part);
		double seconds = read_clock() - start;
		for (int i = 0; i < PARTS && seconds < best; i++)
			shown[i] = part[i];
		best = seconds < best ? seconds : best;
	}
	printf("%-15s %5.0f steps/s: forward %.0f us, loss %.0f, backward %.0f, norm %.0f, Adam "
	       "%.0f\n",
		name, STEPS / best, shown[0], shown[1], shown[2], shown[3], shown[4]);
}

/* A whole run: batches, validation passes over 230 rows, choice of the epoch. */
static int measure_run(fv_ctx *ctx, bench *b)
{
	enum { DEV = 230, EPOCHS = 20 };
	const fv_loss_ops ops = {.size = sizeof ops};
	const fv_descriptor mean = {.size = sizeof mean, .name = "mean", .ops = &ops};
	const core_train_spec spec = {.epochs = EPOCHS,
		.batch = BATCH,
		.learning_rate = 1e-4,
		.clip = 1,
		.select = "dev_loss"};
	float *label = core_alloc(ctx, ROWS * CLASSES, sizeof *label);
	int32_t *klass = core_alloc(ctx, ROWS, sizeof *klass);
	const char **stem = core_alloc(ctx, ROWS, sizeof *stem);
	if (!label || !klass || !stem)
		return 1;
	for (int i = 0; i < ROWS; i++) {
		memcpy(label + i * CLASSES, b->label + i % BATCH * CLASSES,
			CLASSES * sizeof *label);
		stem[i] = core_format(ctx, "%d", i);
	}
	core_label_class(label, ROWS, CLASSES, klass);
	core_train_job job = {
		.shape = {.layers = 13, .dims = 768, .projection = 256, .classes = CLASSES},
		.spec = &spec,
		.loss = &mean};
	job.train = (core_train_data){.x = b->x,
		.rows = {.size = sizeof(fv_rows),
			.n = ROWS,
			.classes = CLASSES,
			.label = label,
			.klass = klass,
			.stem = stem}};
	job.dev = job.train;
	job.dev.rows.n = DEV;
	core_train_result result;
	double start = read_clock();
	if (core_train_run(ctx, &job, &result) != FV_OK)
		return 1;
	int steps = EPOCHS * (ROWS / BATCH);
	printf("%-15s %5.0f steps/s\n", "a whole run", steps / (read_clock() - start));
	return 0;
}

/* Makes a head of the shape and its vectors, in which the first weight is aligned as in the trainer. */
static bool open_head(fv_ctx *ctx, const core_head_shape *shape, bench *b)
{
	float **vector[] = {&b->param, &b->gradient, &b->m, &b->v};
	b->count = (size_t)core_head_count(shape);
	b->step = 0;
	for (int i = 0; i < 4; i++) {
		*vector[i] = core_alloc(ctx, b->count + LEAD, sizeof(float));
		if (!*vector[i])
			return false;
		*vector[i] += LEAD;
	}
	core_head_init(ctx, shape, 0, b->param);
	return core_head_new(ctx, shape, BATCH, &b->head) == FV_OK;
}

static bool measure_hidden(fv_ctx *ctx, bench *b, double dropout, const char *name)
{
	static const char *stem[BATCH];
	static const int32_t copy[BATCH];
	const core_head_shape shape = {.layers = 13,
		.dims = 768,
		.projection = 256,
		.classes = CLASSES,
		.n_hidden = 1,
		.hidden = {64},
		.activation = FV_ACTIVATION_RELU,
		.dropout = dropout};
	for (int i = 0; i < BATCH; i++)
		stem[i] = core_format(ctx, "recording_%d", i);
	core_head_free(b->head);
	if (!open_head(ctx, &shape, b))
		return false;
	if (dropout > 0)
		b->drop = (core_dropout){.ctx = ctx, .stem = stem, .copy = copy};
	measure_head(b, name);
	return true;
}

int main(void)
{
	fv_ctx *ctx = core_ctx_new();
	const core_head_shape shape = {
		.layers = 13, .dims = 768, .projection = 256, .classes = CLASSES};
	bench b = {.width = 13 * 768};
	b.x = core_alloc(ctx, ROWS * b.width, sizeof(float));
	if (!b.x || !open_head(ctx, &shape, &b))
		return 1;
	fv_stream stream = fv_rng(ctx, "x", 0, 0);
	for (size_t i = 0; i < ROWS * b.width; i++)
		b.x[i] = (float)(2 * fv_uniform(&stream) - 1);
	for (int i = 0; i < BATCH * CLASSES; i++)
		b.label[i] = i % CLASSES == i / CLASSES % CLASSES ? 0.75f : 0.05f;
	measure_head(&b, "collapsed");
	core_head_uncollapse(b.head);
	measure_head(&b, "layer by layer");
	bool good = measure_hidden(ctx, &b, 0, "hidden 64") &&
		    measure_hidden(ctx, &b, 0.1, "with dropout") && measure_run(ctx, &b) == 0;
	core_head_free(b.head);
	core_ctx_free(ctx);
	return !good;
}
