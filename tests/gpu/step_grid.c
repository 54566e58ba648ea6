/* SPDX-License-Identifier: Apache-2.0 */
/* A grid of classifiers that a GPU trains in lockstep, as the paper's 165 runs: how long their steps take beside the least that
 * memory allows, as CUDA graphs and launched one by one, whether one of them has the same bytes alone and without graphs,
 * and Adam's bytes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/device.h"
#include "suite.h"

extern const core_device_module fairvox_device_module;

enum {
	MOST = 165,
	BATCH = 32,
	CHECKED = 5 /* steps for bytes, of which the last three are graphs */
};

struct grid {
	core_device *device;
	const core_classifier_ops *ops;
	int runs, steps, features; /* features: rows */
	core_classifier_plan plan;
	int64_t count;                  /* parameters */
	float *start, *host, *d_logits; /* [count], [features,L,D], [BATCH,C] */
	core_classifier *run[MOST];
};

/* The scalars of a step of Adam: of learning rate 1e-3 at its first step, with decay */
static const core_adam_scalars scalars = {.l2 = 1e-3f,
	.keep = 1,
	.one_beta1 = 0.1f,
	.beta2 = 0.999f,
	.one_beta2 = 1e-3f,
	.rate = 1e-2f,
	.root = 31.6f,
	.eps = 1e-8f};

static double read_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static float *draw(int64_t n, double deviation, uint64_t seed)
{
	float *x = malloc((size_t)n * sizeof *x);
	if (x)
		network_draw(x, n, 0, deviation, seed);
	return x;
}

/* Takes `steps` steps of runs [0, n) in lockstep. Every run reads rows of its own, and every step has another learning
 * rate. Returns what failed. */
static const char *train(const struct grid *g, int n, int steps, double *norm)
{
	core_classifier_rows rows[MOST], *read[MOST];
	core_classifier_step step[MOST], *take[MOST];
	const int64_t logits = (int64_t)BATCH * g->plan.classes;
	int32_t index[MOST][BATCH];
	const char *failure = NULL;
	float *out = malloc((size_t)(logits * n) * sizeof *out);
	for (int t = 0; t < steps && out && !failure; t++) {
		core_adam_scalars own = scalars;
		own.rate /= (float)(t + 1);
		for (int k = 0; k < n; k++) {
			for (int i = 0; i < BATCH; i++)
				index[k][i] = (7 * i + 31 * t + k) % g->features;
			rows[k] = (core_classifier_rows){
				g->run[k], BATCH, index[k], true, out + k * logits};
			step[k] = (core_classifier_step){g->run[k], g->d_logits, own, 1, NAN};
			read[k] = &rows[k];
			take[k] = &step[k];
		}
		failure = g->ops->forward(g->device, read, n);
		if (!failure)
			failure = g->ops->update(g->device, take, n);
		*norm = step[0].norm;
	}
	free(out);
	return out ? failure : "out of memory";
}

/* One step with Adam's formulas, operation by operation */
static void take_step(float factor, int64_t n, float *p, const float *gradient, float *m, float *v)
{
	const core_adam_scalars *s = &scalars;
	for (int64_t i = 0; i < n; i++) {
		const float g = gradient[i] * factor + s->l2 * p[i];
		const float first = m[i] + s->one_beta1 * (g - m[i]);
		const float second = s->beta2 * v[i] + s->one_beta2 * (g * g);
		m[i] = first;
		v[i] = second;
		p[i] = s->keep * p[i] - s->rate * (first / (sqrtf(second) * s->root + s->eps));
	}
}

struct bytes {
	float *company, *plain; /* after CHECKED steps in company, alone without graphs */
	float *alone, *m, *v;   /* after as many steps alone */
	float *param, *gradient, *m_next, *v_next; /* after one more */
	double norm;
};

/* Trains runs [0, n) from where they are, and run 0 from its start the next time. */
static const char *train_checked(const struct grid *g, int n, struct bytes *b, float *param)
{
	const char *failure = train(g, n, CHECKED, &b->norm);
	if (!failure)
		failure = g->ops->get(g->run[0], param, NULL, NULL, NULL);
	if (!failure)
		failure = g->ops->set(g->run[0], g->start, b->m, b->v); /* m and v are zeros */
	return failure;
}

/* Trains run 0 with all others, then alone without graphs, then with them, then one step more. Returns what failed. */
static const char *collect_bytes(const struct grid *g, struct bytes *b)
{
	const char *failure = train_checked(g, g->runs, b, b->company);
	gpu_use_graphs(g->device, false);
	if (!failure)
		failure = train_checked(g, 1, b, b->plain);
	gpu_use_graphs(g->device, true);
	if (!failure)
		failure = train(g, 1, CHECKED, &b->norm);
	if (!failure)
		failure = g->ops->get(g->run[0], b->alone, NULL, b->m, b->v);
	if (!failure)
		failure = train(g, 1, 1, &b->norm);
	if (!failure)
		failure = g->ops->get(g->run[0], b->param, b->gradient, b->m_next, b->v_next);
	return failure;
}

/* The bytes of run 0 in company and alone, and of one more step those of Adam here. */
static void check_bytes(suite *s, const struct grid *g)
{
	const size_t n = (size_t)g->count, bytes = n * sizeof(float);
	float *at = calloc(9, bytes);
	if (!at) {
		suite_fault(s, "out of memory");
		return;
	}
	struct bytes b = {at, at + n, at + 2 * n, at + 3 * n, at + 4 * n, at + 5 * n, at + 6 * n,
		at + 7 * n, at + 8 * n, NAN};
	const char *failure = collect_bytes(g, &b);
	if (failure) {
		suite_fault(s, "%s", failure);
		free(at);
		return;
	}
	suite_row(s, "alone and in company", memcmp(b.alone, b.company, bytes) != 0, 0,
		"models with other bytes");
	suite_row(s, "with CUDA graphs and without", memcmp(b.alone, b.plain, bytes) != 0, 0,
		"models with other bytes");
	const double clip = 1 / (b.norm + 1e-6);
	take_step((float)(clip < 1 ? clip : 1), g->count, b.alone, b.gradient, b.m, b.v);
	suite_row(s, "Adam on the GPU and here",
		memcmp(b.alone, b.param, bytes) != 0 || memcmp(b.m, b.m_next, bytes) != 0 ||
			memcmp(b.v, b.v_next, bytes) != 0,
		0, "models with other bytes");
	free(at);
}

/* Times steps of the first n runs, as graphs or launched one by one, beside the least: parameters, moments and gradient are read and
 * written once a step. rate: bytes a second of copies. */
static void time_steps(suite *s, const struct grid *g, int n, bool graphs, double rate)
{
	double norm;
	gpu_use_graphs(g->device, graphs);
	const char *failure = train(g, n, 3, &norm); /* the first ones are slower */
	const double begun = read_clock();
	if (!failure)
		failure = train(g, n, g->steps, &norm);
	const double seconds = read_clock() - begun;
	const double least = rate > 0 ? 8.0 * 4 * (double)g->count * n * g->steps / rate : 0;
	char what[128];
	if (failure)
		suite_fault(s, "%s", failure);
	else if (graphs && !gpu_count_graphs(g->device))
		suite_fault(s, "steps are no CUDA graphs");
	snprintf(what, sizeof what, "%d run%s, %d steps each, %s; the least is %.3g s", n,
		n == 1 ? "" : "s", g->steps, graphs ? "as CUDA graphs" : "launched one by one",
		least);
	if (!failure)
		suite_row(
			s, what, seconds, s->small || !graphs || n < g->runs ? -1 : 3 * least, "s");
}

/* All runs, and one alone, whose launches take longer than what they compute */
static void time_grid(suite *s, const struct grid *g)
{
	const double rate = gpu_measure_copies(s->small);
	for (int graphs = 1; graphs >= 0; graphs--) {
		time_steps(s, g, g->runs, graphs, rate);
		time_steps(s, g, 1, graphs, rate);
	}
}

static bool open_grid(suite *s, fv_ctx *ctx, struct grid *g)
{
	const core_classifier_plan *p = &g->plan;
	const int64_t width = (int64_t)p->layers * p->dims;
	g->count = p->layers + ((int64_t)p->dims + 1) * p->projection +
		   ((int64_t)p->projection + 1) * p->classes;
	g->host = draw(g->features * width, 1, 5);
	g->start = draw(g->count, 0.03, 6);
	g->d_logits = draw((int64_t)BATCH * p->classes, 0.02, 7);
	if (!g->host || !g->start || !g->d_logits)
		return false;
	if (g->device->ops->load(ctx, g->device, g->host, g->features * width, &g->plan.features))
		return false;
	for (int k = 0; k < g->runs; k++) {
		if (g->ops->open(ctx, g->device, p, &g->run[k]))
			return false;
		const char *failure = g->ops->set(g->run[k], g->start, NULL, NULL);
		if (failure) {
			suite_fault(s, "%s", failure);
			return false;
		}
	}
	return true;
}

void suite_grid(suite *s)
{
	fv_ctx *ctx;
	struct grid g = {.runs = s->small ? 3 : MOST,
		.steps = s->small ? 2 : 300,
		.features = s->small ? 40 : 1776,
		.plan = {.layers = 13, .dims = 768, .projection = 256, .classes = 6}};
	if (s->small)
		g.plan = (core_classifier_plan){
			.layers = 3, .dims = 64, .projection = 16, .classes = 6};
	g.plan.batch = g.plan.rows = BATCH;
	if (!suite_open(s, s->small ? 64 : 1024, &ctx, &g.device))
		return;
	g.ops = fairvox_device_module.classifiers;
	if (open_grid(s, ctx, &g)) {
		check_bytes(s, &g);
		time_grid(s, &g);
	} else {
		suite_fault(
			s, "%s", core_error_count(ctx) ? core_error_line(ctx, 0) : "out of memory");
	}
	for (int k = 0; k < g.runs; k++)
		g.ops->close(g.run[k]);
	free(g.host);
	free(g.start);
	free(g.d_logits);
	suite_close(ctx, g.device);
}
