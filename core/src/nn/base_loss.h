/* SPDX-License-Identifier: Apache-2.0 */
/* The base loss: class-balanced soft cross-entropy (Cui et al., CVPR 2019, for the weights).
 *
 *     n_k = #{i : y_ik > 1/C}   beta = (N-1)/N   w_k = (1-beta)/(1-beta^n_k), scaled to sum to C
 *     l_i = (sum_k w_k y_ik) (-sum_k y_ik log p_ik)      p = softmax(z)
 *     dl_i/dz = (sum_k w_k y_ik) (p sum_k y_ik - y_i)
 *
 * y > 1/C is asked in float32 on both sides. Sums are in double.
 */
#ifndef CORE_NN_BASE_LOSS_H
#define CORE_NN_BASE_LOSS_H

#include "base/context.h"

/* weight [C] from label [n,C]. A class without positives takes weight 0, with a warning that names
 * it (names [C], or NULL: its number). Errors: FV_DATA when no class has a positive. */
FV_NODISCARD fv_status core_class_weights(fv_ctx *ctx, const float *label, int32_t n,
	int32_t classes, const char *const *names, double *weight);

/* Computes the same from the counts alone. Classes with count 0 have weight 0. */
void core_class_weights_of(const int64_t *positives, int64_t n, int32_t classes, double *weight);

/* logits, label [n,C] -> loss [n], grad [n,C] (NULL: not wanted). Finite for any finite logits. */
void core_base_loss(int32_t n, int32_t classes, const float *logits, const float *label,
	const double *weight, double *loss, double *grad);

/* logits [n,C] -> probability [n,C], computed in double and rounded once; may be done in place.
 * Equal logits give exactly (float)(1.0 / C), which is not positive. PyTorch works in float32 and
 * can differ by one unit in the last place. */
void core_softmax(int32_t n, int32_t classes, const float *logits, float *probability);

#endif
