/* SPDX-License-Identifier: Apache-2.0 */
/* What the group-robust objectives of this folder share: groups as ids or split by class, the
 * losses by which groups are compared, weights q over groups that follow exponentiated gradients,
 * the adjustment for small groups, and the balanced sampler.
 *
 *     q_g <- q_g exp(eta (L_g + a_g)), renormalised        a_g = lambda / sqrt(n_g)
 *
 * q is stored as a logarithm in the array "log_q" [G,1] and shown in "q" [1,G], so that neither eta
 * L nor a small q overflows; both are kept from epoch to epoch. "wins" [1,G] counts the steps in
 * which each group was the worst, in every mode.
 *
 * group_loss: excess subtracts from each l_i the part that no model can avoid, (sum_k w_k y_ik)
 * H(y_i), or with base loss bce (1/C) sum_k w_k H(y_ik), H of one coin. Groups are then compared by what can be learned and not by how much their raters
 * disagree; the gradient within a group is the same.
 *
 * Source: Sagawa, Koh, Hashimoto, Liang, ICLR 2020, algorithm 1 and section 3.3.
 */
#ifndef LOSSES_GROUP_WEIGHTS_H
#define LOSSES_GROUP_WEIGHTS_H

#include <math.h>

#include "named_rows.h"

enum { BATCH_MAX, EG, SMOOTHED };
enum { SHUFFLE, BALANCED };
enum { GROUP, CLASS_X_GROUP };
enum { CE, EXCESS };

/* Returns the id of a sample's group, or class G + group if split by class. Unknown stays -1. */
static inline int32_t compute_group_id(int32_t split, int32_t groups, int32_t klass, int32_t group)
{
	return group < 0 || split == GROUP ? group : klass * groups + group;
}

/* Returns G, or C G if split by class. */
static inline int32_t count_groups(int32_t split, const fv_rows *rows)
{
	return split == GROUP ? rows->groups : rows->groups * rows->classes;
}

typedef struct group_weights {
	int32_t mode, sampler, groups, group_loss; /* parameters */
	double eta;
	const fv_loss_setup *setup;
	int32_t n;
	double *q, *log_q; /* [n]; NULL in mode batch_max */
	double *wins;      /* [n] */
} group_weights;

/* Parameters of every objective with a group_weights as `member`. Each objective declares `mode`
 * itself and, where the user can choose it, `sampler`. */
#define GROUP_PARAMS(state, member)                                                                \
	FV_PARAM_REAL(state, member.eta, .name = "eta", .min = 0, .max = 1000,                     \
		.def_paper = "0.01",                                                               \
		.doc = "step size of the group weights; unused if mode is the worst group"),       \
		FV_PARAM_CHOICE(state, member.groups, .name = "groups",                            \
			.choices = "group|class_x_group", .def_paper = "group",                    \
			.doc = "the grouper's groups, or each split by class"),                    \
		FV_PARAM_CHOICE(state, member.group_loss, .name = "group_loss",                    \
			.choices = "ce|excess", .def_paper = "ce",                                 \
			.doc = "ce: compare groups by their loss; excess: by the part of it "      \
			       "above the raters' disagreement")

#define GROUP_SAMPLER_PARAM(state, member)                                                         \
	FV_PARAM_CHOICE(state, member.sampler, .name = "sampler", .choices = "shuffle|balanced",   \
		.def_paper = "shuffle", .def_official = "balanced",                                \
		.doc = "shuffle: each recording once an epoch; balanced: draws with "              \
		       "replacement, each group equally often")

static inline fv_status group_weights_open(
	group_weights *w, fv_ctx *ctx, const fv_loss_setup *setup)
{
	int32_t n = count_groups(w->groups, setup->train);
	w->setup = setup;
	w->n = n;
	if (w->group_loss == EXCESS && setup->base_kind == FV_FOCAL)
		return fv_fail(ctx, FV_CONFIG,
			"group_loss: excess subtracts the smallest possible base loss, which is "
			"not known for train.base_loss focal: use group_loss: ce, or another base "
			"loss");
	w->wins = fv_array(ctx, "wins", FV_F64, 1, n);
	if (w->mode == BATCH_MAX || !w->wins)
		return w->wins ? FV_OK : FV_FAILED;
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

/* x log x, 0 at 0 */
static inline double multiply_by_log(double x)
{
	return x > 0 ? x * log(x) : 0;
}

/* Returns the loss of sample i by which groups are compared. */
static inline double compute_compared_loss(const group_weights *w, const fv_batch *batch, int32_t i)
{
	if (w->group_loss == CE)
		return batch->loss[i];
	const float *y = batch->label + (size_t)i * (size_t)batch->classes;
	double weight = 0, entropy = 0;
	for (int32_t k = 0; k < batch->classes; k++) {
		weight += w->setup->class_weight[k] * y[k];
		entropy -= multiply_by_log(y[k]);
	}
	if (w->setup->base_kind == FV_SOFT_CE)
		return batch->loss[i] - weight * entropy;
	entropy = 0;
	for (int32_t k = 0; k < batch->classes; k++)
		entropy -= w->setup->class_weight[k] / batch->classes *
			   (multiply_by_log(y[k]) + multiply_by_log(1 - (double)y[k]));
	return batch->loss[i] - entropy;
}

/* Updates q. loss is [n], 0 for absent groups; adjust is [n] or NULL. */
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

/* Returns lambda / sqrt(n_g) [n] in memory of the plugin. A group without training rows has no
 * adjustment: it would outweigh everything else. */
static inline double *compute_adjustment(fv_ctx *ctx, double lambda, const double *count, int32_t n)
{
	double *adjust = fv_alloc(ctx, (size_t)n * sizeof *adjust);
	for (int32_t g = 0; adjust && g < n; g++)
		adjust[g] = count[g] > 0 ? lambda / sqrt(count[g]) : 0;
	return adjust;
}

/* Mean losses of a batch's groups. */
typedef struct group_means {
	int32_t n, *group; /* number of groups; group of each sample [B] */
	double *mean, *size, all;
	int32_t worst; /* group with the largest mean + adjustment, the lowest id on ties; -1: none */
	double most; /* its mean + adjustment, or `all`, the mean over the batch, if there is none */
} group_means;

/* Computes the means in scratch memory. adjust is [n] or NULL. */
static inline fv_status group_means_compute(const group_weights *w, fv_ctx *ctx,
	const fv_batch *batch, const double *adjust, group_means *out)
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
		int32_t g = compute_group_id(
			w->groups, batch->groups, batch->klass[i], batch->group[i]);
		double loss = compute_compared_loss(w, batch, i);
		out->group[i] = g;
		out->all += loss / batch->n;
		if (g < 0)
			continue;
		out->mean[g] += loss;
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

/* Returns sum_g q_g L_g. */
static inline double group_weights_value(const group_weights *w, const double *loss)
{
	double value = 0;
	for (int32_t g = 0; g < w->n; g++)
		value += w->q[g] * loss[g];
	return value;
}

/* Writes v_i: for the worst group only (batch_max), or for all groups by their q. Counts a win of
 * the worst group. */
static inline void group_means_weigh(
	const group_weights *w, const group_means *m, int32_t n, double *v)
{
	if (m->worst >= 0)
		w->wins[m->worst]++;
	for (int32_t i = 0; i < n; i++) {
		int32_t g = m->group[i];
		if (w->mode == BATCH_MAX && m->worst < 0)
			v[i] = 1.0 / n;
		else if (g >= 0 && w->mode == BATCH_MAX)
			v[i] = g == m->worst ? 1 / m->size[g] : 0;
		else if (g >= 0)
			v[i] = w->q[g] / m->size[g];
	}
}

/* The op `order` for sampler: balanced. Draws a group that has rows, uniformly, then one of its
 * rows, uniformly; this gives each row a probability proportional to 1/n_g. -1 is a group like any
 * other. Only for objectives without subsample(), where positions are rows. */
static inline fv_status draw_balanced_order(
	const group_weights *w, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	const fv_rows *rows = w->setup->train;
	int32_t split = w->groups;
	if (w->sampler == SHUFFLE)
		return FV_OK;
	named_row *sorted = fv_scratch(ctx, (size_t)n * sizeof *sorted);
	int64_t *start = fv_scratch(ctx, (size_t)(count_groups(split, rows) + 2) * sizeof *start);
	if (!sorted || !start)
		return FV_FAILED;
	for (int32_t i = 0; i < n; i++)
		sorted[i].key =
			compute_group_id(split, rows->groups, rows->klass[i], rows->group[i]);
	named_rows_sort(rows, sorted);
	uint64_t present = 0;
	for (int64_t i = 0; i < n; i++)
		if (i == 0 || sorted[i].key != sorted[i - 1].key)
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
