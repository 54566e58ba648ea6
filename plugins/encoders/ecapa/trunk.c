/* SPDX-License-Identifier: Apache-2.0 */
/* The network from the features to the frames that are pooled (Desplanques, Thienpondt, Demuynck,
 * "ECAPA-TDNN", Interspeech 2020, in SpeechBrain's form), and from the pooled statistics to the
 * embedding.
 *
 *     x_0 = tdnn(features)                                       tdnn(x) = norm(max(0, conv(x)))
 *     block b = 1, 2, 3 of dilation b + 1:
 *         u = tdnn(x_(b-1)), split into parts u_0 ... u_(scale-1)
 *         y_0 = u_0,   y_1 = tdnn(u_1),   y_i = tdnn(u_i + y_(i-1))
 *         v = tdnn(y)
 *         x_b = v sigmoid(E max(0, S mean over time(v))) + x_(b-1)
 *     z = tdnn(x_1, x_2, x_3),   embedding = F norm(statistics(z))
 *
 * Attentive statistics pooling: mean and standard deviation of each channel over the frames, first
 * with equal weights, then weighted by the softmax over time of
 *     V tanh(norm(max(0, W (z_t, mean, deviation) + b))) + c. */
#include "ecapa.h"

#define VARIANCE_MIN 1e-12

static const fv_affine as_it_is;
static const fv_matrix none;

static fv_affine skip_channels(fv_affine affine, int64_t n)
{
	return (fv_affine){affine.scale + n, affine.shift + n};
}

/* x_0 [T,C] */
static fv_matrix apply_first_block(const ecapa_state *s, fv_pack *pack)
{
	fv_matrix features = fv_pack_input(pack);
	fv_matrix x = fv_pack_rows(pack, features, s->sizes.channels);
	const fv_convolution conv = FV_CONVOLUTION(.linear = s->first,
		.taps = (int32_t)s->sizes.taps[0], .dilation = 1);
	fv_pack_convolve(pack, &conv, as_it_is, features, as_it_is, none, x);
	fv_pack_affine(pack, s->first_norm, FV_FUNCTION_NONE, x, x);
	return x;
}

/* Convolves the parts of u [T,C] in order: part i becomes the convolution of its sum with part i -
 * 1, both normalised. Part 0 does not change. */
static void convolve_parts(const ecapa_state *s, int b, fv_pack *pack, fv_matrix u)
{
	const ecapa_block *block = &s->block[b];
	const int64_t width = s->sizes.part;
	for (int64_t i = 1; i < s->sizes.scale; i++) {
		const fv_convolution conv = FV_CONVOLUTION(.linear = block->conv[i - 1],
			.taps = (int32_t)s->sizes.taps[b + 1], .dilation = b + 2);
		fv_matrix own = fv_columns(u, i * width, width);
		fv_pack_convolve(pack, &conv, skip_channels(block->enter_norm, i * width), own,
			i > 1 ? block->conv_norm[i - 2] : as_it_is,
			i > 1 ? fv_columns(u, (i - 1) * width, width) : none, own);
	}
}

/* Normalises y [T,C], weights its channels by squeeze and excitation, and adds x. */
static void apply_excitation(
	const ecapa_state *s, const ecapa_block *block, fv_pack *pack, fv_matrix x, fv_matrix y)
{
	fv_matrix mean = fv_pack_utterances(pack, s->sizes.channels);
	fv_matrix squeezed = fv_pack_utterances(pack, s->sizes.squeeze);
	fv_matrix gate = fv_pack_utterances(pack, s->sizes.channels);
	fv_pack_mean(pack, FV_SUMS_FLOAT, y, mean);
	fv_pack_affine(pack, block->leave_norm, FV_FUNCTION_NONE, mean, mean);
	fv_pack_dense(pack, block->squeeze, FV_FUNCTION_RELU, 1, mean, squeezed);
	fv_pack_dense(pack, block->excite, FV_FUNCTION_NONE, 1, squeezed, gate);
	fv_pack_gate(pack, block->leave_norm, gate, x, y);
}

/* x [T,M] -> statistics [U, 2 M], weighted by attention */
static fv_matrix pool_frames(const ecapa_state *s, fv_pack *pack, fv_matrix x)
{
	const ecapa_sizes *z = &s->sizes;
	fv_matrix mean = fv_pack_utterances(pack, z->pooled);
	fv_matrix statistics = fv_pack_utterances(pack, 2 * z->pooled);
	fv_matrix context = fv_pack_utterances(pack, z->attention);
	fv_matrix hidden = fv_pack_rows(pack, x, z->attention);
	fv_matrix logits = fv_pack_rows(pack, x, z->pooled);
	fv_pack_mean(pack, FV_SUMS_FLOAT, x, mean);
	fv_pack_moments(pack, s->merge_norm, VARIANCE_MIN, x, none, mean, statistics);
	fv_pack_dense(pack, s->context, FV_FUNCTION_NONE, 1, statistics, context);
	fv_pack_spread(pack, context, hidden);
	fv_pack_linear(pack, s->look, x, 1, FV_ACTIVATION_RELU, hidden);
	fv_pack_affine(pack, s->look_norm, FV_FUNCTION_TANH, hidden, hidden);
	fv_pack_linear(pack, s->attend, hidden, 0, FV_ACTIVATION_NONE, logits);
	fv_pack_moments(pack, s->merge_norm, VARIANCE_MIN, x, logits, mean, statistics);
	return statistics;
}

fv_status ecapa_embed(const ecapa_state *s, fv_pack *pack, float *const *out)
{
	const ecapa_sizes *z = &s->sizes;
	fv_matrix x = apply_first_block(s, pack);
	fv_matrix inside = fv_pack_rows(pack, x, z->channels);
	fv_matrix blocks = fv_pack_rows(pack, x, ECAPA_BLOCKS * z->channels);
	for (int b = 0; b < ECAPA_BLOCKS; b++) {
		const ecapa_block *block = &s->block[b];
		fv_matrix y = fv_columns(blocks, b * z->channels, z->channels);
		fv_pack_linear(pack, block->enter, x, 0, FV_ACTIVATION_RELU, inside);
		convolve_parts(s, b, pack, inside);
		fv_pack_linear(pack, block->leave, inside, 0, FV_ACTIVATION_RELU, y);
		apply_excitation(s, block, pack, x, y);
		x = y;
	}
	fv_matrix merged = fv_pack_rows(pack, x, z->pooled);
	fv_pack_linear(pack, s->merge, blocks, 0, FV_ACTIVATION_RELU, merged);
	fv_matrix statistics = pool_frames(s, pack, merged);
	fv_matrix embedding = fv_pack_utterances(pack, z->dims);
	fv_pack_affine(pack, s->pooled_norm, FV_FUNCTION_NONE, statistics, statistics);
	fv_pack_dense(pack, s->last, FV_FUNCTION_NONE, 1, statistics, embedding);
	fv_pack_fetch(pack, embedding, 0, out);
	return fv_pack_wait(pack);
}
