/* SPDX-License-Identifier: Apache-2.0 */
/* Power spectra and autocorrelations of real frames through a complex transform of half the
 * size.
 *
 * Even samples become the real parts and odd samples the imaginary parts. With Z their transform
 * over m = n/2 points and w = exp(-2 pi i / n),
 *     X_k = E_k + w^k O_k,  E_k = (Z_k + conj Z_(m-k)) / 2,  O_k = (Z_k - conj Z_(m-k)) / 2i
 * (Press et al., Numerical Recipes, 12.3). kissfft's own real transform keeps a buffer in its
 * plan, so threads cannot share it; its complex transform only reads the plan. */
#include <fairvox/dsp.h>

#include <math.h>

#include <kissfft/kiss_fft.h>

struct fv_fft {
	int32_t n;
	kiss_fft_cfg forward, inverse; /* n/2 points */
	float *cosine, *sine;          /* [n/4 + 1] of 2 pi k / n */
};

static kiss_fft_cfg open_complex_plan(fv_ctx *ctx, int32_t points, int inverse)
{
	size_t bytes = 0;
	kiss_fft_alloc(points, inverse, NULL, &bytes);
	void *memory = fv_alloc(ctx, bytes);
	return memory ? kiss_fft_alloc(points, inverse, memory, &bytes) : NULL;
}

fv_fft *fv_fft_open(fv_ctx *ctx, int32_t n)
{
	if (n < 4 || n % 2) {
		(void)fv_fail(ctx, FV_CONFIG,
			"a Fourier transform of %d samples: their number is even and at least 4",
			(int)n);
		return NULL;
	}
	fv_fft *fft = fv_alloc(ctx, sizeof *fft);
	if (!fft)
		return NULL;
	size_t turns = (size_t)n / 4 + 1;
	*fft = (fv_fft){n, open_complex_plan(ctx, n / 2, 0), open_complex_plan(ctx, n / 2, 1),
		fv_alloc(ctx, turns * sizeof(float)), fv_alloc(ctx, turns * sizeof(float))};
	if (!fft->forward || !fft->inverse || !fft->cosine || !fft->sine)
		return NULL;
	for (size_t k = 0; k < turns; k++) {
		fft->cosine[k] = (float)cos(2 * M_PI * (double)k / n);
		fft->sine[k] = (float)sin(2 * M_PI * (double)k / n);
	}
	return fft;
}

void fv_fft_power(const fv_fft *fft, const float *x, float *power, float *scratch)
{
	int32_t m = fft->n / 2;
	kiss_fft_cpx *z = (kiss_fft_cpx *)(void *)scratch;
	kiss_fft(fft->forward, (const kiss_fft_cpx *)(const void *)x, z);
	float first = z[0].r + z[0].i, last = z[0].r - z[0].i;
	for (int32_t k = 1; k <= m / 2; k++) {
		float er = z[k].r + z[m - k].r, ei = z[k].i - z[m - k].i;
		float odd_r = z[k].i + z[m - k].i, odd_i = z[m - k].r - z[k].r;
		float tr = fft->cosine[k] * odd_r + fft->sine[k] * odd_i;
		float ti = fft->cosine[k] * odd_i - fft->sine[k] * odd_r;
		power[k] = 0.25f * ((er + tr) * (er + tr) + (ei + ti) * (ei + ti));
		power[m - k] = 0.25f * ((er - tr) * (er - tr) + (ei - ti) * (ei - ti));
	}
	power[0] = first * first;
	power[m] = last * last;
}

/* Inverts the steps of fv_fft_power: E_k and O_k from a real X_k = X_(n-k), then the inverse
 * transform of Z = E + iO gives r_0 + i r_1, r_2 + i r_3, ... */
void fv_fft_autocorrelation(const fv_fft *fft, const float *power, float *r, float *scratch)
{
	int32_t m = fft->n / 2;
	kiss_fft_cpx *z = (kiss_fft_cpx *)(void *)scratch;
	float scale = 1.0f / (float)fft->n;
	z[0].r = scale * (power[0] + power[m]);
	z[0].i = scale * (power[0] - power[m]);
	for (int32_t k = 1; k <= m / 2; k++) {
		float even = scale * (power[k] + power[m - k]);
		float odd = scale * (power[k] - power[m - k]);
		float odd_r = fft->cosine[k] * odd, odd_i = fft->sine[k] * odd;
		z[k] = (kiss_fft_cpx){even - odd_i, odd_r};
		z[m - k] = (kiss_fft_cpx){even + odd_i, odd_r};
	}
	kiss_fft(fft->inverse, z, (kiss_fft_cpx *)(void *)r);
}
