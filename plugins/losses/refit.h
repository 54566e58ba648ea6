/* SPDX-License-Identifier: Apache-2.0 */
/* What objectives share that train again with weights of the rows: weights of the development rows,
 * and weights with which every part of the rows counts the same. */
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

/* Returns s_i, what the class weights w of the base loss make of row i: sum_k w_k y_ik; 1 with base
 * loss bce, which weighs every class in every row. */
static inline double refit_label_weight(const fv_loss_setup *setup, const fv_rows *rows, int32_t i)
{
	const float *label = rows->label + (size_t)i * (size_t)rows->classes;
	double sum = 0;
	if (setup->base_kind == FV_BCE)
		return 1;
	for (int32_t k = 0; k < rows->classes; k++)
		sum += setup->class_weight[k] * (double)label[k];
	return sum;
}

/* Writes the weights with which every part counts the same, whatever the class weights are:
 *
 *     m_i = n' / (K S_p),  S_p = sum of s_j over the rows of part p
 *
 * of the n rows listed in `row` (NULL: rows 0 to n - 1), by row number. part [rows->n] holds each
 * row's part, less than `parts`; -1: the row has weight 0. n' rows have a part, K parts have rows.
 * Errors: FV_FAILED if memory is out. */
static inline fv_status refit_balance_parts(fv_ctx *ctx, const fv_loss_setup *setup,
	const fv_rows *rows, const int32_t *row, int64_t n, const int32_t *part, int32_t parts,
	double *weight)
{
	double *total = fv_scratch(ctx, (size_t)parts * sizeof *total), known = 0, present = 0;
	if (!total)
		return FV_FAILED;
	for (int32_t p = 0; p < parts; p++)
		total[p] = 0;
	for (int64_t i = 0; i < n; i++) {
		int32_t at = row ? row[i] : (int32_t)i;
		known += part[at] >= 0;
		if (part[at] >= 0)
			total[part[at]] += refit_label_weight(setup, rows, at);
	}
	for (int32_t p = 0; p < parts; p++)
		present += total[p] > 0;
	for (int64_t i = 0; i < n; i++) {
		int32_t at = row ? row[i] : (int32_t)i;
		double of_part = part[at] < 0 ? 0 : total[part[at]];
		weight[at] = of_part > 0 ? known / (present * of_part) : 0;
	}
	return FV_OK;
}

#endif
