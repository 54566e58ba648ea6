/* SPDX-License-Identifier: Apache-2.0 */
/* What objectives share that weight rows by the predictions of a first model: weights of the
 * development rows in the second stage. */
#ifndef LOSSES_REFIT_H
#define LOSSES_REFIT_H

#include <math.h>

#include <fairvox/fairvox.h>

/* Scales weight [n] to mean 1. At least one weight must be above 0. */
static inline void refit_normalise(double *weight, int32_t n)
{
	double sum = 0;
	for (int32_t i = 0; i < n; i++)
		sum += weight[i];
	for (int32_t i = 0; i < n; i++)
		weight[i] *= n / sum;
}

/* Returns (1/B) sum_i weight_row l_i, or the mean if weight is NULL. */
static inline double refit_compute_mean(const fv_batch *batch, const double *weight)
{
	double sum = 0;
	for (int32_t i = 0; i < batch->n; i++)
		sum += (weight ? weight[batch->row[i]] : 1) * batch->loss[i];
	return sum / batch->n;
}

#endif
