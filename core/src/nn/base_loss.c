/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/base_loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void core_class_weights_of(const int64_t *positives, int64_t n, int32_t classes, double *weight)
{
	double log_beta = log1p(-1.0 / (double)n), total = 0;
	for (int32_t k = 0; k < classes; k++) {
		weight[k] = 0;
		if (positives[k] > 0) /* -expm1(n_k log beta) = 1 - beta^n_k without cancellation */
			weight[k] = 1.0 / (double)n / -expm1((double)positives[k] * log_beta);
		total += weight[k];
	}
	for (int32_t k = 0; k < classes && total > 0; k++)
		weight[k] *= classes / total;
}

fv_status core_class_weights(fv_ctx *ctx, const float *label, int32_t n, int32_t classes,
	const char *const *names, double *weight)
{
	int64_t *positives = calloc((size_t)classes, sizeof *positives), found = 0;
	if (!positives)
		return fv_fail(ctx, FV_FAILED, "out of memory (%d classes)", (int)classes);
	float limit = (float)(1.0 / classes);
	for (int64_t i = 0; i < (int64_t)n * classes; i++)
		positives[i % classes] += label[i] > limit;
	for (int32_t k = 0; k < classes; k++)
		found += positives[k];
	for (int32_t k = 0; k < classes && found; k++) {
		if (positives[k])
			continue;
		if (names)
			fv_warn(ctx, "class %s has no positive training label: its weight is 0",
				names[k]);
		else
			fv_warn(ctx, "class %d has no positive training label: its weight is 0",
				(int)k);
	}
	core_class_weights_of(positives, n, classes, weight);
	free(positives);
	if (!found)
		return fv_fail(
			ctx, FV_DATA, "no training label is above 1/%d in any class", (int)classes);
	return FV_OK;
}

/* log sum_k exp(z_k) */
static double compute_log_sum_exp(const float *z, int32_t classes)
{
	double largest = z[0];
	for (int32_t k = 1; k < classes; k++)
		largest = z[k] > largest ? z[k] : largest;
	double sum = exp(z[0] - largest);
	for (int32_t k = 1; k < classes; k++)
		sum += exp(z[k] - largest);
	return largest + log(sum);
}

static double compute_row_loss(
	const float *z, const float *y, const double *w, int32_t classes, double *grad)
{
	double norm = compute_log_sum_exp(z, classes), weight = 0, total = 0, cross = 0;
	for (int32_t k = 0; k < classes; k++) {
		weight += w[k] * y[k];
		total += y[k];
		cross -= y[k] * (z[k] - norm);
	}
	for (int32_t k = 0; grad && k < classes; k++)
		grad[k] = weight * (exp(z[k] - norm) * total - y[k]);
	return weight * cross;
}

void core_base_loss(int32_t n, int32_t classes, const float *logits, const float *label,
	const double *weight, double *loss, double *grad)
{
	for (int32_t i = 0; i < n; i++) {
		size_t at = (size_t)i * (size_t)classes;
		loss[i] = compute_row_loss(
			logits + at, label + at, weight, classes, grad ? grad + at : NULL);
	}
}

void core_softmax(int32_t n, int32_t classes, const float *logits, float *probability)
{
	for (int32_t i = 0; i < n; i++) {
		const float *z = logits + (size_t)i * (size_t)classes;
		float *p = probability + (size_t)i * (size_t)classes;
		double most = -INFINITY, sum = 0;
		for (int32_t k = 0; k < classes; k++)
			if ((double)z[k] > most)
				most = (double)z[k];
		for (int32_t k = 0; k < classes; k++)
			sum += exp((double)z[k] - most);
		for (int32_t k = 0; k < classes; k++)
			p[k] = (float)(exp((double)z[k] - most) / sum);
	}
}
