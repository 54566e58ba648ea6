/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the layers from the file's tensors.
 *
 * In this network a batch norm follows each ReLU:
 *     y = norm(max(0, conv(x))),   norm(z) = scale z + shift,
 *     scale = weight / sqrt(running_var + 1e-5),   shift = bias - scale running_mean.
 * If only one matrix product reads y, the norm is folded into it: W (scale z + shift) + b is the
 * product of z with W scale, plus b + W shift. This also holds at the edges, where frames are
 * reflected. The other norms are applied where their frames are read. Sums for the bias are in
 * double. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ecapa.h"

#define EPSILON 1e-5

struct reader {
	fv_ctx *ctx;
	const char *path, *prefix;
	const fv_checkpoint *file;
	float *weight, *turned, *bias; /* each large enough for the largest tensor of the network */
	fv_status status;              /* first error of all reads */
};

static int64_t max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t ecapa_count_reach(const ecapa_sizes *sizes, int b)
{
	int64_t dilation = b ? b + 1 : 1; /* 1, 2, 3, 4 */
	return dilation * (sizes->taps[b] - 1) / 2;
}

static void read_tensor(struct reader *r, const char *layer, const char *part, float *out)
{
	char name[FV_PREFIX_MAX + 160];
	snprintf(name, sizeof name, "%s%s.%s", r->prefix, layer, part);
	if (!r->status)
		r->status = fv_checkpoint_read(r->ctx, r->path, r->file, name, out);
}

/* A norm in the host's memory, which lives until the weights are read. */
struct norm {
	int64_t width;
	float *scale, *shift;
};

static float *allocate_floats(struct reader *r, int64_t n)
{
	float *memory = fv_scratch(r->ctx, (size_t)n * sizeof *memory);
	if (!memory && !r->status)
		r->status = FV_FAILED;
	return memory;
}

static struct norm read_norm(struct reader *r, const char *layer, int64_t width)
{
	struct norm norm = {width, allocate_floats(r, width), allocate_floats(r, width)};
	if (r->status)
		return norm;
	float *mean = r->weight, *variance = r->weight + width;
	read_tensor(r, layer, "norm.weight", norm.scale);
	read_tensor(r, layer, "norm.bias", norm.shift);
	read_tensor(r, layer, "norm.running_mean", mean);
	read_tensor(r, layer, "norm.running_var", variance);
	for (int64_t c = 0; c < width && !r->status; c++) {
		if (variance[c] < 0) {
			r->status = fv_fail(r->ctx, FV_DATA,
				"%s: tensor '%s%s.norm.running_var': element %lld is negative",
				r->path, r->prefix, layer, (long long)c);
			break;
		}
		double scale = (double)norm.scale[c] / sqrt((double)variance[c] + EPSILON);
		norm.scale[c] = (float)scale;
		norm.shift[c] = (float)((double)norm.shift[c] - scale * (double)mean[c]);
	}
	return norm;
}

static fv_affine load_norm(struct reader *r, const struct norm *norm)
{
	fv_affine affine = {0};
	if (r->status)
		return affine;
	affine = (fv_affine){fv_constant(r->ctx, norm->scale, norm->width),
		fv_constant(r->ctx, norm->shift, norm->width)};
	if (!affine.scale || !affine.shift)
		r->status = FV_FAILED;
	return affine;
}

static fv_affine read_affine(struct reader *r, const char *layer, int64_t width)
{
	struct norm norm = read_norm(r, layer, width);
	return load_norm(r, &norm);
}

/* Transposes weight [out,in,taps] into turned [out,taps,in], since a row holds one frame after the
 * other. */
static void transpose_taps(struct reader *r, int64_t out, int64_t in, int64_t taps)
{
	for (int64_t o = 0; o < out; o++)
		for (int64_t k = 0; k < taps; k++)
			for (int64_t i = 0; i < in; i++)
				r->turned[(o * taps + k) * in + i] =
					r->weight[(o * in + i) * taps + k];
}

/* Folds the norm of inputs from .. from + width of weight [out,in] into weight and bias. */
static void fold_norm(float *weight, float *bias, int64_t out, int64_t in, int64_t from,
	int64_t width, const struct norm *norm)
{
	for (int64_t o = 0; o < out; o++) {
		float *w = weight + o * in + from;
		double sum = (double)bias[o];
		for (int64_t i = 0; i < width; i++) {
			sum += (double)w[i] * (double)norm->shift[i];
			w[i] *= norm->scale[i];
		}
		bias[o] = (float)sum;
	}
}

static fv_linear *open_linear(struct reader *r, int32_t precision, int64_t out, int64_t in,
	const float *weight, const float *bias)
{
	if (r->status)
		return NULL;
	fv_linear *linear = fv_linear_open(r->ctx, (fv_precision)precision, out, in, weight, bias);
	if (!linear)
		r->status = FV_FAILED;
	return linear;
}

static fv_linear *read_conv(struct reader *r, const char *layer, int32_t precision, int64_t out,
	int64_t in, int64_t taps)
{
	read_tensor(r, layer, "conv.weight", r->weight);
	read_tensor(r, layer, "conv.bias", r->bias);
	if (taps > 1 && !r->status)
		transpose_taps(r, out, in, taps);
	return open_linear(r, precision, out, taps * in, taps > 1 ? r->turned : r->weight, r->bias);
}

static fv_dense *open_dense(
	struct reader *r, int64_t out, int64_t in, const float *weight, const float *bias)
{
	if (r->status)
		return NULL;
	fv_dense *dense = fv_dense_open(r->ctx, FV_SUMS_FLOAT, out, in, weight, bias);
	if (!dense)
		r->status = FV_FAILED;
	return dense;
}

static fv_dense *read_dense(struct reader *r, const char *layer, int64_t out, int64_t in)
{
	read_tensor(r, layer, "conv.weight", r->weight);
	read_tensor(r, layer, "conv.bias", r->bias);
	return open_dense(r, out, in, r->weight, r->bias);
}

/* Reads the 1-tap convolution that ends a block. Its input is part 0 of what entered the block and
 * the convolved parts, each without its norm, so those norms are folded in: norm [scale]. */
static fv_linear *read_leave(
	struct reader *r, const ecapa_state *s, const struct norm *norm, const char *layer)
{
	const ecapa_sizes *z = &s->sizes;
	read_tensor(r, layer, "conv.weight", r->weight);
	read_tensor(r, layer, "conv.bias", r->bias);
	for (int64_t i = 0; i < z->scale && !r->status; i++)
		fold_norm(r->weight, r->bias, z->channels, z->channels, i * z->part, z->part,
			&norm[i]);
	return open_linear(r, s->precision, z->channels, z->channels, r->weight, r->bias);
}

static void read_block(struct reader *r, const ecapa_state *s, ecapa_block *block, int b)
{
	const ecapa_sizes *z = &s->sizes;
	char name[96];
	struct norm norm[ECAPA_SCALE_MAX]; /* of what enters, and of the convolved parts */
	snprintf(name, sizeof name, "blocks.%d.tdnn1.conv", b);
	block->enter = read_conv(r, name, s->precision, z->channels, z->channels, 1);
	snprintf(name, sizeof name, "blocks.%d.tdnn1.norm", b);
	norm[0] = read_norm(r, name, z->channels);
	block->enter_norm = load_norm(r, &norm[0]);
	for (int i = 0; i + 1 < z->scale; i++) {
		snprintf(name, sizeof name, "blocks.%d.res2net_block.blocks.%d.conv", b, i);
		block->conv[i] = read_conv(r, name, s->precision, z->part, z->part, z->taps[b]);
		snprintf(name, sizeof name, "blocks.%d.res2net_block.blocks.%d.norm", b, i);
		norm[i + 1] = read_norm(r, name, z->part);
		block->conv_norm[i] = load_norm(r, &norm[i + 1]);
	}
	snprintf(name, sizeof name, "blocks.%d.tdnn2.conv", b);
	block->leave = read_leave(r, s, norm, name);
	snprintf(name, sizeof name, "blocks.%d.tdnn2.norm", b);
	block->leave_norm = read_affine(r, name, z->channels);
	snprintf(name, sizeof name, "blocks.%d.se_block.conv1", b);
	block->squeeze = read_dense(r, name, z->squeeze, z->channels);
	snprintf(name, sizeof name, "blocks.%d.se_block.conv2", b);
	block->excite = read_dense(r, name, z->channels, z->squeeze);
}

/* Reads the attention's first layer, weight [A,3 M]. It takes a frame together with the mean and
 * deviation of all frames; the part for mean and deviation is the same for all frames of a
 * recording and becomes `context`. */
static void read_attention(struct reader *r, ecapa_state *s, const struct norm *merge_norm)
{
	const ecapa_sizes *z = &s->sizes;
	const int64_t m = z->pooled, a = z->attention;
	read_tensor(r, "asp.tdnn.conv", "conv.weight", r->turned);
	read_tensor(r, "asp.tdnn.conv", "conv.bias", r->bias);
	if (!r->status)
		fold_norm(r->turned, r->bias, a, 3 * m, 0, m, merge_norm);
	for (int64_t o = 0; o < a && !r->status; o++)
		memcpy(r->weight + o * m, r->turned + o * 3 * m, (size_t)m * sizeof(float));
	s->look = open_linear(r, s->precision, a, m, r->weight, NULL);
	float *context = allocate_floats(r, 2 * a * m);
	for (int64_t o = 0; o < a && !r->status; o++)
		memcpy(context + o * 2 * m, r->turned + (o * 3 + 1) * m,
			2 * (size_t)m * sizeof(float));
	s->context = open_dense(r, a, 2 * m, context, r->bias);
	s->look_norm = read_affine(r, "asp.tdnn.norm", a);
	s->attend = read_conv(r, "asp.conv", s->precision, m, a, 1);
}

static void read_layers(struct reader *r, ecapa_state *s)
{
	const ecapa_sizes *z = &s->sizes;
	s->first =
		read_conv(r, "blocks.0.conv", s->precision, z->channels, ECAPA_BANDS, z->taps[0]);
	s->first_norm = read_affine(r, "blocks.0.norm", z->channels);
	for (int b = 0; b < ECAPA_BLOCKS; b++)
		read_block(r, s, &s->block[b], b + 1);
	s->merge = read_conv(r, "mfa.conv", s->precision, z->pooled, ECAPA_BLOCKS * z->channels, 1);
	struct norm merge = read_norm(r, "mfa.norm", z->pooled);
	s->merge_norm = load_norm(r, &merge);
	read_attention(r, s, &merge);
	s->pooled_norm = read_affine(r, "asp_bn", 2 * z->pooled);
	s->last = read_dense(r, "fc", z->dims, 2 * z->pooled);
}

static fv_status read_network(struct reader *r, ecapa_state *s)
{
	const ecapa_sizes *z = &s->sizes;
	int64_t largest = 0, widest = 0, turned = z->attention * 3 * z->pooled;
	for (int64_t i = 0; i < fv_checkpoint_count(r->file); i++) {
		const fv_tensor *t = fv_checkpoint_at(r->file, i);
		largest = max_i64(largest, t->count);
		widest = max_i64(widest, t->rank ? t->shape[0] : 0);
		turned = max_i64(turned, t->rank == 3 && t->shape[2] > 1 ? t->count : 0);
	}
	largest = max_i64(largest, 2 * widest); /* mean and variance of a norm */
	r->weight = malloc((size_t)largest * sizeof(float));
	r->turned = malloc((size_t)turned * sizeof(float));
	r->bias = malloc((size_t)widest * sizeof(float));
	if (r->weight && r->turned && r->bias)
		read_layers(r, s);
	else
		r->status = fv_fail(r->ctx, FV_FAILED, "%s: out of memory", r->path);
	free(r->weight);
	free(r->turned);
	free(r->bias);
	return r->status;
}

fv_status ecapa_read_weights(ecapa_state *s, fv_ctx *ctx, const char *path)
{
	fv_checkpoint *file;
	fv_status status = fv_checkpoint_open(ctx, path, &file);
	if (status)
		return status;
	char prefix[FV_PREFIX_MAX];
	struct reader r = {.ctx = ctx, .path = path, .file = file, .prefix = prefix};
	status = ecapa_find_prefix(ctx, path, file, prefix);
	if (!status)
		status = ecapa_check_census(ctx, path, file, prefix, &s->sizes);
	if (!status)
		status = read_network(&r, s);
	fv_checkpoint_close(file);
	return status;
}
