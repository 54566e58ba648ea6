/* SPDX-License-Identifier: Apache-2.0 */
#include "train/networks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "backend/blas.h"
#include "nn/blocks.h"
#include "train/networks_private.h"

const core_head_tensor *core_net_tensors(const core_networks *w, int32_t net)
{
	return &w->plan->tensor[w->plan->net[net].tensor];
}

fv_status core_networks_open_net(core_networks *w, int32_t index)
{
	const core_net *of = &w->plan->net[index];
	fv_net *net = &w->net[index];
	*net = (fv_net){.owner = w, .index = index};
	if (of->kind != CORE_NET_LINEAR) {
		const core_head_shape shape = core_net_shape(w->plan, of);
		return core_head_new(w->ctx, &shape, w->capacity, &net->head);
	}
	net->sum = core_alloc(w->ctx, (size_t)of->out, sizeof *net->sum);
	return net->sum ? FV_OK : FV_FAILED;
}

fv_status core_networks_new(fv_ctx *ctx, core_plan *plan, int32_t rows, core_networks **out)
{
	core_networks *w = core_alloc(ctx, 1, sizeof *w);
	*out = w;
	if (!w)
		return FV_FAILED;
	w->ctx = ctx;
	w->plan = plan;
	w->capacity = rows;
	fv_status status = core_blas_open(ctx);
	for (int32_t i = 0; i < plan->n_nets && status == FV_OK; i++)
		status = core_networks_open_net(w, i);
	return status;
}

void core_networks_free(core_networks *w)
{
	if (!w)
		return;
	for (int32_t i = 0; i < w->plan->n_nets; i++)
		core_head_free(w->net[i].head);
	for (int32_t i = 0; i < CORE_PLAN_NODES; i++) {
		free(w->node[i].data);
		free(w->node[i].gradient);
	}
	for (int32_t i = 0; i < CORE_READERS; i++)
		core_product_free(w->reader[i].product);
}

void core_networks_set_phase(core_networks *w, core_networks_phase phase)
{
	w->phase = phase;
	if (phase == CORE_PHASE_PREDICT)
		w->n_nodes = 0;
}

void core_networks_set_params(core_networks *w, const float *params)
{
	w->params = params;
	core_networks_forget_products(w);
	for (int32_t i = 0; i < w->plan->n_nets; i++)
		w->net[i].prepared = false;
}

void core_networks_set_gradient(core_networks *w, float *gradient)
{
	w->gradient = gradient;
}

void core_networks_begin(
	core_networks *w, const float *const *x, const char *const *stem, int32_t n)
{
	assert(n > 0 && n <= w->capacity);
	w->x = x;
	w->stem = stem;
	w->n = n;
	w->n_nodes = 0;
	w->phase = CORE_PHASE_EVALUATE;
	w->finite = true;
	w->carried = w->drops = w->mixed = false;
	for (int32_t i = 0; i < w->plan->n_nets; i++)
		w->net[i].reached = false;
	for (int32_t i = 0; i < w->n_readers; i++)
		w->reader[i].rows = NULL;
}

void core_networks_drop(core_networks *w, int64_t epoch, const int32_t *copy)
{
	w->drops = true;
	w->drop = (core_dropout){.ctx = w->ctx, .epoch = epoch, .stem = w->stem, .copy = copy};
}

bool core_networks_finite(const core_networks *w)
{
	return w->finite;
}

const float *core_node_data(const fv_node *node)
{
	return node->data;
}

/* Makes the buffer large enough for the batch's rows. Later batches reuse it. */
static float *reserve_buffer(core_networks *w, float **buffer, size_t *capacity, int32_t width)
{
	size_t wanted = (size_t)w->capacity * (size_t)width;
	if (wanted <= *capacity)
		return *buffer;
	free(*buffer);
	*capacity = 0;
	*buffer = aligned_alloc(64, (wanted * sizeof **buffer + 63) / 64 * 64);
	if (!*buffer)
		(void)fv_fail(w->ctx, FV_FAILED, "out of memory (%zu numbers)", wanted);
	else
		*capacity = wanted;
	return *buffer;
}

/* --- forward ---------------------------------------------------------------------------------- */

void core_networks_prepare(core_networks *w, fv_net *net)
{
	if (!net->prepared)
		core_head_prepare(net->head, w->params + w->plan->net[net->index].offset);
	net->prepared = true;
}

static void forward_linear(core_networks *w, const fv_node *node)
{
	const core_net *of = &w->plan->net[node->is.net];
	const core_head_tensor *tensor = core_net_tensors(w, node->is.net);
	core_linear_forward(w->n, of->out, of->in, w->node[node->is.a].data,
		w->params + tensor[0].offset, w->params + tensor[1].offset, node->data);
}

static void forward_head(core_networks *w, const fv_node *node)
{
	fv_net *net = &w->net[node->is.net];
	const core_net *of = &w->plan->net[node->is.net];
	const float *params = w->params + of->offset;
	if (core_head_is_linear(net->head)) { /* it has mixed */
		core_head_project(net->head, params, w->n, node->data);
		return;
	}
	core_networks_prepare(w, net);
	core_head_set_dropout(net->head, w->drops ? &w->drop : NULL, core_net_branch(of), w->n);
	core_head_forward(net->head, params, w->x, w->n, node->data);
}

static void forward_concat(const core_networks *w, const core_node *node, float *out)
{
	const fv_node *a = &w->node[node->a], *b = &w->node[node->b];
	size_t left = (size_t)a->is.width, right = (size_t)b->is.width;
	for (int32_t i = 0; i < w->n; i++) {
		size_t row = (size_t)i;
		size_t from = node->permutation && i < w->n ? (size_t)node->permutation[i] : row;
		memcpy(out, a->data + row * left, left * sizeof *out);
		memcpy(out + left, b->data + from * right, right * sizeof *out);
		out += left + right;
	}
}

static void forward_uniform(const core_networks *w, const core_node *node, float *out)
{
	memset(out, 0, (size_t)w->n * (size_t)node->width * sizeof *out);
	for (int32_t i = 0; i < w->n; i++) {
		fv_stream stream = fv_rng(w->ctx, node->purpose, 0, fv_name_hash(w->stem[i]));
		for (int32_t k = 0; k < node->width; k++)
			*out++ = (float)fv_uniform(&stream);
	}
}

static bool is_linear_net(const core_networks *w, const core_node *node)
{
	return node->kind == CORE_NODE_APPLY && w->plan->net[node->net].kind == CORE_NET_LINEAR;
}

static bool is_linear_encoder(const core_networks *w, const core_node *node)
{
	return node->kind == CORE_NODE_APPLY && w->net[node->net].head &&
	       core_head_is_linear(w->net[node->net].head);
}

/* Encoders without hidden layers, and what scales their rows or puts them side by side */
static bool is_deferred(const core_networks *w, const core_node *node)
{
	if (node->kind == CORE_NODE_SCALE)
		return w->node[node->a].deferred;
	if (node->kind == CORE_NODE_CONCAT)
		return w->node[node->a].deferred && w->node[node->b].deferred;
	return is_linear_encoder(w, node);
}

static bool compute_data(core_networks *w, fv_node *node);

/* Computes the data of a value that was deferred. Returns false with a message if memory is out. */
static bool compute_deferred(core_networks *w, fv_node *node)
{
	if (!node->deferred)
		return true;
	node->deferred = !compute_data(w, node);
	return !node->deferred;
}

/* Computes the data of a value, and of those that it is made from if they were deferred. */
static bool compute_data(core_networks *w, fv_node *node)
{
	const core_node *is = &node->is;
	fv_node *a = &w->node[is->a];
	if (!reserve_buffer(w, &node->data, &node->data_capacity, is->width))
		return false;
	if (is_linear_net(w, is) && core_networks_multiply(w, node))
		return true;
	if (is->kind != CORE_NODE_UNIFORM && !compute_deferred(w, a))
		return false;
	if (is->kind == CORE_NODE_CONCAT && !compute_deferred(w, &w->node[is->b]))
		return false;
	if (is_linear_net(w, is))
		forward_linear(w, node);
	else if (is->kind == CORE_NODE_APPLY)
		forward_head(w, node);
	else if (is->kind == CORE_NODE_CONCAT)
		forward_concat(w, is, node->data);
	else if (is->kind == CORE_NODE_SCALE)
		memcpy(node->data, a->data, (size_t)w->n * (size_t)is->width * sizeof *node->data);
	else
		forward_uniform(w, is, node->data);
	return true;
}

static bool compute_node(core_networks *w, fv_node *node)
{
	const core_node *is = &node->is;
	if (is->kind == CORE_NODE_INPUT || w->phase == CORE_PHASE_PREDICT)
		return true;
	node->deferred = is_deferred(w, is);
	if (node->deferred) {
		core_networks_mix(w);
		return true;
	}
	if (!compute_data(w, node))
		return false;
	if (is->kind == CORE_NODE_APPLY)
		w->finite &= core_all_finite(node->data, (int64_t)w->n * is->width);
	return true;
}

const float *core_networks_data(core_networks *w, fv_node *node)
{
	if (!node->deferred)
		return node->data;
	if (!compute_deferred(w, node))
		return NULL;
	w->finite &= core_all_finite(node->data, (int64_t)w->n * node->is.width);
	return node->data;
}

/* Returns true if both give the same value. A node with a permutation never does, because its numbers may
 * have changed behind the pointer. */
static bool is_same_node(const core_node *x, const core_node *y)
{
	if (x->kind != y->kind || x->net != y->net || x->a != y->a || x->b != y->b ||
		x->hold != y->hold || x->factor < y->factor || x->factor > y->factor ||
		x->permutation || y->permutation)
		return false;
	return x->kind != CORE_NODE_UNIFORM ||
	       (x->width == y->width && !strcmp(x->purpose, y->purpose));
}

static bool check_permutation(const core_networks *w, const core_node *node)
{
	for (int32_t i = 0; node->permutation && i < w->n; i++)
		if (node->permutation[i] < 0 || node->permutation[i] >= w->n) {
			(void)fv_fail(w->ctx, FV_FAILED, "permutation of %d rows holds %d",
				(int)w->n, (int)node->permutation[i]);
			return false;
		}
	return true;
}

fv_node *core_networks_node(core_networks *w, core_node node)
{
	for (int32_t i = 0; i < w->n_nodes; i++)
		if (is_same_node(&w->node[i].is, &node))
			return &w->node[i];
	if (w->n_nodes == CORE_PLAN_NODES) {
		(void)fv_fail(
			w->ctx, FV_FAILED, "more than %d values in one step", CORE_PLAN_NODES);
		return NULL;
	}
	if (core_plan_check(w->ctx, w->plan, &node, &w->node[node.a].is, &w->node[node.b].is) !=
			FV_OK ||
		!check_permutation(w, &node))
		return NULL;
	fv_node *made = &w->node[w->n_nodes];
	made->is = node;
	made->at = w->n_nodes;
	made->reached = made->deferred = false;
	made->n_parts = 0;
	if (!compute_node(w, made))
		return NULL;
	w->n_nodes++;
	return made;
}

/* Returns the node with its inputs at their new positions. */
static core_node move_node(core_node node, const int32_t *at)
{
	if (node.kind != CORE_NODE_INPUT && node.kind != CORE_NODE_UNIFORM)
		node.a = at[node.a];
	if (node.kind == CORE_NODE_CONCAT)
		node.b = at[node.b];
	return node;
}

fv_node *core_networks_predict(core_networks *w)
{
	const core_plan *plan = w->plan;
	int32_t at[CORE_PLAN_NODES] = {0};
	fv_node *made = NULL;
	for (int32_t i = 0; i < plan->n_nodes; i++) {
		core_node node = move_node(plan->node[i], at);
		if (node.kind != CORE_NODE_UNIFORM)
			node.width = 0;
		made = core_networks_node(w, node);
		if (!made)
			return NULL;
		at[i] = made->at;
	}
	return w->phase == CORE_PHASE_PREDICT || core_networks_data(w, made) ? made : NULL;
}

/* --- backward --------------------------------------------------------------------------------- */

float *core_node_gradient(core_networks *w, fv_node *node)
{
	if (node->reached)
		return node->gradient;
	if (!reserve_buffer(w, &node->gradient, &node->gradient_capacity, node->is.width))
		return NULL;
	memset(node->gradient, 0, (size_t)w->n * (size_t)node->is.width * sizeof *node->gradient);
	node->reached = true;
	return node->gradient;
}

static bool backward_linear(core_networks *w, fv_net *net, const fv_node *node, float beta)
{
	const core_net *of = &w->plan->net[net->index];
	const core_head_tensor *tensor = core_net_tensors(w, net->index);
	fv_node *in = &w->node[node->is.a];
	core_multiply(true, of->out, of->in, w->n, node->gradient, in->data, beta,
		w->gradient + tensor[0].offset);
	core_column_sums(
		w->n, of->out, node->gradient, net->sum, beta, w->gradient + tensor[1].offset);
	if (in->is.kind == CORE_NODE_UNIFORM)
		return true;
	float *below = core_node_gradient(w, in);
	if (below)
		core_multiply(false, w->n, of->in, of->out, node->gradient,
			w->params + tensor[0].offset, 1, below);
	return below != NULL;
}

/* Heads and encoders have one node in a batch. Linear layers may have several, whose gradients add up. */
static bool backward_apply(core_networks *w, const fv_node *node)
{
	fv_net *net = &w->net[node->is.net];
	const core_net *of = &w->plan->net[net->index];
	float beta = net->reached ? 1 : 0;
	if (node->n_parts) {
		core_networks_backward_parts(w, node);
		return true;
	}
	net->reached = true;
	if (of->kind == CORE_NET_LINEAR)
		return backward_linear(w, net, node, beta);
	core_head_backward(net->head, w->params + of->offset, w->x, w->n, node->gradient,
		w->gradient + of->offset);
	return true;
}

static bool backward_half(
	core_networks *w, const fv_node *node, fv_node *half, size_t first, const int32_t *to)
{
	if (half->is.kind == CORE_NODE_UNIFORM)
		return true;
	float *below = core_node_gradient(w, half);
	size_t width = (size_t)half->is.width, all = (size_t)node->is.width;
	for (int32_t i = 0; below && i < w->n; i++) {
		const float *from = node->gradient + (size_t)i * all + first;
		float *row = below + (size_t)(to ? to[i] : i) * width;
		for (size_t k = 0; k < width; k++)
			row[k] += from[k];
	}
	return below != NULL;
}

static bool backward_concat(core_networks *w, const fv_node *node)
{
	fv_node *a = &w->node[node->is.a], *b = &w->node[node->is.b];
	if (node->is.hold != 1 && !backward_half(w, node, a, 0, NULL))
		return false;
	return node->is.hold == 2 ||
	       backward_half(w, node, b, (size_t)a->is.width, node->is.permutation);
}

static bool backward_scale(core_networks *w, const fv_node *node)
{
	fv_node *from = &w->node[node->is.a];
	if (from->is.kind == CORE_NODE_UNIFORM)
		return true;
	float *below = core_node_gradient(w, from);
	for (int64_t i = 0; below && i < (int64_t)w->n * node->is.width; i++)
		below[i] += (float)(node->is.factor * (double)node->gradient[i]);
	return below != NULL;
}

fv_status core_networks_backward(core_networks *w)
{
	if (w->carried)
		return fv_fail(w->ctx, FV_FAILED, "gradients are carried back twice in one step");
	w->carried = true;
	for (int32_t i = w->n_nodes - 1; i >= 0; i--) {
		const fv_node *node = &w->node[i];
		if (is_linear_encoder(w, &node->is)) {
			core_networks_backward_encoder(w, node);
			continue;
		}
		if (!node->reached)
			continue;
		if (node->is.kind == CORE_NODE_APPLY && !backward_apply(w, node))
			return FV_FAILED;
		if (node->is.kind == CORE_NODE_CONCAT && !backward_concat(w, node))
			return FV_FAILED;
		if (node->is.kind == CORE_NODE_SCALE && !backward_scale(w, node))
			return FV_FAILED;
	}
	core_networks_backward_mixes(w);
	return FV_OK;
}

void core_networks_finish(core_networks *w)
{
	for (int32_t i = 0; i < w->plan->n_nets; i++) {
		const core_net *net = &w->plan->net[i];
		if (!w->net[i].reached)
			memset(w->gradient + net->offset, 0,
				(size_t)net->count * sizeof *w->gradient);
	}
}

/* --- the plan's values ------------------------------------------------------------------------ */

fv_status core_networks_record(core_networks *w, const fv_node *logits)
{
	core_plan *plan = w->plan;
	bool needed[CORE_PLAN_NODES] = {false};
	int32_t at[CORE_PLAN_NODES] = {0};
	fv_status status = core_plan_check_logits(w->ctx, plan, &logits->is);
	needed[logits->at] = true;
	for (int32_t i = logits->at; i >= 0 && status == FV_OK; i--) {
		const core_node *node = &w->node[i].is;
		if (!needed[i])
			continue;
		if (node->permutation || node->kind == CORE_NODE_SCALE)
			status = fv_fail(w->ctx, FV_FAILED,
				"predicts with a permutation or a scaled gradient");
		bool two = node->kind == CORE_NODE_CONCAT;
		if (two || node->kind == CORE_NODE_APPLY)
			needed[node->a] = true;
		if (two)
			needed[node->b] = true;
	}
	plan->n_nodes = 0;
	for (int32_t i = 0; i <= logits->at && status == FV_OK; i++) {
		if (!needed[i])
			continue;
		core_node node = move_node(w->node[i].is, at);
		if (node.purpose && !(node.purpose = core_strdup(w->ctx, node.purpose)))
			return FV_FAILED;
		at[i] = plan->n_nodes;
		plan->node[plan->n_nodes++] = node;
	}
	return status;
}
