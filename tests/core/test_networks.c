/* SPDX-License-Identifier: Apache-2.0 */
/* fv.networks/1 misused, and plans in model files: what is written is read again, what is not a
 * plan is refused. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <fairvox/fairvox.h>

#include "base/file.h"
#include "run/model.h"
#include "run/model_plan.h"
#include "train/networks.h"
#include "train/predict.h"

enum { L = 2, D = 3, H = 4, C = 3, N = 5 };

static const core_head_shape shape = {.layers = L, .dims = D, .projection = H, .classes = C};

typedef struct bench {
	fv_ctx *ctx;
	core_plan *plan;
	core_networks *networks;
	fv_net *encoder, *output;
	float x[N * L * D], params[256], gradient[256];
	const float *row[N];
	const char *stem[N];
} bench;

static void open_bench(bench *b)
{
	*b = (bench){.ctx = test_ctx()};
	test_ok(b->ctx, core_plan_new(b->ctx, &shape, &b->plan));
	test_ok(b->ctx, core_networks_new(b->ctx, b->plan, N, &b->networks));
	core_ctx_set_networks(b->ctx, b->networks);
	core_networks_set_phase(b->networks, CORE_PHASE_BUILD);
	fv_stream s = fv_rng_seeded(1, "x", 0, 0);
	for (int i = 0; i < N * L * D; i++)
		b->x[i] = (float)fv_normal(&s);
	for (int i = 0; i < N; i++) {
		b->row[i] = b->x + i * L * D;
		b->stem[i] = core_format(b->ctx, "row%d", i);
	}
}

static void begin(bench *b, core_networks_phase phase)
{
	core_plan_init(b->ctx, b->plan, b->params);
	core_networks_set_params(b->networks, b->params);
	core_networks_set_gradient(b->networks, b->gradient);
	core_networks_begin(b->networks, b->row, b->stem, N);
	core_networks_set_phase(b->networks, phase);
}

static void close_bench(bench *b)
{
	core_networks_free(b->networks);
	core_ctx_free(b->ctx);
}

/* NULL came with these words. */
static void refused(bench *b, const void *pointer, const char *words)
{
	assert_null(pointer);
	test_fails(b->ctx, core_error_status(b->ctx), FV_FAILED, words);
	core_error_clear(b->ctx);
}

static void networks_that_cannot_be(void **state)
{
	(void)state;
	bench b;
	open_bench(&b);
	assert_non_null(fv_net_encoder(b.ctx, ""));
	refused(&b, fv_net_head(b.ctx, "", C), "two networks have a tensor 'layer_mix'");
	refused(&b, fv_net_linear(b.ctx, "", C, H), "'' is not a name");
	refused(&b, fv_net_linear(b.ctx, "a b", C, H), "'a b' is not a name");
	refused(&b, fv_net_linear(b.ctx, "output", 0, H), "0 outputs");
	refused(&b, fv_net_linear(b.ctx, "output", C, 0), "0 inputs");
	refused(&b, fv_net_input(b.ctx), "no values are made here");
	char name[16];
	for (int i = 1; i < CORE_PLAN_NETS; i++) {
		snprintf(name, sizeof name, "n%d", i);
		assert_non_null(fv_net_linear(b.ctx, name, C, H));
	}
	refused(&b, fv_net_linear(b.ctx, "more", C, H), "more than 16 networks");
	begin(&b, CORE_PHASE_STEP);
	refused(&b, fv_net_encoder(b.ctx, "late."), "no networks are made here");
	core_ctx_set_networks(b.ctx, NULL);
	refused(&b, fv_net_input(b.ctx), "no values are made here");
	close_bench(&b);
}

static void values_that_cannot_be(void **state)
{
	(void)state;
	bench b;
	open_bench(&b);
	b.encoder = fv_net_encoder(b.ctx, "");
	b.output = fv_net_linear(b.ctx, "output", C, H);
	begin(&b, CORE_PHASE_STEP);
	fv_node *input = fv_net_input(b.ctx), *h = fv_net_forward(b.ctx, b.encoder, input);
	fv_node *z = fv_net_forward(b.ctx, b.output, h), *u = fv_net_uniform(b.ctx, "noise", 2);
	assert_true(z && u);
	assert_ptr_equal(fv_net_forward(b.ctx, b.output, h), z); /* nothing is computed twice */
	assert_ptr_not_equal(fv_net_uniform(b.ctx, "other", 2), u);
	refused(&b, fv_net_forward(b.ctx, b.output, input), "'output' cannot take the input");
	refused(&b, fv_net_forward(b.ctx, b.encoder, h), "'' takes the input");
	refused(&b, fv_net_forward(b.ctx, b.output, z), "takes 4 numbers, not 3");
	refused(&b, fv_net_concat(b.ctx, h, input, 0, NULL), "put together");
	refused(&b, fv_net_concat(b.ctx, h, h, 3, NULL), "hold is 3");
	const int32_t permutation[N] = {0, 1, 2, 3, N};
	refused(&b, fv_net_concat(b.ctx, h, h, 0, permutation), "permutation of 5 rows holds 5");
	refused(&b, fv_net_scale_gradient(b.ctx, input, 1), "a gradient times 1");
	refused(&b, fv_net_scale_gradient(b.ctx, h, INFINITY), "a gradient times inf");
	refused(&b, fv_net_data(b.ctx, input), "input's data is not shown");
	refused(&b, fv_net_grad(b.ctx, u), "nothing learns");
	assert_null(fv_net_forward(b.ctx, b.output, NULL)); /* of an error said before */
	fv_net_grad(b.ctx, z)[0] = 1;
	test_ok(b.ctx, fv_net_backward(b.ctx));
	test_fails(b.ctx, fv_net_backward(b.ctx), FV_FAILED, "twice in one step");
	for (int i = 0; i < CORE_PLAN_NODES; i++)
		if (!fv_net_concat(b.ctx, h, h, 0, (const int32_t[N]){0}))
			break;
	refused(&b, fv_net_concat(b.ctx, h, h, 0, (const int32_t[N]){0}), "more than 64 values");
	begin(&b, CORE_PHASE_EVALUATE);
	h = fv_net_forward(b.ctx, b.encoder, fv_net_input(b.ctx));
	assert_non_null(fv_net_data(b.ctx, h));
	refused(&b, fv_net_grad(b.ctx, h), "there are no gradients here");
	test_fails(b.ctx, fv_net_backward(b.ctx), FV_FAILED, "there are no gradients here");
	close_bench(&b);
}

/* A permutation in what predicts, and predictions of another width. */
static void predictions_that_cannot_be(void **state)
{
	(void)state;
	bench b;
	open_bench(&b);
	b.encoder = fv_net_encoder(b.ctx, "");
	b.output = fv_net_linear(b.ctx, "output", C, 2 * H);
	core_networks_set_phase(b.networks, CORE_PHASE_PREDICT);
	fv_node *h = fv_net_forward(b.ctx, b.encoder, fv_net_input(b.ctx));
	test_fails(b.ctx, core_networks_record(b.networks, h), FV_FAILED,
		"predictions of 4 numbers for 3 classes");
	core_error_clear(b.ctx);
	const int32_t turned[N] = {4, 3, 2, 1, 0};
	fv_node *z = fv_net_forward(b.ctx, b.output, fv_net_concat(b.ctx, h, h, 0, turned));
	assert_non_null(z);
	test_fails(b.ctx, core_networks_record(b.networks, z), FV_FAILED,
		"predicts with a permutation");
	core_error_clear(b.ctx);
	h = fv_net_scale_gradient(b.ctx, h, -1);
	z = fv_net_forward(b.ctx, b.output, fv_net_concat(b.ctx, h, h, 0, NULL));
	assert_non_null(z);
	test_fails(b.ctx, core_networks_record(b.networks, z), FV_FAILED, "a scaled gradient");
	close_bench(&b);
}

/* --- model files ------------------------------------------------------------------------------ */

/* [encoder; encoder 2; draws] -> output */
static core_plan *three_parts(fv_ctx *ctx)
{
	core_plan *plan;
	int32_t net[3];
	test_ok(ctx, core_plan_new(ctx, &shape, &plan));
	test_ok(ctx, core_plan_add_net(ctx, plan, CORE_NET_ENCODER, "", H, 0, &net[0]));
	test_ok(ctx, core_plan_add_net(ctx, plan, CORE_NET_ENCODER, "two.", H, 0, &net[1]));
	test_ok(ctx,
		core_plan_add_net(ctx, plan, CORE_NET_LINEAR, "output", C, 2 * H + 2, &net[2]));
	core_node node[] = {{.kind = CORE_NODE_INPUT},
		{.kind = CORE_NODE_APPLY, .net = net[0], .a = 0},
		{.kind = CORE_NODE_APPLY, .net = net[1], .a = 0},
		{.kind = CORE_NODE_CONCAT, .a = 1, .b = 2},
		{.kind = CORE_NODE_UNIFORM, .purpose = "noise", .width = 2},
		{.kind = CORE_NODE_CONCAT, .a = 3, .b = 4},
		{.kind = CORE_NODE_APPLY, .net = net[2], .a = 5}};
	for (int i = 0; i < 7; i++) {
		test_ok(ctx, core_plan_check(ctx, plan, &node[i], &plan->node[node[i].a],
				     &plan->node[node[i].b]));
		plan->node[plan->n_nodes++] = node[i];
	}
	return plan;
}

static core_model model_of(const core_plan *plan, const float *params)
{
	static const char *const names[C] = {"a", "b", "c"};
	static float mean[L * D], scale[L * D];
	return (core_model){.plan = plan,
		.params = params,
		.fold = 3,
		.seed = 7,
		.scaling = {.layers = L, .dims = D, .mean = mean, .scale = scale},
		.class_name = names,
		.encoder_json = "{}"};
}

static void models_come_back(void **state)
{
	(void)state;
	bench b;
	open_bench(&b);
	const core_plan *plans[] = {three_parts(b.ctx), NULL};
	core_plan *head;
	test_ok(b.ctx, core_plan_head(b.ctx, &shape, &head));
	plans[1] = head;
	core_ctx_set_run(b.ctx, 7, 3);
	const char *path = core_format(b.ctx, "%s/model.safetensors", test_folder("networks"));
	const core_train_data data = {.rows = {.n = N, .stem = b.stem}, .x = b.x};
	for (int i = 0; i < 2; i++) {
		core_plan_init(b.ctx, plans[i], b.params);
		core_model model = model_of(plans[i], b.params), back;
		float z[2][N * C];
		test_ok(b.ctx, core_model_write(b.ctx, path, &model));
		test_ok(b.ctx, core_model_read(b.ctx, path, &back));
		assert_int_equal(back.plan->count, plans[i]->count);
		test_ok(b.ctx, core_train_predict(b.ctx, plans[i], b.params, &data, z[0]));
		test_ok(b.ctx, core_train_predict(b.ctx, back.plan, back.params, &data, z[1]));
		assert_memory_equal(z[0], z[1], sizeof z[0]);
		if (i == 0)
			assert_true(back.fold == 3 && back.seed == 7);
		float read[256] = {0};
		test_ok(b.ctx, core_model_read_params(b.ctx, path, plans[i], read));
		assert_memory_equal(read, b.params, (size_t)plans[i]->count * sizeof *read);
	}
	/* the last file has no second branch */
	test_fails(b.ctx, core_model_read_params(b.ctx, path, plans[0], b.params), FV_DATA,
		"no tensor 'two.layer_mix'");
	close_bench(&b);
}

static void plans_that_cannot_be(void **state)
{
	(void)state;
	const char *const head =
		"{\"input\":[2,3],\"projection\":4,\"networks\":[%s],\"predict\":%s}";
	const char *const nets =
		"{\"name\":\"\",\"kind\":\"encoder\"},"
		"{\"name\":\"output\",\"kind\":\"linear\",\"inputs\":4,\"outputs\":3}";
	const struct {
		const char *nets, *predict, *words;
	} cases[] = {
		{NULL, "[\"apply\",\"\",[\"input\"]]", "predictions of 4 numbers for 3 classes"},
		{NULL, "[\"apply\",\"output\",[\"input\"]]",
			"network 'output' cannot take the input"},
		{NULL, "[\"apply\",\"gone\",[\"input\"]]", "'predict' applies an unknown network"},
		{NULL, "[\"concat\",[\"input\"],[\"input\"]]",
			"values of 0 and 0 numbers put together"},
		{NULL, "[\"uniform\",\"x\",0]", "'predict' has an unknown kind of value"},
		{NULL, "[\"uniform\",\"x\",1e9]", "'predict' has an unknown kind of value"},
		{NULL, "[]", "'predict' has an unknown kind of value"},
		{NULL, "7", "'predict' has an unknown kind of value"},
		{NULL, "[\"apply\",\"output\",[\"output\"]]",
			"'predict' has an unknown kind of value"},
		{"{\"name\":\"\",\"kind\":\"tree\"}", "[]",
			"a network has no name or an unknown kind"},
		{"{\"kind\":\"head\",\"outputs\":3}", "[]", "a network has no name"},
		{"{\"name\":\"\",\"kind\":\"head\"}", "[]", "a network has no outputs"},
		{"{\"name\":\"\",\"kind\":\"head\",\"outputs\":-3}", "[]",
			"a network has no outputs"},
		{"{\"name\":\"x\",\"kind\":\"linear\",\"outputs\":3}", "[]",
			"a linear network has no inputs"},
		{"{\"name\":\"\",\"kind\":\"encoder\"},{\"name\":\"\",\"kind\":\"encoder\"}", "[]",
			"two networks have a tensor 'layer_mix'"},
		{"{\"name\":\"x\",\"kind\":\"linear\",\"inputs\":1000000,\"outputs\":1000000}",
			"[\"uniform\",\"x\",3]", "too many parameters"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_plan *plan;
		int64_t fold;
		uint64_t seed;
		char text[1024];
		snprintf(text, sizeof text, head, cases[i].nets ? cases[i].nets : nets,
			cases[i].predict);
		test_fails(ctx, core_plan_from_json(ctx, "m", text, C, &plan, &fold, &seed),
			FV_DATA, core_format(ctx, "m: metadata 'networks': %s", cases[i].words));
		core_ctx_free(ctx);
	}
}

/* Deep and cut texts are refused, not followed. */
static void deep_and_cut_plans(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_plan *plan;
	int64_t fold;
	uint64_t seed;
	char *deep = core_alloc(ctx, 20000, 1);
	size_t n = (size_t)sprintf(deep,
		"{\"input\":[2,3],\"projection\":4,\"networks\":[{\"name\":\"\",\"kind\":\"head\","
		"\"outputs\":3}],\"predict\":");
	for (int i = 0; i < 500; i++)
		n += (size_t)sprintf(deep + n, "[\"apply\",\"\",");
	n += (size_t)sprintf(deep + n, "[\"input\"]");
	for (int i = 0; i < 500; i++)
		deep[n++] = ']';
	deep[n++] = '}';
	test_fails(ctx, core_plan_from_json(ctx, "m", deep, C, &plan, &fold, &seed), FV_DATA,
		"too deep");
	core_error_clear(ctx);
	char *whole = core_plan_to_json(ctx, three_parts(ctx), 3, 7);
	test_ok(ctx, core_plan_from_json(ctx, "m", whole, C, &plan, &fold, &seed));
	for (size_t i = 0; i < strlen(whole); i++) {
		char *cut = core_strndup(ctx, whole, i);
		assert_int_equal(
			core_plan_from_json(ctx, "m", cut, C, &plan, &fold, &seed), FV_DATA);
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_that_cannot_be),
		cmocka_unit_test(values_that_cannot_be),
		cmocka_unit_test(predictions_that_cannot_be),
		cmocka_unit_test(models_come_back),
		cmocka_unit_test(plans_that_cannot_be),
		cmocka_unit_test(deep_and_cut_plans),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
