/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include <fairvox/dsp.h>

struct fv_dct {
	int32_t n, bins;
	double *basis; /* [bins,n] */
};

fv_dct *fv_dct_open(fv_ctx *ctx, int32_t n, int32_t bins, int32_t orthonormal)
{
	if (n < 1 || bins < 1 || bins > n) {
		(void)fv_fail(ctx, FV_CONFIG,
			"a cosine transform of %d numbers has 1 to %d results, not %d", (int)n,
			(int)n, (int)bins);
		return NULL;
	}
	fv_dct *dct = fv_alloc(ctx, sizeof *dct);
	double *basis = fv_alloc(ctx, (size_t)bins * (size_t)n * sizeof *basis);
	if (!dct || !basis)
		return NULL;
	*dct = (fv_dct){n, bins, basis};
	for (int32_t k = 0; k < bins; k++) {
		double scale = orthonormal ? sqrt((k ? 2.0 : 1.0) / n) : 2;
		for (int32_t i = 0; i < n; i++) {
			/* The angle in turns of 4n steps, reduced in whole numbers. */
			int64_t step = (int64_t)k * (2 * (int64_t)i + 1) % (4 * (int64_t)n);
			*basis++ = scale * cos(M_PI * (double)step / (2.0 * n));
		}
	}
	return dct;
}

void fv_dct_apply(const fv_dct *dct, const float *x, float *out)
{
	const double *basis = dct->basis;
	for (int32_t k = 0; k < dct->bins; k++, basis += dct->n) {
		double sum = 0;
		for (int32_t i = 0; i < dct->n; i++)
			sum += basis[i] * (double)x[i];
		out[k] = (float)sum;
	}
}
