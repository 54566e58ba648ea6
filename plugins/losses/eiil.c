/* SPDX-License-Identifier: Apache-2.0 */
/* Environment inference (EIIL): finds the two groups for which a reference model is least
 * invariant, then trains any objective on them.
 *
 *     stage 1   the mean loss for reference_epochs epochs; the last model gives logits z
 *     between   d_i = d/ds l_i(s z_i) at s = 1 = sum_k (dl_i/dz_ik) z_ik
 *               q_i = sigmoid(u_i), u_i drawn from a normal distribution; `steps` steps of Adam
 *               that raise ((mean_i q_i d_i)^2 + (mean_i (1 - q_i) d_i)^2) / 2
 *     stage 2   from fresh start weights, the objective `then` with groups [u_i > 0]
 *
 * Shapes: z [N,C]; d, q, u [N], in double. The loss is the base loss; with soft_ce, d_i is (sum_k w_k
 * y_ik) sum_k (p_ik - y_ik) z_ik. Environment 1 is the one with the larger mean d; an environment may be
 * empty. Development rows are divided in the same way among themselves. The draws of u are keyed by
 * file name. The grouper's groups are not used: `then` sees only the environments. Validation: the
 * mean in stage 1, the value of `then` in stage 2. metrics.jsonl shows the number of training rows
 * in each environment as "environments" and the maximum that was reached as "penalty".
 *
 * Source: Creager, Jacobsen, Zemel, "Environment inference for invariant learning", ICML 2021,
 * section 3, with their 10000 steps of Adam at 0.001 and their threshold. They train an invariant
 * model on the environments or, with groups, GroupDRO; here `then` chooses.
 */
#include "environments.h"

typedef struct eiil {
	int64_t reference_epochs, steps;
	double step_size;
	const char *then;
	const fv_loss_setup *setup;
	double *sizes, *penalty; /* [2], [1] */
} eiil;

static fv_status eiil_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	eiil *self = state;
	self->setup = setup;
	self->sizes = fv_array(ctx, "environments", FV_F64, 1, 2);
	self->penalty = fv_array(ctx, "penalty", FV_F64, 1, 1);
	return self->sizes && self->penalty ? FV_OK : FV_FAILED;
}

/* Computes d [n] of the rows under the reference model. */
static fv_status compute_slopes(const eiil *self, fv_ctx *ctx, const fv_rows *rows, double *d)
{
	size_t classes = (size_t)rows->classes;
	float *logits = fv_scratch(ctx, (size_t)rows->n * classes * sizeof *logits);
	double *gradient = fv_scratch(ctx, classes * sizeof *gradient);
	if (!logits || !gradient || fv_predict_rows(ctx, rows, logits) != FV_OK)
		return FV_FAILED;
	for (size_t i = 0; i < (size_t)rows->n; i++) {
		const float *z = logits + i * classes;
		fv_base_loss(self->setup, z, rows->label + i * classes, gradient);
		d[i] = 0;
		for (size_t k = 0; k < classes; k++)
			d[i] += gradient[k] * z[k];
	}
	return FV_OK;
}

/* Infers the environment of each row. Returns memory of the plugin, or NULL with a message. */
static int32_t *infer_environments(eiil *self, fv_ctx *ctx, const fv_rows *rows, double *penalty)
{
	size_t n = (size_t)rows->n;
	double *d = fv_scratch(ctx, 5 * n * sizeof *d);
	int32_t *group = fv_alloc(ctx, n * sizeof *group);
	if (!d || !group || compute_slopes(self, ctx, rows, d) != FV_OK)
		return NULL;
	environments e = {rows->n, d, d + n, d + 2 * n, d + 3 * n, d + 4 * n};
	environments_start(&e, ctx, rows->stem);
	*penalty = 1;
	for (int64_t step = 1; step <= self->steps && *penalty > 0;
		step++) /* a penalty of 0 has no gradient */
		*penalty = environments_step(&e, step, self->step_size);
	environments_assign(&e, group);
	return group;
}

static fv_status eiil_next(void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	eiil *self = state;
	double unused;
	*more = index == 0;
	stage->fresh = 1;
	if (index == 0) {
		stage->epochs = self->reference_epochs;
		stage->use_last = 1;
		return FV_OK;
	}
	int32_t *group = infer_environments(self, ctx, self->setup->train, self->penalty);
	int32_t *dev = group ? infer_environments(self, ctx, self->setup->dev, &unused) : NULL;
	if (!dev)
		return FV_FAILED;
	self->sizes[0] = self->sizes[1] = 0;
	for (int32_t i = 0; i < self->setup->train->n; i++)
		self->sizes[group[i]]++;
	if (self->sizes[0] == 0 || self->sizes[1] == 0)
		fv_warn(ctx,
			"all training rows are in one environment, so 'then' sees a single group");
	stage->loss = "then";
	stage->groups = 2;
	stage->group = group;
	stage->dev_group = dev;
	return FV_OK;
}

static const fv_stages_1 stages = FV_STAGES(.makes_groups = 1, .next = eiil_next);

static const void *eiil_extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const fv_param params[] = {
	FV_PARAM_LOSS_REF(eiil, then, .name = "then", .def_paper = "gdro",
		.doc = "objective that is trained on the environments"),
	FV_PARAM_INT(eiil, reference_epochs, .name = "reference_epochs", .min = 1, .max = 1000000,
		.def_paper = "5",
		.doc = "epochs of the reference model, from which the environments are inferred"),
	FV_PARAM_INT(eiil, steps, .name = "steps", .min = 1, .max = 10000000, .def_paper = "10000",
		.doc = "Adam steps of the inference of environments"),
	FV_PARAM_REAL(eiil, step_size, .name = "step_size", .min = 0.000001, .max = 10,
		.def_paper = "0.001", .doc = "learning rate of these steps"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.open = eiil_open);

static const fv_descriptor descriptor = FV_LOSS(.name = "eiil", .version = "1.0.0",
	.summary = "environment inference: groups that a reference model reveals, then any "
		   "objective on them",
	.source = "Creager, Jacobsen and Zemel, Environment inference for invariant learning, "
		  "ICML 2021, section 3",
	.licence = "Apache-2.0", .state_size = sizeof(eiil), FV_PARAMS(params), .ops = &ops,
	.extension = eiil_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
