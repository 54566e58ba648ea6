/* SPDX-License-Identifier: Apache-2.0 */
/* Empirical risk minimisation (ERM): the mean of the base losses.
 *
 *     value = (1/B) sum_i l_i        v_i = 1/B
 *
 * Shapes: l, v [B]. No groups, no state, no parameters. Validation: the mean, which the core
 * computes if evaluate is NULL. Source: V. Vapnik, "Principles of risk minimization for learning
 * theory", NeurIPS 1991.
 */
#include <fairvox/fairvox.h>

static fv_status erm_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	(void)state;
	(void)ctx;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		v[i] = 1.0 / batch->n;
		*value += batch->loss[i] / batch->n;
	}
	return FV_OK;
}

static const fv_loss_ops ops = FV_LOSS_OPS(.exact_derivative = 1, .weigh = erm_weigh);

static const fv_descriptor descriptor = FV_LOSS(.name = "erm", .version = "1.0.0",
	.summary = "mean of the base losses: no debiasing",
	.source = "Vapnik, Principles of risk minimization for learning theory, NeurIPS 1991",
	.licence = "Apache-2.0", .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
