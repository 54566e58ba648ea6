/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/base_loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/positive.h"

void core_class_weights_of(
	bool inverse, const int64_t *positives, int64_t n, int32_t classes, double *weight)
{
	double log_beta = log1p(-1.0 / (double)n), total = 0;
	for (int32_t k = 0; k < classes; k++) {
		weight[k] = 0;
		if (positives[k] > 0 && inverse)
			weight[k] = (double)n / ((double)classes * (double)positives[k]);
		else if (positives[k] >
			 0) /* -expm1(n_k log beta) = 1 - beta^n_k without cancellation */
			weight[k] = 1.0 / (double)n / -expm1((double)positives[k] * log_beta);
		total += weight[k];
	}
	for (int32_t k = 0; k < classes && total > 0; k++)
		weight[k] *= classes / total;
}

fv_status core_class_weights(fv_ctx *ctx, bool inverse, const float *label, int32_t n,
	int32_t classes, const char *const *names, double *weight)
{
	int64_t *positives = calloc((size_t)classes, sizeof *positives), found = 0;
	if (!positives)
		return fv_fail(ctx, FV_FAILED, "out of memory (%d classes)", (int)classes);
	float limit = core_chance_share(classes);
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
	core_class_weights_of(inverse, positives, n, classes, weight);
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

static double compute_soft_ce(
	const core_base *base, const float *z, const float *y, int32_t classes, double *grad)
{
	const double *w = base->weight;
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

/* The gradient is a_k - p_k sum_j a_j with a_k = w_k y_k p_k d/dp_k ((1 - p_k)^gamma (-log p_k)). */
static double compute_focal(
	const core_base *base, const float *z, const float *y, int32_t classes, double *grad)
{
	double norm = compute_log_sum_exp(z, classes), loss = 0, sum = 0;
	for (int32_t k = 0; k < classes; k++) {
		double share = base->weight[k] * y[k], log_p = z[k] - norm, q = -expm1(log_p);
		double factor = pow(q, base->focal_gamma);
		loss -= share * factor * log_p;
		if (!grad)
			continue;
		double ratio = q > 0 ? log_p / q : -1; /* its limit at p = 1 */
		grad[k] = share * factor * (base->focal_gamma * exp(log_p) * ratio - 1);
		sum += grad[k];
	}
	for (int32_t k = 0; grad && k < classes; k++)
		grad[k] -= exp(z[k] - norm) * sum;
	return loss;
}

static double compute_sigmoid(double z)
{
	return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

static double compute_bce(
	const core_base *base, const float *z, const float *y, int32_t classes, double *grad)
{
	double loss = 0;
	for (int32_t k = 0; k < classes; k++) {
		double x = z[k], w = base->weight[k] / classes;
		loss += w * (fmax(x, 0) - x * y[k] + log1p(exp(-fabs(x))));
		if (grad)
			grad[k] = w * (compute_sigmoid(x) - y[k]);
	}
	return loss;
}

void core_base_loss(const core_base *base, int32_t n, int32_t classes, const float *logits,
	const float *label, double *loss, double *grad)
{
	double (*const compute[])(
		const core_base *, const float *, const float *, int32_t, double *) = {
		[FV_SOFT_CE] = compute_soft_ce, [FV_BCE] = compute_bce, [FV_FOCAL] = compute_focal};
	for (int32_t i = 0; i < n; i++) {
		size_t at = (size_t)i * (size_t)classes;
		loss[i] = compute[base->kind](
			base, logits + at, label + at, classes, grad ? grad + at : NULL);
	}
}

void core_base_probability(fv_base_kind kind, int32_t classes, const float *logits, double *p)
{
	double most = -INFINITY, sum = 0;
	for (int32_t k = 0; kind == FV_BCE && k < classes; k++)
		p[k] = compute_sigmoid(logits[k]);
	if (kind == FV_BCE)
		return;
	for (int32_t k = 0; k < classes; k++)
		most = fmax(most, logits[k]);
	for (int32_t k = 0; k < classes; k++)
		sum += p[k] = exp(logits[k] - most);
	for (int32_t k = 0; k < classes; k++)
		p[k] /= sum;
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

void core_base_predict(
	fv_base_kind kind, int32_t n, int32_t classes, const float *logits, float *probability)
{
	if (kind != FV_BCE) {
		core_softmax(n, classes, logits, probability);
		return;
	}
	for (int64_t i = 0; i < (int64_t)n * classes; i++)
		probability[i] = (float)compute_sigmoid(logits[i]);
}

float core_base_cut(fv_base_kind kind, int32_t classes)
{
	return kind == FV_BCE ? 0.5f : core_chance_share(classes);
}
