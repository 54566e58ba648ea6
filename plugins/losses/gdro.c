/* SPDX-License-Identifier: Apache-2.0 */
/* Group distributionally robust optimisation (GDRO): the worst group's loss.
 *
 *     L_g = mean of l over the batch's members of g; groups absent from the batch have none
 *     batch_max  value max_g L_g                    v_i = [g_i = g*] / n_B(g*)
 *     eg         q_g <- q_g exp(eta L_g), renormalised
 *                value sum_g q_g L_g                v_i = q_{g_i} / n_B(g_i)
 *     smoothed   q_g <- q_g exp(eta L_g / (q_g + alpha)), renormalised; value and v as in eg. A
 *                group that already has a large weight gains less, so that a group whose loss is
 *                high by nature does not take all the weight.
 *
 * Shapes: l, v [B]; L, q [G], or [C G] with groups: class_x_group (id class G + group). Ties of the
 * maximum go to the lowest id. Group -1 is ignored: a batch without a known group uses the mean
 * (batch_max), or weight and value 0 (eg). An absent group keeps its q, apart from normalisation. q
 * starts at 1/G, is kept from epoch to epoch, and is stored as a logarithm, so that neither eta L
 * nor a small q overflows. sampler: balanced draws rows with replacement, each group equally often
 * (-1 counts as a group), from stream ("sampler", epoch). group_loss: excess compares groups by
 * what can be learned (group_weights.h). Validation: the maximum inside each batch, or sum_g q_g
 * L_g with q as the epoch left it.
 *
 * Source: Sagawa, Koh, Hashimoto, Liang, ICLR 2020, algorithm 1 (eg); Lin, Chou, Lee, Interspeech
 * 2025, eq. 2 (batch_max); Bartelds et al., "CTC-DRO", arXiv 2502.01777 (smoothed; their batches of
 * equal lengths have no counterpart here). Unlike the first authors' code, there is no adjustment,
 * and absent groups are not stepped down.
 */
#include "group_weights.h"

typedef struct gdro {
	double alpha;
	group_weights weights;
} gdro;

static fv_status gdro_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	gdro *self = state;
	return group_weights_open(&self->weights, ctx, setup);
}

static fv_status gdro_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	const gdro *self = state;
	return draw_balanced_order(&self->weights, ctx, epoch, position, n);
}

/* Updates q as in eg, in mode smoothed with each loss divided by q_g + alpha. */
static fv_status update_weights(const gdro *self, fv_ctx *ctx, const group_means *m)
{
	const group_weights *w = &self->weights;
	double *loss = fv_scratch(ctx, (size_t)m->n * sizeof *loss);
	if (!loss)
		return FV_FAILED;
	for (int32_t g = 0; g < m->n; g++)
		loss[g] = w->mode == SMOOTHED ? m->mean[g] / (w->q[g] + self->alpha) : m->mean[g];
	group_weights_update(w, w->eta, loss, NULL);
	return FV_OK;
}

static double compute_value(const group_weights *w, const group_means *m)
{
	return w->mode == BATCH_MAX ? m->most : group_weights_value(w, m->mean);
}

static fv_status gdro_evaluate(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const group_weights *w = &((const gdro *)state)->weights;
	group_means m;
	if (group_means_compute(w, ctx, batch, NULL, &m) != FV_OK)
		return FV_FAILED;
	*value = compute_value(w, &m);
	return FV_OK;
}

static fv_status gdro_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	const gdro *self = state;
	const group_weights *w = &self->weights;
	group_means m;
	if (group_means_compute(w, ctx, batch, NULL, &m) != FV_OK)
		return FV_FAILED;
	if (w->mode != BATCH_MAX && update_weights(self, ctx, &m) != FV_OK)
		return FV_FAILED;
	group_means_weigh(w, &m, batch->n, v);
	*value = compute_value(w, &m);
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_CHOICE(gdro, weights.mode, .name = "mode", .choices = "batch_max|eg|smoothed",
		.def_paper = "batch_max", .def_official = "eg",
		.doc = "batch_max: the worst group of the batch; eg: exponentiated-gradient "
		       "weights over groups; smoothed: such weights, which grow more slowly the "
		       "larger they are"),
	FV_PARAM_REAL(gdro, alpha, .name = "alpha", .min = 0.001, .max = 1000, .def_paper = "0.5",
		.doc = "mode smoothed: added to a group's weight before its loss is divided by it"),
	GROUP_SAMPLER_PARAM(gdro, weights),
	GROUP_PARAMS(gdro, weights),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.uses_groups = 1, .open = gdro_open, .order = gdro_order,
	.weigh = gdro_weigh, .evaluate = gdro_evaluate);

static const fv_descriptor descriptor = FV_LOSS(.name = "gdro", .version = "1.0.0",
	.summary = "group distributionally robust optimisation",
	.source =
		"Sagawa et al., ICLR 2020, algorithm 1; Lin, Chou and Lee, Interspeech 2025, eq. 2",
	.licence = "Apache-2.0", .state_size = sizeof(gdro), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
