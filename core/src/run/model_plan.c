/* SPDX-License-Identifier: Apache-2.0 */
#include "run/model_plan.h"

#include <string.h>

#include <jansson.h>

#include "base/json.h"

static const char *const kinds[] = {"head", "encoder", "linear"};

static const char *const activations[] = {[FV_ACTIVATION_NONE] = "none",
	[FV_ACTIVATION_RELU] = "relu",
	[FV_ACTIVATION_GELU] = "gelu"};

const char *core_activation_name(fv_activation activation)
{
	return activations[activation];
}

bool core_activation_find(const char *name, fv_activation *out)
{
	for (size_t i = 0; name && i < sizeof activations / sizeof *activations; i++)
		if (!strcmp(name, activations[i])) {
			*out = (fv_activation)i;
			return true;
		}
	return false;
}

bool core_plan_is_special(const core_plan *plan)
{
	return plan->n_nets != 1 || plan->net[0].kind != CORE_NET_HEAD || *plan->net[0].name ||
	       plan->n_nodes != 2 || plan->node[1].kind != CORE_NODE_APPLY;
}

static json_t *make_node_json(const core_plan *plan, int32_t at)
{
	const core_node *node = &plan->node[at];
	switch (node->kind) {
	case CORE_NODE_INPUT:
		return json_pack("[s]", "input");
	case CORE_NODE_APPLY:
		return json_pack("[s, s, o]", "apply", plan->net[node->net].name,
			make_node_json(plan, node->a));
	case CORE_NODE_CONCAT:
		return json_pack("[s, o, o]", "concat", make_node_json(plan, node->a),
			make_node_json(plan, node->b));
	case CORE_NODE_SCALE:
		break; /* not in a plan */
	case CORE_NODE_UNIFORM:
		return json_pack("[s, s, i]", "uniform", node->purpose, (int)node->width);
	}
	return NULL;
}

static json_t *make_net_json(const core_net *net)
{
	json_t *object = json_pack("{s:s, s:s}", "name", net->name, "kind", kinds[net->kind]);
	if (object && net->kind != CORE_NET_ENCODER)
		json_object_set_new(object, "outputs", json_integer(net->out));
	if (object && net->kind == CORE_NET_LINEAR)
		json_object_set_new(object, "inputs", json_integer(net->in));
	return object;
}

char *core_plan_to_json(fv_ctx *ctx, const core_plan *plan, int64_t fold, uint64_t seed)
{
	json_t *nets = json_array();
	for (int32_t i = 0; i < plan->n_nets; i++)
		json_array_append_new(nets, make_net_json(&plan->net[i]));
	const core_head_shape *s = &plan->shape;
	json_t *root = json_pack("{s:[i,i], s:o, s:o, s:I, s:I}", "input", (int)s->layers,
		(int)s->dims, "networks", nets, "predict", make_node_json(plan, plan->n_nodes - 1),
		"fold", (json_int_t)fold, "seed", (json_int_t)seed);
	if (root && s->projection)
		json_object_set_new(root, "projection", json_integer(s->projection));
	json_t *hidden = json_array();
	for (int32_t i = 0; i < s->n_hidden; i++)
		json_array_append_new(hidden, json_integer(s->hidden[i]));
	if (root && s->n_hidden) {
		json_object_set(root, "hidden", hidden);
		json_object_set_new(
			root, "activation", json_string(core_activation_name(s->activation)));
	}
	json_decref(hidden);
	return core_json_text(ctx, root, JSON_COMPACT | JSON_SORT_KEYS);
}

struct reader {
	fv_ctx *ctx;
	const char *path;
	core_plan *plan;
};

static fv_status fail_plan(struct reader *r, const char *what)
{
	return fv_fail(r->ctx, FV_DATA, "%s: metadata 'networks': %s", r->path, what);
}

static bool read_size(const json_t *value, int32_t *out)
{
	json_int_t number = json_integer_value(value);
	*out = (int32_t)number;
	return json_is_integer(value) && number >= 1 && number <= CORE_PLAN_WIDTH;
}

static fv_status read_net(struct reader *r, const json_t *net)
{
	const char *name = json_string_value(json_object_get(net, "name"));
	const char *word = json_string_value(json_object_get(net, "kind"));
	int32_t kind = 0, out = core_head_width(&r->plan->shape), in = 0, index;
	while (word && kind < 3 && strcmp(word, kinds[kind]))
		kind++;
	if (!name || !word || kind == 3)
		return fail_plan(r, "a network has no name or an unknown kind");
	if (kind != CORE_NET_ENCODER && !read_size(json_object_get(net, "outputs"), &out))
		return fail_plan(r, "a network has no outputs");
	if (kind == CORE_NET_LINEAR && !read_size(json_object_get(net, "inputs"), &in))
		return fail_plan(r, "a linear network has no inputs");
	return core_plan_add_net(r->ctx, r->plan, (core_net_kind)kind, name, out, in, &index);
}

static fv_status read_node(struct reader *r, const json_t *list, int32_t depth, int32_t *at);

/* Returns the network's index, or -1 if none has that name. */
static int32_t find_net(const core_plan *plan, const char *name)
{
	for (int32_t i = 0; name && i < plan->n_nets; i++)
		if (!strcmp(plan->net[i].name, name))
			return i;
	return -1;
}

static fv_status read_node_fields(
	struct reader *r, const json_t *list, int32_t depth, core_node *node)
{
	const char *word = json_string_value(json_array_get(list, 0));
	const char *text = json_string_value(json_array_get(list, 1));
	size_t n = json_array_size(list);
	if (word && !strcmp(word, "input") && n == 1) {
		node->kind = CORE_NODE_INPUT;
		return FV_OK;
	}
	if (word && !strcmp(word, "apply") && n == 3) {
		node->kind = CORE_NODE_APPLY;
		node->net = find_net(r->plan, text);
		return node->net < 0 ? fail_plan(r, "'predict' applies an unknown network")
				     : read_node(r, json_array_get(list, 2), depth, &node->a);
	}
	if (word && !strcmp(word, "concat") && n == 3) {
		node->kind = CORE_NODE_CONCAT;
		fv_status status = read_node(r, json_array_get(list, 1), depth, &node->a);
		return status ? status : read_node(r, json_array_get(list, 2), depth, &node->b);
	}
	if (word && !strcmp(word, "uniform") && n == 3 && text &&
		read_size(json_array_get(list, 2), &node->width)) {
		node->kind = CORE_NODE_UNIFORM;
		node->purpose = core_strdup(r->ctx, text);
		return node->purpose ? FV_OK : FV_FAILED;
	}
	return fail_plan(r, "'predict' has an unknown kind of value");
}

static fv_status read_node(struct reader *r, const json_t *list, int32_t depth, int32_t *at)
{
	core_plan *plan = r->plan;
	core_node node = {0};
	if (depth == CORE_PLAN_NODES)
		return fail_plan(r, "'predict' is too deep");
	fv_status status = read_node_fields(r, list, depth + 1, &node);
	if (status)
		return status;
	if (plan->n_nodes == CORE_PLAN_NODES)
		return fail_plan(r, "'predict' has too many values");
	status = core_plan_check(r->ctx, plan, &node, &plan->node[node.a], &plan->node[node.b]);
	*at = plan->n_nodes;
	plan->node[plan->n_nodes++] = node;
	return status;
}

static fv_status read_hidden(struct reader *r, const json_t *root, core_head_shape *shape)
{
	const json_t *hidden = json_object_get(root, "hidden");
	size_t n = json_array_size(hidden);
	bool good = n <= CORE_HEAD_HIDDEN && (!hidden || n);
	for (size_t i = 0; good && i < n; i++)
		good = read_size(json_array_get(hidden, i), &shape->hidden[i]);
	shape->n_hidden = good ? (int32_t)n : 0;
	if (!good)
		return fail_plan(r, "'hidden' is out of range");
	if (n && !core_activation_find(json_string_value(json_object_get(root, "activation")),
			 &shape->activation))
		return fail_plan(r, "'activation' is missing or unknown");
	return FV_OK;
}

static fv_status read_shape(struct reader *r, const json_t *root, core_head_shape *shape)
{
	const json_t *input = json_object_get(root, "input");
	const json_t *projection = json_object_get(root, "projection");
	if (json_array_size(input) != 2 || !read_size(json_array_get(input, 0), &shape->layers) ||
		!read_size(json_array_get(input, 1), &shape->dims) ||
		(projection && !read_size(projection, &shape->projection)) ||
		shape->layers > 4096 || (int64_t)shape->dims * shape->projection > (1 << 28) ||
		(int64_t)shape->dims * shape->layers > (1 << 28))
		return fail_plan(r, "'input' or 'projection' is missing or out of range");
	return read_hidden(r, root, shape);
}

static fv_status read_plan(struct reader *r, const json_t *root, int32_t classes)
{
	core_head_shape shape = {.classes = classes};
	fv_status status = read_shape(r, root, &shape);
	if (!status)
		status = core_plan_new(r->ctx, &shape, &r->plan);
	if (!status)
		r->plan->origin = r->path;
	const json_t *nets = json_object_get(root, "networks");
	for (size_t i = 0; !status && i < json_array_size(nets); i++)
		status = read_net(r, json_array_get(nets, i));
	int32_t last;
	if (!status)
		status = read_node(r, json_object_get(root, "predict"), 0, &last);
	if (status)
		return status;
	if (r->plan->count > (1 << 28))
		return fail_plan(r, "too many parameters");
	return core_plan_check_logits(r->ctx, r->plan, &r->plan->node[last]);
}

fv_status core_plan_from_json(fv_ctx *ctx, const char *path, const char *text, int32_t classes,
	core_plan **out, int64_t *fold, uint64_t *seed)
{
	struct reader r = {.ctx = ctx, .path = path};
	json_t *root = json_loads(text, 0, NULL);
	fv_status status = json_is_object(root) ? read_plan(&r, root, classes)
						: fail_plan(&r, "cannot be read");
	*fold = json_integer_value(json_object_get(root, "fold"));
	*seed = (uint64_t)json_integer_value(json_object_get(root, "seed"));
	json_decref(root);
	if (r.plan)
		r.plan->origin = NULL;
	*out = r.plan;
	return status;
}
