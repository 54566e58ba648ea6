/* SPDX-License-Identifier: Apache-2.0 */
/* The functionals encoder: descriptors of a click, whose spectrum has a closed form. */
#include "encoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 257, FEATURES = 0, VOICES = 1 };

/* Two neighbouring samples in the middle of the only frame: P_k = a^2 + b^2 + 2 a b cos w. */
static void make_click(float *x, double *power)
{
	memset(x, 0, 640 * sizeof *x);
	x[320] = 0.5f;
	x[321] = 0.45f;
	double a = 0.5 * pow(sin(M_PI * 200.5 / 400), 2),
	       b = 0.45 * pow(sin(M_PI * 201.5 / 400), 2);
	for (int k = 0; k < BINS; k++)
		power[k] = a * a + b * b + 2 * a * b * cos(2 * M_PI * k / 512);
}

static double fit_line(const double *power, int first, int last)
{
	double sx = 0, sy = 0, sxx = 0, sxy = 0;
	int n = last - first + 1;
	for (int k = first; k <= last; k++) {
		double x = k * 31.25e-3, y = 10 * log10(power[k]);
		sx += x, sy += y, sxx += x * x, sxy += x * y;
	}
	return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

static double sum_moment(const double *power, int first, int last, int moment)
{
	double total = 0;
	for (int k = first; k <= last; k++)
		total += power[k] * pow(k * 31.25, moment);
	return total;
}

static void test_spectrum_of_a_click(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("functionals");
	float x[640];
	double p[BINS];
	make_click(x, p);
	float *out = test_encoder_run(&e, FEATURES, x, 640);
	double all = sum_moment(p, 0, 256, 0), centre = sum_moment(p, 0, 256, 1) / all, entropy = 0,
	       part = 0;
	int rolloff = 0;
	for (int k = 0; k < BINS; k++)
		entropy -= p[k] / all * log2(p[k] / all);
	while ((part += p[rolloff]) < 0.85 * all)
		rolloff++;
	test_close(test_encoder_value(&e, FEATURES, out, "alpha_db_unvoiced_mean"),
		10 * log10(sum_moment(p, 32, 159, 0) / sum_moment(p, 2, 31, 0)), 1e-5);
	test_close(test_encoder_value(&e, FEATURES, out, "hammarberg_db_unvoiced_mean"),
		10 * log10(p[0] / p[64]), 1e-4);
	test_close(test_encoder_value(&e, FEATURES, out, "slope_0_500_unvoiced_mean"),
		fit_line(p, 0, 16), 1e-4);
	test_close(test_encoder_value(&e, FEATURES, out, "slope_500_1500_unvoiced_mean"),
		fit_line(p, 16, 48), 1e-4);
	test_close(
		test_encoder_value(&e, FEATURES, out, "centroid_hz_unvoiced_mean"), centre, 1e-5);
	test_close(test_encoder_value(&e, FEATURES, out, "spread_hz_unvoiced_mean"),
		sqrt(sum_moment(p, 0, 256, 2) / all - centre * centre), 1e-5);
	test_close(test_encoder_value(&e, FEATURES, out, "entropy_unvoiced_mean"), entropy, 1e-5);
	test_close(test_encoder_value(&e, FEATURES, out, "rolloff_hz_unvoiced_mean"),
		rolloff * 31.25, 1e-6);
	test_close(test_encoder_value(&e, FEATURES, out, "level_db_unvoiced_mean"),
		10 * log10((0.25 + 0.45 * 0.45) / 400), 1e-5);
	test_close(test_encoder_value(&e, FEATURES, out, "voiced_share"), 0, 0);
	test_close(test_encoder_value(&e, FEATURES, out, "alpha_db_voiced_mean"), 0, 0);
	free(out);
	test_encoder_close(&e);
}

/* Bands by the formula of the triangles; cepstra, loudness and the output `voice` follow from them.
 */
static void test_cepstra_of_a_click(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("functionals");
	float x[640];
	double p[BINS], band[26], loudness = 0, low = 1127 * log(1 + 20 / 700.0);
	double step = (1127 * log(1 + 8000 / 700.0) - low) / 27;
	make_click(x, p);
	float *out = test_encoder_run(&e, FEATURES, x, 640);
	float *voice = test_encoder_run(&e, VOICES, x, 640);
	for (int b = 0; b < 26; b++) {
		char name[40];
		double middle = low + (b + 1) * step;
		band[b] = 0;
		for (int k = 0; k < BINS; k++) {
			double mel = 1127 * log(1 + k * 31.25 / 700);
			band[b] += p[k] * fmax(1 - fabs(mel - middle) / step, 0);
		}
		snprintf(name, sizeof name, "band%d_unvoiced_mean", b + 1);
		test_close(test_encoder_value(&e, FEATURES, out, name), log2(band[b]), 1e-5);
		double w2 = pow(2 * M_PI * 700 * (exp(middle / 1127) - 1), 2);
		double equal = (w2 + 56.8e6) * w2 * w2 / (pow(w2 + 6.3e6, 2) * (w2 + 0.38e9));
		loudness += pow(band[b] * equal, 0.33);
	}
	test_close(test_encoder_value(&e, FEATURES, out, "loudness_unvoiced_mean"), loudness, 1e-5);
	for (int c = 1; c <= 20; c++) {
		char name[40];
		double want = 0;
		for (int b = 0; b < 26; b++)
			want += sqrt(2 / 26.0) * cos(M_PI * c * (b + 0.5) / 26) * log(band[b]);
		snprintf(name, sizeof name, "mfcc%d_unvoiced_mean", c);
		if (c <= 16)
			test_close(test_encoder_value(&e, FEATURES, out, name), want, 2e-5);
		snprintf(name, sizeof name, "mfcc%d_all", c);
		test_close(test_encoder_value(&e, VOICES, voice, name), want, 2e-5);
		snprintf(name, sizeof name, "mfcc%d_voiced",
			c); /* no voiced frames: the same as over all frames */
		test_close(test_encoder_value(&e, VOICES, voice, name), want, 2e-5);
	}
	free(out);
	free(voice);
	test_encoder_close(&e);
}

/* Two frames, with the click at another place of the window in the second. Both spectra are flat,
 * with amplitudes a and b, so the flux is their difference. */
static void test_flux(void **state)
{
	(void)state;
	test_encoder e = test_encoder_open("functionals");
	float x[800] = {[400] = 0.5f};
	float *out = test_encoder_run(&e, FEATURES, x, 800);
	double first = pow(sin(M_PI * 280.5 / 400), 2), second = pow(sin(M_PI * 120.5 / 400), 2);
	test_close(test_encoder_value(&e, FEATURES, out, "flux_unvoiced_mean"),
		0.5 * fabs(first - second), 1e-6);
	free(out);
	test_encoder_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spectrum_of_a_click),
		cmocka_unit_test(test_cepstra_of_a_click),
		cmocka_unit_test(test_flux),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
