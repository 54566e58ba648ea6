/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations of wavlm and wav2vec2_age_gender in config.json and in a file, and that they are
 * part of the cache key. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "encoder.h"
#include "network.h"

static const char *const weights[] = {"encoders/wavlm_tiny/hf/model.safetensors",
	"encoders/w2v2_age_gender_tiny/model.safetensors"};

struct fixture {
	fv_ctx *ctx;
	core_registry *registry;
	char *config; /* of wavlm */
};

static int set_up(void **state)
{
	static struct fixture f;
	f.ctx = test_ctx();
	test_ok(f.ctx, core_registry_open(f.ctx, NULL, 0, &f.registry));
	test_ok(f.ctx, core_file_read(f.ctx, test_golden("encoders/wavlm_tiny/hf/config.json"), 0,
			       &f.config, &(size_t){0}));
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	core_ctx_free(((struct fixture *)*state)->ctx);
	return 0;
}

/* Fails unless opening fails with exactly one message that contains the word. */
static void refused_once(const struct fixture *f, const char *path, const char *word)
{
	fv_ctx *ctx = test_ctx();
	core_encoder *e;
	fv_status status = test_encoder_with(ctx, f->registry, "wavlm", path, NULL, NULL, &e);
	if (status != FV_DATA || core_error_count(ctx) != 1 ||
		!strstr(core_error_line(ctx, 0), word))
		fail_msg("status %d, %zu messages, '%s'; wanted one with '%s'", (int)status,
			core_error_count(ctx), core_error_count(ctx) ? core_error_line(ctx, 0) : "",
			word);
	core_ctx_free(ctx);
}

/* --- configurations --- */

/* Returns config.json with one text replaced. */
static const char *edit_config(fv_ctx *ctx, const char *config, const char *from, const char *to)
{
	const char *at = strstr(config, from);
	if (!at)
		fail_msg("config.json has no %s", from);
	return core_format(ctx, "%.*s%s%s", (int)(at - config), config, to, at + strlen(from));
}

static void config_is_checked(void **state)
{
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	const test_network net = test_network_load(ctx, weights[0]);
	const char *config = f->config;
	static const char *const cases[][3] = {
		{"\"hidden_size\": 48", "\"hidden_size\": 64",
			"config.json: hidden_size is 64, but the tensors imply 48"},
		{"\"hidden_size\": 48", "\"hidden_size\": \"48\"",
			"config.json: hidden_size is not"},
		{"\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2",
			"config.json: num_hidden_layers is 2, but the tensors imply 3"},
		{"\"num_attention_heads\": 4", "\"num_attention_heads\": 6",
			"config.json: num_attention_heads is 6, but the tensors imply 4"},
		{"\"intermediate_size\": 96", "\"intermediate_size\": 0",
			"intermediate_size is not"},
		{"\"num_buckets\": 320", "\"num_buckets\": 32",
			"config.json: num_buckets is 32, but the tensors imply 320"},
		{"\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\"",
			"config.json: hidden_act is \"relu\", but only \"gelu\" is supported"},
		{"\"add_adapter\": false", "\"add_adapter\": true", "add_adapter is true"},
		{"\"model_type\": \"wavlm\"", "\"model_type\": \"bert\"",
			"config.json: model_type is \"bert\", not \"wavlm\""},
		{"\"feat_extract_norm\": \"group\"", "\"feat_extract_norm\": \"layer\"",
			"config.json: feat_extract_norm contradicts the tensors"},
		{"\"feat_extract_norm\": \"group\"", "\"feat_extract_norm\": \"batch\"",
			"config.json: feat_extract_norm has an unknown value"},
		{"\"conv_bias\": false", "\"conv_bias\": true",
			"config.json: conv_bias contradicts the tensors"},
		{"    10,", "    9,",
			"tensor 'feature_extractor.conv_layers.0.conv.weight' has shape [32,1,10]"},
		{"    10,", "", "conv_dim, conv_kernel and conv_stride must be lists of the same"},
		{"\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": -1", "layer_norm_eps must be"},
		{"\"max_bucket_distance\": 800", "\"max_bucket_distance\": 80",
			"320 buckets, distances up to 80"},
		{"\"num_conv_pos_embedding_groups\": 16", "\"num_conv_pos_embedding_groups\": 5",
			"the width 48 is not a multiple of the 5 position groups"},
		{"{", "[", "config.json:"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		refused_once(f,
			test_network_write(ctx, &net,
				edit_config(ctx, config, cases[i][0], cases[i][1]), NULL, NULL, 0),
			cases[i][2]);
	const char *marked = core_format(ctx, "\xef\xbb\xbf%s",
		edit_config(ctx, config, "\"hidden_size\": 48", "\"hidden_size\": 64"));
	refused_once(f, test_network_write(ctx, &net, marked, NULL, NULL, 0),
		"config.json: hidden_size is 64, but the tensors imply 48");
	refused_once(f, test_network_write(ctx, &net, config, "{\"do_normalize\": 1}", NULL, 0),
		"do_normalize is not true or false");
	static const core_meta_out metas[][2] = {
		{{"cfg.encoder_layers", "4"},
			{"the configuration in the file: encoder_layers is 4", ""}},
		{{"cfg.activation_fn", "relu"}, {"activation_fn is \"relu\"", ""}},
		{{"cfg.conv_feature_layers", "[(32,10,5)] * 17"},
			{"conv_feature_layers cannot", ""}},
		{{"cfg.conv_feature_layers", "[(32,10,5)] + [(32,3,2)] * 4"},
			{"are not part of this network", ""}},
		{{"cfg.layer_norm_first", "2"}, {"layer_norm_first is not true or false", ""}},
	};
	for (size_t i = 0; i < sizeof metas / sizeof *metas; i++) {
		core_encoder *e;
		const char *path = test_network_write(ctx, &net, config, NULL, metas[i], 1);
		fv_ctx *own = test_ctx();
		test_fails(own, test_encoder_with(own, f->registry, "wavlm", path, NULL, NULL, &e),
			FV_DATA, metas[i][1].key);
		core_ctx_free(own);
	}
	core_ctx_free(ctx);
}

static void heads_must_be_known(void **state)
{
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	test_network net = test_network_load(ctx, weights[1]);
	core_encoder *e;
	const char *path = test_network_write(ctx, &net, NULL, NULL, NULL, 0);
	test_fails(ctx,
		test_encoder_with(ctx, f->registry, "wav2vec2_age_gender", path, NULL, NULL, &e),
		FV_CONFIG, "put config.json next to the file, or set the parameter heads");
	test_fails(ctx,
		test_encoder_with(
			ctx, f->registry, "wav2vec2_age_gender", path, NULL, "heads=5", &e),
		FV_DATA, "the width 48 is not a multiple of the 5 attention heads");
	core_ctx_free(ctx);
}

/* --- the cache key --- */

static const char *key_of(const struct fixture *f, fv_ctx *ctx, const char *path, const char *param)
{
	core_encoder *e;
	test_ok(ctx, test_encoder_with(ctx, f->registry, "wavlm", path, NULL, param, &e));
	return core_strdup(ctx, e->key);
}

static void key_holds_what_counts(void **state)
{
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	const test_network net = test_network_load(ctx, weights[0]);
	const char *config = f->config;
	const char *keys[7], *path = test_network_write(ctx, &net, config, NULL, NULL, 0);
	keys[0] = key_of(f, ctx, path, NULL);
	keys[1] = key_of(f, ctx, path, "precision=bf16");
	keys[2] = key_of(f, ctx, path, "precision=bf16x3");
	keys[3] = key_of(f, ctx, path, "wave=zscore");
	test_network_write(
		ctx, &net, edit_config(ctx, config, "eps\": 1e-05", "eps\": 1e-04"), NULL, NULL, 0);
	keys[4] = key_of(f, ctx, path, NULL);
	test_network_write(ctx, &net,
		edit_config(ctx, config, "\"do_stable_layer_norm\": false",
			"\"do_stable_layer_norm\": true"),
		NULL, NULL, 0);
	keys[5] = key_of(f, ctx, path, NULL);
	test_network_write(ctx, &net, config, "{\"do_normalize\": true}", NULL, 0);
	keys[6] = key_of(f, ctx, path, NULL);
	for (int i = 0; i < 7; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(keys[i], keys[j]);
	/* config.json and the tensors alone imply the same here; the folder is not part of the key
	 * either */
	test_network_write(ctx, &net, NULL, NULL, NULL, 0);
	assert_string_equal(key_of(f, ctx, path, NULL), keys[0]);
	assert_string_equal(key_of(f, ctx, core_path_dir(ctx, path), NULL), keys[0]);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_is_checked),
		cmocka_unit_test(heads_must_be_known),
		cmocka_unit_test(key_holds_what_counts),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
