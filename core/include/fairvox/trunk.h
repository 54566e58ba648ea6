/* SPDX-License-Identifier: Apache-2.0 */
/* The network that wav2vec 2.0, HuBERT and WavLM have in common: convolutions over the wave, a
 * projection, a convolution that tells positions, and layers of self-attention.
 *
 *     conv_i    y = gelu(norm(W_i * x + b_i)), without padding; norm is a group norm of single
 *               channels behind the first convolution only, or a layer norm behind each
 *     project   h = W_p layer_norm(y) + b_p
 *     position  h += gelu(W_g * h + b_g), grouped, W_g[:,:,k] = gain_k V[:,:,k] / |V[:,:,k]|, padded
 *               by taps / 2 zeros on both sides; the last frame of an even number of taps is cut
 *     layer     h = norm(h + attention(h)), h = norm(h + W_2 gelu(W_1 h + b_1) + b_2);
 *               with norm_first h += attention(norm(h)), h += W_2 gelu(W_1 norm(h) + b_1) + b_2
 *
 * attention of a head: softmax(q k' / sqrt(d) + gate(x_q) bias[bucket(key - query)]) v; without
 * buckets there is no bias. With x_q the head's part of the layer's input and r = G x_q + g (8
 * numbers), a = sigmoid(r_0 + r_1 + r_2 + r_3), b = sigmoid(r_4 + ... + r_7): gate = a (b c - 1) + 2;
 * the bias is the same in all layers.
 *
 * States: L = layers + 1. State 0 is what the first layer gets, state i what layer i gives. The
 * final norm stands before the first layer, or, with norm_first, behind the last one: the last
 * state has it.
 *
 * Sources: Baevski et al., wav2vec 2.0, NeurIPS 2020; Hsu et al., HuBERT, TASLP 29 (2021); Chen et
 * al., WavLM, JSTSP 16 (2022).
 */
#ifndef FAIRVOX_TRUNK_H
#define FAIRVOX_TRUNK_H

#include <fairvox/abi.h>
#include <fairvox/context.h>
#include <fairvox/linear.h>

FV_BEGIN_DECLS

#define FV_TRUNK_CONVS 16 /* at most */

typedef struct fv_trunk_shape {
	uint32_t size;
	int32_t convs;
	int32_t channels[FV_TRUNK_CONVS], taps[FV_TRUNK_CONVS], step[FV_TRUNK_CONVS];
	int32_t conv_bias;                      /* 1: convolutions have one */
	int32_t norm_each;                      /* 1: layer norm behind each convolution */
	int32_t norm_first;                     /* 1: norms before attention and inner layer */
	int32_t width, layers, heads, inner;    /* heads divides width */
	int32_t position_taps, position_groups; /* position_groups divides width */
	int32_t buckets, max_distance;          /* buckets 0: no position bias; even */
	double eps;                             /* of the norms behind the convolutions */
} fv_trunk_shape;

/* Its tensors, as PyTorch keeps them. */
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
	FV_TRUNK_QUERY_WEIGHT, /* from here on one a layer; [width, width] */
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

/* How many of the kind a network of that shape has: one a convolution, one a layer, 1 or 0. */
int32_t fv_trunk_count(const fv_trunk_shape *shape, fv_trunk_tensor tensor);

/* The shape of number `index` -> dims [4], returns the rank. */
int32_t fv_trunk_dims(
	const fv_trunk_shape *shape, fv_trunk_tensor tensor, int32_t index, int64_t *dims);

/* Fills out with a tensor, row-major. */
typedef fv_status fv_trunk_read(
	void *user, fv_ctx *ctx, fv_trunk_tensor tensor, int32_t index, float *out);

typedef struct fv_trunk fv_trunk;

/* Asks `read` once for each tensor. Products are computed as `precision` says, but for the first
 * convolution, the gates and the attention itself, which are float32 always. *out lives until the
 * plugin's state is closed and is never written to again. Errors: those of `read`; FV_FAILED when
 * memory is out. [run] */
FV_NODISCARD fv_status fv_trunk_open(fv_ctx *ctx, const fv_trunk_shape *shape,
	fv_precision precision, fv_trunk_read *read, void *user, fv_trunk **out);

/* The frames T of n samples, 0 when there are too few; and the fewest that give one. */
int64_t fv_trunk_frames(const fv_trunk *trunk, int64_t n);
int64_t fv_trunk_min_samples(const fv_trunk *trunk);

/* (wave - shift) scale, n samples -> out [L,T,width], or the means over the frames [L,width] when
 * pooled is 1. Uses scratch memory; about 12 MB for 10 s at a width of 768. [worker] */
FV_NODISCARD fv_status fv_trunk_apply(const fv_trunk *trunk, fv_ctx *worker, const float *wave,
	int64_t n, double shift, double scale, int32_t pooled, float *out);

FV_END_DECLS

#endif
