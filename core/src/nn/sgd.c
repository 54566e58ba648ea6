/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/sgd.h"

#include <stddef.h>

#include "backend/kernels.h"

void core_sgd_step(const core_sgd *sgd, double scale, int64_t n, float *param,
	const float *gradient, float *velocity)
{
	const core_sgd_scalars scalars = {.scale = (float)scale,
		.l2 = (float)sgd->weight_decay,
		.momentum = (float)sgd->momentum,
		.rate = (float)sgd->learning_rate};
	core_kernels_used()->sgd_step(
		&scalars, n, param, gradient, sgd->momentum > 0 ? velocity : NULL);
}
