/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/speaker_spread.h"

#include <math.h>

#include "eval/metric_formulas.h"

static double compute_mean(const double *x, int32_t n)
{
	double sum = 0;
	for (int32_t i = 0; i < n; i++)
		sum += x[i];
	return sum / n;
}

static double compute_sd(const double *x, int32_t n, double mean)
{
	double sum = 0;
	for (int32_t i = 0; i < n; i++)
		sum += (x[i] - mean) * (x[i] - mean);
	return sqrt(sum / (n - 1));
}

static double compute_gini(const double *x, int32_t n, double mean)
{
	double sum = 0;
	for (int32_t i = 0; i < n; i++)
		for (int32_t j = 0; j < n; j++)
			sum += fabs(x[i] - x[j]);
	return mean > 0 ? sum / (2 * (double)n * n * mean) : NAN;
}

fv_status core_speaker_spread_compute(
	fv_ctx *ctx, const core_tally *speakers, int64_t min_support, core_speaker_spread *out)
{
	const core_tally argmax = core_tally_read(speakers, CORE_ARGMAX);
	double *uar = core_alloc(ctx, (size_t)speakers->K + 1, sizeof *uar);
	*out = (core_speaker_spread){0, NAN, NAN};
	if (!uar)
		return FV_FAILED;
	for (int32_t s = 0; s < speakers->K; s++) {
		int64_t rows = core_tally_rows(&argmax, s);
		if (rows > 0 && rows >= min_support)
			uar[out->n++] = core_uar(&argmax, s);
	}
	if (out->n < 2)
		return FV_OK;
	double mean = compute_mean(uar, out->n);
	out->sd = compute_sd(uar, out->n, mean);
	out->gini = compute_gini(uar, out->n, mean);
	return FV_OK;
}
