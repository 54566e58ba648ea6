/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a trunk, each against what the reference implementation has at that place: buckets of
 * distances, convolutions, position convolution, position bias, attention of the first layer. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>
#include <fairvox/trunk.h>

#include "device.h"
#include "nn/trunk.h"
#include "npz.h"

enum { WIDTH = 48, CHANNELS = 32 };

static const fv_trunk_shape wavlm_tiny = {.size = sizeof(fv_trunk_shape),
	.convs = 7,
	.channels = {32, 32, 32, 32, 32, 32, 32},
	.taps = {10, 3, 3, 3, 3, 2, 2},
	.step = {5, 2, 2, 2, 2, 2, 2},
	.width = WIDTH,
	.layers = 3,
	.heads = 4,
	.inner = 96,
	.position_taps = 128,
	.position_groups = 16,
	.buckets = 320,
	.max_distance = 800,
	.eps = 1e-5};

/* The names that the tests need, in the files of Hugging Face. */
static const char *const names[FV_TRUNK_TENSORS] = {
	[FV_TRUNK_CONV_WEIGHT] = "feature_extractor.conv_layers.%d.conv.weight",
	[FV_TRUNK_CONV_BIAS] = "feature_extractor.conv_layers.%d.conv.bias",
	[FV_TRUNK_CONV_NORM_WEIGHT] = "feature_extractor.conv_layers.%d.layer_norm.weight",
	[FV_TRUNK_CONV_NORM_BIAS] = "feature_extractor.conv_layers.%d.layer_norm.bias",
	[FV_TRUNK_POSITION_GAIN] = "encoder.pos_conv_embed.conv.weight_g",
	[FV_TRUNK_POSITION_WEIGHT] = "encoder.pos_conv_embed.conv.weight_v",
	[FV_TRUNK_POSITION_BIAS] = "encoder.pos_conv_embed.conv.bias",
	[FV_TRUNK_BUCKETS] = "encoder.layers.0.attention.rel_attn_embed.weight",
	[FV_TRUNK_QUERY_WEIGHT] = "encoder.layers.%d.attention.q_proj.weight",
	[FV_TRUNK_QUERY_BIAS] = "encoder.layers.%d.attention.q_proj.bias",
	[FV_TRUNK_KEY_WEIGHT] = "encoder.layers.%d.attention.k_proj.weight",
	[FV_TRUNK_KEY_BIAS] = "encoder.layers.%d.attention.k_proj.bias",
	[FV_TRUNK_VALUE_WEIGHT] = "encoder.layers.%d.attention.v_proj.weight",
	[FV_TRUNK_VALUE_BIAS] = "encoder.layers.%d.attention.v_proj.bias",
	[FV_TRUNK_OUT_WEIGHT] = "encoder.layers.%d.attention.out_proj.weight",
	[FV_TRUNK_OUT_BIAS] = "encoder.layers.%d.attention.out_proj.bias",
	[FV_TRUNK_GATE_WEIGHT] = "encoder.layers.%d.attention.gru_rel_pos_linear.weight",
	[FV_TRUNK_GATE_BIAS] = "encoder.layers.%d.attention.gru_rel_pos_linear.bias",
	[FV_TRUNK_GATE_CONSTANT] = "encoder.layers.%d.attention.gru_rel_pos_const",
};

struct model {
	fv_checkpoint *file;
	const char *prefix;
};

static fv_status read_tensor(
	void *user, fv_ctx *ctx, fv_trunk_tensor tensor, int32_t index, float *out)
{
	const struct model *m = user;
	const char *place = strstr(names[tensor], "%d");
	size_t before = place ? (size_t)(place - names[tensor]) : strlen(names[tensor]);
	const char *name = place ? core_format(ctx, "%s%.*s%d%s", m->prefix, (int)before,
					   names[tensor], index, place + 2)
				 : core_format(ctx, "%s%s", m->prefix, names[tensor]);
	const fv_tensor *t = fv_checkpoint_find(m->file, name);
	if (!t)
		fail_msg("no tensor '%s'", name);
	return fv_tensor_to_f32(ctx, t, out);
}

static struct model open_model(fv_ctx *ctx, const char *golden, const char *prefix)
{
	struct model m = {.prefix = prefix};
	test_ok(ctx, fv_checkpoint_open(ctx, test_golden(golden), &m.file));
	return m;
}

/* [n] as float, in the context's memory. */
static float *as_floats(fv_ctx *ctx, const double *x, int64_t n)
{
	float *out = core_alloc(ctx, (size_t)n, sizeof *out);
	for (int64_t i = 0; i < n; i++)
		out[i] = (float)x[i];
	return out;
}

static float *read_wave(fv_ctx *ctx, const char *golden, int64_t *n)
{
	int64_t shape[4];
	int rank;
	double *x = test_npy(test_golden(golden), shape, &rank);
	*n = shape[0];
	float *wave = as_floats(ctx, x, *n);
	free(x);
	return wave;
}

/* got [rows,columns] against an array, which lies the other way round with `turned`. */
static void compare(const char *arrays, const char *name, const float *got, int64_t rows,
	int64_t columns, bool turned)
{
	int64_t shape[4];
	int rank;
	double *want = test_npz(test_golden(arrays), name, shape, &rank), worst = 0, squares = 0;
	assert_int_equal(rank, 2);
	assert_true(shape[turned] == rows && shape[!turned] == columns);
	for (int64_t r = 0; r < rows; r++)
		for (int64_t c = 0; c < columns; c++) {
			double w = want[turned ? c * rows + r : r * columns + c];
			double error = fabs((double)got[r * columns + c] - w);
			worst = fmax(worst, isfinite(error) ? error : INFINITY);
			squares += w * w;
		}
	free(want);
	double rms = sqrt(squares / (double)(rows * columns));
	if (!(worst <= 1e-5 * rms))
		fail_msg("%s: %s: largest error %g, rms %g", arrays, name, worst, rms);
}

static void buckets(void **state)
{
	(void)state;
	int64_t shape[4];
	int rank;
	double *want = test_npy(
		test_golden("encoders/wavlm_tiny/bucket_of_key_minus_query.npy"), shape, &rank);
	assert_int_equal(shape[0], 2401);
	for (int64_t d = -1200; d <= 1200; d++)
		assert_int_equal(core_attention_bucket(&wavlm_tiny, d), want[d + 1200]);
	free(want);
}

/* What the parts are opened from */
#define SOURCE(ctx, shape, model)                                                                  \
	(core_trunk_source)                                                                        \
	{                                                                                          \
		ctx, test_device(), shape, FV_PRECISION_FP32, read_tensor, model                   \
	}

/* A pack of one utterance, input [rows,width] */
static fv_pack *open_pack(fv_ctx *ctx, int64_t rows, int64_t width, const float *input)
{
	fv_pack *pack;
	test_ok(ctx, core_pack_open(ctx, test_device(), 1, &rows, width, input, &pack));
	return pack;
}

/* --- convolutions --- */

static void check_front(fv_ctx *ctx, const fv_trunk_shape *whole, struct model *m,
	const char *wave_name, const char *arrays, int32_t first)
{
	int64_t n;
	float *wave = read_wave(ctx, wave_name, &n);
	for (int32_t convs = first; convs <= 7; convs++) {
		fv_trunk_shape shape = *whole;
		shape.convs = convs;
		core_convolutions *front;
		test_ok(ctx, core_front_open(&SOURCE(ctx, &shape, m), &front));
		int64_t frames = core_front_frames(&shape, n);
		fv_pack *pack = open_pack(ctx, n, 1, wave);
		fv_matrix out = core_pack_rows(pack, &frames, CHANNELS);
		pack->ops->convolve_waves(
			pack->queue, front, pack->input, whole->norm_each != 0, out);
		test_ok(ctx, fv_pack_wait(pack));
		compare(arrays, core_format(ctx, "conv%d_out", convs - 1), out.at, frames, CHANNELS,
			true);
	}
}

static void convolutions(void **state)
{
	(void)state;
	static const char *const folders[] = {"wavlm_tiny", "w2v2_age_gender_tiny"};
	for (int k = 0; k < 2; k++) {
		fv_ctx *ctx = test_ctx();
		struct model m = open_model(ctx,
			k ? "encoders/w2v2_age_gender_tiny/pytorch_model.bin"
			  : "encoders/wavlm_tiny/hf/pytorch_model.bin",
			k ? "wav2vec2." : "");
		fv_trunk_shape shape = wavlm_tiny;
		shape.conv_bias = shape.norm_each = k;
		check_front(ctx, &shape, &m, "encoders/inputs/n720.npy",
			core_format(ctx, "encoders/%s/stages_n720.npz", folders[k]), 1);
		check_front(ctx, &shape, &m, "encoders/inputs/s1.npy",
			core_format(ctx, "encoders/%s/stages_s1.npz", folders[k]), 7);
		fv_checkpoint_close(m.file);
		core_ctx_free(ctx);
	}
}

/* --- position and attention --- */

static void positions(void **state)
{
	(void)state;
	static const char *const arrays[] = {
		"encoders/wavlm_tiny/stages_n720.npz", "encoders/wavlm_tiny/stages_s1.npz"};
	fv_ctx *ctx = test_ctx();
	struct model m = open_model(ctx, "encoders/wavlm_tiny/hf/pytorch_model.bin", "");
	core_position *p;
	test_ok(ctx, core_position_open(&SOURCE(ctx, &wavlm_tiny, &m), &p));
	for (int k = 0; k < 2; k++) {
		int64_t shape[4];
		int rank;
		double *in = test_npz(test_golden(arrays[k]), "projection_out", shape, &rank);
		float *x = as_floats(ctx, in, shape[0] * WIDTH);
		fv_pack *pack = open_pack(ctx, shape[0], WIDTH, x);
		fv_matrix out = fv_pack_rows(pack, pack->input, WIDTH);
		pack->ops->position(pack->queue, p, pack->input, out);
		test_ok(ctx, fv_pack_wait(pack));
		compare(arrays[k], "pos_conv_out", out.at, shape[0], WIDTH, false);
		free(in);
	}
	fv_checkpoint_close(m.file);
	core_ctx_free(ctx);
}

/* bias [heads, 2T - 1] against the reference's [heads,T,T], to the last bit. */
static void check_bias(const char *arrays, const float *bias, int64_t frames)
{
	int64_t shape[4];
	int rank;
	double *want = test_npz(test_golden(arrays), "layer0_position_bias", shape, &rank);
	assert_true(shape[0] == 4 && shape[1] == frames && shape[2] == frames);
	for (int64_t h = 0; h < 4; h++)
		for (int64_t q = 0; q < frames; q++)
			for (int64_t k = 0; k < frames; k++)
				assert_true(
					(double)bias[h * (2 * frames - 1) + frames - 1 + k - q] ==
					want[(h * frames + q) * frames + k]);
	free(want);
}

static void attention(void **state)
{
	(void)state;
	static const char *const inputs[] = {"n720", "s1"};
	fv_ctx *ctx = test_ctx();
	struct model m = open_model(ctx, "encoders/wavlm_tiny/hf/pytorch_model.bin", "");
	core_attention *a;
	test_ok(ctx, core_attention_open(&SOURCE(ctx, &wavlm_tiny, &m), 0, &a));
	float embedding[320 * 4];
	test_ok(ctx, read_tensor(&m, ctx, FV_TRUNK_BUCKETS, 0, embedding));
	for (int i = 0; i < 2; i++) {
		const char *arrays =
			core_format(ctx, "encoders/wavlm_tiny/stages_%s.npz", inputs[i]);
		int64_t shape[4];
		int rank;
		double *states = test_npz(test_golden("encoders/wavlm_tiny/outputs.npz"),
			core_format(ctx, "%s__states", inputs[i]), shape, &rank);
		int64_t frames = shape[1];
		size_t line = 2 * (size_t)frames - 1;
		float *x = as_floats(ctx, states, frames * WIDTH); /* state 0 */
		float *bias = core_alloc(ctx, 4 * line, sizeof *bias);
		core_attention_bias(&wavlm_tiny, embedding, frames, bias);
		check_bias(arrays, bias, frames);
		fv_pack *pack = open_pack(ctx, frames, WIDTH, x);
		fv_matrix y = fv_pack_rows(pack, pack->input, WIDTH);
		const float *zeros = core_alloc(ctx, (size_t)(frames * WIDTH), sizeof *zeros);
		pack->ops->put(pack->queue, zeros, frames * WIDTH, y.at);
		core_attention_apply(pack, a, pack->input,
			core_pack_put(pack, bias, 4 * (int64_t)line),
			fv_pack_rows(pack, pack->input, 3 * WIDTH),
			fv_pack_rows(pack, pack->input, WIDTH), y);
		test_ok(ctx, fv_pack_wait(pack));
		compare(arrays, "layer0_attention_out", y.at, frames, WIDTH, false);
		free(states);
	}
	fv_checkpoint_close(m.file);
	core_ctx_free(ctx);
}

/* --- sizes --- */

/* WavLM base-plus has 248 tensors of 94,381,936 numbers, one of them (768) for training. */
static void sizes(void **state)
{
	(void)state;
	fv_trunk_shape shape = wavlm_tiny;
	for (int i = 0; i < 7; i++)
		shape.channels[i] = 512;
	shape.width = 768;
	shape.layers = shape.heads = 12;
	shape.inner = 3072;
	int64_t tensors = 0, numbers = 0;
	for (int32_t k = 0; k < FV_TRUNK_TENSORS; k++)
		for (int32_t i = 0; i < fv_trunk_count(&shape, (fv_trunk_tensor)k); i++) {
			tensors++;
			numbers += core_trunk_size(&shape, (fv_trunk_tensor)k, i);
		}
	assert_int_equal(tensors, 248 - 1);
	assert_int_equal(numbers, 94381936 - 768);
	static const int64_t frames[][2] = {{0, 0}, {399, 0}, {400, 1}, {719, 1}, {720, 2},
		{16000, 49}, {160000, 499}, {272000, 849}};
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
		assert_int_equal(core_front_frames(&shape, frames[i][0]), frames[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets),
		cmocka_unit_test(convolutions),
		cmocka_unit_test(positions),
		cmocka_unit_test(attention),
		cmocka_unit_test(sizes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
