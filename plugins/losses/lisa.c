/* SPDX-License-Identifier: Apache-2.0 */
/* LISA: samples are mixed so that group and class no longer go together.
 *
 *     x~_i = lambda_i x_i + (1 - lambda_i) x_j      y~ alike      lambda_i ~ Beta(alpha, alpha)
 *     with probability p_sel   j of the same class and another group (intra-label)
 *     otherwise                j of the same group and another class (intra-group)
 *     value = (1/B) sum_i l(x~_i, y~_i)             v_i = 1/B
 *
 * Shapes: partner j [B], drawn uniformly among the training rows that qualify; lambda [B]. Classes
 * are argmax y, the first one on ties. Rows of group -1 do not qualify. A sample of group -1, or
 * one without a possible partner, is not mixed. A sample's draws are keyed by epoch and file name.
 * Validation: the mean, without mixing.
 *
 * Source: Yao et al., "Improving out-of-distribution robustness via selective augmentation", ICML
 * 2022, algorithm 1. Differences: p_sel is drawn for each sample, not for each batch, and each
 * sample is its own anchor instead of a drawn one.
 */
#include <stdbool.h>

#include "mixing.h"

/* Rows sorted by a pair (major, minor), with the first position of each pair. */
typedef struct table {
	named_row *row;
	int32_t *start; /* [majors * minors + 1] */
	int32_t minors;
} table;

typedef struct lisa {
	double alpha, p_sel;
	table label; /* by class, then group; group -1 comes first */
	table group; /* by group, then class */
} lisa;

/* Sorts the rows, whose keys are already set, and finds where each pair starts. */
static fv_status open_table(
	table *t, fv_ctx *ctx, const fv_rows *rows, int32_t majors, int32_t minors)
{
	t->minors = minors;
	t->start = fv_alloc(ctx, ((size_t)majors * (size_t)minors + 1) * sizeof *t->start);
	if (!t->start)
		return FV_FAILED;
	for (int32_t i = 0; i < rows->n; i++)
		t->start[t->row[i].key + 1]++;
	for (int32_t i = 0; i < majors * minors; i++)
		t->start[i + 1] += t->start[i];
	named_rows_sort(rows, t->row);
	return FV_OK;
}

static fv_status lisa_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	lisa *self = state;
	const fv_rows *rows = setup->train;
	int32_t groups = rows->groups + 1,
		classes = rows->classes; /* here 0 is the unknown group */
	self->label.row = fv_alloc(ctx, (size_t)rows->n * sizeof(named_row));
	self->group.row = fv_alloc(ctx, (size_t)rows->n * sizeof(named_row));
	if (!self->label.row || !self->group.row)
		return FV_FAILED;
	for (int32_t i = 0; i < rows->n; i++) {
		self->label.row[i].key = rows->klass[i] * groups + rows->group[i] + 1;
		self->group.row[i].key = (rows->group[i] + 1) * classes + rows->klass[i];
	}
	fv_status status = open_table(&self->label, ctx, rows, classes, groups);
	return status != FV_OK ? status : open_table(&self->group, ctx, rows, groups, classes);
}

/* Draws a row with the same major and another minor, from minor `first` on; -1: there is none. */
static int32_t draw_partner(
	const table *t, fv_stream *stream, int32_t major, int32_t minor, int32_t first)
{
	const int32_t *start = t->start + major * t->minors;
	int32_t own = start[minor + 1] - start[minor];
	int32_t n = start[t->minors] - start[first] - own;
	if (n < 1)
		return -1;
	int32_t at = start[first] + (int32_t)fv_below(stream, (uint64_t)n);
	return t->row[at < start[minor] ? at : at + own].row;
}

static fv_status lisa_mix(
	void *state, fv_ctx *ctx, const fv_batch *batch, int32_t *partner_row, double *lambda)
{
	const lisa *self = state;
	for (int32_t i = 0; i < batch->n; i++) {
		fv_stream stream = mixing_open_stream(ctx, batch, i);
		int32_t klass = batch->klass[i], group = batch->group[i] + 1;
		bool same_label = fv_uniform(&stream) < self->p_sel;
		double share = mixing_draw_beta(&stream, self->alpha);
		if (group == 0)
			continue;
		int32_t partner = same_label ? draw_partner(&self->label, &stream, klass, group, 1)
					     : draw_partner(&self->group, &stream, group, klass, 0);
		if (partner < 0)
			continue;
		partner_row[i] = partner;
		lambda[i] = share;
	}
	return FV_OK;
}

static const fv_param params[] = {
	FV_PARAM_REAL(lisa, alpha, .name = "alpha", .min = 0.001, .max = 1000, .def_paper = "2",
		.doc = "both parameters of the Beta distribution of the share"),
	FV_PARAM_REAL(lisa, p_sel, .name = "p_sel", .min = 0, .max = 1, .def_paper = "0.5",
		.doc = "how often the partner has the same class and another group, rather than "
		       "the same group and another class"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.uses_groups = 1, .open = lisa_open, .mix = lisa_mix);

static const fv_descriptor descriptor = FV_LOSS(.name = "lisa", .version = "1.0.0",
	.summary = "LISA: mixtures within a class across groups, or within a group across classes",
	.source = "Yao et al., Improving out-of-distribution robustness via selective "
		  "augmentation, ICML 2022, algorithm 1",
	.licence = "Apache-2.0", .state_size = sizeof(lisa), FV_PARAMS(params), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
