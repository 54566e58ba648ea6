/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of fairvox/networks.h. They find the run's networks in the context and refuse calls in the
 * wrong phase. */
#include <fairvox/networks.h>

#include <stddef.h>

#include "base/context.h"
#include "train/networks_private.h"

static core_networks *find_networks(fv_ctx *ctx, unsigned phases, const char *what)
{
	core_networks *w = core_ctx_networks(ctx);
	if (w && phases & 1u << w->phase)
		return w;
	(void)fv_fail(ctx, FV_FAILED, "%s here", what);
	return NULL;
}

#define BUILD (1u << CORE_PHASE_BUILD)
#define VALUES (1u << CORE_PHASE_PREDICT | 1u << CORE_PHASE_STEP | 1u << CORE_PHASE_EVALUATE)
#define DATA (1u << CORE_PHASE_STEP | 1u << CORE_PHASE_EVALUATE)
#define STEP (1u << CORE_PHASE_STEP)

static fv_net *add_net(
	fv_ctx *ctx, core_net_kind kind, const char *name, int32_t outputs, int32_t inputs)
{
	core_networks *w = find_networks(ctx, BUILD, "no networks are made");
	int32_t index;
	if (!w || core_plan_add_net(ctx, w->plan, kind, name, outputs, inputs, &index) != FV_OK ||
		core_networks_open_net(w, index) != FV_OK)
		return NULL;
	return &w->net[index];
}

fv_net *fv_net_head(fv_ctx *ctx, const char *prefix, int32_t outputs)
{
	return add_net(ctx, CORE_NET_HEAD, prefix, outputs, 0);
}

fv_net *fv_net_encoder(fv_ctx *ctx, const char *prefix)
{
	const core_networks *w = find_networks(ctx, BUILD, "no networks are made");
	return w ? add_net(ctx, CORE_NET_ENCODER, prefix, core_head_width(&w->plan->shape), 0)
		 : NULL;
}

fv_net *fv_net_linear(fv_ctx *ctx, const char *name, int32_t outputs, int32_t inputs)
{
	return add_net(ctx, CORE_NET_LINEAR, name, outputs, inputs);
}

int32_t fv_net_outputs(const fv_net *net)
{
	return net->owner->plan->net[net->index].out;
}

static fv_node *add_node(fv_ctx *ctx, core_node node)
{
	core_networks *w = find_networks(ctx, VALUES, "no values are made");
	return w ? core_networks_node(w, node) : NULL;
}

fv_node *fv_net_input(fv_ctx *ctx)
{
	return add_node(ctx, (core_node){.kind = CORE_NODE_INPUT});
}

fv_node *fv_net_forward(fv_ctx *ctx, fv_net *net, fv_node *in)
{
	if (!net || !in)
		return NULL;
	return add_node(ctx, (core_node){.kind = CORE_NODE_APPLY, .net = net->index, .a = in->at});
}

fv_node *fv_net_concat(
	fv_ctx *ctx, fv_node *a, fv_node *b, int32_t hold, const int32_t *permutation)
{
	if (!a || !b)
		return NULL;
	return add_node(ctx, (core_node){.kind = CORE_NODE_CONCAT,
				     .a = a->at,
				     .b = b->at,
				     .hold = hold,
				     .permutation = permutation});
}

fv_node *fv_net_scale_gradient(fv_ctx *ctx, fv_node *node, double factor)
{
	if (!node)
		return NULL;
	return add_node(ctx, (core_node){.kind = CORE_NODE_SCALE, .a = node->at, .factor = factor});
}

fv_node *fv_net_uniform(fv_ctx *ctx, const char *purpose, int32_t width)
{
	return add_node(
		ctx, (core_node){.kind = CORE_NODE_UNIFORM, .purpose = purpose, .width = width});
}

const float *fv_net_data(fv_ctx *ctx, fv_node *node)
{
	core_networks *w = find_networks(ctx, DATA, "there is no data");
	if (!w || !node)
		return NULL;
	if (node->is.kind != CORE_NODE_INPUT)
		return core_networks_data(w, node);
	(void)fv_fail(ctx, FV_FAILED, "the input's data is not shown");
	return NULL;
}

float *fv_net_grad(fv_ctx *ctx, fv_node *node)
{
	core_networks *w = find_networks(ctx, STEP, "there are no gradients");
	if (!w || !node)
		return NULL;
	if (node->is.kind != CORE_NODE_INPUT && node->is.kind != CORE_NODE_UNIFORM)
		return core_node_gradient(w, node);
	(void)fv_fail(ctx, FV_FAILED, "nothing learns from the gradient of an input or a draw");
	return NULL;
}

fv_status fv_net_backward(fv_ctx *ctx)
{
	core_networks *w = find_networks(ctx, STEP, "there are no gradients");
	return w ? core_networks_backward(w) : FV_FAILED;
}
