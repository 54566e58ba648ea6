/* SPDX-License-Identifier: Apache-2.0 */
/* The base losses of a sample, and the probabilities that go with them.
 *
 *     soft_ce  l = (sum_k w_k y_k) (-sum_k y_k log p_k)               p = softmax(z)
 *     focal    l = sum_k w_k y_k (1 - p_k)^gamma (-log p_k)           p = softmax(z)
 *     bce      l = (1/C) sum_k w_k (-y_k log p_k - (1 - y_k) log(1 - p_k))   p = sigmoid(z)
 *
 * Class weights, where n_k = #{i : y_ik > 1/C} and beta = (N-1)/N:
 *
 *     effective  (1-beta)/(1-beta^n_k)    Cui et al., CVPR 2019
 *     inverse    N/(C n_k)
 *
 * both scaled to sum to C, which cancels the constants. y > 1/C is asked in float32 on both sides. Sums are
 * in double. focal: Lin et al., ICCV 2017, for a soft label the expectation over it. With weights 1, the
 * mean of bce over a batch is that of torch.nn.BCEWithLogitsLoss.
 */
#ifndef CORE_NN_BASE_LOSS_H
#define CORE_NN_BASE_LOSS_H

#include <stdbool.h>

#include <fairvox/loss.h>

#include "base/context.h"

typedef struct core_base {
	fv_base_kind kind;
	double focal_gamma;
	const double *weight; /* [C] w_k */
} core_base;

/* weight [C] from label [n,C]: inverse, or effective. A class without positives takes weight 0, with a
 * warning that names it (names [C], or NULL: its number). Errors: FV_DATA when no class has a positive. */
FV_NODISCARD fv_status core_class_weights(fv_ctx *ctx, bool inverse, const float *label, int32_t n,
	int32_t classes, const char *const *names, double *weight);

/* Computes the same from the counts alone. Classes with count 0 have weight 0. */
void core_class_weights_of(
	bool inverse, const int64_t *positives, int64_t n, int32_t classes, double *weight);

/* logits, label [n,C] -> loss [n], grad [n,C] with respect to the logits (NULL: not wanted). Finite for any
 * finite logits. */
void core_base_loss(const core_base *base, int32_t n, int32_t classes, const float *logits,
	const float *label, double *loss, double *grad);

/* Probabilities of one row of logits [C] -> p [C], in double. */
void core_base_probability(fv_base_kind kind, int32_t classes, const float *logits, double *p);

/* logits [n,C] -> probability [n,C], computed in double and rounded once; may be done in place. PyTorch
 * works in float32 and can differ by one unit in the last place. A class is predicted if its probability is
 * above core_base_cut. */
void core_base_predict(
	fv_base_kind kind, int32_t n, int32_t classes, const float *logits, float *probability);

/* Returns 0.5 for a sigmoid, else (float)(1.0 / C), which equal logits give exactly. */
float core_base_cut(fv_base_kind kind, int32_t classes);

/* core_base_predict of the softmax */
void core_softmax(int32_t n, int32_t classes, const float *logits, float *probability);

#endif
