/* SPDX-License-Identifier: Apache-2.0 */
/* Deep feature reweighting (DFR): the output layer is trained anew on held-out speakers, on as many
 * recordings of every subgroup, several times, and the results are averaged.
 *
 *     stage 1          the mean loss on the rows of about (1 - holdout) of the speakers
 *     stages 2 .. R+1  on n* rows of every subgroup (class x group), drawn from the other speakers'
 *                      rows without replacement, n* the size of the smallest subgroup that they have;
 *                      output layer only, from new start values, the layers below as stage 1 left
 *                      them:
 *                      (1/N2) sum_i m_i l_i + (1/(c N2)) sum_j |w_j|,  m_i = N2 / (K S_p),
 *                      S_p = sum_(j of subgroup p) s_j
 *     stage R+2        the mean of the models of stages 2 .. R+1
 *
 * Shapes: R = refits, K subgroups have held-out rows, N2 = n* K, p the subgroup of row i,
 * w = output.weight. s_i = sum_k v_k y_ik is what the class weights v of the base loss make of the row
 * (1 with base loss bce), so that every subgroup counts the same, whatever train.class_weights says;
 * with `none` m_i = 1. The class of a row is the argmax of its label, the first on ties. Rows of an unknown group take part in
 * stage 1 only. A subgroup without held-out rows is left out, with a note. Speakers are held out as in
 * `afr`; the rows of refit r are drawn by stream ("dfr", r, file name). Validation: the mean in stage
 * 1; afterwards (1/B) sum_i m_i l_i, with m over the development rows, 0 for those of an unknown group.
 *
 * Source: Kirichenko, Izmailov, Wilson, "Last layer re-training is sufficient for robustness to
 * spurious correlations", ICLR 2023, section 5 and appendix B (DFR on training data: 10 refits with an
 * L1 penalty). Differences from the authors' code: Adam steps on batches instead of liblinear; inputs
 * of the output layer are not standardised; c is not tuned by worst-group accuracy; hold-outs split by
 * speaker.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "holdout.h"
#include "refit.h"

typedef struct dfr {
	double holdout, c, refit_learning_rate;
	int64_t refits, refit_epochs;
	const fv_loss_setup *setup;
	holdout rows;       /* of stage 1, and those that refits draw from */
	int32_t *subgroup;  /* [N] of the training rows; -1: unknown group */
	int64_t *size;      /* [C,G] held-out rows of each subgroup */
	int64_t each;       /* n* */
	int64_t n;          /* N2 */
	int32_t *drawn;     /* [N2] rows of the current refit */
	int32_t *average;   /* [R] stages 2 .. R + 1 */
	double *weight;     /* [N] m_i of the drawn rows; 0 for the others */
	double *dev_weight; /* [dev n] */
	int32_t index;      /* of the stage, from 0 */
} dfr;

typedef struct candidate {
	uint64_t draw;
	const char *stem;
	int32_t subgroup, row;
} candidate;

/* Writes each row's subgroup -> memory of the run; NULL, with a message, if it is out. */
static int32_t *list_subgroups(fv_ctx *ctx, const fv_rows *rows)
{
	int32_t *out = fv_alloc(ctx, (size_t)rows->n * sizeof *out);
	for (int32_t i = 0; out && i < rows->n; i++)
		out[i] = rows->group[i] < 0 ? -1 : rows->klass[i] * rows->groups + rows->group[i];
	return out;
}

/* Counts the held-out rows of every subgroup, and says how many each refit gets. */
static fv_status count_subgroups(dfr *self, fv_ctx *ctx)
{
	const fv_rows *train = self->setup->train;
	int64_t all = (int64_t)train->classes * train->groups, present = 0;
	for (int64_t i = 0; i < self->rows.second; i++) {
		int32_t subgroup = self->subgroup[self->rows.row[self->rows.first + i]];
		if (subgroup >= 0)
			self->size[subgroup]++;
	}
	for (int64_t s = 0; s < all; s++) {
		present += self->size[s] > 0;
		if (self->size[s] > 0 && (!self->each || self->size[s] < self->each))
			self->each = self->size[s];
	}
	self->n = present * self->each;
	if (!present)
		return fv_fail(ctx, FV_DATA,
			"no held-out recording has a known group: hold out more, or use another "
			"grouper");
	fv_note(ctx,
		"each refit has %lld held-out recording%s of each of %lld subgroups (class x group)"
		"%s",
		(long long)self->each, self->each == 1 ? "" : "s", (long long)present,
		present < all ? "; the others have none" : "");
	return FV_OK;
}

static fv_status weigh_dev(dfr *self, fv_ctx *ctx)
{
	const fv_rows *dev = self->setup->dev;
	const int32_t *subgroup = list_subgroups(ctx, dev);
	bool known = false;
	for (int32_t i = 0; subgroup && i < dev->n; i++)
		known = known || subgroup[i] >= 0;
	if (subgroup && !known)
		return fv_fail(ctx, FV_DATA, "no development recording has a known group");
	return subgroup ? refit_balance_parts(ctx, self->setup, dev, NULL, dev->n, subgroup,
				  dev->classes * dev->groups, self->dev_weight)
			: FV_FAILED;
}

static fv_status dfr_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	dfr *self = state;
	const fv_rows *train = setup->train;
	self->setup = setup;
	fv_status status = holdout_draw(ctx, train, self->holdout, &self->rows);
	if (status != FV_OK)
		return status;
	size_t all = (size_t)train->classes * (size_t)train->groups;
	self->subgroup = list_subgroups(ctx, train);
	self->weight = fv_alloc(ctx, (size_t)train->n * sizeof *self->weight);
	self->size = fv_alloc(ctx, all * sizeof *self->size);
	self->average = fv_alloc(ctx, (size_t)self->refits * sizeof *self->average);
	self->drawn = fv_alloc(ctx, (size_t)self->rows.second * sizeof *self->drawn);
	self->dev_weight = fv_alloc(ctx, (size_t)setup->dev->n * sizeof *self->dev_weight);
	if (!self->subgroup || !self->weight || !self->size || !self->average || !self->drawn ||
		!self->dev_weight)
		return FV_FAILED;
	for (int64_t r = 0; r < self->refits; r++)
		self->average[r] = (int32_t)r + 2;
	status = count_subgroups(self, ctx);
	return status != FV_OK ? status : weigh_dev(self, ctx);
}

static int compare_candidates(const void *a, const void *b)
{
	const candidate *x = a, *y = b;
	if (x->subgroup != y->subgroup)
		return x->subgroup < y->subgroup ? -1 : 1;
	if (x->draw != y->draw)
		return x->draw < y->draw ? -1 : 1;
	return strcmp(x->stem, y->stem);
}

/* Draws n* rows of each subgroup for a refit, counting from 1. */
static fv_status draw_rows(dfr *self, fv_ctx *ctx, int32_t refit)
{
	const fv_rows *train = self->setup->train;
	candidate *list = fv_scratch(ctx, (size_t)self->rows.second * sizeof *list);
	int64_t n = 0, taken = 0, of_subgroup = 0;
	if (!list)
		return FV_FAILED;
	for (int64_t i = 0; i < self->rows.second; i++) {
		int32_t row = self->rows.row[self->rows.first + i];
		int32_t subgroup = self->subgroup[row];
		fv_stream stream = fv_rng(ctx, "dfr", refit, fv_name_hash(train->stem[row]));
		if (subgroup >= 0)
			list[n++] = (candidate){fv_next(&stream), train->stem[row], subgroup, row};
	}
	qsort(list, (size_t)n, sizeof *list, compare_candidates);
	for (int64_t i = 0; i < n; i++) {
		bool same = i && list[i].subgroup == list[i - 1].subgroup;
		of_subgroup = same ? of_subgroup + 1 : 0;
		if (of_subgroup < self->each)
			self->drawn[taken++] = list[i].row;
	}
	memset(self->weight, 0, (size_t)train->n * sizeof *self->weight);
	return refit_balance_parts(ctx, self->setup, train, self->drawn, self->n, self->subgroup,
		train->classes * train->groups, self->weight);
}

static fv_status dfr_next(void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	dfr *self = state;
	*more = index <= self->refits;
	self->index = index;
	if (index == 0) {
		stage->row = self->rows.row;
		stage->n = self->rows.first;
		return FV_OK;
	}
	if (index > self->refits) {
		stage->n_average = (int32_t)self->refits;
		stage->average = self->average;
		return FV_OK;
	}
	stage->row = self->drawn;
	stage->n = self->n;
	stage->row_weight = self->weight;
	stage->start = 1;
	stage->output_only = 1;
	stage->fresh_output = 1;
	stage->output_l1 = self->c > 0 ? 1 / (self->c * (double)self->n) : 0;
	stage->epochs = self->refit_epochs;
	stage->learning_rate = self->refit_learning_rate;
	return draw_rows(self, ctx, index);
}

static fv_status dfr_evaluate(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const dfr *self = state;
	(void)ctx;
	*value = refit_compute_mean(batch, self->index ? self->dev_weight : NULL);
	return FV_OK;
}

static const fv_stages_1 stages = FV_STAGES(.next = dfr_next);

static const void *dfr_extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const fv_param params[] = {
	FV_PARAM_REAL(dfr, holdout, .name = "holdout", .min = 0.01, .max = 0.99, .def_paper = "0.2",
		.doc = "share of the training recordings held out for the refits, by whole "
		       "speakers"),
	FV_PARAM_INT(dfr, refits, .name = "refits", .min = 1, .max = 60, .def_paper = "10",
		.doc = "refits of the output layer that are averaged"),
	FV_PARAM_REAL(dfr, c, .name = "c", .min = 0, .max = 1000000, .def_paper = "1",
		.doc = "inverse strength of the L1 penalty, C of scikit-learn; 0: no penalty"),
	FV_PARAM_INT(dfr, refit_epochs, .name = "refit_epochs", .min = 0, .max = 1000000,
		.def_paper = "0", .doc = "epochs of each refit; 0: train.epochs"),
	FV_PARAM_REAL(dfr, refit_learning_rate, .name = "refit_learning_rate", .min = 0,
		.max = 1000, .def_paper = "0.001",
		.doc = "learning rate of the refits; 0: train.learning_rate"),
};

static const fv_loss_ops ops =
	FV_LOSS_OPS(.uses_groups = 1, .open = dfr_open, .evaluate = dfr_evaluate);

static const fv_descriptor descriptor = FV_LOSS(.name = "dfr", .version = "1.0.0",
	.summary = "deep feature reweighting: the mean of output layers trained on balanced "
		   "subgroups",
	.source = "Kirichenko et al., Last layer re-training is sufficient for robustness to "
		  "spurious correlations, ICLR 2023",
	.licence = "Apache-2.0", .state_size = sizeof(dfr), FV_PARAMS(params), .ops = &ops,
	.extension = dfr_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
