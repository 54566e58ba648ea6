/* SPDX-License-Identifier: Apache-2.0 */
/* ECAPA-TDNN: declarations that the files of this plugin share.
 *
 * Shapes: n samples, T = 1 + n / 160 frames of 80 mel bands, C channels of the first four blocks, W
 * = C / scale channels of one part of a block, S channels of a squeeze, M channels of the frames
 * that are pooled, A of the attention, D dimensions of the embedding. Frames are rows: [T,C]. */
#ifndef ECAPA_H
#define ECAPA_H

#include <fairvox/fairvox.h>

enum {
	ECAPA_RATE_HZ = 16000,
	ECAPA_WINDOW = 400, /* samples */
	ECAPA_HOP = 160,
	ECAPA_BANDS = 80,
	ECAPA_BLOCKS = 3, /* squeeze-and-excitation Res2Net blocks after the first convolution */
	ECAPA_SCALE_MAX = 64
};

typedef struct ecapa_sizes {
	int64_t channels, part, squeeze, pooled, attention, dims; /* C, W, S, M, A, D */
	int64_t taps[1 + ECAPA_BLOCKS];                           /* odd */
	int64_t scale;                                            /* C / W */
} ecapa_sizes;

/* A norm is a batch norm with known statistics: scale x + shift. */
typedef struct ecapa_block {
	fv_linear *enter; /* C -> C */
	fv_affine enter_norm;
	fv_linear *conv[ECAPA_SCALE_MAX - 1]; /* taps W -> W */
	fv_affine conv_norm[ECAPA_SCALE_MAX - 1];
	fv_linear *leave; /* C -> C; includes the norms before it */
	fv_affine leave_norm;
	fv_dense *squeeze, *excite; /* C -> S -> C */
} ecapa_block;

typedef struct ecapa_state {
	int32_t precision; /* parameter; fv_precision */
	ecapa_sizes sizes;
	fv_output output;
	fv_stft *stft;
	fv_mel *mel;
	fv_linear *first; /* taps 80 -> C */
	fv_affine first_norm;
	ecapa_block block[ECAPA_BLOCKS];
	fv_linear *merge; /* 3 C -> M */
	fv_affine merge_norm;
	fv_linear *look;   /* M -> A for each frame, without bias */
	fv_dense *context; /* 2 M -> A for the recording */
	fv_affine look_norm;
	fv_linear *attend; /* A -> M */
	fv_affine pooled_norm;
	fv_dense *last; /* 2 M -> D */
} ecapa_state;

/* --- weights.c: the file --- */

/* Checks that the file holds such a network and no unknown tensors, and opens its layers. */
FV_NODISCARD fv_status ecapa_read_weights(ecapa_state *s, fv_ctx *ctx, const char *path);

/* Number of frames that a convolution of block b reads on each side; block 0 is the first
 * convolution. */
int64_t ecapa_count_reach(const ecapa_sizes *sizes, int b);

/* --- census.c: what a file must hold --- */

extern const fv_fits_1 ecapa_fits;

#define ECAPA_TEXT (FV_PREFIX_MAX + 160) /* bytes of a message */

/* Finds the prefix of the tensor names, "", "embedding_model.", ... Errors: FV_DATA for a file that
 * holds the network twice or only a part of it. */
FV_NODISCARD fv_status ecapa_find_prefix(
	fv_ctx *ctx, const char *path, const fv_checkpoint *file, char prefix[FV_PREFIX_MAX]);

/* Finds the sizes from the tensors' shapes and takes the census; notes an unusual prefix. Errors:
 * FV_DATA. */
FV_NODISCARD fv_status ecapa_check_census(fv_ctx *ctx, const char *path, const fv_checkpoint *file,
	const char *prefix, ecapa_sizes *sizes);

/* --- fbank.c: from the wave to mel bands --- */

FV_NODISCARD fv_status ecapa_fbank_open(ecapa_state *s, fv_ctx *ctx);

int64_t ecapa_count_frames(int64_t n);

/* Computes mel bands db [T,80] of wave [n] in decibels, limited to 80 dB below the highest. */
FV_NODISCARD fv_status ecapa_compute_fbank(
	const ecapa_state *s, fv_ctx *worker, const float *wave, int64_t n, float *db);

/* Subtracts the mean of each band from db [T,80], in place. */
void ecapa_subtract_mean(float *db, int64_t frames);

/* --- trunk.c: from mel bands to the embedding --- */

/* Computes the embeddings out[u] [D] of the utterances of a pack, whose input is features [T,80]. */
FV_NODISCARD fv_status ecapa_embed(const ecapa_state *s, fv_pack *pack, float *const *out);

#endif
