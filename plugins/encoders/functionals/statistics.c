/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics over time. Rows are first smoothed over three frames, as in eGeMAPS. A statistic over
 * no frames is 0.
 *
 *   rows that only voiced frames have: mean, sd, mean absolute delta
 *   all other rows: mean and sd over voiced and over unvoiced frames, mean absolute delta
 *   F0 and loudness: 20th, 50th, 80th percentile, their range, mean and sd of rising and falling
 *     slope
 *   tempo: loudness peaks and voiced segments per second, lengths of voiced and unvoiced segments
 *
 * The delta is the slope of the regression line over five frames.
 */
#include "descriptors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const row_names[ROW_FORMANT] = {
	[ROW_LOUDNESS] = "loudness",
	[ROW_LEVEL] = "level_db",
	[ROW_FLUX] = "flux",
	[ROW_ALPHA] = "alpha_db",
	[ROW_HAMMARBERG] = "hammarberg_db",
	[ROW_SLOPE_LOW] = "slope_0_500",
	[ROW_SLOPE_MIDDLE] = "slope_500_1500",
	[ROW_CENTROID] = "centroid_hz",
	[ROW_SPREAD] = "spread_hz",
	[ROW_ENTROPY] = "entropy",
	[ROW_ROLLOFF] = "rolloff_hz",
	[ROW_CROSSINGS] = "crossings",
	[ROW_F0] = "f0_st",
	[ROW_JITTER] = "jitter",
	[ROW_SHIMMER] = "shimmer_db",
	[ROW_HNR] = "hnr_db",
	[ROW_H1_H2] = "h1_h2_db",
	[ROW_H1_A3] = "h1_a3_db",
};

static void format_row_name(int row, char *name)
{
	static const char *const part[] = {"hz", "width_hz", "level_db"};
	if (row < ROW_FORMANT)
		snprintf(name, NAME, "%s", row_names[row]);
	else if (row < ROW_MFCC)
		snprintf(name, NAME, "f%d_%s", (row - ROW_FORMANT) / 3 + 1,
			part[(row - ROW_FORMANT) % 3]);
	else if (row < ROW_BAND)
		snprintf(name, NAME, "mfcc%d", row - ROW_MFCC + 1);
	else
		snprintf(name, NAME, "band%d", row - ROW_BAND + 1);
}

/* Writes a column named <row>_<what>, or <what> if row is -1. */
static void write_column(column_writer *w, int row, const char *what, double value)
{
	if (w->name && row < 0) {
		snprintf(w->name[w->n], NAME, "%s", what);
	} else if (w->name) {
		char name[NAME];
		format_row_name(row, name);
		snprintf(w->name[w->n], NAME, "%.*s_%s", NAME / 2 - 1, name, what);
	} else if (w->out) {
		w->out[w->n] = (float)value;
	}
	w->n++;
}

typedef struct moments {
	double mean, sd;
} moments;

static moments compute_moments(const float *x, int64_t n)
{
	double sum = 0, squares = 0;
	for (int64_t i = 0; i < n; i++)
		sum += (double)x[i];
	double mean = n ? sum / (double)n : 0;
	for (int64_t i = 0; i < n; i++)
		squares += ((double)x[i] - mean) * ((double)x[i] - mean);
	return (moments){mean, n ? sqrt(squares / (double)n) : 0};
}

/* Copies the defined values of a row in frames of one kind: 1 voiced, 0 unvoiced, -1 all. Returns
 * their number. */
static int64_t select_frames(const frame_rows *rows, const float *x, int voiced, float *out)
{
	int64_t n = 0;
	for (int64_t t = 0; t < rows->n; t++)
		if (!isnan(x[t]) && (voiced < 0 || (rows->f0[t] > 0) == voiced))
			out[n++] = x[t];
	return n;
}

/* Replaces each defined value by the mean of the defined values of its frame and the two
 * neighbours. */
static void smooth_row(float *x, int64_t n)
{
	float last = NAN;
	for (int64_t t = 0; t < n; t++) {
		float now = x[t], next = t + 1 < n ? x[t + 1] : NAN;
		float sum = now + (isnan(last) ? 0 : last) + (isnan(next) ? 0 : next);
		x[t] = sum / (float)(3 - isnan(last) - isnan(next));
		last = now;
	}
}

static double compute_mean_delta(const float *x, int64_t n)
{
	double sum = 0;
	int64_t count = 0;
	for (int64_t t = 2; t + 2 < n; t++) {
		float delta = 0.2f * (x[t + 2] - x[t - 2]) + 0.1f * (x[t + 1] - x[t - 1]);
		if (isnan(delta) || isnan(x[t]))
			continue;
		sum += (double)fabsf(delta);
		count++;
	}
	return count ? sum / (double)count : 0;
}

static int compare_floats(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

/* Mean and sd of the rises (sign 1) or falls (-1) between neighbouring frames, per second. */
static moments measure_slopes(const float *x, int64_t n, float sign, float *scratch)
{
	int64_t count = 0;
	for (int64_t t = 1; t < n; t++)
		if (sign * (x[t] - x[t - 1]) > 0)
			scratch[count++] = (x[t] - x[t - 1]) * ((float)RATE / HOP);
	return compute_moments(scratch, count);
}

static void write_contour(column_writer *w, const frame_rows *rows, int row, float *scratch)
{
	const float *x = rows->row[row];
	int64_t n = select_frames(rows, x, -1, scratch);
	double p20 = 0, p50 = 0, p80 = 0;
	if (n) {
		qsort(scratch, (size_t)n, sizeof *scratch, compare_floats);
		p20 = fv_quantile(scratch, n, 0.2);
		p50 = fv_quantile(scratch, n, 0.5);
		p80 = fv_quantile(scratch, n, 0.8);
	}
	write_column(w, row, "p20", p20);
	write_column(w, row, "p50", p50);
	write_column(w, row, "p80", p80);
	write_column(w, row, "p20_p80", p80 - p20);
	moments rising = measure_slopes(x, rows->n, 1, scratch),
		falling = measure_slopes(x, rows->n, -1, scratch);
	write_column(w, row, "rising_mean", rising.mean);
	write_column(w, row, "rising_sd", rising.sd);
	write_column(w, row, "falling_mean", falling.mean);
	write_column(w, row, "falling_sd", falling.sd);
}

/* Writes the lengths in seconds of the segments of voiced (1) or unvoiced (0) frames into scratch
 * and returns their number. */
static int64_t measure_stretches(const frame_rows *rows, int voiced, float *scratch)
{
	int64_t count = 0;
	for (int64_t t = 0; t < rows->n;) {
		int64_t end = t;
		while (end < rows->n && (rows->f0[end] > 0) == voiced)
			end++;
		if (end > t)
			scratch[count++] = (float)(end - t) * HOP / RATE;
		t = end > t ? end : t + 1;
	}
	return count;
}

/* Counts the maxima that exceed the minima around them by at least a tenth of the row's range. */
static int64_t count_peaks(const float *x, int64_t n)
{
	float low = INFINITY, high = -INFINITY;
	for (int64_t t = 0; t < n; t++) {
		low = fminf(low, x[t]);
		high = fmaxf(high, x[t]);
	}
	float enough = 0.1f * (high - low),
	      turn = n ? x[0] : 0; /* extreme value since the last turning point */
	int64_t count = 0;
	int rising = 0;
	for (int64_t t = 0; t < n; t++) {
		turn = rising ? fmaxf(turn, x[t]) : fminf(turn, x[t]);
		if (!(enough > 0) || fabsf(x[t] - turn) < enough)
			continue;
		count += rising;
		rising = !rising;
		turn = x[t];
	}
	return count;
}

static void write_tempo(column_writer *w, const frame_rows *rows, float *scratch)
{
	const float *x = rows->row[ROW_LOUDNESS];
	double seconds = rows->n ? (double)rows->n * HOP / RATE : 1, energy = 0;
	for (int64_t t = 0; t < rows->n; t++)
		energy += pow(10, 0.1 * (double)rows->row[ROW_LEVEL][t]);
	int64_t n = measure_stretches(rows, 1, scratch);
	moments voiced = compute_moments(scratch, n);
	moments unvoiced = compute_moments(scratch, measure_stretches(rows, 0, scratch));
	write_column(w, -1, "loudness_peaks_per_s", (double)count_peaks(x, rows->n) / seconds);
	write_column(w, -1, "voiced_per_s", (double)n / seconds);
	write_column(w, -1, "voiced_share", (double)n * voiced.mean / seconds);
	write_column(w, -1, "voiced_s_mean", voiced.mean);
	write_column(w, -1, "voiced_s_sd", voiced.sd);
	write_column(w, -1, "unvoiced_s_mean", unvoiced.mean);
	write_column(w, -1, "unvoiced_s_sd", unvoiced.sd);
	write_column(w, -1, "sound_level_db", rows->n ? 10 * log10(energy / (double)rows->n) : 0);
}

void statistics_write(column_writer *w, const frame_rows *rows, float *scratch)
{
	for (int row = 0; row < ROWS; row++) {
		float *x = rows->row[row];
		int voiced_only = row >= ROW_F0 && row < ROW_MFCC;
		if (rows->n)
			smooth_row(x, rows->n);
		moments voiced = compute_moments(scratch, select_frames(rows, x, 1, scratch));
		write_column(w, row, voiced_only ? "mean" : "voiced_mean", voiced.mean);
		write_column(w, row, voiced_only ? "sd" : "voiced_sd", voiced.sd);
		if (!voiced_only) {
			moments unvoiced =
				compute_moments(scratch, select_frames(rows, x, 0, scratch));
			write_column(w, row, "unvoiced_mean", unvoiced.mean);
			write_column(w, row, "unvoiced_sd", unvoiced.sd);
		}
		write_column(w, row, "delta", compute_mean_delta(x, rows->n));
	}
	write_contour(w, rows, ROW_F0, scratch);
	write_contour(w, rows, ROW_LOUDNESS, scratch);
	write_tempo(w, rows, scratch);
}

/* Writes cepstra 1 .. VOICE of the bands' mean log energy, over all frames and over the voiced
 * frames (over all frames if none is voiced). Must be called before the rows are smoothed. */
void voice_write(column_writer *w, const frame_plan *plan, const frame_rows *rows)
{
	float mean[2][BANDS] = {{0}};
	for (int b = 0; b < BANDS && rows->n; b++) {
		const float *x = rows->row[ROW_BAND + b];
		double all = 0, voiced = 0;
		int64_t n = 0;
		for (int64_t t = 0; t < rows->n; t++) {
			all += (double)x[t];
			voiced += rows->f0[t] > 0 ? (double)x[t] : 0;
			n += rows->f0[t] > 0;
		}
		mean[0][b] = (float)(all / (double)rows->n);
		mean[1][b] = n ? (float)(voiced / (double)n) : mean[0][b];
	}
	for (int part = 0; part < 2; part++) {
		for (int c = 0; c < VOICE; c++) {
			char name[NAME];
			snprintf(name, NAME, "mfcc%d_%s", c + 1, part ? "voiced" : "all");
			write_column(w, -1, name,
				(double)fv_dot(plan->cosines + c * BANDS, mean[part], BANDS));
		}
	}
}
