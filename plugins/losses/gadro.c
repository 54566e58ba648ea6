/* SPDX-License-Identifier: Apache-2.0 */
/* Group-adjusted distributionally robust optimisation (GADRO): the worst group's loss, where small
 * groups count as worse than they look, because they generalise worse.
 *
 *     L_g = mean of l over the batch's members of g
 *     a_g = lambda / sqrt(n_g), n_g the training count
 *     batch_max  value max_g (L_g + a_g) over present groups     v_i = [g_i = g*] / n_B(g*)
 *     eg         q_g <- q_g exp(eta (L_g + a_g)), renormalised, absent groups with L_g = 0
 *                value sum_g q_g (L_g + a_g)                     v_i = q_{g_i} / n_B(g_i)
 *
 * Shapes: l, v [B]; L, a, q [G], or [C G] with groups: class_x_group (id class G + group, n_cg).
 * a_g has no gradient: it only changes which group is the worst. A group without training rows has
 * a_g = 0. Ties of the maximum go to the lowest id. Group -1 is ignored: a batch without a known
 * group uses the mean (batch_max) or weight 0 (eg). q starts at 1/G and is kept from epoch to
 * epoch. sampler: balanced draws rows with replacement, each group equally often (-1 counts as a
 * group). group_loss: excess as in group_weights.h. Validation: the maximum inside each batch, or
 * sum_g q_g L_g over present groups with q as the epoch left it, without a.
 *
 * Source: Sagawa, Koh, Hashimoto, Liang, ICLR 2020, section 3.3 (eg); Lin, Chou, Lee, Interspeech
 * 2025 (batch_max). Unlike the first authors' code, absent groups are not stepped down.
 */
#include "group_weights.h"

typedef struct gadro {
	double lambda;
	double *adjust; /* [G or C G] */
	group_weights weights;
} gadro;

static fv_status gadro_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	gadro *self = state;
	group_weights *w = &self->weights;
	const double *count = w->groups == GROUP ? setup->count->g : setup->count->cg;
	self->adjust =
		compute_adjustment(ctx, self->lambda, count, count_groups(w->groups, setup->train));
	return self->adjust ? group_weights_open(w, ctx, setup) : FV_FAILED;
}

static fv_status gadro_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	const gadro *self = state;
	return draw_balanced_order(&self->weights, ctx, epoch, position, n);
}

static fv_status gadro_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const gadro *self = state;
	const group_weights *w = &self->weights;
	group_means m;
	if (group_means_compute(w, ctx, batch, self->adjust, &m) != FV_OK)
		return FV_FAILED;
	*value = w->mode == EG ? group_weights_value(w, m.mean) : m.most;
	return FV_OK;
}

static fv_status gadro_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	const gadro *self = state;
	const group_weights *w = &self->weights;
	group_means m;
	if (group_means_compute(w, ctx, batch, self->adjust, &m) != FV_OK)
		return FV_FAILED;
	*value = m.most;
	if (w->mode == EG) {
		group_weights_update(w, w->eta, m.mean, self->adjust);
		*value = group_weights_value(w, m.mean) + group_weights_value(w, self->adjust);
	}
	group_means_weigh(w, &m, batch->n, v);
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_CHOICE(gadro, weights.mode, .name = "mode", .choices = "batch_max|eg",
		.def_paper = "batch_max", .def_official = "eg",
		.doc = "batch_max: the worst group of the batch; eg: exponentiated-gradient "
		       "weights "
		       "over groups"),
	FV_PARAM_REAL(gadro, lambda, .name = "lambda", .min = 0, .max = 1000, .def_paper = "4",
		.doc = "a group of n training recordings counts as worse by lambda / sqrt(n)"),
	GROUP_SAMPLER_PARAM(gadro, weights),
	GROUP_PARAMS(gadro, weights),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.uses_groups = 1, .open = gadro_open,
	.order = gadro_order, .weigh = gadro_weigh, .evaluate = gadro_evaluate);

static const fv_descriptor descriptor = FV_LOSS(.name = "gadro", .version = "1.0.0",
	.summary = "group distributionally robust optimisation, adjusted for small groups",
	.source = "Sagawa et al., ICLR 2020, section 3.3; Lin, Chou and Lee, Interspeech 2025",
	.licence = "Apache-2.0", .state_size = sizeof(gadro), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
