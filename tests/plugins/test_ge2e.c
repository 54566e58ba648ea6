/* SPDX-License-Identifier: Apache-2.0 */
/* The GE2E encoder. With the weights of resemblyzer 0.1.4: compared stage by stage with resemblyzer
 * run in double. With random weights: which files are accepted, and that each tensor matters. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "checkpoint/safetensors_write.h"
#include "corpus/audio.h"
#include "device.h"
#include "encoder.h"
#include "ge2e.h"
#include "nn/encode.h"
#include "nn/pack.h"
#include "npz.h"
#include "parity.h"

/* --- real weights --- */

static const char *real_weights(void)
{
	static char path[4200];
	char command[9000];
	const char *build = getenv("FAIRVOX_BUILD"), *source = getenv("FAIRVOX_SOURCE");
	snprintf(path, sizeof path, "%s/ge2e/pretrained.pt", build);
	snprintf(command, sizeof command, "'%s/tests/support/fetch_ge2e.sh' '%s/ge2e'", source,
		build);
	if (system(command) != 0) {
		print_message(
			"skipped: no weights; the package resemblyzer could not be downloaded\n");
		skip();
	}
	return path;
}

static void open_weights(fv_ctx *ctx, ge2e_state *s, const char *path)
{
	*s = (ge2e_state){.rate = 1.3, .min_coverage = 0.75};
	test_ok(ctx, ge2e_open_features(s, ctx));
	test_ok(ctx, ge2e_read_weights(s, ctx, path));
}

/* Makes a pack of one wave. */
static fv_pack *open_pack(fv_ctx *ctx, const ge2e_state *s, const float *wave, int64_t n)
{
	fv_feed feed = {.worker = ctx};
	fv_pack *pack;
	test_ok(ctx, ge2e_compute_mel(s, ctx, wave, n, &feed));
	test_ok(ctx,
		core_pack_open(ctx, test_device(), 1, &feed.rows, feed.width, feed.data, &pack));
	return pack;
}

static fv_status embed_wave(
	fv_ctx *ctx, const ge2e_state *s, const float *wave, int64_t n, float *out)
{
	return ge2e_embed(s, open_pack(ctx, s, wave, n), &out);
}

/* Applies resemblyzer's preprocessing: the gain, and the windows of 480 samples that its mask
 * selects. */
static int64_t preprocess_wave(float *x, double gain, const double *mask, int64_t windows)
{
	int64_t kept = 0;
	for (int64_t w = 0; w < windows; w++)
		for (int64_t i = 480 * w; i < 480 * (w + 1) && mask[w] != 0; i++)
			x[kept++] = (float)((double)x[i] * gain);
	return kept;
}

/* Checks the largest relative difference of mel powers; twice that of PyTorch in float32 is
 * allowed. */
static void compare_mel(
	const json_t *tolerances, const char *key, const float *got, const double *want, int64_t n)
{
	const json_t *own = json_object_get(json_object_get(tolerances, key), "max_abs_diff");
	assert_non_null(own);
	double worst = 0;
	for (int64_t i = 0; i < n; i++)
		worst = fmax(worst, fabs(((double)got[i] + 1e-12) / (want[i] + 1e-12) - 1));
	test_worst(key, worst, 2 * json_number_value(own), json_number_value(own));
}

/* The gain is resemblyzer's, which it computes in float32, and 19 of 20 windows are cut or kept as
 * by its speech detector. */
static void check_speech(fv_ctx *ctx, const float *wave, int64_t n, double gain, const double *mask,
	int64_t windows, int64_t *same, int64_t *all)
{
	ge2e_state s = {.level_dbfs = -30, .silence = GE2E_KEEP};
	float *out = core_alloc(ctx, (size_t)n, sizeof *out);
	int64_t kept, from = 0;
	test_ok(ctx, ge2e_extract_speech(&s, ctx, wave, n, out, &kept));
	assert_int_equal(kept, n);
	for (int64_t i = 0; i < n; i++)
		assert_true(fabs((double)out[i] - (double)wave[i] * gain) <=
			    2e-6 * fabs((double)out[i]));
	s.silence = GE2E_CUT;
	float *cut = core_alloc(ctx, (size_t)n, sizeof *cut);
	test_ok(ctx, ge2e_extract_speech(&s, ctx, wave, n, cut, &kept));
	assert_int_equal(kept % 480, 0);
	for (int64_t w = 0; w < windows; w++) { /* finds the kept windows in order */
		bool is_kept = from < kept && !memcmp(cut + from, out + 480 * w, 480 * sizeof *out);
		from += is_kept ? 480 : 0;
		*same += is_kept == (mask[w] != 0);
		*all += 1;
	}
	assert_int_equal(from, kept);
}

static void check_clip(const ge2e_state *s, const json_t *clip, const json_t *tolerances,
	const char *arrays, int64_t *same, int64_t *all)
{
	fv_ctx *ctx = test_ctx();
	const char *path = json_string_value(json_object_get(clip, "clip"));
	const char *variant = json_string_value(json_object_get(clip, "variant"));
	const char *stem = core_path_stem(ctx, path);
	core_wave wave;
	test_ok(ctx, core_audio_read(ctx, test_shared(path), GE2E_RATE_HZ, 0, &wave));
	int64_t shape[4], n = wave.n;
	int rank;
	if (!strcmp(variant, "preprocessed")) {
		double *mask = test_npz(
			arrays, core_format(ctx, "%s__%s__mask_30ms", stem, variant), shape, &rank);
		double gain = json_number_value(json_object_get(clip, "gain"));
		check_speech(ctx, wave.sample, n, gain, mask, shape[0], same, all);
		n = preprocess_wave(wave.sample, gain, mask, shape[0]);
		free(mask);
	}
	assert_int_equal(n, json_integer_value(json_object_get(clip, "samples")));
	const json_t *starts = json_object_get(clip, "partial_first_frames");
	int64_t step, count = ge2e_count_partials(s, n, &step);
	assert_int_equal(count, json_array_size(starts));
	for (int64_t p = 0; p < count; p++)
		assert_int_equal(p * step, json_integer_value(json_array_get(starts, (size_t)p)));

	double *want =
		test_npz(arrays, core_format(ctx, "%s__%s__mel", stem, variant), shape, &rank);
	assert_true(shape[0] == 1 + n / GE2E_HOP && shape[1] == GE2E_BANDS);
	float *mel = core_alloc(ctx, (size_t)(shape[0] * shape[1]), sizeof *mel);
	test_ok(ctx, fv_mel_spectrum(s->mel, s->stft, ctx, wave.sample, n, shape[0], mel));
	compare_mel(tolerances, core_format(ctx, "%s/%s/mel_relative", stem, variant), mel, want,
		shape[0] * shape[1]);
	free(want);

	want = test_npz(arrays, core_format(ctx, "%s__%s__partials", stem, variant), shape, &rank);
	assert_true(shape[0] == count && shape[1] == GE2E_DIMS);
	float *partials = core_alloc(ctx, (size_t)(count * GE2E_DIMS), sizeof *partials);
	fv_pack *pack = open_pack(ctx, s, wave.sample, n);
	fv_pack_fetch(pack, ge2e_compute_partials(s, pack), 0, &partials);
	test_ok(ctx, fv_pack_wait(pack));
	test_parity(tolerances, core_format(ctx, "%s/%s/partials", stem, variant), partials, want,
		count * GE2E_DIMS);
	free(want);

	want = test_npz(arrays, core_format(ctx, "%s__%s__embedding", stem, variant), shape, &rank);
	float embedding[GE2E_DIMS];
	test_ok(ctx, embed_wave(ctx, s, wave.sample, n, embedding));
	test_parity(tolerances, core_format(ctx, "%s/%s/embedding", stem, variant), embedding, want,
		GE2E_DIMS);
	free(want);
	core_wave_free(&wave);
	core_ctx_free(ctx);
}

/* All clips; where the device is emulated, which takes 4 s each, a few of them. */
static size_t count_apart(void)
{
	return test_device() == core_device_cpu() || getenv("FAIRVOX_LONG") ? 1 : 4;
}

static void as_resemblyzer(void **state)
{
	(void)state;
	char arrays[4200];
	snprintf(arrays, sizeof arrays, "%s", test_shared("golden/encoders/ge2e/outputs.npz"));
	json_t *clips = test_json(test_shared("golden/encoders/ge2e/clips.json"));
	json_t *file = test_json(test_shared("golden/encoders/ge2e/float32_tolerance.json"));
	const char *weights = real_weights();
	fv_ctx *ctx = test_ctx();
	ge2e_state s;
	open_weights(ctx, &s, weights);
	json_t *clip;
	size_t i;
	int64_t same = 0, all = 0;
	json_array_foreach(clips, i, clip) if (i % count_apart() == 0)
		check_clip(&s, clip, json_object_get(file, "outputs"), arrays, &same, &all);
	assert_int_equal(i, 12);
	assert_true(100 * same >= 95 * all);
	json_decref(clips);
	json_decref(file);
	core_ctx_free(ctx);
}

/* --- drawn weights --- */

enum { TENSORS = 16 };

struct network {
	core_tensor_out tensor[TENSORS + 1];
	size_t n;
};

static struct network draw_network(fv_ctx *ctx)
{
	struct network net = {.n = TENSORS};
	static const char *const parts[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
	for (int l = 0; l < 3; l++)
		for (int k = 0; k < 4; k++)
			net.tensor[4 * l + k] = (core_tensor_out){
				core_format(ctx, "lstm.%s_l%d", parts[k], l), "F32", k < 2 ? 2 : 1,
				{1024, k == 0 && l == 0 ? 40 : 256}, NULL};
	net.tensor[12] = (core_tensor_out){"linear.weight", "F32", 2, {256, 256}, NULL};
	net.tensor[13] = (core_tensor_out){"linear.bias", "F32", 1, {256}, NULL};
	net.tensor[14] = (core_tensor_out){"similarity_weight", "F32", 1, {1}, NULL};
	net.tensor[15] = (core_tensor_out){"similarity_bias", "F32", 1, {1}, NULL};
	for (size_t t = 0; t < TENSORS; t++) {
		core_tensor_out *tensor = &net.tensor[t];
		size_t n = (size_t)tensor->shape[0];
		if (tensor->rank == 2)
			n *= (size_t)tensor->shape[1];
		float *value = core_alloc(ctx, n, sizeof *value);
		fv_stream stream = fv_rng(ctx, "network", 0, t);
		for (size_t i = 0; i < n; i++)
			value[i] = (float)(0.0625 * (2 * fv_uniform(&stream) - 1));
		tensor->data = value;
	}
	return net;
}

static const char *write_network(fv_ctx *ctx, const struct network *net)
{
	static char path[4200];
	if (!*path)
		snprintf(path, sizeof path, "%s/network.safetensors", test_folder("ge2e"));
	test_ok(ctx, core_safetensors_write(ctx, path, net->tensor, net->n, NULL, 0));
	return path;
}

static void draw_wave(fv_ctx *ctx, float *wave, int64_t n)
{
	fv_stream stream = fv_rng(ctx, "wave", 0, 0);
	for (int64_t i = 0; i < n; i++)
		wave[i] = (float)(0.3 * fv_normal(&stream) * sin((double)i / 3000));
}

static void embed_network(const struct network *net, float out[GE2E_DIMS])
{
	enum { N = 40000 };
	static float wave[N];
	fv_ctx *ctx = test_ctx();
	ge2e_state s;
	draw_wave(ctx, wave, N);
	open_weights(ctx, &s, write_network(ctx, net));
	test_ok(ctx, embed_wave(ctx, &s, wave, N, out));
	core_ctx_free(ctx);
}

/* Setting any tensor of the network to zero changes the embedding by hundreds of rounding errors;
 * the two tensors of the training loss have no effect. */
static void each_tensor_counts(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct network net = draw_network(ctx);
	float whole[GE2E_DIMS], other[GE2E_DIMS];
	embed_network(&net, whole);
	float *zero = core_alloc(ctx, 1024 * 256, sizeof *zero);
	for (size_t t = 0; t < TENSORS; t++) {
		struct network changed = net;
		changed.tensor[t].data = zero;
		embed_network(&changed, other);
		float moved = 0;
		for (int d = 0; d < GE2E_DIMS; d++)
			moved = fmaxf(moved, fabsf(other[d] - whole[d]));
		if (t < 14 ? moved < 1e-4f : moved != 0)
			fail_msg("%s moves the embedding by %g", net.tensor[t].name, (double)moved);
	}
	core_ctx_free(ctx);
}

static void other_names_and_types(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct network net = draw_network(ctx);
	float plain[GE2E_DIMS], other[GE2E_DIMS];
	embed_network(&net, plain);
	net.n = 14; /* without the tensors of the loss */
	embed_network(&net, other);
	assert_memory_equal(plain, other, sizeof plain);
	net.n = TENSORS + 1;
	for (size_t t = 0; t < TENSORS; t++)
		net.tensor[t].name = core_format(ctx, "model_state.%s", net.tensor[t].name);
	static const int64_t step[] = {7};
	net.tensor[TENSORS] =
		(core_tensor_out){"optimizer_state.state.1.exp_avg", "I64", 0, {0}, step};
	embed_network(&net, other);
	assert_memory_equal(plain, other, sizeof plain);
	net.n = TENSORS;
	double *wide = core_alloc(ctx, 256, sizeof *wide);
	for (int i = 0; i < 256; i++)
		wide[i] = (double)((const float *)net.tensor[13].data)[i];
	net.tensor[13].dtype = "F64";
	net.tensor[13].data = wide;
	embed_network(&net, other);
	assert_memory_equal(plain, other, sizeof plain);
	core_ctx_free(ctx);
}

static void census_names_each_fault(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	ge2e_state s = {.rate = 1.3, .min_coverage = 0.75};
	test_ok(ctx, ge2e_open_features(&s, ctx));
	const struct network net = draw_network(ctx);
	struct network bad = net;
	bad.n--;
	bad.tensor[3] = bad.tensor[15]; /* lstm.bias_hh_l0 is missing */
	test_fails(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)), FV_DATA,
		"network.safetensors: no tensor 'lstm.bias_hh_l0'");
	bad = net;
	bad.tensor[1].shape[0] = 256;
	bad.tensor[1].shape[1] = 1024;
	test_fails(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)), FV_DATA,
		"tensor 'lstm.weight_hh_l0' has shape [256,1024], not [1024,256]");
	bad = net;
	bad.tensor[14].rank = 0;
	test_fails(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)), FV_DATA,
		"tensor 'similarity_weight' has shape [], not [1]");
	bad = net;
	bad.tensor[13].rank = 2;
	bad.tensor[13].shape[0] = 1;
	bad.tensor[13].shape[1] = 256;
	test_fails(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)), FV_DATA,
		"tensor 'linear.bias' has shape [1,256], not [256]");
	bad = net;
	bad.tensor[bad.n++] = (core_tensor_out){"extra", "F32", 1, {1}, net.tensor[14].data};
	test_fails(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)), FV_DATA,
		"tensor 'extra' is not part of this network");
	bad.tensor[16].name = "optimizer_state.state"; /* beside a bare network */
	test_ok(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)));
	bad.tensor[16].name = "optimizers.state"; /* beside a prefix only at its start */
	test_ok(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)));
	bad.tensor[16].name = "x.optimizer.state";
	test_fails(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)), FV_DATA,
		"tensor 'x.optimizer.state' is not part");
	for (size_t i = 0; i < bad.n; i++)
		bad.tensor[i].name = core_format(ctx, "x%zu", i);
	test_fails(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)), FV_DATA,
		"network.safetensors: the file holds no network of this kind");
	bad = net;
	bad.tensor[13].dtype = "I32";
	test_fails(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)), FV_DATA,
		"tensor 'linear.bias' has type I32, not a float type");
	bad = net;
	float *value = core_alloc(ctx, 256, sizeof *value);
	value[17] = NAN;
	bad.tensor[13].data = value;
	test_fails(ctx, ge2e_read_weights(&s, ctx, write_network(ctx, &bad)), FV_DATA,
		"tensor 'linear.bias': element 17 is not a finite number");
	/* all at once */
	bad = net;
	bad.tensor[0].shape[1] = 41;
	bad.tensor[12].name = "linear.weights";
	float *large = core_alloc(ctx, 1024 * 41, sizeof *large);
	bad.tensor[0].data = large;
	assert_int_equal(ge2e_read_weights(&s, ctx, write_network(ctx, &bad)), FV_DATA);
	assert_int_equal(core_error_count(ctx), 3);
	core_ctx_free(ctx);
}

/* The contract suite for encoders, with random weights. */
static void passes_contract(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const struct network net = draw_network(ctx);
	test_encoder_contract("ge2e", write_network(ctx, &net));
	core_ctx_free(ctx);
}

/* A network whose output is zero cannot be normalised. */
static void no_direction(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct network net = draw_network(ctx);
	float *value = core_alloc(ctx, 256, sizeof *value), out[GE2E_DIMS], wave[1000] = {0};
	for (int i = 0; i < 256; i++)
		value[i] = -100;
	net.tensor[13].data = value;
	ge2e_state s;
	open_weights(ctx, &s, write_network(ctx, &net));
	fv_pack *pack = open_pack(ctx, &s, wave, 1000);
	float *to = out;
	test_ok(ctx, ge2e_embed(&s, pack, &to));
	assert_string_equal(pack->reason[0],
		"the network's output cannot be normalised: its length is 0 or not finite");
	core_ctx_free(ctx);
}

/* The results of resemblyzer's compute_partial_slices. */
static void windows_are_those_of_resemblyzer(void **state)
{
	(void)state;
	static const struct {
		double rate, coverage;
		int64_t n, step, count;
	} cases[] = {
		{1.3, 0.75, 400, 77, 1},
		{1.3, 0.75, 25599, 77, 1},
		{1.3, 0.75, 25600, 77, 1},
		{1.3, 0.75, 31519, 77, 1},
		{1.3, 0.75, 31520, 77, 2},
		{1.3, 0.75, 37920, 77, 2},
		{1.3, 0.75, 52853, 77, 3},
		{1.3, 0.75, 59259, 77, 4},
		{1.3, 0.75, 16000000, 77, 1298},
		{0.625, 0.75, 44799, 160, 1},
		{0.625, 0.75, 44800, 160, 2},
		{2.6, 0.5, 16000, 38, 1},
		{2.6, 0.5, 50000, 38, 6},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ge2e_state s = {.rate = cases[i].rate, .min_coverage = cases[i].coverage};
		int64_t step, count = ge2e_count_partials(&s, cases[i].n, &step);
		if (step != cases[i].step || count != cases[i].count)
			fail_msg("%lld samples: step %lld, %lld windows", (long long)cases[i].n,
				(long long)step, (long long)count);
	}
}

/* 30 windows of noise, 40 of a tone 40 dB above it, 30 of noise, and half a window. */
static void silences_are_cut(void **state)
{
	(void)state;
	enum { N = 100 * 480 + 240 };
	static float wave[N], out[N];
	fv_ctx *ctx = test_ctx();
	draw_wave(ctx, wave, N);
	for (int64_t i = 0; i < N; i++)
		wave[i] = i / 480 >= 30 && i / 480 < 70 ? 0.1f * sinf((float)i) : 1e-3f * wave[i];
	ge2e_state s = {.level_dbfs = -120, .silence = GE2E_CUT};
	int64_t kept;
	test_ok(ctx, ge2e_extract_speech(&s, ctx, wave, N, out, &kept));
	/* window w is kept if five of w - 3 ... w + 4 are tone: 30 to 68; extended: 27 to 71 */
	assert_int_equal(kept, 45 * 480);
	assert_memory_equal(out, wave + 27 * 480, (size_t)kept * sizeof *out);
	s.level_dbfs = -10; /* the same windows at any level */
	test_ok(ctx, ge2e_extract_speech(&s, ctx, wave, N, out, &kept));
	assert_int_equal(kept, 45 * 480);
	double square = 0;
	s.silence = GE2E_KEEP;
	test_ok(ctx, ge2e_extract_speech(&s, ctx, wave, N, out, &kept));
	for (int64_t i = 0; i < N; i++)
		square += (double)out[i] * (double)out[i] / N;
	test_close(10 * log10(square), -10, 1e-6);
	/* one click, so no window is kept: the whole wave; silence; less than a window */
	s.silence = GE2E_CUT;
	memset(wave, 0, sizeof wave);
	test_ok(ctx, ge2e_extract_speech(&s, ctx, wave, N, out, &kept));
	assert_int_equal(kept, N / 480 * 480);
	assert_memory_equal(out, wave, (size_t)kept * sizeof *out);
	wave[777] = 1;
	for (int64_t w = 0; w < 10; w++)
		wave[480 * w] = w ? 1e-4f : 1;
	test_ok(ctx, ge2e_extract_speech(&s, ctx, wave, 10 * 480, out, &kept));
	assert_int_equal(kept, 10 * 480);
	test_ok(ctx, ge2e_extract_speech(&s, ctx, wave, 400, out, &kept));
	assert_int_equal(kept, 400);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_resemblyzer),
		cmocka_unit_test(each_tensor_counts),
		cmocka_unit_test(other_names_and_types),
		cmocka_unit_test(census_names_each_fault),
		cmocka_unit_test(passes_contract),
		cmocka_unit_test(no_direction),
		cmocka_unit_test(windows_are_those_of_resemblyzer),
		cmocka_unit_test(silences_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
