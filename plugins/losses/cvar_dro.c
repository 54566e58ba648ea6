/* SPDX-License-Identifier: Apache-2.0 */
/* Conditional value at risk (CVaR): the mean of the worst alpha B losses of the batch, whatever
 * their group.
 *
 *     value = (1/(alpha B)) (sum of the floor(alpha B) largest l + remainder times the next)
 *     v_i   = 1/(alpha B) for those, remainder/(alpha B) for the next, 0 for the rest
 *
 * Shapes: l, v [B]. alpha = 1 is the mean; alpha B below 1 is the largest loss. Ties go to the
 * lower position in the batch. No groups, no state. Validation: the same, batch by batch.
 *
 * Source: Levy, Carmon, Duchi, Sidford, "Large-scale methods for distributionally robust
 * optimization", NeurIPS 2020.
 */
#include <math.h>
#include <stdlib.h>

#include <fairvox/fairvox.h>

typedef struct cvar_dro {
	double alpha;
} cvar_dro;

typedef struct ranked {
	double loss;
	int32_t at;
} ranked;

static int compare_worst_first(const void *a, const void *b)
{
	const ranked *x = a, *y = b;
	if (x->loss != y->loss)
		return x->loss > y->loss ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Computes the value and the weights v [B]; v may be NULL. */
static fv_status average_worst(
	double alpha, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	ranked *order = fv_scratch(ctx, (size_t)batch->n * sizeof *order);
	if (!order)
		return FV_FAILED;
	for (int32_t i = 0; i < batch->n; i++)
		order[i] = (ranked){batch->loss[i], i};
	qsort(order, (size_t)batch->n, sizeof *order, compare_worst_first);
	double size = alpha * batch->n, left = size;
	*value = 0;
	for (int32_t i = 0; i < batch->n && left > 0; i++, left -= 1) {
		double share = fmin(left, 1) / size;
		*value += share * order[i].loss;
		if (v)
			v[order[i].at] = share;
	}
	return FV_OK;
}

static fv_status cvar_dro_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	const cvar_dro *self = state;
	return average_worst(self->alpha, ctx, batch, v, value);
}

static fv_status cvar_dro_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const cvar_dro *self = state;
	return average_worst(self->alpha, ctx, batch, NULL, value);
}

static const fv_param params[] = {
	FV_PARAM_REAL(cvar_dro, alpha, .name = "alpha", .min = 0.001, .max = 1, .def_paper = "0.1",
		.doc = "share of the batch that counts"),
};

static const fv_loss_ops ops =
	FV_LOSS_OPS(.exact_derivative = 1, .weigh = cvar_dro_weigh, .evaluate = cvar_dro_evaluate);

static const fv_descriptor descriptor = FV_LOSS(.name = "cvar_dro", .version = "1.0.0",
	.summary = "mean of the worst share of each batch",
	.source = "Levy et al., Large-scale methods for distributionally robust optimization, "
		  "NeurIPS 2020",
	.licence = "Apache-2.0", .state_size = sizeof(cvar_dro), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
