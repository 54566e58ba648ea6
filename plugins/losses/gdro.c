/* SPDX-License-Identifier: Apache-2.0 */
/* Group distributionally robust optimisation: the worst group's loss.
 *
 *     L_g = mean of l over the batch's members of g; groups absent from the batch have none
 *     batch_max  value max_g L_g                    v_i = [g_i = g*] / n_B(g*)
 *     eg         q_g <- q_g exp(eta L_g), renormalised
 *                value sum_g q_g L_g                v_i = q_{g_i} / n_B(g_i)
 *     smoothed   q_g <- q_g exp(eta L_g / (q_g + alpha)), renormalised; value and v as eg: a group
 *                that already weighs much gains less, so that no group whose loss is high by nature
 *                takes all
 *
 * Shapes: l, v [B]; L, q [G], or [C G] with groups: class_x_group (id class G + group). Ties of the
 * maximum go to the lowest id. Group -1 takes no part: a batch without a known group has the mean
 * (batch_max), or weight and value 0 (eg). An absent group keeps its q up to normalisation. q
 * starts at 1/G, outlives the epochs, and is kept as a logarithm, so that neither eta L nor a small
 * q overflows. sampler: balanced draws rows with replacement, all groups (-1 is one) alike often,
 * with the draws of stream ("sampler", epoch). group_loss: excess takes from each l_i what no model
 * can avoid, (sum_k w_k y_ik) H(y_i): groups are then compared by what can be learned; the gradient
 * within a group is the same. Development: the maximum inside each batch, or sum_g q_g L_g with q
 * as the epoch left it. Source: Sagawa, Koh, Hashimoto, Liang, ICLR 2020, algorithm 1 (eg); Lin,
 * Chou, Lee, Interspeech 2025, eq. 2 (batch_max); Bartelds et al., "CTC-DRO", arXiv 2502.01777
 * (smoothed; their batches of equal lengths have no counterpart here). Unlike the first authors'
 * code, no adjustment and no step down of absent groups.
 */
#include <math.h>

#include "group_weights.h"

enum { CE, EXCESS };

typedef struct gdro {
	int32_t mode, sampler, groups, group_loss;
	double eta, alpha;
	const fv_loss_setup *setup;
	group_weights weights;
} gdro;

static fv_status gdro_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	gdro *self = state;
	self->setup = setup;
	return group_weights_open(
		&self->weights, ctx, self->mode, group_count(self->groups, setup->train));
}

static fv_status gdro_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	const gdro *self = state;
	if (self->sampler == SHUFFLE)
		return FV_OK;
	return balanced_order(ctx, self->setup->train, self->groups, epoch, position, n);
}

/* (sum_k w_k y_ik) H(y_i), the least that a base loss can be */
static double floor_of(const gdro *self, const fv_batch *batch, int32_t i)
{
	const float *y = batch->label + (size_t)i * (size_t)batch->classes;
	double weight = 0, entropy = 0;
	for (int32_t k = 0; k < batch->classes; k++) {
		weight += self->setup->class_weight[k] * y[k];
		entropy -= y[k] > 0 ? y[k] * log(y[k]) : 0;
	}
	return weight * entropy;
}

static fv_status means(const gdro *self, fv_ctx *ctx, const fv_batch *batch, group_means *out)
{
	double *loss = fv_scratch(ctx, (size_t)batch->n * sizeof *loss);
	if (!loss)
		return FV_FAILED;
	for (int32_t i = 0; i < batch->n; i++)
		loss[i] = batch->loss[i] -
			  (self->group_loss == EXCESS ? floor_of(self, batch, i) : 0);
	return group_means_take(&self->weights, ctx, self->groups, batch, loss, NULL, out);
}

/* eg, with each loss divided by q_g + alpha in mode smoothed */
static fv_status update_weights(const gdro *self, fv_ctx *ctx, const group_means *m)
{
	double *loss = fv_scratch(ctx, (size_t)m->n * sizeof *loss);
	if (!loss)
		return FV_FAILED;
	for (int32_t g = 0; g < m->n; g++) {
		loss[g] = m->mean[g];
		if (self->mode == SMOOTHED)
			loss[g] /= self->weights.q[g] + self->alpha;
	}
	group_weights_update(&self->weights, self->eta, loss, NULL);
	return FV_OK;
}

static fv_status gdro_develop(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const gdro *self = state;
	group_means m;
	if (means(self, ctx, batch, &m) != FV_OK)
		return FV_FAILED;
	*value = self->mode == BATCH_MAX ? m.most : group_weights_value(&self->weights, m.mean);
	return FV_OK;
}

static fv_status gdro_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	const gdro *self = state;
	group_means m;
	if (means(self, ctx, batch, &m) != FV_OK)
		return FV_FAILED;
	if (self->mode != BATCH_MAX && update_weights(self, ctx, &m) != FV_OK)
		return FV_FAILED;
	if (self->mode == BATCH_MAX && m.worst >= 0)
		self->weights.wins[m.worst]++;
	group_means_share(&self->weights, self->mode, &m, batch->n, v);
	*value = self->mode == BATCH_MAX ? m.most : group_weights_value(&self->weights, m.mean);
	return FV_OK;
}

static const fv_param params[] = {
	{.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "mode",
		.choices = "batch_max|eg|smoothed",
		.def_paper = "batch_max",
		.def_official = "eg",
		.offset = offsetof(gdro, mode),
		.doc = "the worst group of the batch, exponentiated-gradient weights over groups, "
		       "or such weights that grow slower the larger they are"},
	{.size = sizeof(fv_param),
		.type = FV_REAL,
		.name = "eta",
		.min = 0,
		.max = 1000,
		.def_paper = "0.01",
		.offset = offsetof(gdro, eta),
		.doc = "step size of the group weights in modes eg and smoothed"},
	{.size = sizeof(fv_param),
		.type = FV_REAL,
		.name = "alpha",
		.min = 0.001,
		.max = 1000,
		.def_paper = "0.5",
		.offset = offsetof(gdro, alpha),
		.doc = "mode smoothed: added to a group's weight before its loss is divided by it"},
	{.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "sampler",
		.choices = "shuffle|balanced",
		.def_paper = "shuffle",
		.def_official = "balanced",
		.offset = offsetof(gdro, sampler),
		.doc = "each utterance once an epoch, or draws with replacement, all groups alike "
		       "often"},
	{.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "groups",
		.choices = "group|class_x_group",
		.def_paper = "group",
		.offset = offsetof(gdro, groups),
		.doc = "the grouper's groups, or each split by class"},
	{.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "group_loss",
		.choices = "ce|excess",
		.def_paper = "ce",
		.offset = offsetof(gdro, group_loss),
		.doc = "compare groups by their loss, or by what it exceeds the raters' "
		       "disagreement"},
};

static const fv_loss_ops ops = {
	.size = sizeof ops,
	.uses_groups = 1,
	.open = gdro_open,
	.order = gdro_order,
	.weigh = gdro_weigh,
	.develop = gdro_develop,
};

static const fv_descriptor descriptor = {
	.size = sizeof descriptor,
	.abi = FV_ABI,
	.kind = FV_LOSS,
	.name = "gdro",
	.version = "1.0.0",
	.summary = "group distributionally robust optimisation",
	.source =
		"Sagawa et al., ICLR 2020, algorithm 1; Lin, Chou and Lee, Interspeech 2025, eq. 2",
	.licence = "Apache-2.0",
	.state_size = sizeof(gdro),
	.params = params,
	.n_params = sizeof params / sizeof *params,
	.ops = &ops,
};

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
