/* SPDX-License-Identifier: Apache-2.0 */
/* Group distributionally robust optimisation: the worst group's loss.
 *
 *     L_g = mean of l over the batch's members of g; groups absent from the batch have none
 *     batch_max  value max_g L_g                    v_i = [g_i = g*] / n_B(g*)
 *     eg         q_g <- q_g exp(eta L_g), renormalised; value sum_g q_g L_g; v_i = q_{g_i} /
 * n_B(g_i)
 *
 * Shapes: l, v [B]; L, q [G], or [C G] with groups: class_x_group (id class G + group). Ties of the
 * maximum go to the lowest id. Group -1 takes no part: a batch without a known group has the mean
 * (batch_max), or weight and value 0 (eg). An absent group keeps its q up to normalisation. q
 * starts at 1/G, outlives the epochs, and is kept as a logarithm, so that neither eta L nor a small
 * q overflows. sampler: balanced draws rows with replacement, all groups (-1 is one) alike often,
 * with the draws of stream ("sampler", epoch). group_loss: excess takes from each l_i what no model
 * can avoid, (sum_k w_k y_ik) H(y_i): groups are then compared by what can be learned; the gradient
 * within a group is the same. Development: the maximum inside each batch, or sum_g q_g L_g with q
 * as the epoch left it. Source: Sagawa, Koh, Hashimoto, Liang, ICLR 2020, algorithm 1 (eg); Lin,
 * Chou, Lee, Interspeech 2025, eq. 2 (batch_max). Unlike the first authors' code, no adjustment and
 * no step down of absent groups.
 */
#include <math.h>
#include <stdlib.h>

#include <fairvox/fairvox.h>

enum { BATCH_MAX, EG };
enum { SHUFFLE, BALANCED };
enum { GROUP, CLASS_X_GROUP };
enum { CE, EXCESS };

typedef struct gdro {
	int32_t mode, sampler, groups, group_loss;
	double eta;
	int32_t n_groups; /* G or C G */
	const fv_loss_setup *setup;
	double *log_q, *q; /* [1,n_groups], eg */
	double *wins;      /* [1,n_groups], batch_max: steps in which each group was the worst */
} gdro;

static int32_t group_of(const gdro *self, int32_t klass, int32_t group)
{
	if (group < 0)
		return -1;
	return self->groups == GROUP ? group : klass * self->setup->train->groups + group;
}

static fv_status gdro_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	gdro *self = state;
	self->setup = setup;
	self->n_groups = setup->train->groups;
	if (self->groups == CLASS_X_GROUP)
		self->n_groups *= setup->train->classes;
	if (self->mode == BATCH_MAX) {
		self->wins = fv_array(ctx, "wins", FV_F64, 1, self->n_groups);
		return self->wins ? FV_OK : FV_FAILED;
	}
	self->q = fv_array(ctx, "q", FV_F64, 1, self->n_groups);
	self->log_q = fv_array(ctx, "log_q", FV_F64, self->n_groups, 1);
	if (!self->q || !self->log_q)
		return FV_FAILED;
	for (int32_t g = 0; g < self->n_groups; g++) {
		self->q[g] = 1.0 / self->n_groups;
		self->log_q[g] = -log(self->n_groups);
	}
	return FV_OK;
}

typedef struct named_row {
	uint64_t name;
	int32_t group, row;
} named_row;

static int by_group(const void *a, const void *b)
{
	const named_row *x = a, *y = b;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* Probability proportional to 1/n_g for each row is: a group that has rows, uniformly, then one of
 * its rows, uniformly. No keep() here, so positions are rows. */
static fv_status gdro_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	const gdro *self = state;
	const fv_rows *rows = self->setup->train;
	if (self->sampler == SHUFFLE)
		return FV_OK;
	named_row *sorted = fv_scratch(ctx, (size_t)n * sizeof *sorted);
	int64_t *start = fv_scratch(ctx, (size_t)(self->n_groups + 2) * sizeof *start);
	if (!sorted || !start)
		return FV_FAILED;
	for (int32_t i = 0; i < n; i++)
		sorted[i] = (named_row){fv_name_hash(rows->stem[i]),
			group_of(self, rows->klass[i], rows->group[i]), i};
	qsort(sorted, (size_t)n, sizeof *sorted, by_group);
	uint64_t present = 0;
	for (int64_t i = 0; i < n; i++)
		if (i == 0 || sorted[i].group != sorted[i - 1].group)
			start[present++] = i;
	start[present] = n;
	fv_stream stream = fv_rng(ctx, "sampler", epoch, 0);
	for (int64_t i = 0; i < n; i++) {
		uint64_t g = fv_below(&stream, present);
		uint64_t member = fv_below(&stream, (uint64_t)(start[g + 1] - start[g]));
		position[i] = sorted[start[g] + (int64_t)member].row;
	}
	return FV_OK;
}

static double sample_loss(const gdro *self, const fv_batch *batch, int32_t i)
{
	if (self->group_loss == CE)
		return batch->loss[i];
	const float *y = batch->label + (size_t)i * (size_t)batch->classes;
	double weight = 0, entropy = 0;
	for (int32_t k = 0; k < batch->classes; k++) {
		weight += self->setup->class_weight[k] * y[k];
		entropy -= y[k] > 0 ? y[k] * log(y[k]) : 0;
	}
	return batch->loss[i] - weight * entropy;
}

typedef struct group_means {
	int32_t n, *group; /* groups; [B] group of each sample */
	double *mean, *size, all;
	int32_t worst; /* -1: no known group in the batch */
} group_means;

static fv_status means(const gdro *self, fv_ctx *ctx, const fv_batch *batch, group_means *out)
{
	size_t n = (size_t)self->n_groups;
	*out = (group_means){.n = self->n_groups, .worst = -1};
	out->group = fv_scratch(ctx, (size_t)batch->n * sizeof *out->group);
	out->mean = fv_scratch(ctx, n * sizeof *out->mean);
	out->size = fv_scratch(ctx, n * sizeof *out->size);
	if (!out->group || !out->mean || !out->size)
		return FV_FAILED;
	for (size_t g = 0; g < n; g++)
		out->mean[g] = out->size[g] = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		int32_t g = group_of(self, batch->klass[i], batch->group[i]);
		double loss = sample_loss(self, batch, i);
		out->group[i] = g;
		out->all += loss / batch->n;
		if (g < 0)
			continue;
		out->mean[g] += loss;
		out->size[g]++;
	}
	for (int32_t g = 0; g < out->n; g++) {
		if (out->size[g] == 0)
			continue;
		out->mean[g] /= out->size[g];
		if (out->worst < 0 || out->mean[g] > out->mean[out->worst])
			out->worst = g;
	}
	return FV_OK;
}

static void update_q(const gdro *self, const group_means *m)
{
	double largest = -INFINITY, sum = 0;
	for (int32_t g = 0; g < m->n; g++) {
		self->log_q[g] += self->eta * m->mean[g];
		largest = fmax(largest, self->log_q[g]);
	}
	for (int32_t g = 0; g < m->n; g++)
		sum += exp(self->log_q[g] - largest);
	for (int32_t g = 0; g < m->n; g++) {
		self->log_q[g] -= largest + log(sum);
		self->q[g] = exp(self->log_q[g]);
	}
}

static double value_of(const gdro *self, const group_means *m)
{
	if (self->mode == BATCH_MAX)
		return m->worst < 0 ? m->all : m->mean[m->worst];
	double value = 0;
	for (int32_t g = 0; g < m->n; g++)
		value += self->q[g] * m->mean[g];
	return value;
}

static fv_status gdro_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	const gdro *self = state;
	group_means m;
	if (means(self, ctx, batch, &m) != FV_OK)
		return FV_FAILED;
	if (self->mode == EG)
		update_q(self, &m);
	else if (m.worst >= 0)
		self->wins[m.worst]++;
	for (int32_t i = 0; i < batch->n; i++) {
		int32_t g = m.group[i];
		if (self->mode == BATCH_MAX && m.worst < 0)
			v[i] = 1.0 / batch->n;
		else if (g >= 0 && self->mode == BATCH_MAX)
			v[i] = g == m.worst ? 1 / m.size[g] : 0;
		else if (g >= 0)
			v[i] = self->q[g] / m.size[g];
	}
	*value = value_of(self, &m);
	return FV_OK;
}

static fv_status gdro_develop(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	group_means m;
	if (means(state, ctx, batch, &m) != FV_OK)
		return FV_FAILED;
	*value = value_of(state, &m);
	return FV_OK;
}

static const fv_param params[] = {
	{.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "mode",
		.choices = "batch_max|eg",
		.def_paper = "batch_max",
		.def_official = "eg",
		.offset = offsetof(gdro, mode),
		.doc = "the worst group of the batch, or exponentiated-gradient weights over "
		       "groups"},
	{.size = sizeof(fv_param),
		.type = FV_REAL,
		.name = "eta",
		.min = 0,
		.max = 1000,
		.def_paper = "0.01",
		.offset = offsetof(gdro, eta),
		.doc = "step size of the group weights in mode eg"},
	{.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "sampler",
		.choices = "shuffle|balanced",
		.def_paper = "shuffle",
		.def_official = "balanced",
		.offset = offsetof(gdro, sampler),
		.doc = "each utterance once an epoch, or draws with replacement, all groups alike "
		       "often"},
	{.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "groups",
		.choices = "group|class_x_group",
		.def_paper = "group",
		.offset = offsetof(gdro, groups),
		.doc = "the grouper's groups, or each split by class"},
	{.size = sizeof(fv_param),
		.type = FV_CHOICE,
		.name = "group_loss",
		.choices = "ce|excess",
		.def_paper = "ce",
		.offset = offsetof(gdro, group_loss),
		.doc = "compare groups by their loss, or by what it exceeds the raters' "
		       "disagreement"},
};

static const fv_loss_ops ops = {
	.size = sizeof ops,
	.uses_groups = 1,
	.open = gdro_open,
	.order = gdro_order,
	.weigh = gdro_weigh,
	.develop = gdro_develop,
};

static const fv_descriptor descriptor = {
	.size = sizeof descriptor,
	.abi = FV_ABI,
	.kind = FV_LOSS,
	.name = "gdro",
	.version = "1.0.0",
	.summary = "group distributionally robust optimisation",
	.source =
		"Sagawa et al., ICLR 2020, algorithm 1; Lin, Chou and Lee, Interspeech 2025, eq. 2",
	.licence = "Apache-2.0",
	.state_size = sizeof(gdro),
	.params = params,
	.n_params = sizeof params / sizeof *params,
	.ops = &ops,
};

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
