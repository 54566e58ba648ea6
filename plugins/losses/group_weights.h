/* SPDX-License-Identifier: Apache-2.0 */
/* What the group-robust objectives of this folder share: groups as ids or split by class, weights q
 * over groups that are moved by exponentiated gradients, the adjustment for small groups, and the
 * balanced sampler.
 *
 *     q_g <- q_g exp(eta (L_g + a_g)), renormalised        a_g = lambda / sqrt(n_g)
 *
 * q is kept as a logarithm in the array "log_q" [G,1] and shown in "q" [1,G], so that neither eta L
 * nor a small q overflows; both outlive the epochs. Source: Sagawa, Koh, Hashimoto, Liang, ICLR
 * 2020, algorithm 1 and section 3.3.
 */
#ifndef LOSSES_GROUP_WEIGHTS_H
#define LOSSES_GROUP_WEIGHTS_H

#include <math.h>
#include <stdlib.h>

#include <fairvox/fairvox.h>

enum { BATCH_MAX, EG, SMOOTHED };
enum { SHUFFLE, BALANCED };
enum { GROUP, CLASS_X_GROUP };

/* The id of a sample's group; split by class: class G + group. Unknown stays -1. */
static inline int32_t group_of(int32_t split, int32_t groups, int32_t klass, int32_t group)
{
	return group < 0 || split == GROUP ? group : klass * groups + group;
}

/* G, or C G when split by class */
static inline int32_t group_count(int32_t split, const fv_rows *rows)
{
	return split == GROUP ? rows->groups : rows->groups * rows->classes;
}

typedef struct group_weights {
	int32_t n;
	double *q, *log_q; /* [n] */
	double *wins;      /* [n] mode batch_max: steps in which each group was the worst */
} group_weights;

static inline fv_status group_weights_open(group_weights *w, fv_ctx *ctx, int32_t mode, int32_t n)
{
	w->n = n;
	if (mode == BATCH_MAX) {
		w->wins = fv_array(ctx, "wins", FV_F64, 1, n);
		return w->wins ? FV_OK : FV_FAILED;
	}
	w->q = fv_array(ctx, "q", FV_F64, 1, n);
	w->log_q = fv_array(ctx, "log_q", FV_F64, n, 1);
	if (!w->q || !w->log_q)
		return FV_FAILED;
	for (int32_t g = 0; g < n; g++) {
		w->q[g] = 1.0 / n;
		w->log_q[g] = -log(n);
	}
	return FV_OK;
}

/* loss [n], 0 for absent groups; adjust [n] or NULL */
static inline void group_weights_update(
	const group_weights *w, double eta, const double *loss, const double *adjust)
{
	double largest = -INFINITY, sum = 0;
	for (int32_t g = 0; g < w->n; g++) {
		w->log_q[g] += eta * (loss[g] + (adjust ? adjust[g] : 0));
		largest = fmax(largest, w->log_q[g]);
	}
	for (int32_t g = 0; g < w->n; g++)
		sum += exp(w->log_q[g] - largest);
	for (int32_t g = 0; g < w->n; g++) {
		w->log_q[g] -= largest + log(sum);
		w->q[g] = exp(w->log_q[g]);
	}
}

/* lambda / sqrt(n_g) -> memory of the plugin, [n]. A group without training rows has no adjustment:
 * it would outweigh everything. */
static inline double *group_adjustment(fv_ctx *ctx, double lambda, const double *count, int32_t n)
{
	double *adjust = fv_alloc(ctx, (size_t)n * sizeof *adjust);
	for (int32_t g = 0; adjust && g < n; g++)
		adjust[g] = count[g] > 0 ? lambda / sqrt(count[g]) : 0;
	return adjust;
}

/* Mean losses of a batch's groups. */
typedef struct group_means {
	int32_t n, *group; /* groups; [B] group of each sample */
	double *mean, *size, all;
	int32_t worst; /* largest mean + adjustment, the lowest id on ties; -1: no known group */
	double most;   /* of the worst; `all`, the mean over the batch, when there is none */
} group_means;

/* loss [B]; adjust [n] or NULL. Memory of the op. */
static inline fv_status group_means_take(const group_weights *w, fv_ctx *ctx, int32_t split,
	const fv_batch *batch, const double *loss, const double *adjust, group_means *out)
{
	size_t n = (size_t)w->n;
	*out = (group_means){.n = w->n, .worst = -1};
	out->group = fv_scratch(ctx, (size_t)batch->n * sizeof *out->group);
	out->mean = fv_scratch(ctx, n * sizeof *out->mean);
	out->size = fv_scratch(ctx, n * sizeof *out->size);
	if (!out->group || !out->mean || !out->size)
		return FV_FAILED;
	for (size_t g = 0; g < n; g++)
		out->mean[g] = out->size[g] = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		int32_t g = group_of(split, batch->groups, batch->klass[i], batch->group[i]);
		out->group[i] = g;
		out->all += loss[i] / batch->n;
		if (g < 0)
			continue;
		out->mean[g] += loss[i];
		out->size[g]++;
	}
	out->most = out->all;
	for (int32_t g = 0; g < out->n; g++) {
		if (out->size[g] == 0)
			continue;
		out->mean[g] /= out->size[g];
		double score = out->mean[g] + (adjust ? adjust[g] : 0);
		if (out->worst < 0 || score > out->most) {
			out->worst = g;
			out->most = score;
		}
	}
	return FV_OK;
}

/* sum_g q_g L_g */
static inline double group_weights_value(const group_weights *w, const double *loss)
{
	double value = 0;
	for (int32_t g = 0; g < w->n; g++)
		value += w->q[g] * loss[g];
	return value;
}

/* v_i of the worst group, or of all by their q. */
static inline void group_means_share(
	const group_weights *w, int32_t mode, const group_means *m, int32_t n, double *v)
{
	for (int32_t i = 0; i < n; i++) {
		int32_t g = m->group[i];
		if (mode == BATCH_MAX && m->worst < 0)
			v[i] = 1.0 / n;
		else if (g >= 0 && mode == BATCH_MAX)
			v[i] = g == m->worst ? 1 / m->size[g] : 0;
		else if (g >= 0)
			v[i] = w->q[g] / m->size[g];
	}
}

typedef struct named_row {
	uint64_t name;
	int32_t group, row;
} named_row;

static inline int by_group(const void *a, const void *b)
{
	const named_row *x = a, *y = b;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* The op `order` of sampler: balanced. Probability proportional to 1/n_g for each row is: a group
 * that has rows, uniformly, then one of its rows, uniformly; -1 is a group like any other. For
 * objectives without keep(), where positions are rows. */
static inline fv_status balanced_order(fv_ctx *ctx, const fv_rows *rows, int32_t split,
	int64_t epoch, int32_t *position, int64_t n)
{
	named_row *sorted = fv_scratch(ctx, (size_t)n * sizeof *sorted);
	int64_t *start = fv_scratch(ctx, (size_t)(group_count(split, rows) + 2) * sizeof *start);
	if (!sorted || !start)
		return FV_FAILED;
	for (int32_t i = 0; i < n; i++)
		sorted[i] = (named_row){fv_name_hash(rows->stem[i]),
			group_of(split, rows->groups, rows->klass[i], rows->group[i]), i};
	qsort(sorted, (size_t)n, sizeof *sorted, by_group);
	uint64_t present = 0;
	for (int64_t i = 0; i < n; i++)
		if (i == 0 || sorted[i].group != sorted[i - 1].group)
			start[present++] = i;
	start[present] = n;
	fv_stream stream = fv_rng(ctx, "sampler", epoch, 0);
	for (int64_t i = 0; i < n; i++) {
		uint64_t g = fv_below(&stream, present);
		uint64_t member = fv_below(&stream, (uint64_t)(start[g + 1] - start[g]));
		position[i] = sorted[start[g] + (int64_t)member].row;
	}
	return FV_OK;
}

#endif
