/* SPDX-License-Identifier: Apache-2.0 */
/* my_plugin: the mean of the worst share of each batch.
 *
 *     value = (1/k) sum of the k largest l, k = ceil(alpha B)
 *     v_i   = 1/k for those k samples, 0 for the others
 *
 * Shapes: l, v [B]. Ties go to the lower position in the batch. No groups, no state. Validation: the
 * same, batch by batch.
 *
 * What to change: the state, its parameters, and weigh_batch, which turns base losses into weights. The
 * model follows the gradient sum_i v_i dl_i. fairvox/loss.h describes the other ops: `open` reads counts
 * and labels, `subsample` and `order` choose rows, `mix` mixes samples. An objective that needs groups
 * sets .uses_groups = 1 and reads batch->group.
 *
 * exact_derivative says that v_i is the derivative of the value, and `fairvox check` compares them; leave it out
 * where something is held constant, such as group weights.
 */
#include <math.h>

#include <fairvox/fairvox.h>

typedef struct state {
	double alpha;
} state;

/* Returns how many samples of the batch come before sample i when the largest loss comes first. */
static int32_t compute_rank(const fv_batch *batch, int32_t i)
{
	int32_t rank = 0;
	for (int32_t j = 0; j < batch->n; j++)
		rank += batch->loss[j] > batch->loss[i] ||
			(batch->loss[j] == batch->loss[i] && j < i);
	return rank;
}

static fv_status weigh_batch(
	void *self, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	const state *s = self;
	double k = ceil(s->alpha * batch->n);
	(void)ctx;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		v[i] = compute_rank(batch, i) < k ? 1 / k : 0;
		*value += v[i] * batch->loss[i];
	}
	return FV_OK;
}

/* The same value on development rows, whose weights nobody needs. */
static fv_status evaluate_batch(const void *self, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	double *v = fv_scratch(ctx, (size_t)batch->n * sizeof *v);
	state copy = *(const state *)self;
	return v ? weigh_batch(&copy, ctx, batch, v, value) : FV_FAILED;
}

/* Without a default (.def_paper) the user must give a number or choice; `fairvox check` then takes -p key=value. */
static const fv_param params[] = {
	FV_PARAM_REAL(state, alpha, .name = "alpha", .min = 0.001, .max = 1, .def_paper = "0.3",
		.doc = "share of each batch that counts"),
};

static const fv_loss_ops ops =
	FV_LOSS_OPS(.weigh = weigh_batch, .evaluate = evaluate_batch, .exact_derivative = 1);

static const fv_descriptor descriptor = FV_LOSS(.name = "my_plugin", .version = "0.1",
	.summary = "mean of the worst share of each batch",
	.source = "an example: name the paper here", .licence = "Apache-2.0",
	.state_size = sizeof(state), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
