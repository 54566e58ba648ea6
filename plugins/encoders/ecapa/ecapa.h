/* SPDX-License-Identifier: Apache-2.0 */
/* ECAPA-TDNN: what the files of this plugin share. Shapes: n samples, T = 1 + n / 160 frames of 80
 * mel bands, C channels of the first four blocks, W = C / scale of a part of one, S of a squeeze, M
 * of the pooled frames, A of the attention, D of the embedding. Frames are rows: [T,C]. */
#ifndef ECAPA_H
#define ECAPA_H

#include <fairvox/fairvox.h>

enum {
	ECAPA_RATE_HZ = 16000,
	ECAPA_WINDOW = 400, /* samples */
	ECAPA_HOP = 160,
	ECAPA_BANDS = 80,
	ECAPA_BLOCKS = 3, /* squeeze-and-excitation Res2Net blocks, behind the first convolution */
	ECAPA_SCALE_MAX = 64
};

/* y = scale x + shift, channel by channel: a batch norm, once its statistics are known. */
typedef struct ecapa_norm {
	float *scale, *shift;
} ecapa_norm;

/* A product with one row a recording: float32, sixteen sums side by side. */
typedef struct ecapa_dense {
	int64_t outputs, inputs;
	float *weight, *bias;
} ecapa_dense;

typedef struct ecapa_sizes {
	int64_t channels, part, squeeze, pooled, attention, dims; /* C, W, S, M, A, D */
	int64_t taps[1 + ECAPA_BLOCKS];                           /* odd */
	int64_t scale;                                            /* C / W */
} ecapa_sizes;

typedef struct ecapa_block {
	fv_linear *enter; /* C -> C */
	ecapa_norm enter_norm;
	fv_linear *conv[ECAPA_SCALE_MAX - 1]; /* taps W -> W */
	ecapa_norm conv_norm[ECAPA_SCALE_MAX - 1];
	fv_linear *leave; /* C -> C; the norms before it are part of it */
	ecapa_norm leave_norm;
	ecapa_dense squeeze, excite; /* C -> S -> C */
} ecapa_block;

typedef struct ecapa_state {
	int32_t precision; /* parameter; fv_precision */
	ecapa_sizes sizes;
	fv_output output;
	fv_stft *stft;
	fv_mel *mel;
	fv_linear *first; /* taps 80 -> C */
	ecapa_norm first_norm;
	ecapa_block block[ECAPA_BLOCKS];
	fv_linear *merge; /* 3 C -> M */
	ecapa_norm merge_norm;
	fv_linear *look;     /* M -> A of each frame, without bias */
	ecapa_dense context; /* 2 M -> A of the recording */
	ecapa_norm look_norm;
	fv_linear *attend; /* A -> M */
	ecapa_norm pooled_norm;
	ecapa_dense last; /* 2 M -> D */
} ecapa_state;

/* --- weights.c: the file --- */

/* Checks that the file holds such a network and nothing that is not known, and opens its layers. */
FV_NODISCARD fv_status ecapa_read_weights(ecapa_state *s, fv_ctx *ctx, const char *path);

/* Frames that a convolution of block b looks at on each side: block 0 is the first convolution. */
int64_t ecapa_count_reach(const ecapa_sizes *sizes, int b);

/* --- census.c: what a file must hold --- */

extern const fv_fits_1 ecapa_fits;

/* What the names of all tensors begin with: "", "embedding_model.", ... */
const char *ecapa_find_prefix(const fv_checkpoint *file);

/* Sizes by the shapes of tensors, and the census. Errors: FV_DATA. */
FV_NODISCARD fv_status ecapa_check_census(fv_ctx *ctx, const char *path, const fv_checkpoint *file,
	const char *prefix, ecapa_sizes *sizes);

/* --- fbank.c: from the wave to mel bands --- */

FV_NODISCARD fv_status ecapa_fbank_open(ecapa_state *s, fv_ctx *ctx);

int64_t ecapa_count_frames(int64_t n);

/* wave [n] -> db [T,80], in decibels, no lower than 80 below the highest. */
FV_NODISCARD fv_status ecapa_compute_fbank(
	const ecapa_state *s, fv_ctx *worker, const float *wave, int64_t n, float *db);

/* db [T,80] less the mean of each band, in place. */
void ecapa_subtract_mean(float *db, int64_t frames);

/* --- trunk.c, pool.c: from mel bands to the embedding --- */

/* features [T,80] -> out [D] */
FV_NODISCARD fv_status ecapa_embed(
	const ecapa_state *s, fv_ctx *worker, const float *features, int64_t frames, float *out);

/* x [inputs] -> y [outputs] */
void ecapa_apply_dense(const ecapa_dense *dense, const float *x, float *y);

/* x [T,C], rows `stride` apart -> mean [C]; sum [C] to work in */
void ecapa_compute_mean(
	const float *x, int64_t frames, int64_t stride, int64_t channels, double *sum, float *mean);

/* x [T,M], hidden [T,A] and logits [T,M] to work in -> statistics [2 M]: mean and deviation over
 * the frames, weighted by attention. */
FV_NODISCARD fv_status ecapa_pool_frames(const ecapa_state *s, fv_ctx *worker, const float *x,
	int64_t frames, float *hidden, float *logits, float *linear_scratch, float *statistics);

#endif
