/* SPDX-License-Identifier: Apache-2.0 */
/* Stochastic gradient descent over one flat vector, as torch.optim.SGD does it: coupled weight decay,
 * momentum without dampening, float32 state.
 *
 *     g <- scale g + decay p      b <- momentum b + g      p <- p - lr b
 *
 * Without momentum there is no b, and p <- p - lr g. `scale` is the factor of gradient clipping, applied
 * in the same pass. All instruction sets give the same bits (backend/kernels.h).
 */
#ifndef CORE_NN_SGD_H
#define CORE_NN_SGD_H

#include <stdint.h>

typedef struct core_sgd {
	double learning_rate, weight_decay, momentum;
} core_sgd;

/* param, gradient [n]; velocity [n] starts at zero and is not read without momentum. */
void core_sgd_step(const core_sgd *sgd, double scale, int64_t n, float *param,
	const float *gradient, float *velocity);

#endif
