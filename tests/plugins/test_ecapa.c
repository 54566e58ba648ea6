/* SPDX-License-Identifier: Apache-2.0 */
/* The ECAPA-TDNN encoder, compared with SpeechBrain run in double: features and embedding for two
 * networks with random weights; that each tensor matters; other names and types of tensors. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/audio.h"
#include "device.h"
#include "ecapa.h"
#include "encoder.h"
#include "network.h"
#include "nn/pack.h"
#include "npz.h"
#include "parity.h"

/* s holds parameters or is empty. */
static void open_weights(fv_ctx *ctx, ecapa_state *s, const char *path)
{
	test_ok(ctx, ecapa_fbank_open(s, ctx));
	test_ok(ctx, ecapa_read_weights(s, ctx, path));
}

static float *read_wave(fv_ctx *ctx, const char *name, int64_t *n)
{
	int64_t shape[4];
	int rank;
	double *values =
		test_npy(test_golden(core_format(ctx, "ecapa/%s.npy", name)), shape, &rank);
	float *wave = core_alloc(ctx, (size_t)shape[0], sizeof *wave);
	for (int64_t i = 0; i < shape[0]; i++)
		wave[i] = (float)values[i];
	free(values);
	*n = shape[0];
	return wave;
}

/* Computes the embedding of features [T,80], alone in a pack. */
static fv_status embed_features(
	fv_ctx *ctx, const ecapa_state *s, const float *features, int64_t frames, float *out)
{
	fv_pack *pack;
	test_ok(ctx, core_pack_open(ctx, test_device(), 1, &frames, ECAPA_BANDS, features, &pack));
	return ecapa_embed(s, pack, &out);
}

static void embed_wave(fv_ctx *ctx, const ecapa_state *s, const float *wave, int64_t n, float *out)
{
	int64_t frames = ecapa_count_frames(n);
	float *features = core_alloc(ctx, (size_t)(frames * ECAPA_BANDS), sizeof *features);
	test_ok(ctx, ecapa_compute_fbank(s, ctx, wave, n, features));
	ecapa_subtract_mean(features, frames);
	test_ok(ctx, embed_features(ctx, s, features, frames, out));
}

/* --- parity --- */

static void check_array(const json_t *tolerances, const char *arrays, const char *name,
	const char *what, const float *got, int64_t n)
{
	char member[64], key[64];
	snprintf(member, sizeof member, "%s__%s", name, what);
	snprintf(key, sizeof key, "%s/%s", name, what);
	int64_t shape[4], count = 1;
	int rank;
	double *want = test_npz(arrays, member, shape, &rank);
	for (int d = 0; d < rank; d++)
		count *= shape[d];
	assert_int_equal(count, n);
	test_parity(tolerances, key, got, want, n);
	free(want);
}

static void check_wave(const ecapa_state *s, const json_t *tolerances, const char *arrays,
	const char *name, const float *wave, int64_t n)
{
	fv_ctx *ctx = test_ctx();
	int64_t frames = ecapa_count_frames(n), count = frames * ECAPA_BANDS;
	float *features = core_alloc(ctx, (size_t)count, sizeof *features), embedding[24];
	test_ok(ctx, ecapa_compute_fbank(s, ctx, wave, n, features));
	if (n <= 800)
		check_array(tolerances, arrays, name, "fbank_db", features, count);
	ecapa_subtract_mean(features, frames);
	check_array(tolerances, arrays, name, "fbank", features, count);
	if (n >= 640) {
		test_ok(ctx, embed_features(ctx, s, features, frames, embedding));
		check_array(tolerances, arrays, name, "embedding", embedding, 24);
	}
	core_ctx_free(ctx);
}

static void as_speechbrain(void **state)
{
	(void)state;
	static const char *const names[] = {"n400", "n719", "n720", "s1", "silence", "noise"};
	json_t *file = test_json(test_golden("ecapa/float32_tolerance.json"));
	fv_ctx *ctx = test_ctx();
	ecapa_state s = {0};
	open_weights(ctx, &s, test_golden("ecapa/embedding_model.ckpt"));
	const char *arrays = core_strdup(ctx, test_golden("ecapa/outputs.npz"));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int64_t n;
		float *wave = read_wave(ctx, names[i], &n);
		check_wave(&s, json_object_get(file, "outputs"), arrays, names[i], wave, n);
	}
	json_decref(file);
	core_ctx_free(ctx);
}

/* Loads the part of a recording from `start` on, or the whole recording repeated, as inputs.json
 * says. */
static float *load_speech(fv_ctx *ctx, const json_t *input, int64_t *n)
{
	core_wave wave;
	test_ok(ctx,
		core_audio_read(ctx, test_shared(json_string_value(json_object_get(input, "flac"))),
			ECAPA_RATE_HZ, 0, &wave));
	int64_t start = json_integer_value(json_object_get(input, "start"));
	*n = json_integer_value(json_object_get(input, "samples"));
	float *out = core_alloc(ctx, (size_t)*n, sizeof *out);
	for (int64_t i = 0; i < *n; i++)
		out[i] = wave.sample[(start + i) % wave.n];
	core_wave_free(&wave);
	return out;
}

static const json_t *input_named(const json_t *inputs, const char *name)
{
	const json_t *input;
	size_t i;
	json_array_foreach(
		inputs, i, input) if (!strcmp(json_string_value(json_object_get(input, "name")),
					      name)) return input;
	fail_msg("no input '%s'", name);
	return NULL;
}

static void as_speechbrain_on_speech(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const char *const names[] = {"speech", "speech10", "speech17"};
	char arrays[4200];
	snprintf(
		arrays, sizeof arrays, "%s", test_shared("golden/encoders/ecapa_tiny/outputs.npz"));
	json_t *file = test_json(test_shared("golden/encoders/ecapa_tiny/float32_tolerance.json"));
	json_t *inputs = test_json(test_shared("golden/encoders/inputs.json"));
	ecapa_state s = {0};
	open_weights(ctx, &s, test_golden("ecapa/embedding_model.ckpt"));
	for (size_t i = 0; i < 3; i++) {
		int64_t n;
		float *wave = load_speech(ctx, input_named(inputs, names[i]), &n);
		check_wave(&s, json_object_get(file, "outputs"), arrays, names[i], wave, n);
	}
	json_decref(file);
	json_decref(inputs);
	core_ctx_free(ctx);
}

/* Three parts instead of eight, kernels of 3, 5, 1 and 3 taps. */
static void other_sizes(void **state)
{
	(void)state;
	static const char *const names[] = {"n720", "s1", "noise"};
	fv_ctx *ctx = test_ctx();
	ecapa_state s = {0};
	open_weights(ctx, &s, test_golden("ecapa/other.ckpt"));
	assert_int_equal(s.sizes.scale, 3);
	assert_int_equal(s.sizes.dims, 10);
	const char *arrays = core_strdup(ctx, test_golden("ecapa/other.npz"));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int64_t n, shape[4];
		int rank;
		float *wave = read_wave(ctx, names[i], &n), got[10];
		double *want =
			test_npz(arrays, core_format(ctx, "%s__embedding", names[i]), shape, &rank);
		double *own =
			test_npz(arrays, core_format(ctx, "%s__own_error", names[i]), shape, &rank);
		double worst = 0, square = 0;
		embed_wave(ctx, &s, wave, n, got);
		for (int d = 0; d < 10; d++) {
			worst = fmax(worst, fabs((double)got[d] - want[d]));
			square += want[d] * want[d] / 10;
		}
		test_worst(names[i], worst, fmax(2 * *own, 2e-6 * sqrt(square)), *own);
		free(want);
		free(own);
	}
	core_ctx_free(ctx);
}

/* --- networks that differ in their tensors --- */

static void embed_network(const test_network *net, const float *wave, int64_t n, float out[24])
{
	fv_ctx *ctx = test_ctx();
	ecapa_state s = {0};
	open_weights(ctx, &s, test_network_write(ctx, net, NULL, NULL, NULL, 0));
	embed_wave(ctx, &s, wave, n, out);
	core_ctx_free(ctx);
}

static void zero_each(const float *wave, int64_t n,
	void (*check)(const char *name, double moved, const void *user), const void *user)
{
	fv_ctx *ctx = test_ctx();
	const test_network net = test_network_load(ctx, "ecapa/embedding_model.ckpt");
	const void *zero = core_alloc(ctx, 1, 1 << 16);
	float whole[24], other[24];
	embed_network(&net, wave, n, whole);
	for (size_t t = 0; t < net.n; t++) {
		test_network changed = net;
		changed.tensor[t].data = zero;
		embed_network(&changed, wave, n, other);
		double moved = 0;
		for (int d = 0; d < 24; d++)
			moved = fmax(moved, fabs((double)other[d] - (double)whole[d]));
		check(net.tensor[t].name, moved, user);
	}
	core_ctx_free(ctx);
}

/* All tensors but those that SpeechBrain's output does not depend on either: counts, and a bias
 * that the softmax over time cancels. */
static void check_moved(const char *name, double moved, const void *user)
{
	(void)user;
	if (strstr(name, "num_batches_tracked")) {
		if (moved != 0)
			fail_msg("%s moves the embedding", name);
	} else if (!strcmp(name, "asp.conv.conv.bias") ? moved > 1e-5 : moved < 1e-4) {
		fail_msg("%s moves the embedding by %g", name, moved);
	}
}

static void each_tensor_counts(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	int64_t n;
	const float *wave = read_wave(ctx, "s1", &n);
	zero_each(wave, n, check_moved, NULL);
	core_ctx_free(ctx);
}

/* The same change as in SpeechBrain, which is given with three digits. */
static void check_effect(const char *name, double moved, const void *user)
{
	const json_t *effect = json_object_get(user, name);
	assert_non_null(effect);
	double want = json_number_value(effect);
	if (want < 1e-9 ? moved > 2e-5 : fabs(moved / want - 1) > 6e-3)
		fail_msg("%s moves the embedding by %g, SpeechBrain's by %g", name, moved, want);
}

static void each_tensor_counts_as_in_speechbrain(void **state)
{
	(void)state;
	json_t *file = test_json(test_shared("golden/encoders/ecapa_tiny/tensor_effect.json"));
	json_t *inputs = test_json(test_shared("golden/encoders/inputs.json"));
	fv_ctx *ctx = test_ctx();
	int64_t n;
	const float *wave = load_speech(ctx, input_named(inputs, "speech"), &n);
	zero_each(wave, n, check_effect, json_object_get(file, "max_abs_change_when_zeroed"));
	json_decref(file);
	json_decref(inputs);
	core_ctx_free(ctx);
}

static void other_names_and_types(void **state)
{
	(void)state;
	static const char *const prefixes[] = {"embedding_model.", "mods.embedding_model."};
	fv_ctx *ctx = test_ctx();
	const test_network net = test_network_load(ctx, "ecapa/embedding_model.ckpt");
	int64_t n;
	const float *wave = read_wave(ctx, "n720", &n);
	float whole[24], other[24];
	embed_network(&net, wave, n, whole);
	for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
		test_network named = net;
		for (size_t t = 0; t < net.n; t++)
			named.tensor[t].name =
				core_format(ctx, "%s%s", prefixes[p], net.tensor[t].name);
		embed_network(&named, wave, n, other);
		assert_memory_equal(whole, other, sizeof whole);
		named.tensor[4].name = net.tensor[4].name; /* two kinds of names */
		ecapa_state s = {0};
		assert_int_equal(ecapa_read_weights(&s, ctx,
					 test_network_write(ctx, &named, NULL, NULL, NULL, 0)),
			FV_DATA);
		assert_int_equal(core_error_count(ctx), 2);
		test_fails(ctx, FV_DATA, FV_DATA, "no tensor");
	}
	test_network wide = {0};
	for (size_t t = 0; t < net.n; t++) { /* without counts, in double */
		if (net.tensor[t].dtype[0] != 'F')
			continue;
		core_tensor_out *tensor = &wide.tensor[wide.n++];
		*tensor = net.tensor[t];
		size_t count = test_network_size(tensor);
		double *value = core_alloc(ctx, count, sizeof *value);
		for (size_t i = 0; i < count; i++)
			value[i] = (double)((const float *)net.tensor[t].data)[i];
		tensor->dtype = "F64";
		tensor->data = value;
	}
	assert_int_equal(wide.n, 200);
	embed_network(&wide, wave, n, other);
	assert_memory_equal(whole, other, sizeof whole);
	core_ctx_free(ctx);
}

/* The contract suite for encoders, with random weights. */
static void passes_contract(void **state)
{
	(void)state;
	test_encoder_contract("ecapa", test_golden("ecapa/embedding_model.ckpt"));
}

/* Coarser products, if the user chooses them: errors of 1.1e-5 and 7e-3 of the embedding's rms,
 * 1.68. */
static void coarser_products_stay_close(void **state)
{
	(void)state;
	static const double most[] = {0, 5e-5, 3e-2};
	fv_ctx *ctx = test_ctx();
	int64_t n;
	const float *wave = read_wave(ctx, "s1", &n);
	float got[3][24];
	for (int32_t p = FV_PRECISION_FP32; p <= FV_PRECISION_BF16; p++) {
		ecapa_state s = {.precision = p};
		open_weights(ctx, &s, test_golden("ecapa/embedding_model.ckpt"));
		embed_wave(ctx, &s, wave, n, got[p]);
		double worst = 0;
		for (int d = 0; d < 24; d++)
			worst = fmax(worst, fabs((double)got[p][d] - (double)got[0][d]));
		test_worst("precision", worst, most[p] * 1.68, 0);
		assert_true(p == FV_PRECISION_FP32 || worst > 0);
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_speechbrain),
		cmocka_unit_test(as_speechbrain_on_speech),
		cmocka_unit_test(other_sizes),
		cmocka_unit_test(each_tensor_counts),
		cmocka_unit_test(each_tensor_counts_as_in_speechbrain),
		cmocka_unit_test(other_names_and_types),
		cmocka_unit_test(passes_contract),
		cmocka_unit_test(coarser_products_stay_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
