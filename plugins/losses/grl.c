/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient reversal (GRL): an adversary learns to predict the group from the projection, and the
 * projection learns to make that impossible.
 *
 *     h = projection of the input, or its last hidden layer   z = output(h)   a = adversary(h), both linear
 *     value = mean_i l(z)_i + A       A = sum_i c_{g_i} CE(a_i, g_i) / sum_i c_{g_i}
 *     gradient: that of the value for output and adversary; below h, that of mean l minus lambda_t
 *     times that of A
 *     c_g = N / (G n_g), N the training rows of known group, so that small groups count as much
 *     schedule  constant: lambda_t = lambda
 *               ramp:     lambda_t = lambda (2 / (1 + exp(-10 t)) - 1), t the share of steps done,
 *                         so that the adversary can learn first
 *
 * Shapes: h [B,H], z [B,C], a [B,G]. The adversary is not trained on rows of group -1; a batch
 * without a known group has A = 0. Tensors: encoder "", linear "output", linear "adversary" [G,H]
 * (saved, but not used to predict). Validation: mean l, without the adversary.
 *
 * With hidden layers the adversary reads the last one, and the layers below learn to hide the group. Without
 * projection and hidden layers there is nothing to learn that; such a head is refused.
 *
 * Source: Ganin et al., "Domain-adversarial training of neural networks", JMLR 2016.
 */
#include <math.h>
#include <string.h>

#include <fairvox/fairvox.h>

enum { CONSTANT, RAMP };

typedef struct grl {
	double lambda;
	int32_t schedule;
	const fv_loss_setup *setup;
	double *weight; /* [G] c_g; 0 for a group without training rows */
	fv_net *encoder, *output, *adversary;
} grl;

static fv_status grl_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	grl *self = state;
	int32_t groups = setup->train->groups;
	double known = 0;
	self->setup = setup;
	self->weight = fv_alloc(ctx, (size_t)groups * sizeof *self->weight);
	if (!self->weight)
		return FV_FAILED;
	if (groups < 2)
		return fv_fail(ctx, FV_CONFIG,
			"needs at least two groups, but the grouper gives one: choose another "
			"grouper");
	for (int32_t g = 0; g < groups; g++)
		known += setup->count->g[g];
	for (int32_t g = 0; g < groups; g++)
		if (setup->count->g[g] > 0)
			self->weight[g] = known / (groups * setup->count->g[g]);
	return FV_OK;
}

static fv_status grl_build(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	grl *self = state;
	self->encoder = fv_net_encoder(ctx, "");
	if (!self->encoder)
		return FV_FAILED;
	int32_t width = fv_net_outputs(self->encoder);
	self->output = fv_net_linear(ctx, "output", setup->train->classes, width);
	self->adversary = fv_net_linear(ctx, "adversary", setup->train->groups, width);
	return self->output && self->adversary ? FV_OK : FV_FAILED;
}

static fv_status grl_predict(void *state, fv_ctx *ctx, fv_node **logits)
{
	const grl *self = state;
	fv_node *hidden = fv_net_forward(ctx, self->encoder, fv_net_input(ctx));
	*logits = fv_net_forward(ctx, self->output, hidden);
	return *logits ? FV_OK : FV_FAILED;
}

static double compute_lambda(const grl *self, const fv_batch *batch)
{
	double done = (double)(batch->step - 1) / (double)batch->steps;
	return self->lambda * (self->schedule == RAMP ? 2 / (1 + exp(-10 * done)) - 1 : 1);
}

/* Returns c CE(a, g) / total of one row and writes its gradient. */
static double compute_adversary_loss(
	const float *a, int32_t groups, int32_t group, double share, float *gradient)
{
	double largest = a[0], sum = 0;
	for (int32_t g = 1; g < groups; g++)
		largest = fmax(largest, a[g]);
	for (int32_t g = 0; g < groups; g++)
		sum += exp(a[g] - largest);
	double norm = largest + log(sum);
	for (int32_t g = 0; g < groups; g++)
		gradient[g] = (float)(share * (exp(a[g] - norm) - (g == group)));
	return share * (norm - a[group]);
}

static fv_status teach_adversary(
	const grl *self, fv_ctx *ctx, const fv_batch *batch, fv_node *hidden, double *value)
{
	fv_node *reversed = fv_net_scale_gradient(ctx, hidden, -compute_lambda(self, batch));
	fv_node *guess = fv_net_forward(ctx, self->adversary, reversed);
	float *gradient = fv_net_grad(ctx, guess);
	double total = 0;
	if (!gradient)
		return FV_FAILED;
	const float *a = fv_net_data(ctx, guess);
	for (int32_t i = 0; i < batch->n; i++)
		total += batch->group[i] < 0 ? 0 : self->weight[batch->group[i]];
	for (int32_t i = 0; i < batch->n; i++) {
		size_t at = (size_t)i * (size_t)batch->groups;
		int32_t group = batch->group[i];
		if (group >= 0 && total > 0)
			*value += compute_adversary_loss(a + at, batch->groups, group,
				self->weight[group] / total, gradient + at);
	}
	return FV_OK;
}

static fv_status grl_step(void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const grl *self = state;
	size_t classes = (size_t)batch->classes;
	fv_node *hidden = fv_net_forward(ctx, self->encoder, fv_net_input(ctx));
	float *gradient = fv_net_grad(ctx, fv_net_forward(ctx, self->output, hidden));
	double *row = fv_scratch(ctx, classes * sizeof *row);
	if (!gradient || !row)
		return FV_FAILED;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		size_t at = (size_t)i * classes;
		*value += fv_base_loss(self->setup, batch->logits + at, batch->label + at, row) /
			  batch->n;
		for (size_t k = 0; k < classes; k++)
			gradient[at + k] = (float)(row[k] / batch->n);
	}
	fv_status status = teach_adversary(self, ctx, batch, hidden, value);
	return status == FV_OK ? fv_net_backward(ctx) : status;
}

static const fv_networks_1 networks = FV_NETWORKS(.build = grl_build, .predict = grl_predict,
	.step = grl_step, .allows = FV_NETWORKS_SIGMOID);

static const void *grl_extension(const char *id)
{
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

static const fv_param params[] = {
	FV_PARAM_REAL(grl, lambda, .name = "lambda", .min = 0, .max = 1000, .def_paper = "1",
		.doc = "how strongly the projection works against the adversary"),
	FV_PARAM_CHOICE(grl, schedule, .name = "schedule", .choices = "constant|ramp",
		.def_paper = "ramp",
		.doc = "constant: lambda from the first step on; ramp: rising from 0"),
};

static const fv_loss_ops ops =
	FV_LOSS_OPS(.uses_groups = 1, .exact_derivative = -1, .open = grl_open);

static const fv_descriptor descriptor = FV_LOSS(.name = "grl", .version = "1.0.0",
	.summary = "gradient reversal: an adversary must not find the group in the projection",
	.source = "Ganin et al., Domain-adversarial training of neural networks, JMLR 2016",
	.licence = "Apache-2.0", .state_size = sizeof(grl), FV_PARAMS(params), .ops = &ops,
	.extension = grl_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
