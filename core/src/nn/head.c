/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/head.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "backend/blas.h"
#include "nn/blocks.h"
#include "nn/head_private.h"

#define MAX(a, b) ((a) > (b) ? (a) : (b))

int32_t core_head_width(const core_head_shape *s)
{
	if (s->n_hidden)
		return s->hidden[s->n_hidden - 1];
	return s->projection ? s->projection : s->dims;
}

/* The streams of the start values: of the projection, the output and the first hidden layer. */
enum { DRAW_PROJECTION = 1, DRAW_OUTPUT = 3, DRAW_HIDDEN = 5 };

static void add_layer(
	core_head_tensor *out, const char *const name[2], int32_t width, int32_t in, uint64_t draw)
{
	out[0] = (core_head_tensor){
		.name = name[0], .rank = 2, .shape = {width, in}, .draw = draw, .fan_in = in};
	out[1] = (core_head_tensor){
		.name = name[1], .rank = 1, .shape = {width, 1}, .draw = draw + 1, .fan_in = in};
}

int32_t core_head_tensors(const core_head_shape *s, core_head_tensor out[CORE_HEAD_TENSORS])
{
	static const char *const projection[] = {"projection.weight", "projection.bias"},
				 *const output[] = {"output.weight", "output.bias"},
				 *const hidden[CORE_HEAD_HIDDEN][2] = {
					 {"hidden.0.weight", "hidden.0.bias"},
					 {"hidden.1.weight", "hidden.1.bias"},
					 {"hidden.2.weight", "hidden.2.bias"},
					 {"hidden.3.weight", "hidden.3.bias"},
					 {"hidden.4.weight", "hidden.4.bias"},
					 {"hidden.5.weight", "hidden.5.bias"},
					 {"hidden.6.weight", "hidden.6.bias"},
					 {"hidden.7.weight", "hidden.7.bias"}};
	int32_t n = 1, in = s->projection ? s->projection : s->dims;
	int64_t offset = 0;
	out[0] = (core_head_tensor){.name = "layer_mix", .rank = 1, .shape = {s->layers, 1}};
	if (s->projection) {
		add_layer(&out[n], projection, s->projection, s->dims, DRAW_PROJECTION);
		n += 2;
	}
	for (int32_t j = 0; j < s->n_hidden; j++, n += 2) {
		add_layer(&out[n], hidden[j], s->hidden[j], in, DRAW_HIDDEN + 2 * (uint64_t)j);
		in = s->hidden[j];
	}
	if (s->classes) {
		add_layer(&out[n], output, s->classes, in, DRAW_OUTPUT);
		n += 2;
	}
	for (int32_t i = 0; i < n; i++) {
		out[i].offset = offset;
		out[i].count = out[i].shape[0] * out[i].shape[1];
		offset += out[i].count;
	}
	return n;
}

int64_t core_head_count(const core_head_shape *s)
{
	core_head_tensor tensor[CORE_HEAD_TENSORS];
	int32_t n = core_head_tensors(s, tensor);
	return tensor[n - 1].offset + tensor[n - 1].count;
}

void core_head_init(fv_ctx *ctx, const core_head_shape *s, int64_t branch, float *params)
{
	core_head_tensor tensor[CORE_HEAD_TENSORS];
	int32_t n = core_head_tensors(s, tensor);
	memset(params, 0, (size_t)s->layers * sizeof *params);
	for (int32_t i = 1; i < n; i++)
		core_linear_init(ctx, branch, tensor[i].draw, tensor[i].fan_in, tensor[i].count,
			params + tensor[i].offset);
}

size_t core_head_carve(char *base, size_t *used, size_t n, size_t size, void *array)
{
	void *start = base ? base + *used : NULL;
	memcpy(array, &start, sizeof start);
	*used += (n * size + 63) / 64 * 64;
	return *used;
}

static void carve_layer(char *base, size_t *used, size_t batch, core_dense *l)
{
	size_t n = batch * (size_t)l->out;
	core_head_carve(base, used, n, sizeof(float), &l->z);
	core_head_carve(base, used, n, sizeof(float), &l->gradient);
	l->y = l->z;
	if (!l->hidden)
		return;
	core_head_carve(base, used, n, sizeof(float), &l->y);
	core_head_carve(base, used, n, sizeof(float), &l->keep);
}

static size_t lay_out_arrays(core_head *head, char *base)
{
	const core_head_shape *s = &head->shape;
	size_t used = (sizeof *head + 63) / 64 * 64;
	size_t batch = (size_t)head->batch, dims = (size_t)s->dims;
	size_t classes = head->collapsed ? (size_t)s->classes : 0;
	size_t layers = (size_t)s->layers, widest = layers;
	core_head_carve(base, &used, batch * dims, sizeof(float), &head->mixed);
	core_head_carve(base, &used, batch * dims, sizeof(float), &head->d_mixed);
	for (int32_t j = 0; j < head->n_dense; j++) {
		carve_layer(base, &used, batch, &head->dense[j]);
		widest = MAX(widest, (size_t)head->dense[j].out);
	}
	core_head_carve(base, &used, batch * layers * classes, sizeof(float), &head->dots);
	core_head_carve(base, &used, classes * dims, sizeof(float), &head->product);
	core_head_carve(base, &used, classes, sizeof(float), &head->constant);
	core_head_carve(base, &used, classes * dims, sizeof(float), &head->outer);
	core_head_carve(base, &used, layers, sizeof(float), &head->share);
	core_head_carve(base, &used, layers, sizeof(float), &head->row_dot);
	return core_head_carve(base, &used, widest, sizeof(double), &head->sum);
}

static void list_layers(core_head *head)
{
	const core_head_shape *s = &head->shape;
	int32_t first = s->projection ? 1 : 0;
	head->n_tensors = core_head_tensors(s, head->tensor);
	head->n_dense = (head->n_tensors - 1) / 2;
	for (int32_t j = 0; j < head->n_dense; j++) {
		const core_head_tensor *tensor = &head->tensor[1 + 2 * j];
		head->dense[j] = (core_dense){.in = (int32_t)tensor->shape[1],
			.out = (int32_t)tensor->shape[0],
			.weight = tensor,
			.bias = tensor + 1,
			.hidden = j >= first && j < first + s->n_hidden};
	}
}

fv_status core_head_new(fv_ctx *ctx, const core_head_shape *shape, int32_t batch, core_head **out)
{
	assert(shape->layers > 0 && shape->dims > 0 && shape->n_hidden <= CORE_HEAD_HIDDEN);
	assert(shape->classes > 0 || shape->projection > 0 || shape->n_hidden > 0);
	fv_status status = core_blas_open(ctx);
	if (status)
		return status;
	core_head plan = {.shape = *shape,
		.batch = batch,
		.collapsed = !shape->n_hidden && shape->classes > 0 &&
			     shape->classes <= CORE_HEAD_COLLAPSE};
	list_layers(&plan);
	size_t bytes = lay_out_arrays(&plan, NULL);
	core_head *head = aligned_alloc(64, bytes);
	if (!head)
		return fv_fail(ctx, FV_FAILED, "out of memory (%zu bytes)", bytes);
	memset(head, 0, bytes);
	*head = plan;
	list_layers(head); /* whose tensors are its own */
	lay_out_arrays(head, (char *)head);
	head->kernels = core_kernels_used();
	*out = head;
	return FV_OK;
}

void core_head_free(core_head *head)
{
	free(head);
}

void core_head_uncollapse(core_head *head)
{
	head->collapsed = false;
}

void core_head_prepare(core_head *head, const float *params)
{
	core_mix_share(params, head->shape.layers, head->share);
	if (head->collapsed)
		core_head_collapse(head, params);
}

void core_head_set_dropout(core_head *head, const core_dropout *drop, int64_t branch, int32_t n)
{
	double p = head->shape.dropout;
	float scale = (float)(1 / (1 - p));
	head->dropping = drop && p > 0;
	for (int32_t i = 0; head->dropping && i < n; i++) {
		uint64_t name = fv_name_hash(drop->stem[i]) + (uint64_t)drop->copy[i];
		fv_stream stream =
			fv_rng(drop->ctx, "dropout", drop->epoch, name + (uint64_t)branch);
		for (int32_t j = 0; j < head->n_dense; j++) {
			const core_dense *l = &head->dense[j];
			for (int32_t k = 0; l->hidden && k < l->out; k++)
				l->keep[i * l->out + k] = fv_uniform(&stream) < p ? 0 : scale;
		}
	}
}

bool core_head_is_linear(const core_head *head)
{
	return !head->shape.classes && !head->shape.n_hidden;
}

static core_mixes describe_mixes(
	core_head *const *heads, int32_t count, const float *const *x, int32_t n)
{
	core_mixes mixes = {.count = count,
		.layers = heads[0]->shape.layers,
		.dims = heads[0]->shape.dims,
		.n = n,
		.x = x};
	for (int32_t k = 0; k < count; k++)
		mixes.share[k] = heads[k]->share;
	return mixes;
}

void core_heads_mix(core_head *const *heads, int32_t count, const float *const *x, int32_t n)
{
	const core_mixes mixes = describe_mixes(heads, count, x, n);
	float *mixed[CORE_MIX_MAX];
	for (int32_t k = 0; k < count; k++)
		mixed[k] = heads[k]->mixed;
	core_mix_forward(&mixes, mixed);
}

void core_heads_mix_backward(core_head *const *heads, int32_t count, const float *const *x,
	int32_t n, float *const *gradient)
{
	const core_mixes mixes = describe_mixes(heads, count, x, n);
	const float *d_mixed[CORE_MIX_MAX];
	float *row_dot[CORE_MIX_MAX];
	double *sum[CORE_MIX_MAX];
	for (int32_t k = 0; k < count; k++) {
		d_mixed[k] = heads[k]->d_mixed;
		row_dot[k] = heads[k]->row_dot;
		sum[k] = heads[k]->sum;
	}
	core_mix_backward(&mixes, d_mixed, sum, row_dot, gradient);
}

void core_head_project(core_head *head, const float *params, int32_t n, float *out)
{
	core_head_layers_forward(head, params, n, out);
}

void core_head_forward(
	core_head *head, const float *params, const float *const *x, int32_t n, float *logits)
{
	assert(n > 0 && n <= head->batch);
	if (head->collapsed) {
		core_head_collapsed_forward(head, x, n, logits);
		return;
	}
	core_heads_mix(&head, 1, x, n);
	core_head_layers_forward(head, params, n, logits);
}

void core_head_backward(core_head *head, const float *params, const float *const *x, int32_t n,
	const float *dlogits, float *gradient)
{
	assert(n > 0 && n <= head->batch);
	if (head->collapsed) {
		core_head_collapsed_backward(head, params, n, dlogits, gradient);
		return;
	}
	core_head_layers_backward(head, params, n, dlogits, gradient);
	core_heads_mix_backward(&head, 1, x, n, &gradient);
}
