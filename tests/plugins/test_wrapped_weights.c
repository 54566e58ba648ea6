/* SPDX-License-Identifier: Apache-2.0 */
/* Weights as trainers and wrappers save them, for every encoder that reads weights: behind prefixes,
 * beside heads and the state of a training, in half precision; and what is refused: the network
 * twice, adapters alone, a part of a model. Each accepted form must give the very numbers of the
 * plain file. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <fairvox/stream.h>

#include "base/file.h"
#include "checkpoint/checkpoint_private.h"
#include "checkpoint/safetensors_write.h"
#include "checkpoint/split.h"
#include "encoder.h"

enum { SAMPLES = 8000, TENSORS = 256, OUT = 4096 };

static const struct model {
	const char *encoder, *file, *config;
} models[] = {
	{"wavlm", "encoders/wavlm_tiny/hf/model.safetensors", "encoders/wavlm_tiny/hf/config.json"},
	{"wavlm", "encoders/wavlm_tiny/s3prl/wavlm_tiny.pt", NULL},
	{"wavlm", "encoders/wavlm_tiny/torchaudio/wavlm_tiny.pth", NULL},
	{"wav2vec2", "encoders/variants/hubert_large/model.safetensors",
		"encoders/variants/hubert_large/config.json"},
	{"wav2vec2_age_gender", "encoders/w2v2_age_gender_tiny/model.safetensors",
		"encoders/w2v2_age_gender_tiny/config.json"},
	{"ecapa", "ecapa/embedding_model.ckpt", NULL},
	{"ge2e", NULL, NULL},
};
enum { WAVLM, TORCHAUDIO = 2, MODELS = sizeof models / sizeof *models };

struct network {
	core_tensor_out tensor[TENSORS];
	size_t n, n_meta;
	core_meta_out meta[128];
	const char *config; /* text of config.json, or NULL */
};

struct fixture {
	fv_ctx *ctx;
	core_registry *registry;
	float wave[SAMPLES];
	struct network net[MODELS];
};

/* --- networks --- */

static void load_network(fv_ctx *ctx, const struct model *m, struct network *net)
{
	fv_checkpoint *file;
	test_ok(ctx, fv_checkpoint_open(ctx, core_strdup(ctx, test_golden(m->file)), &file));
	for (int64_t i = 0; i < fv_checkpoint_count(file); i++) {
		const fv_tensor *t = fv_checkpoint_at(file, i);
		size_t size = (size_t)t->count * core_dtype_size(t->dtype);
		assert_true(net->n < TENSORS);
		core_tensor_out *out = &net->tensor[net->n++];
		*out = (core_tensor_out){.name = core_strdup(ctx, t->name),
			.dtype = core_strdup(ctx, t->dtype),
			.rank = t->rank,
			.data = core_alloc(ctx, size + 1, 1)};
		memcpy((void *)(uintptr_t)out->data, t->data, size);
		memcpy(out->shape, t->shape, (size_t)t->rank * sizeof *t->shape);
	}
	assert_true(file->n_meta <= 128);
	for (int64_t i = 0; i < file->n_meta; i++)
		net->meta[net->n_meta++] = (core_meta_out){
			core_strdup(ctx, file->meta[i].key), core_strdup(ctx, file->meta[i].value)};
	fv_checkpoint_close(file);
	if (m->config)
		test_ok(ctx, core_file_read(ctx, test_golden(m->config), 0, (char **)&net->config,
				     &(size_t){0}));
}

/* The network of ge2e has fixed sizes and no small file: its weights are drawn. */
static void draw_network(fv_ctx *ctx, struct network *net)
{
	static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
	for (int t = 0; t < 14; t++) {
		core_tensor_out *out = &net->tensor[net->n++];
		int layer = t / 4, part = t % 4;
		int64_t rows = layer < 3 ? 1024 : 256, columns = t == 0 ? 40 : 256;
		*out = (core_tensor_out){.dtype = "F32",
			.rank = part < 2 && t != 13 ? 2 : 1,
			.shape = {rows, columns}};
		out->name = layer < 3 ? core_format(ctx, "lstm.%s_l%d", parts[part], layer)
				      : (t == 12 ? "linear.weight" : "linear.bias");
		if (t == 13)
			out->rank = 1;
		out->shape[1] = out->rank == 2 ? columns : 0;
		size_t n = (size_t)rows * (size_t)(out->rank == 2 ? columns : 1);
		float *data = core_alloc(ctx, n, sizeof *data);
		fv_stream stream = fv_rng_seeded(7, "ge2e", t, 0);
		for (size_t i = 0; i < n; i++)
			data[i] = (float)(0.06 * fv_normal(&stream));
		out->data = data;
	}
}

static int set_up(void **state)
{
	static struct fixture f;
	f.ctx = test_ctx();
	test_ok(f.ctx, core_registry_open(f.ctx, NULL, 0, &f.registry));
	for (int i = 0; i < MODELS; i++)
		if (models[i].file)
			load_network(f.ctx, &models[i], &f.net[i]);
		else
			draw_network(f.ctx, &f.net[i]);
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

static const char *write_as(fv_ctx *ctx, const struct network *net, const char *name)
{
	static char folder[4200];
	if (!*folder)
		snprintf(folder, sizeof folder, "%s", test_folder("wrapped_weights"));
	const char *config = core_path_join(ctx, folder, "config.json");
	if (net->config)
		test_ok(ctx, core_file_write(ctx, config, net->config, strlen(net->config)));
	else
		(void)remove(config);
	const char *path = core_path_join(ctx, folder, name);
	test_ok(ctx,
		core_safetensors_write(ctx, path, net->tensor, net->n, net->meta, net->n_meta));
	return path;
}

static const char *write_file(fv_ctx *ctx, const struct network *net)
{
	return write_as(ctx, net, "model.safetensors");
}

/* The network with a prefix in front of every name. */
static struct network add_prefix(fv_ctx *ctx, const struct network *net, const char *prefix)
{
	struct network out = *net;
	for (size_t i = 0; i < out.n; i++)
		out.tensor[i].name = core_format(ctx, "%s%s", prefix, net->tensor[i].name);
	return out;
}

static void add_tensor(struct network *net, const char *name)
{
	static const float zero[4];
	net->tensor[net->n++] = (core_tensor_out){name, "F32", 1, {4}, zero};
}

/* --- running --- */

struct notes {
	int prefix, beside;
	char about_beside[512];
};

static void count_note(void *user, core_level level, const char *line)
{
	struct notes *notes = user;
	if (level != CORE_INFO)
		return;
	notes->prefix += strstr(line, "is left out of the names") != NULL;
	notes->beside += strstr(line, "beside the network") != NULL;
	if (strstr(line, "beside the network"))
		snprintf(notes->about_beside, sizeof notes->about_beside, "%s", line);
}

/* Encodes the wave with a file's weights and returns how many numbers there are. */
static size_t run_file(const struct fixture *f, const struct model *m, const char *path, float *out,
	struct notes *notes)
{
	fv_ctx *ctx = test_ctx();
	*notes = (struct notes){0};
	core_ctx_set_log(ctx, count_note, notes);
	core_encoder *e;
	test_ok(ctx, test_encoder_with(ctx, f->registry, m->encoder, path, NULL, NULL, &e));
	size_t n = (size_t)e->layers * (size_t)e->dims;
	assert_true(n > 0 && n <= OUT);
	test_ok(ctx, test_encode(e->ops, e->state, ctx, e->output, f->wave, SAMPLES, 1, out));
	core_encoder_close(e);
	core_ctx_free(ctx);
	return n;
}

static void refuse_file(
	const struct fixture *f, const struct model *m, const char *path, const char *message)
{
	fv_ctx *ctx = test_ctx();
	core_encoder *e;
	fv_status status = test_encoder_with(ctx, f->registry, m->encoder, path, NULL, NULL, &e);
	assert_int_equal(core_error_count(ctx), 1);
	test_fails(ctx, status, FV_DATA, message);
	core_ctx_free(ctx);
}

/* --- what is read --- */

static void reads_any_prefix(void **state)
{
	static const char *const prefixes[] = {"model.", "module.", "ssl_model.", "_orig_mod.",
		"backbone.", "state_dict.model.", "net.", "module._orig_mod.model.",
		"upstream.upstream.model."};
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	float plain[OUT], other[OUT];
	struct notes notes;
	for (int i = 0; i < MODELS; i++) {
		size_t n = run_file(f, &models[i], write_file(ctx, &f->net[i]), plain, &notes);
		assert_int_equal(notes.prefix, 0);
		for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
			struct network net = add_prefix(ctx, &f->net[i], prefixes[p]);
			run_file(f, &models[i], write_file(ctx, &net), other, &notes);
			assert_memory_equal(plain, other, n * sizeof *plain);
			/* the only one of these forms that is published so */
			bool usual = !strcmp(prefixes[p], "model.") && i == TORCHAUDIO;
			if (notes.prefix != !usual)
				fail_msg("%s %s: %d notes", models[i].encoder, prefixes[p],
					notes.prefix);
		}
	}
	core_ctx_free(ctx);
}

static void leaves_heads_out(void **state)
{
	static const char *const heads[] = {"tdnn.0.kernel.weight", "tdnn.0.kernel.bias",
		"projector.weight", "feature_extractor.weight", "feature_extractor.bias",
		"classifier.weight", "objective.weight", "layer_weights"};
	static const char *const around[] = {"", "module.", "state_dict.model."};
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	float plain[OUT], other[OUT];
	struct notes notes;
	size_t n = run_file(f, &models[WAVLM], write_file(ctx, &f->net[WAVLM]), plain, &notes);
	for (size_t k = 0; k < sizeof around / sizeof *around; k++) {
		struct network net =
			add_prefix(ctx, &f->net[WAVLM], core_format(ctx, "%swavlm.", around[k]));
		for (size_t h = 0; h < sizeof heads / sizeof *heads; h++)
			add_tensor(&net, core_format(ctx, "%s%s", around[k], heads[h]));
		add_tensor(&net, "optimizer_states.0.state.0.exp_avg");
		run_file(f, &models[WAVLM], write_file(ctx, &net), other, &notes);
		assert_memory_equal(plain, other, n * sizeof *plain);
		assert_int_equal(notes.beside, 1);
		assert_non_null(
			strstr(notes.about_beside, "9 tensors beside the network are left out, "
						   "the first is '"));
		add_tensor(&net, core_format(ctx, "%sdecoder.weight", around[k]));
		refuse_file(f, &models[WAVLM], write_file(ctx, &net),
			core_format(ctx, "tensor '%sdecoder.weight' is not part of this network",
				around[k]));
		add_tensor(&net, core_format(ctx, "%sdecoder.bias", around[k]));
		refuse_file(f, &models[WAVLM], write_file(ctx, &net),
			core_format(ctx,
				"2 tensors are not part of this network, the first is "
				"'%sdecoder.bias'",
				around[k]));
	}
	core_ctx_free(ctx);
}

/* ECAPA-TDNN beside the classifier of speakers, GE2E beside an optimizer. */
static void leaves_others_out(void **state)
{
	static const struct {
		int model;
		const char *prefix, *beside;
	} cases[] = {
		{5, "module.embedding_model.", "module.classifier.weight"},
		{5, "mods.embedding_model.", "mods.classifier.weight"},
		{6, "model_state.", "optimizer_state.state.3.exp_avg"},
		{6, "module.", "lr_schedulers.0.x"},
		{4, "state_dict.", "optimizer_states.0.x"},
		{3, "model.hubert.", "model.classifier.dense.weight"},
		{1, "model.w2v_encoder.w2v_model.", "model.w2v_encoder.proj.weight"},
	};
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	float plain[OUT], other[OUT];
	struct notes notes;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct model *m = &models[cases[i].model];
		const struct network *whole = &f->net[cases[i].model];
		size_t n = run_file(f, m, write_file(ctx, whole), plain, &notes);
		struct network net = add_prefix(ctx, whole, cases[i].prefix);
		add_tensor(&net, cases[i].beside);
		run_file(f, m, write_file(ctx, &net), other, &notes);
		assert_memory_equal(plain, other, n * sizeof *plain);
		assert_int_equal(notes.beside, 1);
	}
	core_ctx_free(ctx);
}

static uint16_t round_to_brain(float x)
{
	uint32_t bits;
	memcpy(&bits, &x, sizeof bits);
	return (uint16_t)(bits >> 16); /* towards zero: which way does not matter here */
}

/* bfloat16 holds the upper half of a float32: a file of float32 with the lower half zero must give
 * the same numbers as one of bfloat16. */
static void reads_half_precision(void **state)
{
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	float full[OUT], half[OUT];
	struct notes notes;
	for (int i = 0; i < MODELS; i++) {
		struct network brain = f->net[i], rounded = f->net[i];
		for (size_t t = 0; t < brain.n; t++) {
			if (strcmp(brain.tensor[t].dtype, "F32") != 0)
				continue;
			size_t n = 1;
			for (int32_t d = 0; d < brain.tensor[t].rank; d++)
				n *= (size_t)brain.tensor[t].shape[d];
			const float *x = brain.tensor[t].data;
			uint16_t *b = core_alloc(ctx, n, sizeof *b);
			uint32_t *r = core_alloc(ctx, n, sizeof *r);
			for (size_t k = 0; k < n; k++) {
				b[k] = round_to_brain(x[k]);
				r[k] = (uint32_t)b[k] << 16;
			}
			brain.tensor[t].dtype = "BF16";
			brain.tensor[t].data = b;
			rounded.tensor[t].data = r;
		}
		size_t n = run_file(f, &models[i], write_file(ctx, &rounded), full, &notes);
		run_file(f, &models[i], write_file(ctx, &brain), half, &notes);
		assert_memory_equal(full, half, n * sizeof *full);
	}
	core_ctx_free(ctx);
}

/* --- what is refused --- */

static void refuses_twice(void **state)
{
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	for (int i = 3; i < MODELS; i++) {
		if (2 * f->net[i].n > TENSORS)
			continue;
		struct network both = add_prefix(ctx, &f->net[i], "student."),
			       teacher = add_prefix(ctx, &f->net[i], "teacher.");
		for (size_t t = 0; t < teacher.n; t++)
			both.tensor[both.n++] = teacher.tensor[t];
		const char *word = "holds this network twice, as 'student.";
		refuse_file(f, &models[i], write_file(ctx, &both), word);
	}
	core_ctx_free(ctx);
}

static void refuses_adapters(void **state)
{
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	for (int i = 0; i < MODELS; i++) {
		struct network net = f->net[i], only = {.n = 0};
		const char *a = "base_model.model.encoder.layers.0.attention.q_proj.lora_A.weight";
		add_tensor(&only, a);
		add_tensor(
			&only, "base_model.model.encoder.layers.0.attention.q_proj.lora_B.weight");
		refuse_file(f, &models[i], write_file(ctx, &only),
			core_format(ctx,
				"holds LoRA adapters (2 of 2 tensors, the first is '%s'): merge",
				a));
		add_tensor(&net, a);
		refuse_file(f, &models[i], write_file(ctx, &net),
			core_format(ctx, "holds LoRA adapters (1 of %zu tensors", net.n));
	}
	core_ctx_free(ctx);
}

static void names_the_index(void **state)
{
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	struct network part = f->net[WAVLM];
	part.n /= 2;
	const char *path = write_as(ctx, &part, "model-00001-of-00002.safetensors");
	char *index = core_path_join(ctx, core_path_dir(ctx, path), "model.safetensors.index.json");
	test_ok(ctx, core_file_write(ctx, index, "{}", 2));
	refuse_file(f, &models[WAVLM], path,
		core_format(ctx, "part 1 of 2 of a model: name its index, %s", index));
	assert_int_equal(remove(index), 0);
	core_ctx_free(ctx);
}

/* The network in two files with an index gives the same numbers; every fault is one line. */
static void reads_an_index(void **state)
{
	const struct fixture *f = *state;
	const struct model *m = &models[WAVLM];
	fv_ctx *ctx = test_ctx();
	float plain[OUT], other[OUT];
	struct notes notes;
	size_t n = run_file(f, m, write_file(ctx, &f->net[WAVLM]), plain, &notes);
	struct network part[2] = {f->net[WAVLM], f->net[WAVLM]};
	part[0].n /= 3;
	part[1].n -= part[0].n;
	memmove(part[1].tensor, part[1].tensor + part[0].n, part[1].n * sizeof *part[1].tensor);
	json_t *map = json_object(),
	       *root = json_pack("{s:{s:i}, s:o}", "metadata", "total_size", 1, "weight_map", map);
	const char *path = NULL, *name[2] = {"model-00001-of-00002.safetensors",
					 "model-00002-of-00002.safetensors"};
	for (int i = 0; i < 2; i++) {
		path = write_as(ctx, &part[i], name[i]);
		for (size_t t = 0; t < part[i].n; t++)
			json_object_set_new(map, part[i].tensor[t].name, json_string(name[i]));
	}
	const char *folder = core_path_dir(ctx, path);
	const char *index = core_path_join(ctx, folder, "model.safetensors.index.json");
	assert_int_equal(json_dump_file(root, index, JSON_INDENT(2)), 0);
	run_file(f, m, index, other, &notes);
	assert_memory_equal(plain, other, n * sizeof *plain);
	(void)remove(core_path_join(ctx, folder, "model.safetensors"));
	run_file(f, m, folder, other, &notes);
	assert_memory_equal(plain, other, n * sizeof *plain);
	/* the hash follows every file */
	char before[CORE_SHA256_HEX], after[CORE_SHA256_HEX];
	test_ok(ctx, core_weights_sha256(ctx, index, before));
	part[1].meta[part[1].n_meta++] = (core_meta_out){"note", "other"};
	(void)write_as(ctx, &part[1], name[1]);
	test_ok(ctx, core_weights_sha256(ctx, index, after));
	assert_string_not_equal(before, after);
	part[1].n--;
	(void)write_as(ctx, &part[1], name[1]);
	refuse_file(f, m, index, core_format(ctx, "is not in %s", path));
	part[1].n++;
	add_tensor(&part[1], "extra");
	(void)write_as(ctx, &part[1], name[1]);
	refuse_file(f, m, index, "tensor 'extra' is in a file but not in the index");
	part[1].tensor[part[1].n - 1] = part[0].tensor[0];
	(void)write_as(ctx, &part[1], name[1]);
	refuse_file(f, m, index,
		core_format(ctx, "tensor '%s' is in two files", part[0].tensor[0].name));
	json_object_set_new(map, "x", json_string("../model.safetensors"));
	assert_int_equal(json_dump_file(root, index, 0), 0);
	refuse_file(f, m, index, "weight_map: a tensor without the name of a file beside it");
	json_object_set_new(map, "x", json_string("model-00003-of-00003.safetensors"));
	assert_int_equal(json_dump_file(root, index, 0), 0);
	refuse_file(f, m, index, "index.json: file 3 of 3 of this model is missing: ");
	fv_checkpoint *file;
	test_fails(ctx, fv_checkpoint_open(ctx, index, &file), FV_DATA,
		"index.json: file 3 of 3 of this model is missing: ");
	json_decref(root);
	assert_int_equal(remove(index), 0);
	core_ctx_free(ctx);
}

static void refuses_others(void **state)
{
	const struct fixture *f = *state;
	fv_ctx *ctx = test_ctx();
	struct network net = {.n = 0};
	add_tensor(&net, "conv1.weight");
	add_tensor(&net, "model.head.bias");
	for (int i = 0; i < MODELS; i++)
		refuse_file(f, &models[i], write_file(ctx, &net),
			strcmp(models[i].encoder, "ecapa") ? "no network of this kind"
							   : "not an ECAPA-TDNN");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_any_prefix),
		cmocka_unit_test(leaves_heads_out),
		cmocka_unit_test(leaves_others_out),
		cmocka_unit_test(reads_half_precision),
		cmocka_unit_test(refuses_twice),
		cmocka_unit_test(refuses_adapters),
		cmocka_unit_test(names_the_index),
		cmocka_unit_test(reads_an_index),
		cmocka_unit_test(refuses_others),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
