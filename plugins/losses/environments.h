/* SPDX-License-Identifier: Apache-2.0 */
/* The gradient ascent of eiil.c: assigns each row to one of two environments so that the squared
 * slopes of their losses are as large as possible. */
#ifndef LOSSES_ENVIRONMENTS_H
#define LOSSES_ENVIRONMENTS_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <fairvox/fairvox.h>

typedef struct environments {
	int32_t n;
	double *d;         /* [n] slopes, set by the caller */
	double *u, *m, *v; /* [n] logits of environment 1, Adam's moments */
	double *q;         /* [n] scratch */
} environments;

/* Draws u from a normal distribution, keyed by file name, and clears Adam's moments. */
static inline void environments_start(const environments *e, fv_ctx *ctx, const char *const *stem)
{
	memset(e->m, 0, (size_t)e->n * sizeof *e->m);
	memset(e->v, 0, (size_t)e->n * sizeof *e->v);
	for (int32_t i = 0; i < e->n; i++) {
		fv_stream stream = fv_rng(ctx, "environments", 0, fv_name_hash(stem[i]));
		e->u[i] = fv_normal(&stream);
	}
}

/* One step of Adam (beta 0.9 and 0.999, eps 1e-8, bias-corrected) that raises the penalty; steps
 * count from 1. Returns the penalty before the step. */
static inline double environments_step(const environments *e, int64_t step, double rate)
{
	double in = 0, out = 0, bias1 = 1 - pow(0.9, (double)step),
	       root = sqrt(1 - pow(0.999, (double)step));
	for (int32_t i = 0; i < e->n; i++) {
		e->q[i] = 1 / (1 + exp(-e->u[i]));
		in += e->q[i] * e->d[i];
		out += (1 - e->q[i]) * e->d[i];
	}
	in /= e->n;
	out /= e->n;
	for (int32_t i = 0; i < e->n; i++) {
		/* gradient of the negative penalty, which Adam minimises */
		double slope = (out - in) * e->d[i] / e->n * e->q[i] * (1 - e->q[i]);
		e->m[i] += (1 - 0.9) * (slope - e->m[i]);
		e->v[i] = 0.999 * e->v[i] + (1 - 0.999) * slope * slope;
		e->u[i] -= rate / bias1 * e->m[i] / (sqrt(e->v[i]) / root + 1e-8);
	}
	return (in * in + out * out) / 2;
}

/* Writes group [n] = [u > 0], or the inverse if that gives environment 1 the smaller mean d. */
static inline void environments_assign(const environments *e, int32_t *group)
{
	double sum[2] = {0}, size[2] = {0};
	for (int32_t i = 0; i < e->n; i++) {
		group[i] = e->u[i] > 0;
		sum[group[i]] += e->d[i];
		size[group[i]]++;
	}
	/* mean of 1 < mean of 0, without division, since one may be empty */
	bool turn = sum[1] * size[0] < sum[0] * size[1];
	for (int32_t i = 0; i < e->n; i++)
		group[i] = turn ? !group[i] : group[i];
}

#endif
