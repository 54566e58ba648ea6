/* SPDX-License-Identifier: Apache-2.0 */
/* Windows, sums, quantiles. Sums run in LANES interleaved parts, which compilers vectorise
 * without changing the result. */
#include "dsp/vector.h"

#include <math.h>
#include <string.h>

#include <fairvox/dsp.h>

#define LANES 16
#define BLOCK 4096 /* floats summed in float before being added to a double */

static float sum_lanes(float *sum)
{
	for (int width = LANES / 2; width; width /= 2)
		for (int j = 0; j < width; j++)
			sum[j] += sum[j + width];
	return sum[0];
}

void fv_window_hann(float *w, int32_t n)
{
	for (int32_t i = 0; i < n; i++)
		w[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / n));
}

float fv_dot(const float *a, const float *b, int64_t n)
{
	float sum[LANES] = {0};
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES)
		for (int j = 0; j < LANES; j++)
			sum[j] += a[i + j] * b[i + j];
	for (int j = 0; i + j < n; j++)
		sum[j] += a[i + j] * b[i + j];
	return sum_lanes(sum);
}

static float sum_block(const float *x, int64_t n)
{
	float sum[LANES] = {0};
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES)
		for (int j = 0; j < LANES; j++)
			sum[j] += x[i + j];
	for (int j = 0; i + j < n; j++)
		sum[j] += x[i + j];
	return sum_lanes(sum);
}

float core_mean(const float *x, int64_t n)
{
	double sum = 0;
	for (int64_t i = 0; i < n; i += BLOCK)
		sum += (double)sum_block(x + i, n - i < BLOCK ? n - i : BLOCK);
	return n ? (float)(sum / (double)n) : 0;
}

float core_peak(const float *x, int64_t n, float centre)
{
	float peak[LANES] = {0};
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES) {
		for (int j = 0; j < LANES; j++) {
			float size = fabsf(x[i + j] - centre);
			peak[j] = size > peak[j] ? size : peak[j];
		}
	}
	for (int j = 0; i + j < n; j++)
		peak[j] = fmaxf(peak[j], fabsf(x[i + j] - centre));
	for (int j = 1; j < LANES; j++)
		peak[0] = fmaxf(peak[0], peak[j]);
	return peak[0];
}

/* x = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh(s), s = (m - 1) / (m + 1). */
static inline float compute_log2(float x)
{
	int32_t bits, e;
	memcpy(&bits, &x, sizeof bits);
	e = (bits - 0x3f3504f3) >> 23;
	bits -= e * (1 << 23);
	float m;
	memcpy(&m, &bits, sizeof m);
	float s = (m - 1) / (m + 1), q = s * s;
	float series = 1 + q * (0.33333333f + q * (0.2f + q * (0.14285714f + q * 0.11111111f)));
	return (float)e + 2.88539008f * s * series;
}

void fv_log2(const float *x, float *y, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = compute_log2(x[i]);
}

double fv_quantile(const float *sorted, int64_t n, double p)
{
	double at = p * (double)(n - 1);
	int64_t below = (int64_t)at;
	if (below >= n - 1)
		return (double)sorted[n - 1];
	double share = at - (double)below;
	return (double)sorted[below] * (1 - share) + (double)sorted[below + 1] * share;
}
