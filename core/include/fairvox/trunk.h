/* SPDX-License-Identifier: Apache-2.0 */
/* The network that wav2vec 2.0, HuBERT and WavLM have in common: convolutions over the wave, a
 * projection, a convolution that encodes positions, and layers of self-attention (a transformer).
 *
 *     conv_i    y = gelu(norm(W_i * x + b_i)), without padding; norm is a group norm with one channel
 *               per group after the first convolution only, or a layer norm after each
 *     project   h = W_p layer_norm(y) + b_p
 *     position  h += gelu(W_g * h + b_g), grouped, W_g[:,:,k] = gain_k V[:,:,k] / |V[:,:,k]|,
 *               padded by taps / 2 zeros on both sides; with an even number of taps the last frame
 *               is dropped
 *     layer     h = norm(h + attention(h)), h = norm(h + W_2 gelu(W_1 h + b_1) + b_2);
 *               with norm_first h += attention(norm(h)), h += W_2 gelu(W_1 norm(h) + b_1) + b_2
 *
 * Attention of one head: softmax(q k' / sqrt(d) + gate(x_q) bias[bucket(key - query)]) v. Without
 * buckets there is no bias; the bias is the same in all layers. The gate is a (b c - 1) + 2 with a
 * = sigmoid(r_0 + r_1 + r_2 + r_3), b = sigmoid(r_4 + ... + r_7) and the 8 numbers r = G x_q + g,
 * where x_q is the head's part of the layer's input.
 *
 * States: L = layers + 1. State 0 is the input of the first layer, state i the output of layer i.
 * The final norm comes before the first layer, or, with norm_first, after the last one; the last
 * state then includes it.
 *
 * Sources: Baevski et al., wav2vec 2.0, NeurIPS 2020; Hsu et al., HuBERT, TASLP 29 (2021); Chen et
 * al., WavLM, JSTSP 16 (2022).
 */
#ifndef FAIRVOX_TRUNK_H
#define FAIRVOX_TRUNK_H

#include <fairvox/abi.h>
#include <fairvox/context.h>
#include <fairvox/linear.h>
#include <fairvox/pack.h>

FV_BEGIN_DECLS

#define FV_TRUNK_CONVS 16 /* at most */

typedef struct fv_trunk_shape {
	uint32_t size;
	int32_t convs;
	int32_t channels[FV_TRUNK_CONVS], taps[FV_TRUNK_CONVS], step[FV_TRUNK_CONVS];
	int32_t conv_bias;                      /* 1: convolutions have a bias */
	int32_t norm_each;                      /* 1: layer norm after each convolution */
	int32_t norm_first;                     /* 1: norms before attention and inner layer */
	int32_t width, layers, heads, inner;    /* heads divides width */
	int32_t position_taps, position_groups; /* position_groups divides width */
	int32_t buckets, max_distance;          /* buckets is even; 0: no position bias */
	double eps;                             /* of the norms after the convolutions */
} fv_trunk_shape;

/* The tensors of the network, in PyTorch's layout. */
typedef enum fv_trunk_tensor {
	FV_TRUNK_CONV_WEIGHT, /* [channels, channels before, taps] */
	FV_TRUNK_CONV_BIAS,
	FV_TRUNK_CONV_NORM_WEIGHT,
	FV_TRUNK_CONV_NORM_BIAS,
	FV_TRUNK_FEATURE_NORM_WEIGHT,
	FV_TRUNK_FEATURE_NORM_BIAS,
	FV_TRUNK_PROJECTION_WEIGHT, /* [width, channels] */
	FV_TRUNK_PROJECTION_BIAS,
	FV_TRUNK_POSITION_GAIN,   /* [1, 1, taps] */
	FV_TRUNK_POSITION_WEIGHT, /* V: [width, width / groups, taps] */
	FV_TRUNK_POSITION_BIAS,
	FV_TRUNK_NORM_WEIGHT,
	FV_TRUNK_NORM_BIAS,
	FV_TRUNK_BUCKETS,      /* [buckets, heads] */
	FV_TRUNK_QUERY_WEIGHT, /* [width, width]; from here on one tensor per layer */
	FV_TRUNK_QUERY_BIAS,
	FV_TRUNK_KEY_WEIGHT,
	FV_TRUNK_KEY_BIAS,
	FV_TRUNK_VALUE_WEIGHT,
	FV_TRUNK_VALUE_BIAS,
	FV_TRUNK_OUT_WEIGHT,
	FV_TRUNK_OUT_BIAS,
	FV_TRUNK_ATTENTION_NORM_WEIGHT,
	FV_TRUNK_ATTENTION_NORM_BIAS,
	FV_TRUNK_INNER_WEIGHT, /* W_1: [inner, width] */
	FV_TRUNK_INNER_BIAS,
	FV_TRUNK_OUTER_WEIGHT, /* W_2: [width, inner] */
	FV_TRUNK_OUTER_BIAS,
	FV_TRUNK_FINAL_NORM_WEIGHT,
	FV_TRUNK_FINAL_NORM_BIAS,
	FV_TRUNK_GATE_WEIGHT,   /* G: [8, width / heads] */
	FV_TRUNK_GATE_BIAS,     /* g */
	FV_TRUNK_GATE_CONSTANT, /* c: [1, heads, 1, 1] */
	FV_TRUNK_TENSORS
} fv_trunk_tensor;

/* Returns how many tensors of this kind a network of that shape has: one per convolution, one per
 * layer, 1 or 0. */
int32_t fv_trunk_count(const fv_trunk_shape *shape, fv_trunk_tensor tensor);

/* Writes the shape of tensor number `index` of its kind into dims [4] and returns the rank. */
int32_t fv_trunk_dims(
	const fv_trunk_shape *shape, fv_trunk_tensor tensor, int32_t index, int64_t *dims);

/* Callback that reads a tensor into out, row-major. */
typedef fv_status fv_trunk_read(
	void *user, fv_ctx *ctx, fv_trunk_tensor tensor, int32_t index, float *out);

typedef struct fv_trunk fv_trunk;

/* Builds the network; calls `read` once for each tensor. Products are computed with the given
 * precision, except in the first convolution, the gates and the attention itself, which always use
 * float32. *out lives until the plugin's state is closed and is never written to again. Errors:
 * those of `read`; FV_FAILED if memory is out. [run] */
FV_NODISCARD fv_status fv_trunk_open(fv_ctx *ctx, const fv_trunk_shape *shape,
	fv_precision precision, fv_trunk_read *read, void *user, fv_trunk **out);

/* Number of frames T for n samples; 0 if there are too few. */
int64_t fv_trunk_frames(const fv_trunk *trunk, int64_t n);
/* Smallest number of samples that gives a frame. */
int64_t fv_trunk_min_samples(const fv_trunk *trunk);

/* Applies the network to the waves of a pack, of at least fv_trunk_min_samples each: to wave [n], or with scaled = 1
 * to (wave - mean) / sqrt(variance + 1e-7). Writes the states of utterance u into out[u] [L,T,width], or
 * with pooled = 1 their means over the frames into out[u] [L,width], summed in double. Uses scratch memory, about
 * 15 MB for 10 s at a width of 768. Errors: FV_FAILED if memory is out. [worker] */
FV_NODISCARD fv_status fv_trunk_batch(
	const fv_trunk *trunk, fv_pack *pack, int32_t scaled, int32_t pooled, float *const *out);

/* Applies the network to one wave [n], alone, on the CPU: as fv_trunk_batch writes out[0]. Only for a trunk that
 * was opened on the CPU. [worker] */
FV_NODISCARD fv_status fv_trunk_apply(const fv_trunk *trunk, fv_ctx *worker, const float *wave,
	int64_t n, int32_t scaled, int32_t pooled, float *out);

/* As fv_trunk_batch, but enqueues the operations and returns the last state, [T,width] of each utterance, for
 * further operations of pack.h. [worker] */
fv_matrix fv_trunk_last(const fv_trunk *trunk, fv_pack *pack, int32_t scaled);

FV_END_DECLS

#endif
