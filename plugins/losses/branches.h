/* SPDX-License-Identifier: Apache-2.0 */
/* What the two-branch objectives of this folder share: the generalised cross-entropy (GCE), which
 * makes the biased branch follow what is easy, and the weight that makes the debiased branch follow
 * the rest.
 *
 *     W_i = E_b / (E_b + E_d + 1e-8)
 *     E <- m E + (1 - m) l
 *
 * E_b and E_d are moving averages of row i's base losses in the biased and the debiased branch. The
 * first visit of a row sets them to l.
 *
 * class_max divides each average by the largest one of the row's class in the training set. Rows
 * that were not visited yet count as 0, and a largest average of 0 gives weight 1. A row's class is
 * argmax y, the first class on ties. Averages are indexed by training row. Source: Nam, Cha, Ahn,
 * Lee, Shin, NeurIPS 2020; Lee, Kim, Lee, Lee, Choo, NeurIPS 2021.
 */
#ifndef LOSSES_BRANCHES_H
#define LOSSES_BRANCHES_H

#include <math.h>
#include <string.h>

#include <fairvox/fairvox.h>

enum { GCE_SOFT, GCE_LFF_OFFICIAL };

typedef struct branches {
	int32_t gce, class_max; /* parameters */
	double q, momentum;
	const fv_rows *train;
	const fv_loss_setup *setup;
	double *average[2]; /* [N] biased, debiased */
	int32_t *visits;    /* [N] */
	double *largest[2]; /* [C] */
} branches;

#define BRANCHES_PARAMS(state, member)                                                             \
	FV_PARAM_CHOICE(state, member.gce, .name = "gce", .choices = "soft|lff_official",          \
		.def_paper = "soft", .def_official = "lff_official",                               \
		.doc = "soft: generalised cross-entropy of the soft label; lff_official: "         \
		       "cross-entropy of the likeliest class times q p^q, held constant"),         \
		FV_PARAM_BOOL(state, member.class_max, .name = "class_max", .def_paper = "false",  \
			.def_official = "true",                                                    \
			.doc = "divide the averages by the largest of their class before "         \
			       "comparing them"),                                                  \
		FV_PARAM_REAL(state, member.q, .name = "q", .min = 0.001, .max = 1,                \
			.def_paper = "0.7",                                                        \
			.doc = "how strongly the biased branch prefers what it gets right: "       \
			       "near 0 cross-entropy, 1 mean absolute error"),                     \
		FV_PARAM_REAL(state, member.momentum, .name = "momentum", .min = 0, .max = 1,      \
			.def_paper = "0.7",                                                        \
			.doc = "share of the old value in the moving average of a loss")

static inline fv_status branches_open(branches *b, fv_ctx *ctx, const fv_loss_setup *setup)
{
	b->train = setup->train;
	b->setup = setup;
	b->average[0] = fv_array(ctx, "average_biased", FV_F64, b->train->n, 1);
	b->average[1] = fv_array(ctx, "average_debiased", FV_F64, b->train->n, 1);
	b->visits = fv_array(ctx, "visits", FV_I32, b->train->n, 1);
	for (int32_t k = 0; k < 2; k++)
		b->largest[k] = fv_alloc(ctx, (size_t)b->train->classes * sizeof(double));
	return b->average[0] && b->average[1] && b->visits && b->largest[0] && b->largest[1]
		       ? FV_OK
		       : FV_FAILED;
}

static inline void branches_find_largest(const branches *b)
{
	for (int32_t k = 0; k < 2; k++) {
		memset(b->largest[k], 0, (size_t)b->train->classes * sizeof(double));
		for (int32_t i = 0; i < b->train->n; i++)
			b->largest[k][b->train->klass[i]] =
				fmax(b->largest[k][b->train->klass[i]], b->average[k][i]);
	}
}

/* Updates the averages with the batch's base losses of both branches and writes W [B]. */
static inline void branches_weigh(const branches *b, const fv_batch *batch, const double *biased,
	const double *debiased, double *weight)
{
	for (int32_t i = 0; i < batch->n; i++) {
		int32_t row = batch->row[i];
		double keep = b->visits[row]++ ? b->momentum : 0;
		b->average[0][row] = keep * b->average[0][row] + (1 - keep) * biased[i];
		b->average[1][row] = keep * b->average[1][row] + (1 - keep) * debiased[i];
	}
	if (b->class_max)
		branches_find_largest(b);
	for (int32_t i = 0; i < batch->n; i++) {
		int32_t row = batch->row[i], klass = b->train->klass[row];
		double e[2] = {b->average[0][row], b->average[1][row]};
		weight[i] = 1;
		if (b->class_max && (b->largest[0][klass] == 0 || b->largest[1][klass] == 0))
			continue;
		for (int32_t k = 0; k < 2 && b->class_max; k++)
			e[k] /= b->largest[k][klass];
		weight[i] = e[0] / (e[0] + e[1] + 1e-8);
	}
}

/* Returns the generalised cross-entropy of one row and writes its gradient [C], or none if gradient
 * is NULL. logits and label are [C]; klass is argmax label.
 *
 *     soft          sum_k w_k y_k (1 - p_k^q) / q
 *     lff_official  -log p_c  q p_c^q, the last factor held constant */
static inline double branches_compute_gce(
	const branches *b, const float *logits, const float *label, int32_t klass, double *gradient)
{
	int32_t classes = b->train->classes;
	double largest = logits[0], sum = 0, loss = 0, total = 0;
	for (int32_t k = 1; k < classes; k++)
		largest = fmax(largest, logits[k]);
	for (int32_t k = 0; k < classes; k++)
		sum += exp(logits[k] - largest);
	double norm = largest + log(sum);
	if (b->gce == GCE_LFF_OFFICIAL) {
		double log_p = logits[klass] - norm, factor = b->q * exp(b->q * log_p);
		for (int32_t k = 0; gradient && k < classes; k++)
			gradient[k] = factor * (exp(logits[k] - norm) - (k == klass));
		return -log_p * factor;
	}
	for (int32_t k = 0; k < classes; k++) {
		double share = b->setup->class_weight[k] * label[k], log_p = logits[k] - norm;
		loss -= share * expm1(b->q * log_p) / b->q;
		total += share * exp(b->q * log_p);
		if (gradient)
			gradient[k] = -share * exp(b->q * log_p);
	}
	for (int32_t k = 0; gradient && k < classes; k++)
		gradient[k] += total * exp(logits[k] - norm);
	return loss;
}

/* Returns the mean generalised cross-entropy of logits [B,C] and adds `scale` times its gradient to
 * `gradient` [B,C] (NULL: none). Row i uses the label of row permutation[i], or its own if
 * permutation is NULL. scratch is [C]. */
static inline double branches_add_gce(const branches *b, const fv_batch *batch, const float *logits,
	const int32_t *permutation, double scale, double *scratch, float *gradient)
{
	size_t classes = (size_t)batch->classes;
	double sum = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		int32_t of = permutation ? permutation[i] : i;
		size_t at = (size_t)i * classes;
		sum += branches_compute_gce(b, logits + at, batch->label + (size_t)of * classes,
			batch->klass[of], gradient ? scratch : NULL);
		for (size_t k = 0; gradient && k < classes; k++)
			gradient[at + k] += (float)(scale / batch->n * scratch[k]);
	}
	return sum / batch->n;
}

/* Returns mean(weight x base loss) of logits [B,C] and adds `scale` times its gradient to
 * `gradient` [B,C]. scratch is [C]. */
static inline double branches_add_ce(const branches *b, const fv_batch *batch, const float *logits,
	const double *weight, double scale, double *scratch, float *gradient)
{
	size_t classes = (size_t)batch->classes;
	double sum = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		size_t at = (size_t)i * classes;
		sum += weight[i] * fv_base_loss(b->setup, logits + at, batch->label + at, scratch);
		for (size_t k = 0; k < classes; k++)
			gradient[at + k] += (float)(scale * weight[i] / batch->n * scratch[k]);
	}
	return sum / batch->n;
}

/* Writes the base losses [B] of logits [B,C]. */
static inline void branches_compute_losses(
	const branches *b, const fv_batch *batch, const float *logits, double *loss)
{
	for (int32_t i = 0; i < batch->n; i++) {
		size_t at = (size_t)i * (size_t)batch->classes;
		loss[i] = fv_base_loss(b->setup, logits + at, batch->label + at, NULL);
	}
}

#endif
