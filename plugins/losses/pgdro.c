/* SPDX-License-Identifier: Apache-2.0 */
/* Probabilistic group distributionally robust optimisation (PGDRO): like gadro, for groups that are
 * only known as probabilities pi_ig. A sample counts in every group by its membership.
 *
 *     normalize      L_g = sum_i pi_ig l_i / sum_i pi_ig        v_i = sum_g q_g pi_ig / sum_j pi_jg
 *     otherwise      L_g = (1/B) sum_i pi_ig l_i                v_i = sum_g q_g pi_ig / B
 *     a_g = lambda / sqrt(n_g)      counts: hard (rows most probably of g) or soft (sum of pi_ig)
 *     max            q_g = [g = g*], g* = argmax_g (L_g + a_g)  value L_g* + a_g*
 *     eg             q_g <- q_g exp(eta (L_g + a_g)), renormalised  value sum_g q_g (L_g + a_g)
 *
 * Shapes: l, v [B]; pi [B,G], rows need not sum to 1; L, a, q [G], or [C G] with groups:
 * class_x_group (id class G + group; pi_ig counts in the class of i, 0 in the others). A group with
 * total membership 0 in the batch has L_g = 0; with normalize or class_x_group it cannot be the
 * maximum. Ties go to the lowest id. a_g = 0 if n_g = 0. Hard ids are only used for counting: a row
 * of group -1 counts by its memberships. Needs a grouper that gives memberships. group_loss: excess
 * as in group_weights.h. Validation: the maximum inside each batch, or sum_g q_g L_g with q as the
 * epoch left it, without a.
 *
 * Source: Ghosal, Li, "Distributionally robust optimization with probabilistic group", AAAI 2023
 * (eg, normalised, soft counts); Lin, Chou, Lee, Interspeech 2025 (max, not normalised, hard
 * counts).
 */
#include "group_weights.h"

enum { HARD, SOFT };

typedef struct pgdro {
	int32_t normalize, counts;
	double lambda;
	double *adjust; /* [G or C G] */
	group_weights weights;
} pgdro;

static fv_status pgdro_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	pgdro *self = state;
	group_weights *w = &self->weights;
	const fv_counts *count = setup->count;
	if (!setup->train->member)
		return fv_fail(ctx, FV_CONFIG,
			"needs memberships, but this grouper gives none: use one that gives "
			"probabilities, such as pseudo");
	const double *hard = w->groups == GROUP ? count->g : count->cg;
	const double *soft = w->groups == GROUP ? count->g_soft : count->cg_soft;
	self->adjust = compute_adjustment(ctx, self->lambda, self->counts == HARD ? hard : soft,
		count_groups(w->groups, setup->train));
	return self->adjust ? group_weights_open(w, ctx, setup) : FV_FAILED;
}

typedef struct soft_means {
	double *loss, *total, *share; /* [n] L_g; total membership; factor of q_g pi_ig in v_i */
	int32_t worst;
	double most;
} soft_means;

/* Returns the first of the G group ids that row i can have. */
static int32_t find_first_group(const pgdro *self, const fv_batch *batch, int32_t i)
{
	return self->weights.groups == GROUP ? 0 : batch->klass[i] * batch->groups;
}

static fv_status compute_means(
	const pgdro *self, fv_ctx *ctx, const fv_batch *batch, soft_means *out)
{
	size_t n = (size_t)self->weights.n;
	*out = (soft_means){.worst = -1};
	out->loss = fv_scratch(ctx, 3 * n * sizeof *out->loss);
	if (!out->loss)
		return FV_FAILED;
	out->total = out->loss + n;
	out->share = out->total + n;
	for (size_t g = 0; g < 3 * n; g++)
		out->loss[g] = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		const float *pi = batch->member + (size_t)i * (size_t)batch->groups;
		int32_t first = find_first_group(self, batch, i);
		double loss = compute_compared_loss(&self->weights, batch, i);
		for (int32_t g = 0; g < batch->groups; g++) {
			out->loss[first + g] += pi[g] * loss;
			out->total[first + g] += pi[g];
		}
	}
	for (int32_t g = 0; g < self->weights.n; g++) {
		int32_t must_be_present = self->normalize || self->weights.groups == CLASS_X_GROUP;
		if (must_be_present && out->total[g] == 0)
			continue;
		out->share[g] = 1 / (self->normalize ? out->total[g] : batch->n);
		out->loss[g] *= out->share[g];
		double score = out->loss[g] + self->adjust[g];
		if (out->worst < 0 || score > out->most) {
			out->worst = g;
			out->most = score;
		}
	}
	return FV_OK;
}

static fv_status pgdro_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const pgdro *self = state;
	soft_means m;
	if (compute_means(self, ctx, batch, &m) != FV_OK)
		return FV_FAILED;
	*value = self->weights.mode == EG ? group_weights_value(&self->weights, m.loss) : m.most;
	return FV_OK;
}

static fv_status pgdro_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	const pgdro *self = state;
	const group_weights *w = &self->weights;
	soft_means m;
	if (compute_means(self, ctx, batch, &m) != FV_OK)
		return FV_FAILED;
	*value = m.most;
	if (w->mode == EG) {
		group_weights_update(w, w->eta, m.loss, self->adjust);
		*value = group_weights_value(w, m.loss) + group_weights_value(w, self->adjust);
	}
	if (m.worst >= 0)
		w->wins[m.worst]++;
	for (int32_t i = 0; i < batch->n; i++) {
		const float *pi = batch->member + (size_t)i * (size_t)batch->groups;
		int32_t first = find_first_group(self, batch, i);
		for (int32_t j = 0; j < batch->groups; j++) {
			int32_t g = first + j;
			double q = w->mode == EG ? w->q[g] : g == m.worst;
			v[i] += q * m.share[g] * pi[j];
		}
	}
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_CHOICE(pgdro, weights.mode, .name = "mode", .choices = "max|eg",
		.def_paper = "max", .def_official = "eg",
		.doc = "max: the worst group of the batch; eg: exponentiated-gradient weights "
		       "over groups"),
	FV_PARAM_BOOL(pgdro, normalize, .name = "normalize", .def_paper = "false",
		.def_official = "true",
		.doc = "divide a group's loss by its total membership in the batch instead of the "
		       "batch size"),
	FV_PARAM_REAL(pgdro, lambda, .name = "lambda", .min = 0, .max = 1000, .def_paper = "4",
		.def_official = "2",
		.doc = "a group of n training recordings counts as worse by lambda / sqrt(n)"),
	FV_PARAM_CHOICE(pgdro, counts, .name = "counts", .choices = "hard|soft",
		.def_paper = "hard", .def_official = "soft",
		.doc = "n of lambda. hard: recordings that most probably belong to the group; "
		       "soft: the sum of memberships"),
	GROUP_PARAMS(pgdro, weights),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.uses_groups = 1, .open = pgdro_open,
	.weigh = pgdro_weigh, .evaluate = pgdro_evaluate);

static const fv_descriptor descriptor = FV_LOSS(.name = "pgdro", .version = "1.0.0",
	.summary = "group distributionally robust optimisation over group probabilities",
	.source = "Ghosal and Li, AAAI 2023; Lin, Chou and Lee, Interspeech 2025",
	.licence = "Apache-2.0", .state_size = sizeof(pgdro), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
