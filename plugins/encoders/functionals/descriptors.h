/* SPDX-License-Identifier: Apache-2.0 */
/* Declarations that the files of the `functionals` encoder share.
 *
 * A recording is cut into T frames of WINDOW samples, HOP samples apart. Each descriptor is a row
 * [T] of floats. A value that is undefined in a frame (jitter in an unvoiced frame) is NAN there
 * and is left out of every statistic. None of these functions allocates memory, except from the
 * worker's scratch. */
#ifndef FUNCTIONALS_DESCRIPTORS_H
#define FUNCTIONALS_DESCRIPTORS_H

#include <stdint.h>

#include <fairvox/fairvox.h>

enum {
	RATE = 16000,
	HOP = 160,      /* 10 ms */
	WINDOW = 640,   /* 40 ms: pitch */
	SPECTRUM = 400, /* 25 ms: spectral descriptors, in the middle of a pitch frame */
	FFT = 512,
	BINS = FFT / 2 + 1,
	BANDS = 26, /* auditory bands, 20 Hz to 8 kHz */
	CEPSTRA = 16,
	VOICE = 20, /* cepstra of the output `voice` */
	LPC_ORDER = 10,
	LPC_BINS = 5500 * FFT / RATE + 1,
	FORMANTS = 3,
	NAME = 32, /* longest column name and its NUL */
};

/* Rows of descriptors; their names are in statistics.c. */
enum {
	ROW_LOUDNESS,
	ROW_LEVEL,
	ROW_FLUX,
	ROW_ALPHA,
	ROW_HAMMARBERG,
	ROW_SLOPE_LOW,
	ROW_SLOPE_MIDDLE,
	ROW_CENTROID,
	ROW_SPREAD,
	ROW_ENTROPY,
	ROW_ROLLOFF,
	ROW_CROSSINGS,
	ROW_F0,
	ROW_JITTER,
	ROW_SHIMMER,
	ROW_HNR,
	ROW_H1_H2,
	ROW_H1_A3,
	ROW_FORMANT,                           /* frequency, bandwidth and level of each formant */
	ROW_MFCC = ROW_FORMANT + 3 * FORMANTS, /* 1 .. CEPSTRA */
	ROW_BAND = ROW_MFCC + CEPSTRA,         /* log energies */
	ROWS = ROW_BAND + BANDS,
};

/* Constants for computing descriptors. */
typedef struct frame_plan {
	const fv_pitch *pitch;
	const fv_fft *fft;
	const fv_mel *mel;
	float window[SPECTRUM]; /* Hann */
	float ones[BINS], hz[BINS], hz_square[BINS];
	float cosines[VOICE * BANDS]; /* orthonormal DCT rows 1, 2, ... times ln 2 */
	float equal_loudness[BANDS];  /* log2 of the weights */
	float emphasis[LPC_BINS];     /* |1 - 0.97 exp(-i w)|^2 */
	float lpc_cosines[(LPC_ORDER + 1) * LPC_BINS];
} frame_plan;

typedef struct frame_rows {
	int64_t n;       /* T */
	float *f0;       /* [T] Hz, 0: unvoiced */
	float *strength; /* [T] normalised autocorrelation, 0: unvoiced */
	float *row[ROWS];
} frame_rows;

/* Output of statistics. The same code writes the values and, with `name` set, the column names. */
typedef struct column_writer {
	float *out;         /* values, or NULL */
	char (*name)[NAME]; /* names, or NULL */
	int32_t n;
} column_writer;

/* frames.c: computes all rows of a recording, in the worker's scratch. Errors: FV_FAILED if memory
 * is out. */
fv_status frames_open(frame_plan *plan, fv_ctx *ctx, double floor_hz, double ceiling_hz);
fv_status frames_describe(
	const frame_plan *plan, fv_ctx *worker, const float *wave, int64_t n, frame_rows *rows);

/* spectrum.c: computes the spectral descriptors of frame t from its power spectrum. amplitude
 * [BINS] holds the previous frame's amplitudes and is overwritten with this frame's. */
void spectrum_describe(
	const frame_plan *plan, const float *power, float *amplitude, frame_rows *rows, int64_t t);

/* formants.c: computes formants and harmonics of frame t. */
void formants_describe(const frame_plan *plan, const float *power, frame_rows *rows, int64_t t);

/* voice_quality.c: computes F0 in semitones, HNR, jitter and shimmer of all frames. */
fv_status voice_quality_describe(fv_ctx *worker, const float *wave, int64_t n, frame_rows *rows);

/* statistics.c: writes the statistics. Smooths rows->row in place; scratch is [T]. */
void statistics_write(column_writer *writer, const frame_rows *rows, float *scratch);
void voice_write(column_writer *writer, const frame_plan *plan, const frame_rows *rows);

#endif
