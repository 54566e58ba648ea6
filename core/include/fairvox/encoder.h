/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders turn a recording into features, a small array of numbers. They are the only plugins that
 * see audio.
 *
 * Shapes: n samples, L layers, D dimensions, T frames. Arrays are row-major float32.
 * An encoder never pads, and what it gives for a recording does not depend on any other.
 */
#ifndef FAIRVOX_ENCODER_H
#define FAIRVOX_ENCODER_H

#include <fairvox/abi.h>
#include <fairvox/context.h>
#include <fairvox/pack.h>

FV_BEGIN_DECLS

/* What a column means. A grouper that reads a classifier's output looks for FV_COL_PROBABILITY. */
typedef enum fv_role { FV_COL_FEATURE, FV_COL_PROBABILITY, FV_COL_VALUE } fv_role;

typedef enum fv_standardize {
	FV_STANDARDIZE_NONE,
	FV_STANDARDIZE_TRAIN,   /* z-score with mean and sd of the training rows */
	FV_STANDARDIZE_SPEAKER, /* z-score with mean and sd of each speaker; transductive */
} fv_standardize;

typedef struct fv_output {
	uint32_t size;
	const char *name;           /* "states", "embedding", "features", ... */
	int32_t layers, dims;       /* L, D */
	const char *const *columns; /* [D] names, or NULL: "0", "1", ... */
	const fv_role *roles;       /* [D], or NULL: all are FV_COL_FEATURE */
	fv_standardize standardize; /* default for this output */
	int32_t has_frames; /* 1: encode() can also return [L,T,D], whose mean over T is [L,D] */
} fv_output;

#define FV_OUTPUT(...) FV_SIZED(fv_output, __VA_ARGS__)

typedef struct fv_encoder_info {
	uint32_t size;
	int32_t rate_hz;     /* sample rate of the wave; 0 with by_name */
	int32_t min_samples; /* a shorter recording is an error of that recording */
	int32_t by_name;     /* 1: lookup() is called with the recording's name; no audio is read */
	int32_t n_outputs;
	const fv_output *outputs; /* [n_outputs]; the first is the default */
	/* Text about anything else that the numbers depend on besides weights and parameters, for
	 * example what open() read from files next to the weights. Part of the cache key. May be
	 * NULL. */
	const char *identity;
} fv_encoder_info;

#define FV_ENCODER_INFO(...) FV_SIZED(fv_encoder_info, __VA_ARGS__)

/* open and info are required, and so is one of encode, batch and lookup. */
typedef struct fv_encoder_ops {
	uint32_t size;
	/* Reads the weights (a path, or NULL if the configuration names none) and prepares
	 * constants. Errors: FV_DATA for a bad file, FV_CONFIG for parameters that contradict each
	 * other, and for weights if it takes none. [run] */
	fv_status (*open)(void *state, fv_ctx *ctx, const char *weights);
	/* Fills in `info`; everything it points to lives until close(). [worker] */
	fv_status (*info)(const void *state, fv_ctx *ctx, fv_encoder_info *info);
	/* Returns T for a wave of n samples. Only called for outputs with has_frames. [worker] */
	int64_t (*frames)(const void *state, int32_t output, int64_t n);
	/* Encodes wave [n], mono, in [-1, 1] and at rate_hz, into out: [L,D] (pooled = 1) or
	 * [L,T,D] (pooled = 0). n is at least min_samples. Every number must be finite, whatever the
	 * role of its column. Errors: FV_DATA. NULL with by_name, and not called where there is
	 * batch. [worker] */
	fv_status (*encode)(const void *state, fv_ctx *worker, int32_t output, const float *wave,
		int64_t n, int32_t pooled, float *out);
	/* Writes the features of a recording into out [L,D]. id: its path as the label file has it,
	 * spelled as by fv_path_id. At least its last `parts` parts must agree with the path that
	 * the features have: 1, the file's name, where no other recording of the corpus has the
	 * same. Errors: FV_DATA if there are none, or if several fit equally well. NULL unless
	 * by_name. [worker] */
	fv_status (*lookup)(const void *state, fv_ctx *worker, int32_t output, const char *id,
		int32_t parts, float *out);
	/* Releases what did not come from fv_alloc(). Also called if open() failed. NULL: nothing
	 * to release. [run] */
	void (*close)(void *state);
	/* Makes the network's input from wave [n], as encode gets it, and writes it to the memory of
	 * fv_feed_rows. On the CPU, before the utterance is put into a pack. Errors: FV_DATA. NULL: the input
	 * is the wave, [n,1]. [worker] */
	fv_status (*prepare)(const void *state, fv_ctx *worker, int32_t output, const float *wave,
		int64_t n, fv_feed *feed);
	/* Encodes the utterances of a pack by the operations of pack.h, in place of encode: out[u] [L,D] (pooled
	 * = 1) or [L,T,D] (pooled = 0). An utterance's numbers must not depend on the others. A fault of one
	 * utterance: fv_pack_refuse. NULL: one utterance at a time, by encode. [worker] */
	fv_status (*batch)(const void *state, fv_ctx *worker, int32_t output, fv_pack *pack,
		int32_t pooled, float *const *out);
} fv_encoder_ops;

#define FV_ENCODER_OPS(...) FV_SIZED(fv_encoder_ops, __VA_ARGS__)

/* --- extension fv.fits/1: which files hold weights of this encoder, for `fairvox inspect` ----- */

#define FV_FITS_1 "fv.fits/1"

struct fv_checkpoint;

typedef struct fv_fit {
	uint32_t size;
	const char *what;    /* one line about the network, with static storage */
	const char *licence; /* of the weights, if the file is a published one; NULL: unknown */
} fv_fit;

typedef struct fv_fits_1 {
	uint32_t size;
	/* Returns 1 and fills in *fit if open() would accept the file. Decides by names, types and
	 * shapes of the tensors alone. sha256 is that of the file, as 64 lower-case hex digits.
	 * Needs no state. [run] */
	int32_t (*fits)(const struct fv_checkpoint *file, const char *sha256, fv_fit *fit);
} fv_fits_1;

#define FV_FITS(...) FV_SIZED(fv_fits_1, __VA_ARGS__)

FV_END_DECLS

#endif
