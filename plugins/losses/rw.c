/* SPDX-License-Identifier: Apache-2.0 */
/* Reweighing (RW): each sample's weight depends on how rare its subgroup (class x group) is.
 *
 *     value = (1/B) sum_i omega(c_i, g_i) l_i        v_i = omega(c_i, g_i) / B
 *     stratified       n_c / (G_c n_cg)      G_c: groups present in class c
 *     eq1              n_c / n_cg
 *     kamiran_calders  n_c n_g / (N n_cg)
 *
 * Shapes: omega [C,G+1], the last column for group -1; l, v [B]. Weights are not renormalised in
 * the batch. A subgroup without training rows has weight 1. With unknown_is_group, rows of group -1
 * count as one more group; otherwise they are left out of all counts and have weight 1. Validation:
 * the same weights. There is no `groups: class_x_group`: subgroups are already class x group, so
 * the first two forms would not change and the third would weight classes only.
 *
 * Source: F. Kamiran, T. Calders, "Data preprocessing techniques for classification without
 * discrimination", KAIS 2012; eq. 1 and the stratified form: Lin, Chou, Lee, Interspeech 2025.
 */
#include <fairvox/fairvox.h>

enum { STRATIFIED, EQ1, KAMIRAN_CALDERS };

typedef struct rw {
	int32_t weight, unknown_is_group;
	int32_t groups;
	double *omega; /* [C,G+1] */
} rw;

static double count_subgroup(const rw *self, const fv_counts *count, int32_t c, int32_t g)
{
	if (g == self->groups)
		return self->unknown_is_group ? count->c_unknown[c] : 0;
	return count->cg[(size_t)c * (size_t)self->groups + (size_t)g];
}

static double weigh_subgroup(
	const rw *self, double n_c, double n_g, double present, double n, double n_cg)
{
	if (n_cg == 0)
		return 1;
	switch (self->weight) {
	case STRATIFIED:
		return n_c / (present * n_cg);
	case EQ1:
		return n_c / n_cg;
	default:
		return n_c * n_g / (n * n_cg);
	}
}

static fv_status rw_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	rw *self = state;
	int32_t classes = setup->train->classes;
	size_t width = (size_t)setup->train->groups + 1;
	self->groups = setup->train->groups;
	self->omega = fv_alloc(ctx, (size_t)classes * width * sizeof *self->omega);
	double *n_g = fv_scratch(ctx, width * sizeof *n_g), n = 0;
	if (!self->omega || !n_g)
		return FV_FAILED;
	for (int32_t g = 0; g <= self->groups; g++) {
		n_g[g] = 0;
		for (int32_t c = 0; c < classes; c++)
			n_g[g] += count_subgroup(self, setup->count, c, g);
		n += n_g[g];
	}
	for (int32_t c = 0; c < classes; c++) {
		double n_c = 0, present = 0;
		for (int32_t g = 0; g <= self->groups; g++) {
			n_c += count_subgroup(self, setup->count, c, g);
			present += count_subgroup(self, setup->count, c, g) > 0;
		}
		for (int32_t g = 0; g <= self->groups; g++)
			self->omega[(size_t)c * width + (size_t)g] = weigh_subgroup(self, n_c,
				n_g[g], present, n, count_subgroup(self, setup->count, c, g));
	}
	return FV_OK;
}

static double get_sample_weight(const rw *self, const fv_batch *batch, int32_t i)
{
	int32_t group = batch->group[i] < 0 ? self->groups : batch->group[i];
	return self->omega[(size_t)batch->klass[i] * (size_t)(self->groups + 1) + (size_t)group];
}

static fv_status rw_evaluate(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	(void)ctx;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++)
		*value += get_sample_weight(state, batch, i) / batch->n * batch->loss[i];
	return FV_OK;
}

static fv_status rw_weigh(void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	for (int32_t i = 0; i < batch->n; i++)
		v[i] = get_sample_weight(state, batch, i) / batch->n;
	return rw_evaluate(state, ctx, batch, value);
}

static const fv_param params[] = {
	FV_PARAM_CHOICE(rw, weight, .name = "weight", .choices = "stratified|eq1|kamiran_calders",
		.def_paper = "stratified", .def_official = "kamiran_calders",
		.doc = "n_c/(G_c n_cg), n_c/n_cg or n_c n_g/(N n_cg)"),
	FV_PARAM_BOOL(rw, unknown_is_group, .name = "unknown_is_group", .def_paper = "true",
		.def_official = "false",
		.doc = "count recordings of unknown group as a group of their own; otherwise they "
		       "have weight 1"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.uses_groups = 1, .exact_derivative = 1, .open = rw_open,
	.weigh = rw_weigh, .evaluate = rw_evaluate);

static const fv_descriptor descriptor = FV_LOSS(.name = "rw", .version = "1.0.0",
	.summary = "reweighing by class and group counts",
	.source = "Kamiran and Calders, KAIS 2012; Lin, Chou and Lee, Interspeech 2025, eq. 1",
	.licence = "Apache-2.0", .state_size = sizeof(rw), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
