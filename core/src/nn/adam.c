/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/adam.h"

#include <math.h>

#define BETA1 0.9
#define BETA2 0.999
#define EPSILON 1e-8

core_adam_scalars core_adam_prepare(const core_adam *adam, int64_t step, double scale)
{
	double correct1 = 1 - pow(BETA1, (double)step), correct2 = 1 - pow(BETA2, (double)step);
	double decay = adam->learning_rate * adam->weight_decay;
	return (core_adam_scalars){
		.scale = (float)scale,
		.l2 = adam->decoupled ? 0 : (float)adam->weight_decay,
		.keep = adam->decoupled ? (float)(1 - decay) : 1,
		.one_beta1 = (float)(1 - BETA1),
		.beta2 = (float)BETA2,
		.one_beta2 = (float)(1 - BETA2),
		.rate = (float)(adam->learning_rate / correct1),
		.root = (float)(1 / sqrt(correct2)),
		.eps = (float)EPSILON,
	};
}

void core_adam_step(const core_adam *adam, int64_t step, double scale, int64_t n, float *param,
	const float *gradient, float *m, float *v)
{
	core_adam_scalars scalars = core_adam_prepare(adam, step, scale);
	core_kernels_used()->adam_step(&scalars, n, param, gradient, m, v);
}

double core_vector_norm(const float *x, int64_t n)
{
	return sqrt(core_kernels_used()->sum_squares(x, n));
}

double core_clip_scale(double norm, double clip)
{
	double scale = clip > 0 ? clip / (norm + 1e-6) : 1;
	return scale < 1 ? scale : 1;
}
