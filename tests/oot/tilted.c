/* SPDX-License-Identifier: Apache-2.0 */
/* Tilted empirical risk: T. Li, A. Beirami, M. Sanjabi, V. Smith, "Tilted empirical risk
 * minimization", ICLR 2021, eq. 2, on a batch of B samples with losses l_i:
 *
 *     value = (1/t) log((1/B) sum_i exp(t l_i))
 *     v_i   = exp(t l_i) / sum_j exp(t l_j)
 *
 * v is the gradient of the value with respect to l. t -> 0 is the mean, t -> infinity the maximum.
 * No groups. The largest loss is subtracted in the exponents, so t l may have any size. */
#include <math.h>

#include <fairvox/fairvox.h>

struct tilted {
	double tilt;
};

static double find_largest(const fv_batch *batch)
{
	double most = batch->loss[0];
	for (int32_t i = 1; i < batch->n; i++)
		if (batch->loss[i] > most)
			most = batch->loss[i];
	return most;
}

static double compute_log_mean(const struct tilted *s, const fv_batch *batch)
{
	double most = find_largest(batch), sum = 0;
	for (int32_t i = 0; i < batch->n; i++)
		sum += exp(s->tilt * (batch->loss[i] - most));
	return most + log(sum / batch->n) / s->tilt;
}

static fv_status tilted_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	const struct tilted *s = state;
	(void)ctx;
	*value = compute_log_mean(s, batch);
	for (int32_t i = 0; i < batch->n; i++)
		v[i] = exp(s->tilt * (batch->loss[i] - *value)) / batch->n;
	return FV_OK;
}

static fv_status tilted_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	(void)ctx;
	*value = compute_log_mean(state, batch);
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_REAL(struct tilted, tilt, .name = "tilt", .min = 1e-6, .max = 1e6,
		.def_paper = "1", .doc = "t: how much more a larger loss counts"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.weigh = tilted_weigh, .evaluate = tilted_evaluate);

static const fv_descriptor descriptor = FV_LOSS(.name = "tilted", .version = "1.0",
	.summary = "tilted empirical risk: larger losses count more",
	.source = "Li et al., ICLR 2021, eq. 2", .licence = "Apache-2.0",
	.state_size = sizeof(struct tilted), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
