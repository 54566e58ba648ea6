/* SPDX-License-Identifier: Apache-2.0 */
/* wavlm, wav2vec2 and wav2vec2_age_gender, compared with the reference implementations run in
 * float64: every container and naming scheme, every input, state by state. The allowed error is
 * twice that of PyTorch in float32, or 2e-6 of the state's rms. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "base/file.h"
#include "corpus/audio.h"
#include "encoder.h"
#include "npz.h"

enum { LAYERS = 4, WIDTH = 48 };

static const struct model {
	const char *encoder, *folder, *file, *param;
} models[] = {
	{"wavlm", "wavlm_tiny", "hf/model.safetensors", NULL},
	{"wavlm", "wavlm_tiny", "hf/pytorch_model.bin", NULL},
	{"wavlm", "wavlm_tiny", "s3prl/wavlm_tiny.pt", NULL},
	{"wavlm", "wavlm_tiny", "torchaudio/wavlm_tiny.pth", NULL},
	{"wav2vec2_age_gender", "w2v2_age_gender_tiny", "model.safetensors", NULL},
	{"wav2vec2_age_gender", "w2v2_age_gender_tiny", "pytorch_model.bin", NULL},
	{"wav2vec2_age_gender", "w2v2_age_gender_tiny", "new_names/model.safetensors", "heads=4"},
	{"wavlm", "variants/wavlm_large", "model.safetensors",
		NULL}, /* from here on only in the tree */
	{"wav2vec2", "variants/wav2vec2_base", "model.safetensors", NULL},
	{"wav2vec2", "variants/hubert_large", "model.safetensors", NULL},
	{"wav2vec2", "variants/odd", "model.safetensors", NULL},
};

enum { MODELS = sizeof models / sizeof *models, MODELS_ON_SPEECH = 7 };

/* --- inputs and answers --- */

/* Where inputs and reference results are: in the tree, or, for recordings, next to it. */
typedef const char *find_file(const char *name);

static const char *in_tree(const char *name)
{
	char path[256];
	snprintf(path, sizeof path, "encoders/%s", name);
	return test_golden(path);
}

static const char *path_beside(const char *name)
{
	char path[256];
	snprintf(path, sizeof path, "golden/encoders/%s", name);
	return test_shared(path);
}

/* Reads a wave of inputs.json into memory of the context; NULL: it is in the other place. */
static float *read_input(fv_ctx *ctx, const json_t *input, bool recordings, int64_t *n)
{
	const char *npy = json_string_value(json_object_get(input, "npy"));
	const char *flac = json_string_value(json_object_get(input, "flac"));
	*n = json_integer_value(json_object_get(input, "samples"));
	if (recordings ? !flac : !npy)
		return NULL;
	float *wave = core_alloc(ctx, (size_t)*n, sizeof *wave);
	if (npy) {
		int64_t shape[4];
		int rank;
		double *value = test_npy(in_tree(npy), shape, &rank);
		assert_true(rank == 1 && shape[0] == *n);
		for (int64_t i = 0; i < *n; i++)
			wave[i] = (float)value[i];
		free(value);
	} else {
		core_wave clip;
		int64_t start = json_integer_value(json_object_get(input, "start"));
		test_ok(ctx, core_audio_read(ctx, test_shared(flac), 16000, 0, &clip));
		for (int64_t i = 0; i < *n; i++)
			wave[i] = clip.sample[(start + i) % clip.n];
		core_wave_free(&clip);
	}
	return wave;
}

/* --- comparing --- */

/* Items that are compared, each with its largest error over the inputs. */
enum { MEAN = LAYERS, HIDDEN_MEAN, AGE, GENDER, ITEMS };
static const char *const item_names[ITEMS] = {
	"state0", "state1", "state2", "state3", "mean", "hidden_mean", "age", "gender_prob"};

struct answers {
	const char *what; /* model and file, for messages */
	json_t *tolerances;
	char arrays[4200], input[32];
	double error[ITEMS], own[ITEMS],
		rms[ITEMS]; /* our error, PyTorch's error; size of the numbers */
};

static void note_errors(
	struct answers *a, int item, const float *got, const double *want, int64_t n)
{
	char key[64];
	snprintf(key, sizeof key, "%s/%s", a->input, item_names[item]);
	const json_t *t = json_object_get(a->tolerances, key);
	if (!t)
		fail_msg("no tolerance for %s", key);
	double own = json_number_value(json_object_get(t, "max_abs_diff"));
	double rms = json_number_value(json_object_get(t, "rms_of_reference")), error = 0;
	for (int64_t i = 0; i < n; i++)
		error = fmax(error, isfinite(got[i]) ? fabs((double)got[i] - want[i]) : INFINITY);
	if (item != AGE && !(error <= fmax(8 * own, 2e-6 * rms))) /* an age may be near 0 */
		fail_msg("%s: %s: %g (PyTorch %g)", a->what, key, error, own);
	a->error[item] = fmax(a->error[item], error);
	a->own[item] = fmax(a->own[item], own);
	a->rms[item] = fmax(a->rms[item], rms);
}

static void check_errors(const struct answers *a)
{
	for (int i = 0; i < ITEMS; i++) {
		if (getenv("FAIRVOX_VERBOSE") && a->rms[i] > 0)
			print_message("%s %s: error %.3g, PyTorch's %.3g, rms %.3g\n", a->what,
				item_names[i], a->error[i], a->own[i], a->rms[i]);
		if (!(a->error[i] <= fmax(2 * a->own[i], 2e-6 * a->rms[i])))
			fail_msg("%s: %s: %g (PyTorch %g)", a->what, item_names[i], a->error[i],
				a->own[i]);
	}
}

/* states [LAYERS,T,WIDTH]; of a long recording only the first and last eight frames. */
static void compare_states(struct answers *a, const float *states, int64_t frames)
{
	int64_t shape[4];
	int rank;
	char name[64];
	bool is_long = !strcmp(a->input, "speech17");
	for (int part = 0; part < (is_long ? 2 : 1); part++) {
		snprintf(name, sizeof name, "%s__%s", a->input,
			is_long ? part ? "last8" : "first8" : "states");
		double *want = test_npz(a->arrays, name, shape, &rank);
		int64_t n = is_long ? 8 : frames;
		assert_true(rank == 3 && shape[0] == LAYERS && shape[1] == n && shape[2] == WIDTH);
		for (int l = 0; l < LAYERS; l++) {
			const float *got = states + (l * frames + (part ? frames - n : 0)) * WIDTH;
			note_errors(a, l, got, want + l * n * WIDTH, n * WIDTH);
		}
		free(want);
	}
}

/* pooled [LAYERS,WIDTH], which must equal the mean of the frames to the last bit. */
static void compare_means(
	struct answers *a, const float *pooled, const float *states, int64_t frames, bool only_last)
{
	int64_t shape[4];
	int rank;
	char name[64];
	for (int64_t l = 0; l < LAYERS; l++)
		for (int64_t d = 0; d < WIDTH; d++) {
			double sum = 0;
			for (int64_t t = 0; t < frames; t++)
				sum += states[(l * frames + t) * WIDTH + d];
			assert_true(pooled[l * WIDTH + d] == (float)(sum / (double)frames));
		}
	snprintf(name, sizeof name, "%s__%s", a->input, only_last ? "hidden_mean" : "mean");
	double *want = test_npz(a->arrays, name, shape, &rank);
	if (only_last)
		note_errors(a, HIDDEN_MEAN, pooled + (LAYERS - 1) * WIDTH, want, WIDTH);
	else
		note_errors(a, MEAN, pooled, want, LAYERS * WIDTH);
	free(want);
}

static void compare_classes(struct answers *a, const core_encoder *e, const float *wave, int64_t n)
{
	int64_t shape[4];
	int rank;
	char name[64];
	float got[4], age;
	fv_ctx *worker = test_ctx();
	test_ok(worker, test_encode(e->ops, e->state, worker, 0, wave, n, 1, got));
	core_ctx_free(worker);
	snprintf(name, sizeof name, "%s__age", a->input);
	double *want = test_npz(a->arrays, name, shape, &rank);
	age = got[0] / 100;
	note_errors(a, AGE, &age, want, 1);
	free(want);
	snprintf(name, sizeof name, "%s__gender_prob", a->input);
	want = test_npz(a->arrays, name, shape, &rank);
	note_errors(a, GENDER, got + 1, want, 3);
	free(want);
}

static void check_input(struct answers *a, const core_encoder *e, const float *wave, int64_t n)
{
	fv_ctx *worker = test_ctx();
	int64_t frames = e->ops->frames(e->state, e->output, n);
	if (e->info.min_samples == 400)
		assert_int_equal(frames, 1 + (n - 400) / 320);
	float *states = core_alloc(worker, (size_t)(LAYERS * frames * WIDTH), sizeof *states);
	float pooled[LAYERS * WIDTH];
	test_ok(worker, test_encode(e->ops, e->state, worker, e->output, wave, n, 0, states));
	core_scratch_reset(worker);
	test_ok(worker, test_encode(e->ops, e->state, worker, e->output, wave, n, 1, pooled));
	bool has_classes = e->info.n_outputs > 1;
	compare_states(a, states, frames);
	compare_means(a, pooled, states, frames, has_classes);
	if (has_classes)
		compare_classes(a, e, wave, n);
	core_ctx_free(worker);
}

static void check_model(
	const core_registry *r, const struct model *m, find_file *find, const json_t *inputs)
{
	fv_ctx *ctx = test_ctx();
	struct answers a = {.what = core_format(ctx, "%s/%s", m->folder, m->file)};
	json_t *tolerances =
		test_json(find(core_format(ctx, "%s/float32_tolerance.json", m->folder)));
	a.tolerances = json_object_get(tolerances, "outputs");
	snprintf(a.arrays, sizeof a.arrays, "%s",
		find(core_format(ctx, "%s/outputs.npz", m->folder)));
	core_encoder *e;
	test_ok(ctx,
		test_encoder_with(ctx, r, m->encoder, in_tree(a.what), "states", m->param, &e));
	assert_true(e->layers == LAYERS && e->dims == WIDTH);
	assert_int_equal(
		e->info.min_samples, strstr(m->folder, "odd") ? 16 + 8 * (6 + 5 * 4) : 400);
	json_t *input;
	size_t i;
	int done = 0;
	json_array_foreach(inputs, i, input)
	{
		int64_t n;
		float *wave = read_input(ctx, input, find == path_beside, &n);
		if (!wave)
			continue;
		snprintf(a.input, sizeof a.input, "%s",
			json_string_value(json_object_get(input, "name")));
		check_input(&a, e, wave, n);
		done++;
	}
	assert_int_equal(done, find == path_beside ? 3 : 6);
	check_errors(&a);
	json_decref(tolerances);
	core_ctx_free(ctx);
}

static void check_models(find_file *find)
{
	fv_ctx *ctx = test_ctx();
	core_registry *r;
	json_t *inputs = test_json(find("inputs.json"));
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &r));
	for (int i = 0; i < (find == path_beside ? MODELS_ON_SPEECH : MODELS); i++)
		check_model(r, &models[i], find, inputs);
	json_decref(inputs);
	core_ctx_free(ctx);
}

static void as_the_reference(void **state)
{
	(void)state;
	check_models(in_tree);
}

static void as_the_reference_on_speech(void **state)
{
	(void)state;
	(void)path_beside("inputs.json"); /* skips the test before anything is allocated */
	check_models(path_beside);
}

/* --- what an encoder promises --- */

/* The result does not depend on earlier calls or on the worker. */
static void recordings_are_independent(void **state)
{
	(void)state;
	enum { LONG = 48000, SHORT = 5003 };
	fv_ctx *ctx = test_ctx(), *worker = test_ctx();
	core_registry *r;
	core_encoder *e;
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &r));
	test_ok(ctx, test_encoder_with(ctx, r, "wavlm", in_tree("wavlm_tiny/hf"), NULL, NULL, &e));
	float *wave = core_alloc(ctx, LONG, sizeof *wave);
	float first[LAYERS * WIDTH], again[LAYERS * WIDTH];
	fv_stream stream = fv_rng_seeded(1, "wave", 0, 0);
	for (int i = 0; i < LONG; i++)
		wave[i] = (float)(0.2 * fv_normal(&stream));
	test_ok(worker, test_encode(e->ops, e->state, worker, 0, wave, SHORT, 1, first));
	core_scratch_reset(worker);
	test_ok(worker, test_encode(e->ops, e->state, worker, 0, wave, LONG, 1, again));
	core_scratch_reset(worker);
	memset(again, 0, sizeof again);
	test_ok(worker, test_encode(e->ops, e->state, worker, 0, wave, SHORT, 1, again));
	assert_memory_equal(first, again, sizeof first);
	core_ctx_free(worker);
	core_ctx_free(ctx);
}

/* A loud recording, one with an offset and the original are the same to a network that scales its
 * input, and to one whose first norm does; wave: raw and zscore differ on quiet recordings. */
static void offsets_and_levels(void **state)
{
	(void)state;
	enum { N = 8000 };
	fv_ctx *ctx = test_ctx();
	core_registry *r;
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &r));
	float wave[N], moved[N], plain[LAYERS * WIDTH], other[LAYERS * WIDTH];
	fv_stream stream = fv_rng_seeded(1, "wave", 0, 0);
	for (int i = 0; i < N; i++) {
		wave[i] = (float)(0.125 * fv_normal(&stream));
		moved[i] = wave[i] + 0.25f;
	}
	static const struct {
		const char *encoder, *weights, *output, *param;
		double most;
	} cases[] = {
		{"wavlm", "wavlm_tiny/hf", NULL, NULL, 1e-4},
		{"wavlm", "wavlm_tiny/hf", NULL, "wave=zscore", 1e-4},
		{"wav2vec2_age_gender", "w2v2_age_gender_tiny", "states", NULL, 1e-4},
		{"wav2vec2_age_gender", "w2v2_age_gender_tiny", "states", "wave=raw", INFINITY},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_encoder *e;
		test_ok(ctx, test_encoder_with(ctx, r, cases[i].encoder, in_tree(cases[i].weights),
				     cases[i].output, cases[i].param, &e));
		test_ok(ctx, test_encode(e->ops, e->state, ctx, e->output, wave, N, 1, plain));
		test_ok(ctx, test_encode(e->ops, e->state, ctx, e->output, moved, N, 1, other));
		double most = 0;
		for (int d = 0; d < LAYERS * WIDTH; d++)
			most = fmax(most, fabs((double)plain[d] - other[d]));
		assert_true(most < cases[i].most);
		assert_true(isfinite(cases[i].most) || most > 0.01);
	}
	core_ctx_free(ctx);
}

static void passes_contract(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	for (int i = 0; i < MODELS; i += 4) /* one of each encoder */
		test_encoder_contract(models[i].encoder,
			in_tree(core_format(ctx, "%s/%s", models[i].folder, models[i].file)));
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_reference),
		cmocka_unit_test(as_the_reference_on_speech),
		cmocka_unit_test(recordings_are_independent),
		cmocka_unit_test(offsets_and_levels),
		cmocka_unit_test(passes_contract),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
