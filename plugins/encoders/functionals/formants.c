/* SPDX-License-Identifier: Apache-2.0 */
/* Formants of one frame, by linear prediction of the band up to 5.5 kHz, and the levels of
 * harmonics.
 *
 * Selective linear prediction (Makhoul, Proc. IEEE 63, 1975): the autocorrelation that a recording
 * at 11 kHz would have is computed from the pre-emphasised power spectrum below 5.5 kHz. The
 * frame's spectrum can thus be reused and nothing needs resampling. The roots of the predictor are
 * found by Laguerre's method with deflation (Press et al., Numerical Recipes, 9.5).
 */
#include "descriptors.h"

#include <math.h>

#define BAND_RATE 11000.0 /* twice the band */

/* Levinson-Durbin recursion: autocorrelation r [LPC_ORDER+1] -> predictor a [LPC_ORDER+1] with a[0]
 * = 1; sum_j a_j x_(i-j) is the residual. Returns 0 if the autocorrelation is not positive
 * definite. */
static int solve_levinson(const double *r, double *a)
{
	double error = r[0];
	a[0] = 1;
	for (int i = 1; i <= LPC_ORDER; i++) {
		if (!(error > 0))
			return 0;
		double sum = r[i];
		for (int j = 1; j < i; j++)
			sum += a[j] * r[i - j];
		double k = -sum / error;
		a[i] = k;
		for (int j = 1; j <= i / 2; j++) {
			double left = a[j] + k * a[i - j], right = a[i - j] + k * a[j];
			a[j] = left, a[i - j] = right;
		}
		error *= 1 - k * k;
	}
	return error > 0;
}

typedef struct number {
	double re, im;
} number;

static number multiply_complex(number a, number b)
{
	return (number){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static number divide_complex(number a, number b)
{
	double size = b.re * b.re + b.im * b.im;
	return (number){(a.re * b.re + a.im * b.im) / size, (a.im * b.re - a.re * b.im) / size};
}

static number sqrt_complex(number a)
{
	double size = sqrt(a.re * a.re + a.im * a.im);
	number root = {sqrt(fmax(0.5 * (size + a.re), 0)), sqrt(fmax(0.5 * (size - a.re), 0))};
	return a.im < 0 ? (number){root.re, -root.im} : root;
}

static double squared_modulus(number a)
{
	return a.re * a.re + a.im * a.im;
}

/* Laguerre's method: one root of p[0] + p[1] z + ... + p[n] z^n, n >= 1, starting from z. */
static number find_root(const double *p, int n, number z)
{
	for (int step = 0; step < 40; step++) {
		number value = {p[n], 0}, slope = {0, 0}, bend = {0, 0};
		for (int j = n - 1; j >= 0; j--) {
			bend = multiply_complex(bend, z), bend.re += slope.re, bend.im += slope.im;
			slope = multiply_complex(slope, z), slope.re += value.re,
			slope.im += value.im;
			value = multiply_complex(value, z), value.re += p[j];
		}
		if (squared_modulus(value) < 1e-24)
			break;
		number g = divide_complex(slope, value), g2 = multiply_complex(g, g),
		       b = divide_complex(bend, value);
		number h = {g2.re - 2 * b.re, g2.im - 2 * b.im};
		number root = sqrt_complex(
			(number){(n - 1) * (n * h.re - g2.re), (n - 1) * (n * h.im - g2.im)});
		number plus = {g.re + root.re, g.im + root.im};
		number minus = {g.re - root.re, g.im - root.im};
		number below = squared_modulus(plus) > squared_modulus(minus) ? plus : minus;
		number move = squared_modulus(below) > 0 ? divide_complex((number){n, 0}, below)
							 : (number){0.1, 0.1};
		z.re -= move.re, z.im -= move.im;
		if (squared_modulus(move) < 1e-18)
			break;
	}
	return z;
}

/* Divides p by z^2 - 2 re z + |root|^2 (a conjugate pair) or by z - re (a real root). Returns the
 * new degree. */
static int divide_out_root(double *p, int n, number root)
{
	int pair = fabs(root.im) > 1e-7 && n > 1;
	double sum = pair ? 2 * root.re : root.re, product = pair ? squared_modulus(root) : 0;
	double above = 0, above2 = 0; /* the last two coefficients of the quotient */
	for (int j = n; j >= (pair ? 2 : 1); j--) {
		double b = p[j] + sum * above - product * above2;
		above2 = above, above = b;
		p[j] = b;
	}
	int degree = n - (pair ? 2 : 1);
	for (int j = 0; j <= degree; j++)
		p[j] = p[j + n - degree];
	return degree;
}

typedef struct resonance {
	double hz, width;
} resonance;

static int find_resonances(const double *a, resonance *out)
{
	double p[LPC_ORDER + 1];
	int found = 0;
	for (int j = 0; j <= LPC_ORDER; j++)
		p[j] = a[LPC_ORDER - j]; /* zeros of z^n A(1/z) are the poles */
	for (int n = LPC_ORDER; n > 0;) {
		number root = find_root(p, n, (number){0.3, 0.8});
		n = divide_out_root(p, n, root);
		double hz = fabs(atan2(root.im, root.re)) * BAND_RATE / (2 * M_PI);
		double width = -0.5 * log(squared_modulus(root)) * BAND_RATE / M_PI;
		if (hz < 50 || hz > BAND_RATE / 2 - 50)
			continue;
		int at = found++;
		for (; at && out[at - 1].hz > hz; at--)
			out[at] = out[at - 1];
		out[at] = (resonance){hz, width};
	}
	return found;
}

/* Level in dB of the spectrum's peak within +- reach of hz: the vertex of a parabola through the
 * strongest bin and its neighbours. */
static float find_peak_level(const float *power, double hz, double reach)
{
	int first = (int)lrint((hz - reach) * FFT / RATE),
	    last = (int)lrint((hz + reach) * FFT / RATE);
	first = first < 1 ? 1 : first;
	int best = first;
	for (int k = first; k <= last && k < BINS - 1; k++)
		best = power[k] > power[best] ? k : best;
	float dB[3];
	for (int i = 0; i < 3; i++)
		dB[i] = 10 * log10f(power[best - 1 + i] + 1e-12f);
	float bend = dB[0] - 2 * dB[1] + dB[2], slope = dB[2] - dB[0];
	int inside = dB[1] >= dB[0] && dB[1] >= dB[2] && bend < 0;
	return inside ? dB[1] - 0.125f * slope * slope / bend : dB[1];
}

void formants_describe(const frame_plan *plan, const float *power, frame_rows *rows, int64_t t)
{
	float *const *row = rows->row;
	for (int i = ROW_H1_H2; i < ROW_MFCC; i++)
		row[i][t] = NAN;
	double f0 = (double)rows->f0[t];
	if (!(f0 > 0))
		return;
	float h1 = find_peak_level(power, f0, f0 / 4);
	row[ROW_H1_H2][t] = h1 - find_peak_level(power, 2 * f0, f0 / 4);
	float emphasised[LPC_BINS];
	for (int k = 0; k < LPC_BINS; k++)
		emphasised[k] = power[k] * plan->emphasis[k];
	double r[LPC_ORDER + 1], a[LPC_ORDER + 1];
	for (int j = 0; j <= LPC_ORDER; j++)
		r[j] = (double)fv_dot(emphasised, plan->lpc_cosines + j * LPC_BINS, LPC_BINS);
	r[0] *= 1 + 1e-6;
	resonance found[LPC_ORDER];
	int n = solve_levinson(r, a) ? find_resonances(a, found) : 0;
	for (int i = 0; i < FORMANTS && i < n; i++) {
		float level = find_peak_level(power, found[i].hz, fmax(f0 / 2, (double)RATE / FFT));
		row[ROW_FORMANT + 3 * i][t] = (float)found[i].hz;
		row[ROW_FORMANT + 3 * i + 1][t] = (float)found[i].width;
		row[ROW_FORMANT + 3 * i + 2][t] = level - h1;
	}
	if (n >= 3)
		row[ROW_H1_A3][t] = -row[ROW_FORMANT + 8][t];
}
