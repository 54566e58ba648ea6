/* SPDX-License-Identifier: Apache-2.0 */
#include "networks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/pack.h"
#include "nn/trunk.h"

/* splitmix64 of the seed and the place (Steele, Lea, Flood 2014) */
void network_draw(float *x, int64_t n, double mean, double deviation, uint64_t seed)
{
	for (int64_t i = 0; i < n; i++) {
		uint64_t z = (seed << 40) + (uint64_t)i;
		z = (z + 1) * UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		const double u = (double)((z ^ z >> 31) >> 40) * 0x1p-24 - 0.5;
		x[i] = (float)(mean + deviation * (u * 3.4641016151377544));
	}
}

/* --- trunks --- */

static const fv_trunk_shape base_plus = {.size = sizeof(fv_trunk_shape),
	.convs = 7,
	.channels = {512, 512, 512, 512, 512, 512, 512},
	.taps = {10, 3, 3, 3, 3, 2, 2},
	.step = {5, 2, 2, 2, 2, 2, 2},
	.width = 768,
	.layers = 12,
	.heads = 12,
	.inner = 3072,
	.position_taps = 128,
	.position_groups = 16,
	.buckets = 320,
	.max_distance = 800,
	.eps = 1e-5};

static fv_trunk_shape shape_large(void)
{
	fv_trunk_shape s = base_plus;
	s.conv_bias = s.norm_each = s.norm_first = 1;
	s.width = 1024;
	s.layers = 24;
	s.heads = 16;
	s.inner = 4096;
	s.buckets = s.max_distance = 0;
	return s;
}

static void make_small(fv_trunk_shape *s)
{
	for (int i = 0; i < s->convs; i++)
		s->channels[i] = 16;
	s->width = 32;
	s->layers = 2;
	s->heads = 2;
	s->inner = 64;
	s->position_taps = 16;
	s->position_groups = 2;
	s->buckets = s->buckets ? 32 : 0;
}

/* Weights that keep the numbers of each layer about 1 */
static fv_status draw_tensor(
	void *user, fv_ctx *ctx, fv_trunk_tensor tensor, int32_t index, float *out)
{
	const fv_trunk_shape *shape = user;
	int64_t dims[4];
	const int32_t rank = fv_trunk_dims(shape, tensor, index, dims);
	const int64_t n = core_trunk_size(shape, tensor, index);
	const bool scale =
		tensor == FV_TRUNK_CONV_NORM_WEIGHT || tensor == FV_TRUNK_FEATURE_NORM_WEIGHT ||
		tensor == FV_TRUNK_NORM_WEIGHT || tensor == FV_TRUNK_ATTENTION_NORM_WEIGHT ||
		tensor == FV_TRUNK_FINAL_NORM_WEIGHT;
	const double size = rank > 1 && dims[0] > 1 ? sqrt((double)dims[0] / (double)n) : 0.1;
	(void)ctx;
	network_draw(out, n, scale || tensor == FV_TRUNK_POSITION_GAIN, size,
		64 * (uint64_t)tensor + (uint64_t)index + 1);
	return FV_OK;
}

/* --- ECAPA --- */

static void size_ecapa(ecapa_state *s, bool small)
{
	s->sizes = small ? (ecapa_sizes){.channels = 32,
				   .part = 8,
				   .squeeze = 8,
				   .pooled = 48,
				   .attention = 8,
				   .dims = 12,
				   .scale = 4}
			 : (ecapa_sizes){.channels = 1024,
				   .part = 128,
				   .squeeze = 128,
				   .pooled = 3072,
				   .attention = 128,
				   .dims = 192,
				   .scale = 8};
	const int64_t taps[] = {5, 3, 3, 3};
	memcpy(s->sizes.taps, taps, sizeof taps);
}

struct drawer {
	fv_ctx *ctx;
	uint64_t seed;
	fv_precision precision;
	bool failed;
};

static float *draw_host(struct drawer *d, int64_t n, double mean, double deviation)
{
	float *x = malloc((size_t)n * sizeof *x);
	if (x)
		network_draw(x, n, mean, deviation, ++d->seed);
	d->failed = d->failed || !x;
	return x;
}

static fv_linear *draw_linear(struct drawer *d, int64_t outputs, int64_t inputs)
{
	float *weight = draw_host(d, outputs * inputs, 0, 1.4 / sqrt((double)inputs));
	float *bias = draw_host(d, outputs, 0, 0.1);
	fv_linear *l =
		d->failed ? NULL
			  : fv_linear_open(d->ctx, d->precision, outputs, inputs, weight, bias);
	d->failed = !l;
	free(weight);
	free(bias);
	return l;
}

static fv_dense *draw_dense(struct drawer *d, int64_t outputs, int64_t inputs)
{
	float *weight = draw_host(d, outputs * inputs, 0, 1 / sqrt((double)inputs));
	float *bias = draw_host(d, outputs, 0, 0.1);
	fv_dense *l = d->failed
			      ? NULL
			      : fv_dense_open(d->ctx, FV_SUMS_FLOAT, outputs, inputs, weight, bias);
	d->failed = !l;
	free(weight);
	free(bias);
	return l;
}

static fv_affine draw_norm(struct drawer *d, int64_t n)
{
	fv_affine a = {NULL, NULL};
	float *scale = draw_host(d, n, 1, 0.1), *shift = draw_host(d, n, 0, 0.1);
	if (!d->failed) {
		a.scale = fv_constant(d->ctx, scale, n);
		a.shift = fv_constant(d->ctx, shift, n);
	}
	d->failed = !a.scale || !a.shift;
	free(scale);
	free(shift);
	return a;
}

static void draw_block(struct drawer *d, const ecapa_sizes *z, ecapa_block *b, int64_t taps)
{
	b->enter = draw_linear(d, z->channels, z->channels);
	b->enter_norm = draw_norm(d, z->channels);
	for (int64_t i = 0; i + 1 < z->scale; i++) {
		b->conv[i] = draw_linear(d, z->part, taps * z->part);
		b->conv_norm[i] = draw_norm(d, z->part);
	}
	b->leave = draw_linear(d, z->channels, z->channels);
	b->leave_norm = draw_norm(d, z->channels);
	b->squeeze = draw_dense(d, z->squeeze, z->channels);
	b->excite = draw_dense(d, z->channels, z->squeeze);
}

static void draw_ecapa(struct drawer *d, ecapa_state *s)
{
	const ecapa_sizes *z = &s->sizes;
	s->first = draw_linear(d, z->channels, z->taps[0] * ECAPA_BANDS);
	s->first_norm = draw_norm(d, z->channels);
	for (int b = 0; b < ECAPA_BLOCKS; b++)
		draw_block(d, z, &s->block[b], z->taps[b + 1]);
	s->merge = draw_linear(d, z->pooled, ECAPA_BLOCKS * z->channels);
	s->merge_norm = draw_norm(d, z->pooled);
	s->look = draw_linear(d, z->attention, z->pooled);
	s->context = draw_dense(d, z->attention, 2 * z->pooled);
	s->look_norm = draw_norm(d, z->attention);
	s->attend = draw_linear(d, z->pooled, z->attention);
	s->pooled_norm = draw_norm(d, 2 * z->pooled);
	s->last = draw_dense(d, z->dims, 2 * z->pooled);
}

/* --- GE2E --- */

static void draw_ge2e(struct drawer *d, ge2e_state *s)
{
	const int64_t gates = 4 * GE2E_DIMS;
	s->rate = 1.3;
	for (int l = 0; l < GE2E_LAYERS; l++) {
		const int32_t inputs = l ? GE2E_DIMS : GE2E_BANDS;
		float *ih = draw_host(d, gates * inputs, 0, 1.5 / sqrt((double)inputs));
		float *hh = draw_host(d, gates * GE2E_DIMS, 0, 1 / sqrt((double)GE2E_DIMS));
		float *bias = draw_host(d, gates, 0, 0.2);
		s->layer[l] = d->failed
				      ? NULL
				      : fv_lstm_open(d->ctx, inputs, GE2E_DIMS, ih, hh, bias, bias);
		d->failed = !s->layer[l];
		free(ih);
		free(hh);
		free(bias);
	}
	s->last = draw_dense(d, GE2E_DIMS, GE2E_DIMS);
}

/* --- all of them --- */

bool network_describe(network *n, const char *name, bool small)
{
	*n = (network){.name = name};
	if (!strcmp(name, "base-plus"))
		n->shape = base_plus;
	else if (!strcmp(name, "large"))
		n->shape = shape_large();
	else if (strcmp(name, "ecapa") != 0 && strcmp(name, "ge2e") != 0)
		return false;
	n->scaled = n->shape.norm_each;
	if (small && n->shape.convs)
		make_small(&n->shape);
	size_ecapa(&n->ecapa, small);
	return true;
}

static bool is_ecapa(const network *n)
{
	return !strcmp(n->name, "ecapa");
}

fv_status network_open(network *n, fv_ctx *ctx, fv_precision precision)
{
	if (n->shape.convs)
		return fv_trunk_open(ctx, &n->shape, precision, draw_tensor, &n->shape, &n->trunk);
	struct drawer d = {ctx, 1000, precision, false};
	if (is_ecapa(n))
		draw_ecapa(&d, &n->ecapa);
	else
		draw_ge2e(&d, &n->ge2e);
	return d.failed ? FV_FAILED : FV_OK;
}

network_input network_draw_input(const network *n, fv_ctx *ctx, bool small)
{
	/* frames; ECAPA's and GE2E's are rows of mel bands */
	static const int64_t frames[] = {1, 149, 24, 64, 33, 130}, few[] = {1, 24, 9};
	const int64_t *t = small ? few : frames;
	network_input in = {.n = small ? sizeof few / sizeof *few : sizeof frames / sizeof *frames};
	in.width = n->shape.convs ? 1 : is_ecapa(n) ? ECAPA_BANDS : GE2E_BANDS;
	int64_t all = 0;
	if (!n->shape.convs && !is_ecapa(n))
		in.n = small ? 1 : 4;
	for (int32_t u = 0; u < in.n; u++)
		all += in.count[u] = n->shape.convs ? 400 + 320 * (t[u] - 1) + 7 * u
				     : is_ecapa(n)  ? 2 * t[u] + 5
						    : GE2E_FRAMES + 77 * u; /* 1 + u windows */
	in.rows = core_alloc(ctx, (size_t)(all * in.width), sizeof *in.rows);
	if (in.rows)
		network_draw(in.rows, all * in.width, 0, n->shape.convs ? 0.1 : 1, 5000);
	return in;
}

network_input network_pick_input(const network_input *all, int32_t u)
{
	network_input one = {.n = 1, .count = {all->count[u]}, .width = all->width};
	one.rows = all->rows;
	for (int32_t i = 0; i < u; i++)
		one.rows += all->count[i] * all->width;
	return one;
}

int32_t network_states(const network *n)
{
	return n->shape.convs ? n->shape.layers + 1 : 1;
}

int64_t network_numbers(const network *n, int64_t count, bool pooled)
{
	if (!n->shape.convs)
		return is_ecapa(n) ? n->ecapa.sizes.dims : GE2E_DIMS;
	const int64_t rows = pooled ? 1 : core_front_frames(&n->shape, count);
	return network_states(n) * rows * n->shape.width;
}

fv_status network_run(const network *n, fv_ctx *worker, core_device *device,
	const network_input *input, bool pooled, float *const *out)
{
	fv_pack *pack;
	fv_status status = core_pack_open(
		worker, device, input->n, input->count, input->width, input->rows, &pack);
	if (status)
		return status;
	if (n->shape.convs)
		return fv_trunk_batch(n->trunk, pack, n->scaled, pooled, out);
	return is_ecapa(n) ? ecapa_embed(&n->ecapa, pack, out) : ge2e_embed(&n->ge2e, pack, out);
}
