/* SPDX-License-Identifier: Apache-2.0 */
/* Adam and AdamW over one flat vector, as torch.optim does them: bias-corrected, eps added outside
 * the root, float32 state. Kingma & Ba, ICLR 2015; Loshchilov & Hutter, ICLR 2019 for the decoupled
 * decay.
 *
 *     g <- scale g (+ decay p, Adam)      p <- p (1 - lr decay)      (AdamW)
 *     m <- m + (1 - beta1) (g - m)        v <- beta2 v + (1 - beta2) g^2
 *     p <- p - lr / (1 - beta1^t)  m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 *
 * beta 0.9 and 0.999, eps 1e-8. `scale` is the factor of gradient clipping, applied in the same
 * pass. The instruction set is chosen at run time (backend/kernels.h); all give the same bits.
 */
#ifndef CORE_NN_ADAM_H
#define CORE_NN_ADAM_H

#include <stdbool.h>

#include "backend/kernels.h"
#include "base/context.h"

typedef struct core_adam {
	double learning_rate, weight_decay;
	bool decoupled; /* AdamW */
} core_adam;

/* step counts from 1. param, gradient, m, v [n]; m and v start at zero. */
void core_adam_step(const core_adam *adam, int64_t step, double scale, int64_t n, float *param,
	const float *gradient, float *m, float *v);

/* Euclidean norm, summed in double in a fixed order. */
double core_vector_norm(const float *x, int64_t n);

/* min(1, clip / (norm + 1e-6)), torch.nn.utils.clip_grad_norm_; 1 when clip is 0 (none). */
double core_clip_scale(double norm, double clip);

/* The scalars of a step, for any of the kernels */
core_adam_scalars core_adam_prepare(const core_adam *adam, int64_t step, double scale);

#endif
