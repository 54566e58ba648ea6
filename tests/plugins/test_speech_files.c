/* SPDX-License-Identifier: Apache-2.0 */
/* Which files wavlm, wav2vec2 and wav2vec2_age_gender accept: every tensor matters, must be there
 * once and have its shape; other naming schemes. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <fairvox/stream.h>

#include "base/file.h"
#include "encoder.h"
#include "network.h"

enum { SAMPLES = 8000 };

/* --- models --- */

static const struct model {
	const char *encoder, *file, *config, *effect, *param;
} models[] = {
	{"wavlm", "encoders/wavlm_tiny/hf/model.safetensors", "encoders/wavlm_tiny/hf/config.json",
		"encoders/wavlm_tiny/tensor_effect.json", NULL},
	{"wav2vec2_age_gender", "encoders/w2v2_age_gender_tiny/model.safetensors",
		"encoders/w2v2_age_gender_tiny/config.json",
		"encoders/w2v2_age_gender_tiny/tensor_effect.json", NULL},
	{"wavlm", "encoders/wavlm_tiny/s3prl/wavlm_tiny.pt", NULL, NULL, NULL},
	{"wavlm", "encoders/wavlm_tiny/torchaudio/wavlm_tiny.pth", NULL, NULL, NULL},
	{"wav2vec2_age_gender", "encoders/w2v2_age_gender_tiny/model.safetensors", NULL, NULL,
		"heads=4"},
};

enum { MODELS = sizeof models / sizeof *models };

struct fixture {
	fv_ctx *ctx;
	core_registry *registry;
	float wave[SAMPLES];
	char *config[MODELS]; /* NULL if there is none */
};

static int set_up(void **state)
{
	static struct fixture f;
	f.ctx = test_ctx();
	test_ok(f.ctx, core_registry_open(f.ctx, NULL, 0, &f.registry));
	for (int i = 0; i < MODELS; i++)
		if (models[i].config)
			test_ok(f.ctx, core_file_read(f.ctx, test_golden(models[i].config), 0,
					       &f.config[i], &(size_t){0}));
	fv_stream stream = fv_rng_seeded(1, "wave", 0, 0);
	for (int i = 0; i < SAMPLES; i++)
		f.wave[i] =
			(float)(0.2 * sin(i * 0.07) * sin(i * 0.001) + 0.05 * fv_normal(&stream));
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	core_ctx_free(((struct fixture *)*state)->ctx);
	return 0;
}

/* Writes the means of the states, then the classes if there are any, and returns their number. */
static int64_t run_network(const struct fixture *f, const char *encoder, const char *path,
	const char *param, float out[512])
{
	fv_ctx *ctx = test_ctx();
	core_encoder *e;
	test_ok(ctx, test_encoder_with(ctx, f->registry, encoder, path, NULL, param, &e));
	int64_t n = 0;
	for (int32_t o = e->info.n_outputs - 1; o >= 0; o--) {
		const fv_output *output = &e->info.outputs[o];
		assert_true(n + output->layers * output->dims <= 512);
		test_ok(ctx, test_encode(e->ops, e->state, ctx, o, f->wave, SAMPLES, 1, out + n));
		n += output->layers * output->dims;
	}
	core_ctx_free(ctx);
	return n;
}

static double compute_difference(const float *a, const float *b, int64_t n)
{
	double most = 0;
	for (int64_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)a[i] - b[i]));
	return most;
}

/* --- every tensor matters --- */

static bool is_listed(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) if (!strcmp(json_string_value(item), name)) return true;
	return false;
}

static void check_effects(const struct fixture *f, const struct model *m)
{
	fv_ctx *ctx = test_ctx();
	test_network net = test_network_load(ctx, m->file);
	const char *config = f->config[m - models];
	json_t *effect = test_json(test_golden(m->effect));
	const json_t *none = json_object_get(effect, "no_effect");
	assert_int_equal(json_array_size(json_object_get(effect, "tensors")), net.n);
	float whole[512], other[512];
	const float zero[18432] = {0};
	int64_t n = run_network(
		f, m->encoder, test_network_write(ctx, &net, config, NULL, NULL, 0), NULL, whole);
	for (size_t i = 0; i < net.n; i++) {
		test_network changed = net;
		assert_true(test_network_size(&net.tensor[i]) <= 18432);
		changed.tensor[i].data = zero;
		const char *name = net.tensor[i].name;
		const char *path = test_network_write(ctx, &changed, config, NULL, NULL, 0);
		if (strstr(name, "original1") || strstr(name, "weight_v")) { /* 0 / 0 */
			core_encoder *e;
			test_fails(ctx,
				test_encoder_with(
					ctx, f->registry, m->encoder, path, NULL, NULL, &e),
				FV_DATA, "weights of tap 0 have length 0");
			continue;
		}
		run_network(f, m->encoder, path, NULL, other);
		double moved = compute_difference(whole, other, n);
		if (is_listed(none, name) ? moved > 1e-4 : !(moved > 1e-3))
			fail_msg("%s moves the output by %g", name, moved);
	}
	json_decref(effect);
	core_ctx_free(ctx);
}

static void each_tensor_counts(void **state)
{
	check_effects(*state, &models[0]);
	check_effects(*state, &models[1]);
}

/* --- census --- */

/* Fails unless opening fails with exactly one message that contains the word. */
static void refused_once(
	const struct fixture *f, const struct model *m, const char *path, const char *word)
{
	fv_ctx *ctx = test_ctx();
	core_encoder *e;
	fv_status status =
		test_encoder_with(ctx, f->registry, m->encoder, path, NULL, m->param, &e);
	if (status != FV_DATA || core_error_count(ctx) != 1 ||
		!strstr(core_error_line(ctx, 0), word))
		fail_msg("%s: status %d, %zu messages, '%s'; wanted one with '%s'", m->file,
			(int)status, core_error_count(ctx),
			core_error_count(ctx) ? core_error_line(ctx, 0) : "", word);
	core_ctx_free(ctx);
}

static bool is_optional(const char *name)
{
	return strstr(name, "masked_spec_embed") || strstr(name, "mask_emb");
}

enum damage { AWAY, LONGER, RANK, TYPE, DAMAGES };

static void damage_tensor(core_tensor_out *t, enum damage how)
{
	if (how == LONGER)
		t->shape[t->rank - 1]++;
	else if (how == RANK)
		t->shape[t->rank++] = 1;
	else if (how == TYPE)
		t->dtype = "I32";
}

static bool has_complaint(const fv_ctx *ctx, enum damage how, const char *name)
{
	static const char *const words[DAMAGES] = {
		"tensor", "has shape [", "has shape [", "has type I32, not a float type"};
	char quoted[300];
	snprintf(quoted, sizeof quoted, "'%s'", name);
	for (size_t i = 0; core_error_line(ctx, i); i++)
		if (strstr(core_error_line(ctx, i), words[how]) &&
			strstr(core_error_line(ctx, i), quoted))
			return true;
	return false;
}

/* Damages every groups-th tensor, from number `from` on; each must count, and messages of one cause
 * name three. */
static void check_damage(const struct fixture *f, const struct model *m, const test_network *net,
	size_t from, size_t groups, enum damage how)
{
	fv_ctx *ctx = test_ctx();
	test_network bad = {.n = 0};
	const char *name[TEST_TENSORS];
	size_t n = 0;
	for (size_t i = 0; i < net->n; i++) {
		bool hit = i % groups == from && !is_optional(net->tensor[i].name);
		if (hit)
			name[n++] = net->tensor[i].name;
		if (hit && how == AWAY)
			continue;
		bad.tensor[bad.n] = net->tensor[i];
		if (hit)
			damage_tensor(&bad.tensor[bad.n], how);
		bad.n++;
	}
	const char *path = test_network_write(ctx, &bad, f->config[m - models], NULL, NULL, 0);
	core_encoder *e;
	fv_status status =
		test_encoder_with(ctx, f->registry, m->encoder, path, NULL, m->param, &e);
	size_t named = 0;
	for (size_t i = 0; i < n; i++)
		named += has_complaint(ctx, how, name[i]);
	if (status != FV_DATA || core_error_count(ctx) != n || named < (n < 3 ? n : 3))
		fail_msg("%s: %zu tensors damaged (%d), the first %s: status %d, %zu messages, the "
			 "first '%s'",
			m->file, n, (int)how, name[0], (int)status, core_error_count(ctx),
			core_error_count(ctx) ? core_error_line(ctx, 0) : "");
	core_ctx_free(ctx);
}

/* Several tensors at a time, spread over the network. */
static void check_census(const struct fixture *f, const struct model *m)
{
	fv_ctx *ctx = test_ctx();
	const test_network net = test_network_load(ctx, m->file);
	size_t groups = net.n / 6;
	for (size_t from = 0; from < groups; from++)
		for (enum damage how = 0; how < DAMAGES; how++)
			check_damage(f, m, &net, from, groups, how);
	core_ctx_free(ctx);
}

static void census_names_each_fault(void **state)
{
	for (int i = 0; i < MODELS; i++)
		check_census(*state, &models[i]);
}

static void census_of_all(void **state)
{
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	test_network net = test_network_load(ctx, models[0].file), bad = net;
	const char *config = f->config[0];
	bad.tensor[bad.n] = net.tensor[0];
	bad.tensor[bad.n++].name = "encoder.layers.3.layer_norm.bias";
	refused_once(f, &models[0], test_network_write(ctx, &bad, config, NULL, NULL, 0),
		"tensor 'encoder.layers.3.layer_norm.bias' is not part of this network");
	test_network_find(&bad, "encoder.layers.1.attention.q_proj.weight")->name =
		"encoder.layers.1.q";
	test_network_find(&bad, "encoder.layer_norm.bias")->shape[0]++;
	core_encoder *e;
	const char *path = test_network_write(ctx, &bad, config, NULL, NULL, 0);
	fv_ctx *own = test_ctx();
	assert_int_equal(
		test_encoder_with(own, f->registry, "wavlm", path, NULL, NULL, &e), FV_DATA);
	assert_int_equal(core_error_count(own), 3); /* one changed, one missing, two unknown */
	assert_non_null(strstr(core_error_line(own, 2),
		"2 tensors are not part of this network, the first is 'encoder.layers.1.q'"));
	core_ctx_free(own);
	bad = net;
	float *data = core_alloc(ctx, 48, sizeof *data);
	data[17] = NAN;
	test_network_find(&bad, "encoder.layer_norm.bias")->data = data;
	refused_once(f, &models[0], test_network_write(ctx, &bad, config, NULL, NULL, 0),
		"tensor 'encoder.layer_norm.bias': element 17 is not a finite number");
	bad = (test_network){.n = 1};
	bad.tensor[0] = net.tensor[0];
	refused_once(f, &models[0], test_network_write(ctx, &bad, NULL, NULL, NULL, 0),
		"the file holds no network of this kind");
	core_ctx_free(ctx);
}

/* --- other names, the same numbers --- */

/* Renames from Hugging Face to fairseq, with a layer norm after each convolution. */
static const char *fairseq_name(fv_ctx *ctx, const char *name)
{
	static const char *const pairs[][2] = {
		{"feature_projection.layer_norm", "layer_norm"},
		{"feature_projection.projection", "post_extract_proj"},
		{"masked_spec_embed", "mask_emb"},
		{"encoder.pos_conv_embed.conv", "encoder.pos_conv.0"},
		{".attention.", ".self_attn."},
		{".feed_forward.intermediate_dense.", ".fc1."},
		{".feed_forward.output_dense.", ".fc2."},
		{".conv.", ".0."},
	};
	bool is_conv = strstr(name, "feature_extractor") != NULL;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		const char *at = strstr(name, pairs[i][0]);
		if (at)
			return core_format(ctx, "%.*s%s%s", (int)(at - name), name, pairs[i][1],
				at + strlen(pairs[i][0]));
	}
	const char *norm = strstr(name, ".layer_norm.");
	if (norm && (is_conv || strstr(name, ".layers.")))
		return core_format(ctx, "%.*s%s%s", (int)(norm - name), name,
			is_conv ? ".2.1." : ".self_attn_layer_norm.", norm + 12);
	return core_strdup(ctx, name);
}

static void other_names(void **state)
{
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	test_network net = test_network_load(ctx, models[1].file), trunk = net;
	const char *config = f->config[1];
	float whole[512], other[512];
	int64_t n = run_network(f, "wav2vec2_age_gender",
		test_network_write(ctx, &net, config, NULL, NULL, 0), NULL, whole);
	assert_int_equal(n, 4 * 48 + 4);
	for (size_t i = trunk.n; i-- > 0;)
		if (strncmp(trunk.tensor[i].name, "wav2vec2.", 9) != 0)
			test_network_drop(&trunk, i);
	static const core_meta_out meta[] = {
		{"model_cfg.layer_norm_first", "true"}, {"task_cfg.normalize", "true"}};
	for (int form = 0; form < 4; form++) {
		test_network named = trunk;
		for (size_t i = 0; i < named.n; i++) {
			const char *name = trunk.tensor[i].name + 9;
			named.tensor[i].name = form == 0   ? name
					       : form == 1 ? core_format(ctx, "hubert.%s", name)
					       : form == 2 ? fairseq_name(ctx, name)
							   : core_format(ctx, "model_weight.%s",
								     fairseq_name(ctx, name));
		}
		named.tensor[named.n] = net.tensor[0]; /* heads for other tasks are ignored */
		named.tensor[named.n++].name = form < 2 ? "lm_head.weight" : "final_proj.weight";
		const char *path =
			test_network_write(ctx, &named, NULL, NULL, meta, form == 3 ? 2 : 0);
		n = run_network(f, "wav2vec2", path, "heads=4", other);
		assert_int_equal(n, 4 * 48);
		assert_memory_equal(whole, other, (size_t)n * sizeof *whole);
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_tensor_counts),
		cmocka_unit_test(census_names_each_fault),
		cmocka_unit_test(census_of_all),
		cmocka_unit_test(other_names),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
