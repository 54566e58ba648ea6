/* SPDX-License-Identifier: Apache-2.0 */
/* Where encoders compute. A device holds the constants of a network and the rows of a pack of
 * utterances in memory of its own; a table of functions says how it computes on them. The code of the networks
 * (nn/) names memory and order of operations, and never reads the device's memory itself.
 *
 * Shapes: a pack has U utterances; each has rows, one behind the other, R in all. Numbers are float32,
 * row-major. An utterance's results do not depend on the other utterances, to the last bit.
 *
 * Operations are enqueued and return nothing. After one has failed, those behind it do nothing, and `wait`
 * tells the failure. What they are given (matrices, layouts, constants, host memory) must stay until
 * `wait` has returned, except fv_convolution and fv_affine, which are copied. On the CPU an operation has
 * ended when it returns. */
#ifndef CORE_BACKEND_DEVICE_H
#define CORE_BACKEND_DEVICE_H

#include <stdbool.h>

#include <fairvox/pack.h>
#include <fairvox/trunk.h>

#include "backend/classifier.h"
#include "base/context.h"

/* --- the utterances of a pack --- */

/* Rows [first, first + count) are the utterance's. Where a whole pack is convolved as one product, an
 * utterance of T frames has room for T + 1, from frame `slot` on, so that its last rows do not meet the
 * next one's. */
typedef struct core_span {
	int64_t first, count, slot;
} core_span;

/* Rows [first, first + count) of an utterance that are queries of one block of attention; first counts
 * from the utterance's own. */
typedef struct core_tile {
	int32_t utterance;
	int64_t first, count;
} core_tile;

struct fv_layout {
	int32_t n;     /* U */
	int64_t rows;  /* R */
	int64_t slots; /* frames of room for all slots */
	int64_t longest;
	const core_span *span; /* [n] */
	int64_t n_tiles;
	const core_tile *tile; /* [n_tiles], in order of the rows */
};

/* --- constants: in the device's memory, made when an encoder is opened --- */

/* y = (x - mean) / sqrt(variance + eps) scale + offset over a row */
typedef struct core_norm {
	const float *scale, *offset; /* [width] */
	float eps;
} core_norm;

enum { CORE_FIRST_TAPS = 64 }; /* at most, of `first` */

/* Convolutions over a wave without padding, each followed by a norm and GELU. `first` and the norm
 * behind it, over time with one channel a group, are one operation; without `first` there is a layer norm
 * after each convolution. */
typedef struct core_convolutions {
	int32_t n;
	int32_t channels[FV_TRUNK_CONVS], taps[FV_TRUNK_CONVS], step[FV_TRUNK_CONVS];
	fv_linear *linear[FV_TRUNK_CONVS]; /* [channels, taps, channels before] */
	core_norm norm[FV_TRUNK_CONVS];
	const float *first; /* [taps,channels] of the first one */
} core_convolutions;

/* The convolution that encodes positions: W_g [width / groups, taps, width / groups] of each group */
typedef struct core_position {
	int64_t width, groups, taps;
	fv_linear **linear; /* [groups] */
} core_position;

/* What attention needs besides queries, keys and values: gate G [2, width / heads] and the constant
 * c [heads] of the position bias. gate NULL: no bias. */
typedef struct core_heads {
	int64_t width, heads;
	fv_linear *gate;
	const float *constant;
} core_heads;

struct fv_dense {
	fv_sums sums;
	int64_t outputs, inputs;
	const float *weight, *bias; /* [outputs,inputs], [outputs] */
};

/* --- the table --- */

/* The work of one pack, enqueued by one thread. */
typedef struct core_queue {
	core_device *device;
	fv_ctx *worker; /* memory and messages of whoever enqueues */
	fv_status status;
} core_queue;

typedef struct core_device_ops {
	const char *name;
	int64_t queries; /* of a tile */

	/* Copies host [n] into memory that lives until the plugin's state is closed. */
	fv_status (*load)(
		fv_ctx *ctx, core_device *device, const float *host, int64_t n, const float **out);
	/* As fv_linear_open and fv_lstm_open. */
	fv_linear *(*open_linear)(fv_ctx *ctx, core_device *device, fv_precision precision,
		int64_t outputs, int64_t inputs, const float *weight, const float *bias);
	fv_lstm *(*open_lstm)(fv_ctx *ctx, core_device *device, int32_t inputs, int32_t hidden,
		const float *weight_ih, const float *weight_hh, const float *bias_ih,
		const float *bias_hh);

	/* Begins the work of a pack. Its memory lasts until the worker's scratch memory is reset. NULL, with a
	 * message: out of memory. */
	core_queue *(*begin)(fv_ctx *worker, core_device *device);
	/* Memory for n numbers until the work ends; NULL: the queue has failed. */
	float *(*allocate)(core_queue *queue, int64_t n);
	/* Copies host [n] to the device's memory. */
	void (*put)(core_queue *queue, const float *host, int64_t n, float *to);
	/* The rows of utterance u -> out[u] + block count_u width, for all u. */
	void (*fetch)(core_queue *queue, fv_matrix from, int64_t block, float *const *out);
	/* Waits until everything is done. Returns the status of the first failure. */
	fv_status (*wait)(core_queue *queue);

	/* --- operations --- */

	/* wave [n_u,1] -> y [T_u, channels of the last]: convolutions of wave, or with `scaled` of (wave - mean) /
	 * sqrt(variance + 1e-7) */
	void (*convolve_waves)(core_queue *queue, const core_convolutions *convolutions,
		fv_matrix wave, bool scaled, fv_matrix y);
	/* y may be x. Rows without gaps. */
	void (*layer_norm)(core_queue *queue, const core_norm *norm, fv_matrix x, fv_matrix y);
	/* y = activation(W x + b), or activation(y + W x + b) with `add`; y is not x */
	void (*multiply)(core_queue *queue, const fv_linear *linear, fv_matrix x, bool add,
		fv_activation activation, fv_matrix y);
	/* y += outer(gelu(inner(x))); y may be x */
	void (*feed_forward)(core_queue *queue, const fv_linear *inner, int64_t width,
		const fv_linear *outer, fv_matrix x, fv_matrix y);
	/* y += x. Rows without gaps. */
	void (*add)(core_queue *queue, fv_matrix x, fv_matrix y);
	/* y = gelu(W_g x + b_g), with zeros before and behind each utterance; rows without gaps */
	void (*position)(
		core_queue *queue, const core_position *position, fv_matrix x, fv_matrix y);
	/* Attention of each utterance, head by head: joined [R,3 width] queries, keys, values -> y [R,width]. With
	 * a gate, the scores get gate(x) bias; bias [heads, 2 longest - 1] is for distances key - query from
	 * 1 - longest on, x [R,width] what the gate sees; y may be x. */
	void (*attend)(core_queue *queue, const core_heads *heads, fv_matrix joined, fv_matrix x,
		const float *bias, fv_matrix y);
	/* As the functions of fairvox/pack.h. */
	void (*dense)(core_queue *queue, const fv_dense *dense, fv_function f, double factor,
		fv_matrix x, fv_matrix y);
	void (*affine)(
		core_queue *queue, fv_affine affine, fv_function f, fv_matrix x, fv_matrix y);
	void (*convolve)(core_queue *queue, const fv_convolution *convolution, fv_affine a,
		fv_matrix x, fv_affine b, fv_matrix added, fv_matrix y);
	void (*mean)(core_queue *queue, fv_sums sums, fv_matrix x, fv_matrix y);
	void (*moments)(core_queue *queue, fv_affine affine, double least, fv_matrix x,
		fv_matrix logits, fv_matrix centre, fv_matrix y);
	void (*spread)(core_queue *queue, fv_matrix x, fv_matrix y);
	void (*gate)(core_queue *queue, fv_affine affine, fv_matrix gate, fv_matrix x, fv_matrix y);
	void (*lstm)(core_queue *queue, fv_lstm *const *layer, int32_t layers, int64_t window,
		int64_t step, fv_matrix x, fv_matrix y);
	void (*direction)(core_queue *queue, fv_matrix x, fv_matrix y);
} core_device_ops;

struct core_device {
	const core_device_ops *ops;
};

/* --- modules: devices that are loaded when asked for --- */

#define CORE_CUDA_MODULE "libfairvox-cuda.so"

/* What a module exports: an object of this type named fairvox_device_module. One thread uses it and its devices. */
#define CORE_DEVICE_ENTRY "fairvox_device_module"

typedef struct core_device_module {
	uint32_t size;
	const char *version; /* of fairvox; both sides must be of the same build */
	const char *name;    /* "cuda", or "cuda-emulated" */
	/* Opens device `index` and reserves its memory. rows: how many rows of a pack a product computes at once, a
	 * power of two from 64 on (0: 16,384); if they do not fit in its free memory, half as many, and so on down to 1,024.
	 * Packs may have more rows. Behind it, the process must not fork and go on computing in the child. Errors: FV_FAILED, with one message: no
	 * driver or an old one, no such device, no code for its architecture, too little memory. */
	fv_status (*open)(fv_ctx *ctx, int32_t index, int64_t rows, core_device **out);
	/* Frees the device and the constants made on it. */
	void (*close)(core_device *device);
	/* What results depend on besides the input, for cache keys and env.json: the architecture, the library of
	 * products, `rows`. Valid until the device is closed. */
	const char *(*numerics)(const core_device *device);
	int64_t (*rows)(const core_device *device);
	const core_classifier_ops *classifiers; /* NULL: the device trains none */
} core_device_module;

/* The processor; always there. */
core_device *core_device_cpu(void);

/* A device without memory or operations: for opening an encoder that is not going to encode in this process. */
core_device *core_device_blank(void);

/* The device of a context (core_ctx_set_device), or the processor. */
core_device *core_device_of(const fv_ctx *ctx);

#endif
