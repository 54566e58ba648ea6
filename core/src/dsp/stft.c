/* SPDX-License-Identifier: Apache-2.0 */
/* Power spectra as two matrix products in double. With the symmetries of cosine and sine,
 *     Re X_k =  sum over j = 0 .. N/2   of (x_j + x_(N-j)) cos(2 pi j k / N)   (x_0, x_(N/2)
 *     once)
 *    -Im X_k =  sum over j = 1 .. N/2-1 of (x_j - x_(N-j)) sin(2 pi j k / N)
 * For N of a few hundred this is cheap, works for any even N, and keeps all digits of quiet bins
 * next to loud ones, which a float transform loses. */
#include <fairvox/dsp.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <cblas.h>

#include "backend/blas.h"
#include "dsp/stft.h"

#define FRAMES 64 /* frames per matrix product */

struct fv_stft {
	int32_t n, hop;
	double *window;        /* [N] */
	double *cosine, *sine; /* [N/2+1, N/2+1] by j, k; [N/2-1, N/2+1] by j - 1, k */
};

fv_stft *fv_stft_open(fv_ctx *ctx, int32_t n, int32_t hop, const double *window)
{
	if (n < 4 || n % 2 || hop < 1) {
		(void)fv_fail(ctx, FV_CONFIG,
			"frames of %d samples every %d: the first is even and at least 4, the "
			"second at least 1",
			(int)n, (int)hop);
		return NULL;
	}
	size_t bins = (size_t)n / 2 + 1;
	fv_stft *stft = core_blas_open(ctx) ? NULL : fv_alloc(ctx, sizeof *stft);
	if (!stft)
		return NULL;
	*stft = (fv_stft){n, hop, fv_alloc(ctx, (size_t)n * sizeof(double)),
		fv_alloc(ctx, bins * bins * sizeof(double)),
		fv_alloc(ctx, (bins - 2) * bins * sizeof(double))};
	if (!stft->window || !stft->cosine || !stft->sine)
		return NULL;
	memcpy(stft->window, window, (size_t)n * sizeof *window);
	for (size_t j = 0; j < bins; j++)
		for (size_t k = 0; k < bins; k++) {
			double angle = 2 * M_PI * (double)(j * k % (size_t)n) / n;
			stft->cosine[j * bins + k] = cos(angle);
			if (j > 0 && j + 1 < bins)
				stft->sine[(j - 1) * bins + k] = sin(angle);
		}
	return stft;
}

int32_t core_stft_bins(const fv_stft *stft)
{
	return stft->n / 2 + 1;
}

int64_t fv_stft_frames(const fv_stft *stft, int64_t n)
{
	return 1 + n / stft->hop;
}

/* Splits the windowed frame around sample `centre` into its symmetric and antisymmetric parts. */
static void fold_frame(const fv_stft *stft, const float *wave, int64_t n, int64_t centre,
	double *even, double *odd)
{
	int32_t half = stft->n / 2;
	int64_t begin = centre - half;
	double frame[2];
	for (int32_t j = 0; j <= half; j++) {
		const int32_t at[2] = {j, stft->n - j};
		for (int i = 0; i < 2; i++) {
			int64_t place = begin + at[i];
			bool there = at[i] < stft->n && place >= 0 && place < n;
			frame[i] = there ? stft->window[at[i]] * (double)wave[place] : 0;
		}
		even[j] = j == half ? frame[0] : frame[0] + frame[1];
		if (j > 0 && j < half)
			odd[j - 1] = frame[0] - frame[1];
	}
}

size_t fv_stft_scratch(const fv_stft *stft)
{
	return 3 * FRAMES * ((size_t)stft->n / 2 + 1);
}

void fv_stft_power(const fv_stft *stft, const float *wave, int64_t n, int64_t first, int64_t frames,
	double *power, double *scratch)
{
	int bins = stft->n / 2 + 1;
	double *even = scratch, *odd = even + FRAMES * bins, *imaginary = odd + FRAMES * bins;
	for (int64_t t = 0; t < frames; t += FRAMES) {
		int rows = (int)(frames - t < FRAMES ? frames - t : FRAMES);
		double *real = power + t * bins;
		for (int r = 0; r < rows; r++)
			fold_frame(stft, wave, n, (first + t + r) * stft->hop, even + r * bins,
				odd + r * (bins - 2));
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, bins, bins, 1, even,
			bins, stft->cosine, bins, 0, real, bins);
		cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, bins, bins - 2, 1, odd,
			bins - 2, stft->sine, bins, 0, imaginary, bins);
		for (int64_t i = 0; i < (int64_t)rows * bins; i++)
			real[i] = real[i] * real[i] + imaginary[i] * imaginary[i];
	}
}
