/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <fairvox/stream.h>

#include "base/number.h"
#include "nn/blocks.h"

enum { DRAW_LINEAR = 3 }; /* start values: those of an output layer (head.h) */

static fv_status FV_PRINTF(3, 4)
	report_misfit(fv_ctx *ctx, const core_plan *plan, const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (!plan->origin)
		return fv_fail(ctx, FV_FAILED, "%s", text);
	return fv_fail(ctx, FV_DATA, "%s: metadata 'networks': %s", plan->origin, text);
}

fv_status core_plan_new(fv_ctx *ctx, const core_head_shape *shape, core_plan **out)
{
	*out = core_alloc(ctx, 1, sizeof **out);
	if (!*out)
		return FV_FAILED;
	(*out)->shape = *shape;
	return FV_OK;
}

fv_status core_plan_head(fv_ctx *ctx, const core_head_shape *shape, core_plan **out)
{
	int32_t net;
	fv_status status = core_plan_new(ctx, shape, out);
	if (status == FV_OK)
		status = core_plan_add_net(ctx, *out, CORE_NET_HEAD, "", shape->classes, 0, &net);
	if (status != FV_OK)
		return status;
	(*out)->node[0] = (core_node){.kind = CORE_NODE_INPUT};
	(*out)->node[1] = (core_node){.kind = CORE_NODE_APPLY, .net = net, .width = shape->classes};
	(*out)->n_nodes = 2;
	return FV_OK;
}

static fv_status check_net(fv_ctx *ctx, const core_plan *plan, core_net_kind kind, const char *name,
	int32_t out, int32_t in)
{
	if (plan->n_nets == CORE_PLAN_NETS)
		return report_misfit(ctx, plan, "more than %d networks", CORE_PLAN_NETS);
	size_t length = strlen(name);
	if (length > 64 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") != length ||
		(kind == CORE_NET_LINEAR && !length))
		return report_misfit(ctx, plan, "'%.80s' is not a name for a network", name);
	if (kind == CORE_NET_ENCODER && !plan->shape.projection && !plan->shape.n_hidden)
		return report_misfit(
			ctx, plan, "encoder '%s' has no projection and no hidden layer", name);
	if (out < 1 || out > CORE_PLAN_WIDTH || in < 0 || in > CORE_PLAN_WIDTH ||
		(kind == CORE_NET_LINEAR && in < 1))
		return report_misfit(ctx, plan, "network '%s': %d outputs and %d inputs", name,
			(int)out, (int)in);
	return FV_OK;
}

core_head_shape core_net_shape(const core_plan *plan, const core_net *net)
{
	core_head_shape shape = plan->shape;
	shape.classes = net->kind == CORE_NET_HEAD ? net->out : 0;
	return shape;
}

static const char *make_tensor_name(fv_ctx *ctx, const char *net, const char *name)
{
	return core_format(ctx, "%s%s", net, name);
}

/* Lists the tensors of one network, with offsets from its own start. Returns their number. */
static int32_t list_tensors(const core_plan *plan, const core_net *net, core_head_tensor *out)
{
	if (net->kind != CORE_NET_LINEAR) {
		const core_head_shape shape = core_net_shape(plan, net);
		return core_head_tensors(&shape, out);
	}
	int64_t weights = (int64_t)net->out * net->in;
	out[0] = (core_head_tensor){
		".weight", 2, {net->out, net->in}, 0, weights, DRAW_LINEAR, net->in};
	out[1] = (core_head_tensor){
		".bias", 1, {net->out, 1}, weights, net->out, DRAW_LINEAR + 1, net->in};
	return 2;
}

fv_status core_plan_add_net(fv_ctx *ctx, core_plan *plan, core_net_kind kind, const char *name,
	int32_t out, int32_t in, int32_t *index)
{
	fv_status status = check_net(ctx, plan, kind, name, out, in);
	if (status != FV_OK)
		return status;
	core_net *net = &plan->net[plan->n_nets];
	*net = (core_net){.kind = kind,
		.name = core_strdup(ctx, name),
		.in = in,
		.out = out,
		.tensor = plan->n_tensors,
		.offset = plan->count};
	core_head_tensor own[CORE_HEAD_TENSORS];
	int32_t n = list_tensors(plan, net, own);
	for (int32_t i = 0; i < n; i++) {
		core_head_tensor *tensor = &plan->tensor[plan->n_tensors + i];
		*tensor = own[i];
		tensor->name = make_tensor_name(ctx, name, own[i].name);
		if (!net->name || !tensor->name)
			return FV_FAILED;
		for (int32_t j = 0; j < plan->n_tensors; j++)
			if (!strcmp(plan->tensor[j].name, tensor->name))
				return report_misfit(
					ctx, plan, "two networks have a tensor '%s'", tensor->name);
		tensor->offset += plan->count;
		net->count += tensor->count;
	}
	net->n_tensors = n;
	plan->n_tensors += n;
	plan->count += net->count;
	*index = plan->n_nets++;
	return FV_OK;
}

static fv_status check_apply(
	fv_ctx *ctx, const core_plan *plan, core_node *node, const core_node *in)
{
	const core_net *net = &plan->net[node->net];
	bool of_input = net->kind != CORE_NET_LINEAR;
	if (of_input != (in->kind == CORE_NODE_INPUT))
		return report_misfit(ctx, plan, "network '%s' %s", net->name,
			of_input ? "takes the input" : "cannot take the input");
	if (!of_input && in->width != net->in)
		return report_misfit(ctx, plan, "network '%s' takes %d numbers, not %d", net->name,
			(int)net->in, (int)in->width);
	node->width = net->out;
	return FV_OK;
}

fv_status core_plan_check(
	fv_ctx *ctx, const core_plan *plan, core_node *node, const core_node *a, const core_node *b)
{
	switch (node->kind) {
	case CORE_NODE_INPUT:
		node->width = 0;
		return FV_OK;
	case CORE_NODE_APPLY:
		return check_apply(ctx, plan, node, a);
	case CORE_NODE_CONCAT:
		if (!a->width || !b->width || a->width + b->width > CORE_PLAN_WIDTH)
			return report_misfit(ctx, plan, "values of %d and %d numbers put together",
				(int)a->width, (int)b->width);
		if (node->hold < 0 || node->hold > 2)
			return report_misfit(ctx, plan, "hold is %d", (int)node->hold);
		node->width = a->width + b->width;
		return FV_OK;
	case CORE_NODE_SCALE:
		if (!a->width || !isfinite(node->factor))
			return report_misfit(
				ctx, plan, "a gradient times %g", core_printable(node->factor));
		node->width = a->width;
		return FV_OK;
	case CORE_NODE_UNIFORM:
		if (node->width < 1 || node->width > CORE_PLAN_WIDTH || !node->purpose)
			return report_misfit(ctx, plan, "draws of %d numbers", (int)node->width);
		return FV_OK;
	}
	return report_misfit(ctx, plan, "a value of unknown kind");
}

fv_status core_plan_check_logits(fv_ctx *ctx, const core_plan *plan, const core_node *node)
{
	if (node->width == plan->shape.classes)
		return FV_OK;
	return report_misfit(ctx, plan, "predictions of %d numbers for %d classes",
		(int)node->width, (int)plan->shape.classes);
}

static int64_t find_branch(const char *prefix, size_t length)
{
	char name[80] = "";
	memcpy(name, prefix, length);
	return length ? (int64_t)(fv_name_hash(name) >> 1) : 0;
}

int64_t core_net_branch(const core_net *net)
{
	static const char output[] = "output";
	size_t length = strlen(net->name), tail = strlen(output);
	if (net->kind == CORE_NET_LINEAR && length >= tail &&
		!strcmp(net->name + length - tail, output))
		length -= tail;
	return find_branch(net->name, length);
}

static void init_net(fv_ctx *ctx, const core_plan *plan, const core_net *net, float *params)
{
	const core_head_tensor *tensor = &plan->tensor[net->tensor];
	for (int32_t i = 0; i < net->n_tensors; i++)
		if (tensor[i].draw)
			core_linear_init(ctx, core_net_branch(net), tensor[i].draw,
				tensor[i].fan_in, tensor[i].count, params + tensor[i].offset);
}

void core_plan_init(fv_ctx *ctx, const core_plan *plan, float *params)
{
	memset(params, 0, (size_t)plan->count * sizeof *params);
	for (int32_t i = 0; i < plan->n_nets; i++)
		init_net(ctx, plan, &plan->net[i], params);
}
