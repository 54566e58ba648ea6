/* SPDX-License-Identifier: Apache-2.0 */
/* model.safetensors: a model is read back as written, and files that do not fit are refused with
 * the name of the missing part. */
#include "study.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "checkpoint/safetensors_write.h"
#include "run/model.h"

static const core_head_shape shape = {
	.layers = TOY_LAYERS, .dims = TOY_DIMS, .projection = 5, .classes = TOY_CLASSES};
static const char *const classes[] = {"angry", "very \"sad\", é", "c"};
static const char *folder;

static int setup(void **state)
{
	(void)state;
	folder = strdup(test_folder("model"));
	test_toy_write(folder, 0);
	return 0;
}

static core_model model(fv_ctx *ctx, fv_standardize kind)
{
	float *params = core_alloc(ctx, (size_t)core_head_count(&shape), sizeof *params);
	core_plan *plan;
	test_ok(ctx, core_plan_head(ctx, &shape, &plan));
	core_plan_init(ctx, plan, params);
	core_model m = {.plan = plan,
		.params = params,
		.class_name = classes,
		.encoder_json = "{\"name\":\"precomputed\"}"};
	m.scaling = (core_scaling){kind, TOY_LAYERS, TOY_DIMS, NULL, NULL};
	if (kind == FV_STANDARDIZE_SPEAKER)
		return m;
	m.scaling.mean = core_alloc(ctx, TOY_LAYERS * TOY_DIMS, sizeof(float));
	m.scaling.scale = core_alloc(ctx, TOY_LAYERS * TOY_DIMS, sizeof(float));
	for (int j = 0; j < TOY_LAYERS * TOY_DIMS; j++) {
		m.scaling.mean[j] = 1.1f * (float)j;
		m.scaling.scale[j] = 1 / (1.3f + (float)j);
	}
	return m;
}

static char *path_of(fv_ctx *ctx, const char *name)
{
	return core_path_join(ctx, folder, name);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (fv_standardize kind = FV_STANDARDIZE_NONE; kind <= FV_STANDARDIZE_SPEAKER; kind++) {
		fv_ctx *ctx = test_ctx();
		core_model m = model(ctx, kind), back;
		char *path = path_of(ctx, "model.safetensors");
		test_ok(ctx, core_model_write(ctx, path, &m));
		test_ok(ctx, core_model_read(ctx, path, &back));
		size_t size = (size_t)core_head_count(&shape) * sizeof(float);
		assert_memory_equal(&back.plan->shape, &shape, sizeof shape);
		assert_memory_equal(back.params, m.params, size);
		assert_int_equal(back.scaling.kind, kind);
		for (int c = 0; c < TOY_CLASSES; c++)
			assert_string_equal(back.class_name[c], classes[c]);
		assert_string_equal(back.encoder_json, m.encoder_json);
		size = TOY_LAYERS * TOY_DIMS * sizeof(float);
		if (kind == FV_STANDARDIZE_SPEAKER) {
			assert_null(back.scaling.mean);
		} else {
			assert_memory_equal(back.scaling.mean, m.scaling.mean, size);
			assert_memory_equal(back.scaling.scale, m.scaling.scale, size);
		}
		core_ctx_free(ctx);
	}
}

/* train.init needs only the tensors, in the shape of the run. */
static void test_params(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_model m = model(ctx, FV_STANDARDIZE_TRAIN);
	char *path = path_of(ctx, "params.safetensors");
	float *back = core_alloc(ctx, 2 * (size_t)core_head_count(&shape), sizeof *back);
	test_ok(ctx, core_model_write(ctx, path, &m));
	test_ok(ctx, core_model_read_params(ctx, path, m.plan, back));
	assert_memory_equal(back, m.params, (size_t)core_head_count(&shape) * sizeof *back);
	static const struct {
		core_head_shape shape;
		const char *text;
	} wrong[] = {
		{{.layers = TOY_LAYERS + 1,
			 .dims = TOY_DIMS,
			 .projection = 5,
			 .classes = TOY_CLASSES},
			"'layer_mix' is not of shape [3]"},
		{{.layers = TOY_LAYERS,
			 .dims = TOY_DIMS + 1,
			 .projection = 5,
			 .classes = TOY_CLASSES},
			"'projection.weight' is not of shape [5,5]"},
		{{.layers = TOY_LAYERS, .dims = TOY_DIMS, .projection = 6, .classes = TOY_CLASSES},
			"'projection.weight' is not of shape [6,4]"},
		{{.layers = TOY_LAYERS,
			 .dims = TOY_DIMS,
			 .projection = 5,
			 .classes = TOY_CLASSES - 1},
			"'output.weight' is not of shape [2,5]"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		core_plan *plan;
		test_ok(ctx, core_plan_head(ctx, &wrong[i].shape, &plan));
		assert_true(plan->count <= 2 * core_head_count(&shape));
		fv_status status = core_model_read_params(ctx, path, plan, back);
		test_fails(ctx, status, FV_DATA, wrong[i].text);
	}
	test_fails(ctx,
		core_model_read_params(ctx, path_of(ctx, "features.safetensors"), m.plan, back),
		FV_DATA, "no tensor 'layer_mix'");
	test_fails(ctx, core_model_read(ctx, path_of(ctx, "features.safetensors"), &m), FV_DATA,
		"features.safetensors");
	test_fails(ctx, core_model_read(ctx, path_of(ctx, "nothere"), &m), FV_DATA, "nothere");
	core_ctx_free(ctx);
}

/* Heads of other shapes keep their layers, activation and kind of probability. */
static void test_options(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const core_head_shape shapes[] = {{.layers = 2, .dims = 4, .classes = TOY_CLASSES},
		{.layers = 2,
			.dims = 4,
			.projection = 5,
			.classes = TOY_CLASSES,
			.n_hidden = 2,
			.hidden = {3, 6},
			.activation = FV_ACTIVATION_GELU},
		{.layers = 2,
			.dims = 4,
			.classes = TOY_CLASSES,
			.n_hidden = 1,
			.hidden = {7},
			.activation = FV_ACTIVATION_RELU,
			.dropout = 0.5}};
	float zeros[2 * 4] = {0};
	static const char *const names[TOY_CLASSES] = {"a", "b", "c"};
	char *path = path_of(ctx, "options.safetensors");
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		core_plan *plan, *other;
		core_model back, m = {.sigmoid = i > 0,
					 .class_name = names,
					 .encoder_json = "{}",
					 .scaling = {.kind = FV_STANDARDIZE_TRAIN,
						 .layers = 2,
						 .dims = 4,
						 .mean = zeros,
						 .scale = zeros}};
		test_ok(ctx, core_plan_head(ctx, &shapes[i], &plan));
		float *params = core_alloc(ctx, (size_t)plan->count, sizeof *params);
		core_plan_init(ctx, plan, params);
		m.plan = plan;
		m.params = params;
		test_ok(ctx, core_model_write(ctx, path, &m));
		test_ok(ctx, core_model_read(ctx, path, &back));
		const core_head_shape *s = &back.plan->shape;
		assert_int_equal(back.plan->count, plan->count);
		assert_memory_equal(back.params, params, (size_t)plan->count * sizeof *params);
		assert_int_equal(back.sigmoid, m.sigmoid);
		assert_int_equal(s->projection, shapes[i].projection);
		assert_int_equal(s->n_hidden, shapes[i].n_hidden);
		assert_int_equal(s->activation, shapes[i].activation);
		assert_memory_equal(s->hidden, shapes[i].hidden, sizeof s->hidden);
		/* train.init of a head without these layers refuses the file. */
		test_ok(ctx, core_plan_head(ctx, &shapes[0], &other));
		float *into = core_alloc(ctx, 1000, sizeof *into);
		if (i)
			test_fails(ctx, core_model_read_params(ctx, path, other, into), FV_DATA,
				i == 1 ? "'output.weight' is not of shape" : "output.weight");
	}
	core_ctx_free(ctx);
}

/* Tensors that the model does not have are refused by name. */
static void test_census(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const float zeros[64];
	const core_tensor_out all[] = {
		{.name = "layer_mix", .dtype = "F32", .rank = 1, .shape = {2}, .data = zeros},
		{.name = "output.weight",
			.dtype = "F32",
			.rank = 2,
			.shape = {3, 4},
			.data = zeros},
		{.name = "output.bias", .dtype = "F32", .rank = 1, .shape = {3}, .data = zeros},
		{.name = "hidden.3.bias", .dtype = "F32", .rank = 1, .shape = {3}, .data = zeros}};
	const core_meta_out meta[] = {
		{"classes", "[\"a\",\"b\",\"c\"]"}, {"encoder", "{}"}, {"standardize", "speaker"}};
	const core_head_shape bare = {.layers = 2, .dims = 4, .classes = 3};
	char *path = path_of(ctx, "census.safetensors");
	core_plan *plan;
	core_model back;
	float into[64];
	test_ok(ctx, core_plan_head(ctx, &bare, &plan));
	test_ok(ctx, core_safetensors_write(ctx, path, all, 3, meta, 3));
	test_ok(ctx, core_model_read_params(ctx, path, plan, into));
	test_ok(ctx, core_model_read(ctx, path, &back));
	test_ok(ctx, core_safetensors_write(ctx, path, all, 4, meta, 3));
	test_fails(ctx, core_model_read_params(ctx, path, plan, into), FV_DATA,
		"tensor 'hidden.3.bias' is not part of this model");
	test_fails(ctx, core_model_read(ctx, path, &back), FV_DATA, "'hidden.3.bias'");
	const core_meta_out odd[] = {meta[0], meta[1], meta[2], {"probability", "cosine"}};
	test_ok(ctx, core_safetensors_write(ctx, path, all, 3, odd, 4));
	test_fails(ctx, core_model_read(ctx, path, &back), FV_DATA, "'probability' is 'cosine'");
	core_ctx_free(ctx);
}

/* A model file with a tensor or a line of metadata left out. */
static void test_incomplete(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const float zeros[64];
	static const core_tensor_out all[] = {
		{.name = "layer_mix", .dtype = "F32", .rank = 1, .shape = {2}, .data = zeros},
		{.name = "projection.weight",
			.dtype = "F32",
			.rank = 2,
			.shape = {5, 4},
			.data = zeros},
		{.name = "projection.bias", .dtype = "F32", .rank = 1, .shape = {5}, .data = zeros},
		{.name = "output.weight",
			.dtype = "F32",
			.rank = 2,
			.shape = {3, 5},
			.data = zeros},
		{.name = "output.bias", .dtype = "F32", .rank = 1, .shape = {3}, .data = zeros},
		{.name = "input.mean", .dtype = "F32", .rank = 2, .shape = {2, 4}, .data = zeros},
		{.name = "input.scale", .dtype = "F32", .rank = 2, .shape = {2, 4}, .data = zeros}};
	static const core_meta_out meta[] = {
		{"classes", "[\"a\",\"b\",\"c\"]"}, {"encoder", "{}"}, {"standardize", "train"}};
	char *path = path_of(ctx, "part.safetensors");
	core_model back;
	test_ok(ctx, core_safetensors_write(ctx, path, all, 7, meta, 3));
	test_ok(ctx, core_model_read(ctx, path, &back));
	for (int out = 0; out < 10; out++) {
		core_tensor_out tensor[7];
		core_meta_out words[3];
		size_t n = 0, m = 0;
		for (int i = 0; i < 7; i++)
			if (i != out)
				tensor[n++] = all[i];
		for (int i = 0; i < 3; i++)
			if (i + 7 != out)
				words[m++] = meta[i];
		test_ok(ctx, core_safetensors_write(ctx, path, tensor, n, words, m));
		fv_status status = core_model_read(ctx, path, &back);
		test_fails(ctx, status, FV_DATA, out < 7 ? all[out].name : meta[out - 7].key);
	}
	core_meta_out wrong[] = {meta[0], meta[1], {"standardize", "sideways"}};
	test_ok(ctx, core_safetensors_write(ctx, path, all, 7, wrong, 3));
	test_fails(ctx, core_model_read(ctx, path, &back), FV_DATA,
		"'standardize' is missing or unknown");
	wrong[2] = meta[2];
	wrong[0].value = "[1, 2, 3]";
	test_ok(ctx, core_safetensors_write(ctx, path, all, 7, wrong, 3));
	test_fails(ctx, core_model_read(ctx, path, &back), FV_DATA,
		"'classes' is not a list of names");
	core_ctx_free(ctx);
}

static char *encoder_json(fv_ctx *ctx, const char *weights, int layer)
{
	return core_format(ctx,
		"{\"name\":\"precomputed\",\"params\":{\"file\":\"%s/features.safetensors\"},"
		"\"layer\":%d,\"max_seconds\":0,\"normalize\":\"none\",\"output\":\"features\"%s}",
		folder, layer, weights);
}

static fv_status open_encoder(fv_ctx *ctx, const core_model *m, core_encoder **e)
{
	core_registry *registry;
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &registry));
	return core_model_open_encoder(ctx, registry, m, "model", NULL, NULL, e);
}

static void test_encoder(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_model m = model(ctx, FV_STANDARDIZE_NONE);
	core_encoder *e;
	m.encoder_json = encoder_json(ctx, "", -1);
	test_ok(ctx, open_encoder(ctx, &m, &e));
	assert_int_equal(e->layers, TOY_LAYERS);
	core_encoder_close(e);
	m.encoder_json = encoder_json(ctx, ",\"weights_sha256\":\"00ff\"", -1);
	test_fails(ctx, open_encoder(ctx, &m, &e), FV_DATA,
		"weights of encoder precomputed are not those");
	/* Features of another shape than the model reads are refused. */
	m.encoder_json = encoder_json(ctx, "", 1);
	test_fails(ctx, open_encoder(ctx, &m, &e), FV_DATA,
		"the model reads features [2,4], encoder precomputed gives [1,4]");
	core_plan wide = *m.plan;
	wide.shape.dims = TOY_DIMS * 100;
	m.plan = &wide;
	m.encoder_json = encoder_json(ctx, "", -1);
	test_fails(ctx, open_encoder(ctx, &m, &e), FV_DATA, "the model reads features [2,400]");
	static const char *const damaged[] = {"", "[]", "{\"name\":3}",
		"{\"name\":\"precomputed\"}", "{\"name\":\"nothere\",\"normalize\":\"none\"}",
		"{\"name\":\"precomputed\",\"params\":[]}"};
	for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
		m.encoder_json = damaged[i];
		assert_int_not_equal(open_encoder(ctx, &m, &e), FV_OK);
		assert_true(core_error_count(ctx) > 0);
		core_error_clear(ctx);
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_params), cmocka_unit_test(test_options),
		cmocka_unit_test(test_census), cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_encoder)};
	return cmocka_run_group_tests(tests, setup, NULL);
}
