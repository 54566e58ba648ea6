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
 * Convolutions keep the number of frames: frames are reflected at both ends. A product over taps
 * needs them next to each other in memory, so the frames of a convolution with dilation d are
 * stored in d phases: frames t, t + d, t + 2d ... together. */
#include <math.h>
#include <string.h>

#include "ecapa.h"

/* Input frames of a convolution: `dilation` phases of `rows` rows of `width` numbers. */
struct phases {
	int64_t frames, width, reach, dilation, rows;
	float *at;
};

static struct phases plan_phases(
	const ecapa_state *s, int b, int64_t width, int64_t frames, float *memory)
{
	int64_t dilation = b ? b + 1 : 1, reach = ecapa_count_reach(&s->sizes, b);
	int64_t rows = (frames + 2 * reach + dilation - 1) / dilation;
	return (struct phases){frames, width, reach, dilation, rows, memory};
}

/* Address of frame t, from -reach to frames + reach - 1. */
static float *frame_at(const struct phases *p, int64_t t)
{
	int64_t place = t + p->reach;
	return p->at + (place % p->dilation * p->rows + place / p->dilation) * p->width;
}

/* Fills in the frames outside the recording. The frames inside must be there already. */
static void reflect_edges(const struct phases *p)
{
	size_t row = (size_t)p->width * sizeof *p->at;
	int64_t last = p->frames - 1;
	for (int64_t i = 1; i <= p->reach; i++) {
		memcpy(frame_at(p, -i), frame_at(p, i), row);
		memcpy(frame_at(p, last + i), frame_at(p, last - i), row);
	}
}

/* Writes frame t to y + t stride. */
static void convolve_frames(
	const fv_linear *conv, const struct phases *p, float *y, int64_t stride, float *scratch)
{
	for (int64_t phase = 0; phase < p->dilation && phase < p->frames; phase++)
		fv_linear_apply(conv, (p->frames - phase + p->dilation - 1) / p->dilation,
			p->at + phase * p->rows * p->width, p->width, 0, FV_ACTIVATION_RELU,
			y + phase * stride, p->dilation * stride, scratch);
}

static void run_first_block(const ecapa_state *s, const float *features, int64_t frames,
	float *padded, float *scratch, float *x)
{
	struct phases p = plan_phases(s, 0, ECAPA_BANDS, frames, padded);
	const int64_t channels = s->sizes.channels;
	for (int64_t t = 0; t < frames; t++)
		memcpy(frame_at(&p, t), features + t * ECAPA_BANDS, ECAPA_BANDS * sizeof *features);
	reflect_edges(&p);
	convolve_frames(s->first, &p, x, channels, scratch);
	for (int64_t t = 0; t < frames; t++, x += channels)
		for (int64_t c = 0; c < channels; c++)
			x[c] = s->first_norm.scale[c] * x[c] + s->first_norm.shift[c];
}

/* Convolves the parts of u [T,C] in order: part i becomes the convolution of its sum with part i -
 * 1, both normalised. Part 0 does not change. */
static void convolve_parts(const ecapa_block *block, const ecapa_sizes *z, const struct phases *p,
	float *u, float *scratch)
{
	const int64_t width = z->part;
	for (int64_t i = 1; i < z->scale; i++) {
		const float *scale = block->enter_norm.scale + i * width,
			    *shift = block->enter_norm.shift + i * width;
		const ecapa_norm *before = i > 1 ? &block->conv_norm[i - 2] : NULL;
		for (int64_t t = 0; t < p->frames; t++) {
			const float *own = u + t * z->channels + i * width, *last = own - width;
			float *sum = frame_at(p, t);
			for (int64_t c = 0; c < width && !before; c++)
				sum[c] = scale[c] * own[c] + shift[c];
			for (int64_t c = 0; c < width && before; c++)
				sum[c] = (scale[c] * own[c] + shift[c]) +
					 (before->scale[c] * last[c] + before->shift[c]);
		}
		reflect_edges(p);
		convolve_frames(block->conv[i - 1], p, u + i * width, z->channels, scratch);
	}
}

/* Normalises y [T,C] (rows `stride` apart), weights its channels by squeeze and excitation, and
 * adds x. */
static fv_status apply_excitation(const ecapa_block *block, const ecapa_sizes *z, fv_ctx *worker,
	float *y, int64_t stride, const float *x, int64_t stride_x, int64_t frames)
{
	const int64_t channels = z->channels;
	const ecapa_norm *norm = &block->leave_norm;
	float *mean = fv_scratch(worker, (size_t)(3 * channels + z->squeeze) * sizeof *mean);
	double *sum = fv_scratch(worker, (size_t)channels * sizeof *sum);
	if (!mean || !sum)
		return FV_FAILED;
	float *scale = mean + channels, *shift = scale + channels, *squeezed = shift + channels;
	ecapa_compute_mean(y, frames, stride, channels, sum, mean);
	for (int64_t c = 0; c < channels; c++)
		mean[c] = norm->scale[c] * mean[c] + norm->shift[c];
	ecapa_apply_dense(&block->squeeze, mean, squeezed);
	for (int64_t c = 0; c < z->squeeze; c++)
		squeezed[c] = squeezed[c] > 0 ? squeezed[c] : 0;
	ecapa_apply_dense(&block->excite, squeezed, scale);
	for (int64_t c = 0; c < channels; c++) {
		double gate = 1 / (1 + exp(-(double)scale[c]));
		scale[c] = (float)(gate * (double)norm->scale[c]);
		shift[c] = (float)(gate * (double)norm->shift[c]);
	}
	for (int64_t t = 0; t < frames; t++, y += stride, x += stride_x)
		for (int64_t c = 0; c < channels; c++)
			y[c] = scale[c] * y[c] + shift[c] + x[c];
	return FV_OK;
}

/* --- memory for a recording --- */

struct buffers {
	float *padded;  /* frames of a convolution */
	float *inside;  /* u [T,C]; later the attention's hidden layer [T,A] */
	float *blocks;  /* x_1, x_2, x_3 side by side [T,3 C]; later the attention's logits [T,M] */
	float *outside; /* x_0 [T,C]; z [T,M] */
	float *linear;  /* scratch of fv_linear_apply */
	float *statistics;
};

static int64_t max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t count_linear_scratch(const ecapa_state *s, int64_t frames)
{
	const fv_linear *all[4 + 3 * ECAPA_BLOCKS] = {s->first, s->merge, s->look, s->attend};
	for (int b = 0; b < ECAPA_BLOCKS; b++) {
		const ecapa_block *block = &s->block[b];
		const fv_linear *of[] = {block->enter, block->conv[0], block->leave};
		memcpy(all + 4 + 3 * b, of, sizeof of);
	}
	size_t most = 0;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		size_t one = fv_linear_scratch(all[i], frames);
		most = one > most ? one : most;
	}
	return (int64_t)most;
}

/* Allocates all buffers as one piece of memory, which the worker can reuse for the next recording.
 */
static fv_status allocate_buffers(
	const ecapa_state *s, fv_ctx *worker, int64_t frames, struct buffers *buffers)
{
	const ecapa_sizes *z = &s->sizes;
	int64_t padded = 0;
	for (int b = 0; b <= ECAPA_BLOCKS; b++) {
		struct phases p = plan_phases(s, b, b ? z->part : ECAPA_BANDS, frames, NULL);
		padded = max_i64(padded, p.dilation * p.rows * p.width);
	}
	const int64_t n[] = {padded, frames * max_i64(z->channels, z->attention),
		frames * max_i64(ECAPA_BLOCKS * z->channels, z->pooled),
		frames * max_i64(z->channels, z->pooled), count_linear_scratch(s, frames),
		2 * z->pooled};
	float **const at[] = {&buffers->padded, &buffers->inside, &buffers->blocks,
		&buffers->outside, &buffers->linear, &buffers->statistics};
	enum { PARTS = sizeof n / sizeof *n, LINE = 16 /* floats of a cache line */ };
	int64_t all = 0;
	for (int i = 0; i < PARTS; i++)
		all += (n[i] + LINE - 1) / LINE * LINE;
	float *memory = fv_scratch(worker, (size_t)all * sizeof *memory);
	for (int i = 0; i < PARTS && memory; i++) {
		*at[i] = memory;
		memory += (n[i] + LINE - 1) / LINE * LINE;
	}
	return memory ? FV_OK : FV_FAILED;
}

fv_status ecapa_embed(
	const ecapa_state *s, fv_ctx *worker, const float *features, int64_t frames, float *out)
{
	const ecapa_sizes *z = &s->sizes;
	struct buffers buffers;
	fv_status status = allocate_buffers(s, worker, frames, &buffers);
	if (status)
		return status;
	run_first_block(s, features, frames, buffers.padded, buffers.linear, buffers.outside);
	const float *x = buffers.outside;
	int64_t stride_x = z->channels, stride = ECAPA_BLOCKS * z->channels;
	for (int b = 0; b < ECAPA_BLOCKS && !status; b++) {
		const ecapa_block *block = &s->block[b];
		struct phases p = plan_phases(s, b + 1, z->part, frames, buffers.padded);
		float *y = buffers.blocks + b * z->channels;
		fv_linear_apply(block->enter, frames, x, stride_x, 0, FV_ACTIVATION_RELU,
			buffers.inside, z->channels, buffers.linear);
		convolve_parts(block, z, &p, buffers.inside, buffers.linear);
		fv_linear_apply(block->leave, frames, buffers.inside, z->channels, 0,
			FV_ACTIVATION_RELU, y, stride, buffers.linear);
		status = apply_excitation(block, z, worker, y, stride, x, stride_x, frames);
		x = y;
		stride_x = stride;
	}
	if (status)
		return status;
	fv_linear_apply(s->merge, frames, buffers.blocks, stride, 0, FV_ACTIVATION_RELU,
		buffers.outside, z->pooled, buffers.linear);
	status = ecapa_pool_frames(s, worker, buffers.outside, frames, buffers.inside,
		buffers.blocks, buffers.linear, buffers.statistics);
	if (status)
		return status;
	for (int64_t c = 0; c < 2 * z->pooled; c++)
		buffers.statistics[c] =
			s->pooled_norm.scale[c] * buffers.statistics[c] + s->pooled_norm.shift[c];
	ecapa_apply_dense(&s->last, buffers.statistics, out);
	return FV_OK;
}
