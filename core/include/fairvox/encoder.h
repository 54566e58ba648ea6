/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders turn a recording into a small table of numbers. They alone touch audio.
 *
 * Shapes: n samples; L layers, D dimensions, T frames. Row-major float32.
 * An encoder never pads and never looks at a second utterance.
 */
#ifndef FAIRVOX_ENCODER_H
#define FAIRVOX_ENCODER_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

/* What a column means. The pseudo grouper reads PROBABILITY columns and nothing else. */
typedef enum fv_role { FV_COL_FEATURE, FV_COL_PROBABILITY, FV_COL_VALUE } fv_role;

typedef enum fv_standardize {
	FV_STANDARDIZE_NONE,
	FV_STANDARDIZE_TRAIN,   /* z-score with the training rows' mean and sd */
	FV_STANDARDIZE_SPEAKER, /* with each speaker's own: transductive */
} fv_standardize;

typedef struct fv_output {
	uint32_t size;
	const char *name;           /* "states", "embedding", "features", ... */
	int32_t layers, dims;       /* L, D */
	const char *const *columns; /* [D] names, or NULL: "0", "1", ... */
	const fv_role *roles;       /* [D], or NULL: all FV_COL_FEATURE */
	fv_standardize standardize; /* the default for this output */
	int32_t has_frames;         /* encode() can give [L,T,D] */
} fv_output;

typedef struct fv_encoder_info {
	uint32_t size;
	int32_t rate_hz;     /* the wave's sample rate; 0 with by_name */
	int32_t min_samples; /* shorter recordings are an error of the recording */
	int32_t by_name;     /* 1: lookup() is called with the stem, no audio is read */
	int32_t n_outputs;   /* the first is the default */
	const fv_output *outputs;
	/* What the numbers depend on beside weights and parameters, as text (what open() read from
	 * files beside the weights, say), or NULL: part of the cache's key. */
	const char *identity;
} fv_encoder_info;

typedef struct fv_encoder_ops {
	uint32_t size;
	/* Reads weights (a path, or NULL when the config names none) and prepares constants. Errors:
	 * FV_DATA for a bad file, FV_CONFIG for parameters that do not fit together. [run] */
	fv_status (*open)(void *state, fv_ctx *ctx, const char *weights);
	/* Fills `info`; what it points to lives until close. [worker] */
	fv_status (*info)(const void *state, fv_ctx *ctx, fv_encoder_info *info);
	/* T for a wave of n samples; only called for outputs with has_frames. [worker] */
	int64_t (*frames)(const void *state, int32_t output, int64_t n);
	/* wave [n] mono in [-1, 1] at rate_hz -> out [L,D] (pooled = 1) or [L,T,D] (pooled = 0).
	 * n >= min_samples. Every number must be finite. Errors: FV_DATA. NULL with by_name. [worker] */
	fv_status (*encode)(const void *state, fv_ctx *worker, int32_t output, const float *wave,
		int64_t n, int32_t pooled, float *out);
	/* The row of a recording named by its stem -> out [L,D]. NULL unless by_name. Errors:
	 * FV_DATA when there is no such row. [worker] */
	fv_status (*lookup)(
		const void *state, fv_ctx *worker, int32_t output, const char *stem, float *out);
	/* Releases what is not from fv_alloc, after a failed open too; NULL: nothing to do. [run]
	 */
	void (*close)(void *state);
} fv_encoder_ops;

/* --- extension fv.fits/1: which files are weights of this encoder, for `fairvox inspect` --- */

#define FV_FITS_1 "fv.fits/1"

struct fv_checkpoint;

typedef struct fv_fit {
	uint32_t size;
	const char *what;    /* one line on the network, with static storage */
	const char *licence; /* of the weights, where the file is a known one; NULL: not known */
} fv_fit;

typedef struct fv_fits_1 {
	uint32_t size;
	/* 1, and *fit is filled, if open() would take the file: decided by names, types and shapes alone.
	 * sha256: of the file, 64 lower-case hex digits. Needs no state. [run] */
	int32_t (*fits)(const struct fv_checkpoint *file, const char *sha256, fv_fit *fit);
} fv_fits_1;

FV_END_DECLS

#endif
