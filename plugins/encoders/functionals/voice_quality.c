/* SPDX-License-Identifier: Apache-2.0 */
/* Jitter, shimmer and harmonics-to-noise ratio.
 *
 * Periods are found by waveform matching (Titze and Liang, JSHR 36, 1993). The first mark is a peak
 * at the start of a voiced segment. Each next mark is where the signal correlates best with the
 * signal around the last mark, near the period that the pitch tracker found. */
#include "descriptors.h"

#include <math.h>

#define REACH 480 /* 30 ms */

/* A pair of neighbouring periods. */
typedef struct pair {
	int64_t at;     /* sample between the two */
	float period;   /* mean length, in samples */
	float change;   /* absolute change of length, in samples */
	float loudness; /* absolute change of peak-to-peak amplitude, in dB */
} pair;

/* Normalised correlation of [a - half, a + half) with [b - half, b + half). */
static float correlate_periods(const float *wave, int64_t a, int64_t b, int32_t half)
{
	const float *x = wave + a - half, *y = wave + b - half;
	float xy = fv_dot(x, y, 2 * half), yy = fv_dot(y, y, 2 * half);
	return yy > 0 ? xy / sqrtf(yy)
		      : 0; /* not divided by x's energy, which is the same for every b */
}

/* Distance from `from` to the next mark, with a fraction. 0 if the wave ends, or if the correlation
 * has no peak within 20% of the expected period. */
static float find_next_period(const float *wave, int64_t n, int64_t from, float period)
{
	int32_t half = (int32_t)lrintf(period / 2), lag = (int32_t)lrintf(period);
	int32_t reach = (int32_t)(0.2f * period) + 1;
	if (from - half < 0 || from + lag + reach + 1 + half > n)
		return 0;
	float middle = correlate_periods(wave, from, from + lag, half);
	float left = correlate_periods(wave, from, from + lag - 1, half);
	float right = correlate_periods(wave, from, from + lag + 1, half);
	int32_t moved = 0;
	for (; left > middle && moved > -reach; moved--) {
		right = middle, middle = left;
		left = correlate_periods(wave, from, from + lag + moved - 2, half);
	}
	for (; right > middle && moved < reach; moved++) {
		left = middle, middle = right;
		right = correlate_periods(wave, from, from + lag + moved + 2, half);
	}
	float bend = left - 2 * middle + right;
	if (moved <= -reach || moved >= reach || !(bend < 0) || !(middle > 0))
		return 0;
	return (float)(lag + moved) + 0.5f * (left - right) / bend;
}

static float measure_peak_to_peak(const float *x, int32_t n)
{
	float low = x[0], high = x[0];
	for (int32_t i = 1; i < n; i++) {
		low = x[i] < low ? x[i] : low;
		high = x[i] > high ? x[i] : high;
	}
	return high - low;
}

static float look_up_period(const frame_rows *rows, int64_t sample)
{
	int64_t t = (sample - WINDOW / 2 + HOP / 2) / HOP;
	t = t < 0 ? 0 : t >= rows->n ? rows->n - 1 : t;
	return rows->f0[t] > 0 ? RATE / rows->f0[t] : 0;
}

/* Sample with the largest |x| in [from, from + length). */
static int64_t find_peak(const float *wave, int64_t from, int64_t length)
{
	int64_t best = from;
	for (int64_t i = from + 1; i < from + length; i++)
		best = fabsf(wave[i]) > fabsf(wave[best]) ? i : best;
	return best;
}

/* Writes the pairs of the voiced segment of samples [low, high) and returns their number. */
static int64_t mark_periods(const float *wave, int64_t n, const frame_rows *rows, int64_t low,
	int64_t high, pair *pairs)
{
	int64_t count = 0, at = find_peak(wave, low, (int64_t)look_up_period(rows, low));
	float last = 0, last_size = 0;
	while (at < high) {
		float guess = look_up_period(rows, at);
		float period = find_next_period(wave, n, at, guess);
		if (!(period > 0)) { /* restart one period later */
			if (at + 2 * (int64_t)guess >= high)
				break;
			at = find_peak(wave, at + (int64_t)guess / 2 + 1, (int64_t)guess);
			last = 0;
			continue;
		}
		int32_t half = (int32_t)lrintf(period / 2);
		float size = measure_peak_to_peak(wave + at - half, 2 * half);
		if (last > 0 && size > 0 && last_size > 0)
			pairs[count++] = (pair){at, 0.5f * (period + last), fabsf(period - last),
				fabsf(20 * log10f(size / last_size))};
		last = period, last_size = size;
		at += lrintf(period);
	}
	return count;
}

/* Jitter [jitterLocal]: mean change of length over mean length. Shimmer [shimmerLocaldB]: mean
 * change of amplitude. Both are over the periods within 60 ms around the middle of each voiced
 * frame. */
static void average_pairs(const pair *pairs, int64_t count, frame_rows *rows)
{
	int64_t first = 0;
	for (int64_t t = 0; t < rows->n; t++) {
		int64_t low = t * HOP + WINDOW / 2 - REACH, n = 0;
		float change = 0, period = 0, loudness = 0;
		while (first < count && pairs[first].at < low)
			first++;
		for (int64_t i = first; i < count && pairs[i].at < low + 2 * REACH; i++, n++) {
			change += pairs[i].change;
			period += pairs[i].period;
			loudness += pairs[i].loudness;
		}
		int known = n > 0 && rows->f0[t] > 0;
		rows->row[ROW_JITTER][t] = known ? change / period : NAN;
		rows->row[ROW_SHIMMER][t] = known ? loudness / (float)n : NAN;
	}
}

fv_status voice_quality_describe(fv_ctx *worker, const float *wave, int64_t n, frame_rows *rows)
{
	/* Upper bound of the number of pairs: a period is at least 80% of the shortest one that the
	 * tracker finds, and that is over 8 samples. */
	pair *pairs = fv_scratch(worker, (size_t)(n / 6 + 1) * sizeof *pairs);
	if (!pairs)
		return FV_FAILED;
	int64_t count = 0;
	for (int64_t t = 0; t < rows->n; t++) {
		float r = fminf(fmaxf(rows->strength[t], 1e-5f), 0.99999f);
		rows->row[ROW_HNR][t] = rows->f0[t] > 0 ? 10 * log10f(r / (1 - r)) : NAN;
		rows->row[ROW_F0][t] = rows->f0[t] > 0 ? 12 * log2f(rows->f0[t] / 27.5f) : NAN;
		if (!(rows->f0[t] > 0) || (t && rows->f0[t - 1] > 0))
			continue;
		int64_t end = t;
		while (end < rows->n && rows->f0[end] > 0)
			end++;
		int64_t low = t * HOP + (WINDOW - HOP) / 2, high = low + (end - t) * HOP;
		count += mark_periods(wave, n, rows, low, high, pairs + count);
	}
	average_pairs(pairs, count, rows);
	return FV_OK;
}
