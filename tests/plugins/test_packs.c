/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders that compute packs, with small networks of drawn weights: 64 utterances of different lengths, in packs
 * of 1 to 64 and in several orders, give the numbers of each utterance alone, to the last bit; also on a device
 * that is not the CPU. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "device.h"
#include "encoder.h"
#include "late_device.h"
#include "nn/encode.h"

enum { UTTERANCES = 64, FEW = 8 /* powers of two */ };

/* Where the device is emulated, all of them take minutes. */
static int count_utterances(void)
{
	return test_device() == core_device_cpu() || getenv("FAIRVOX_LONG") ? UTTERANCES : FEW;
}

static const struct model {
	const char *encoder, *weights, *output, *param;
	bool odd; /* channels in a group, which GPUs do not compute in bfloat16 */
} models[] = {
	{"wavlm", "encoders/wavlm_tiny/hf/model.safetensors", NULL, NULL, false},
	{"wavlm", "encoders/variants/wavlm_large/model.safetensors", NULL, "precision=bf16", true},
	{"wav2vec2", "encoders/variants/wav2vec2_base/model.safetensors", NULL, NULL, false},
	{"wav2vec2", "encoders/variants/hubert_large/model.safetensors", NULL, NULL, false},
	{"wav2vec2", "encoders/variants/odd/model.safetensors", NULL, NULL, false},
	{"wav2vec2_age_gender", "encoders/w2v2_age_gender_tiny/model.safetensors", "classes", NULL,
		false},
	{"wav2vec2_age_gender", "encoders/w2v2_age_gender_tiny/model.safetensors", "states",
		"precision=bf16x3", true},
	{"ecapa", "ecapa/embedding_model.ckpt", NULL, NULL, false},
	{"ecapa", "ecapa/embedding_model.ckpt", NULL, "precision=bf16", false},
	{"ecapa", "ecapa/other.ckpt", NULL, NULL, false},
};

struct utterances {
	fv_feed feed[UTTERANCES];
	float *alone[UTTERANCES];
};

/* Draws waves from the shortest allowed up to two seconds, some of them silent, and encodes each alone. */
static void encode_alone(fv_ctx *ctx, const core_encoder *e, const core_encode_call *call,
	size_t size, struct utterances *all)
{
	fv_stream stream = fv_rng_seeded(1, "waves", 0, 0);
	for (int u = 0; u < count_utterances(); u++) {
		uint64_t more = fv_below(&stream, u % 8 ? 16000 : 32000);
		int64_t n = e->info.min_samples + (u ? (int64_t)more : 0);
		float *wave = core_alloc(ctx, (size_t)n, sizeof *wave);
		for (int64_t i = 0; i < n; i++)
			wave[i] = u % 9 == 4 ? 0 : (float)(0.1 * fv_normal(&stream));
		all->alone[u] = core_alloc(ctx, size, 1);
		test_ok(ctx, core_encode_wave(call, ctx, test_device(), wave, n, all->alone[u]));
		core_scratch_reset(ctx);
		test_ok(ctx, core_encode_feed(call, ctx, wave, n, &all->feed[u]));
		size_t bytes = (size_t)(all->feed[u].rows * all->feed[u].width) * sizeof *wave;
		all->feed[u].data = memcpy(core_alloc(ctx, bytes, 1), all->feed[u].data, bytes);
	}
}

static void check_pack(const core_encode_call *call, const struct utterances *all, const int *order,
	int n, size_t size)
{
	fv_ctx *ctx = test_ctx();
	int64_t count[UTTERANCES], width = all->feed[0].width, rows = 0;
	float *out[UTTERANCES];
	const char *reason[UTTERANCES];
	for (int k = 0; k < n; k++)
		rows += count[k] = all->feed[order[k]].rows;
	float *input = core_alloc(ctx, (size_t)(rows * width), sizeof *input), *at = input;
	for (int k = 0; k < n; at += count[k++] * width) {
		memcpy(at, all->feed[order[k]].data, (size_t)(count[k] * width) * sizeof *at);
		out[k] = core_alloc(ctx, size, 1);
	}
	test_ok(ctx,
		core_encode_pack(call, ctx, test_device(), n, count, width, input, out, reason));
	for (int k = 0; k < n; k++) {
		assert_null(reason[k]);
		assert_memory_equal(out[k], all->alone[order[k]], size);
	}
	core_ctx_free(ctx);
}

static void check_model(const core_registry *r, const struct model *m)
{
	static const int sizes[] = {1, 2, 5, 8, 31, 64};
	const int all_of_them = count_utterances();
	fv_ctx *ctx = test_ctx();
	core_encoder *e;
	struct utterances all;
	test_ok(ctx, test_encoder_with(
			     ctx, r, m->encoder, test_golden(m->weights), m->output, m->param, &e));
	const core_encode_call call = {e->ops, e->state, e->output, 1};
	size_t size = (size_t)e->layers * (size_t)e->dims * sizeof(float);
	encode_alone(ctx, e, &call, size, &all);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes && sizes[i] <= all_of_them; i++) {
		int order[UTTERANCES];
		for (int u = 0; u < all_of_them; u++) /* another permutation for each i */
			order[u] = (u * (2 * (int)i + 7) + 5 * (int)i) % all_of_them;
		for (int first = 0; first + sizes[i] <= all_of_them; first += all_of_them * 3 / 8)
			check_pack(&call, &all, order + first, sizes[i], size);
	}
	core_encoder_close(e);
	core_ctx_free(ctx);
}

static void packed_as_alone(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_registry *r;
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &r));
	for (size_t i = 0; i < sizeof models / sizeof *models; i++)
		if (!models[i].odd || test_device() == core_device_cpu())
			check_model(r, &models[i]);
	core_ctx_free(ctx);
}

/* --- another device --- */

/* Encodes the utterances first .. first + n - 1 on a device. */
static fv_status encode_on(const core_encode_call *call, fv_ctx *ctx, core_device *device,
	const struct utterances *all, int first, int n, float *const *out)
{
	int64_t count[UTTERANCES], width = all->feed[0].width, rows = 0;
	const char *reason[UTTERANCES];
	for (int k = 0; k < n; k++)
		rows += count[k] = all->feed[first + k].rows;
	float *input = core_alloc(ctx, (size_t)(rows * width), sizeof *input), *at = input;
	for (int k = 0; k < n; at += count[k++] * width)
		memcpy(at, all->feed[first + k].data, (size_t)(count[k] * width) * sizeof *at);
	return core_encode_pack(call, ctx, device, n, count, width, input, out, reason);
}

/* Every allocation of a pack fails in turn: the failure is told, once. Then none does. */
static void check_failures(const core_encode_call *call, test_late_device *late,
	const struct utterances *all, size_t size)
{
	fv_status status = FV_FAILED;
	for (late->fail_at = 1; status != FV_OK; late->fail_at++) {
		fv_ctx *ctx = test_ctx();
		float *out[3];
		for (int k = 0; k < 3; k++)
			out[k] = core_alloc(ctx, size, 1);
		late->allocations = 0;
		status = encode_on(call, ctx, &late->device, all, 8, 3, out);
		assert_true((status == FV_OK) == (late->fail_at > late->allocations));
		assert_int_equal(core_error_count(ctx), status != FV_OK);
		if (status)
			assert_string_equal(core_error_line(ctx, 0), "out of the device's memory");
		for (int k = 0; k < 3 && !status; k++)
			assert_memory_equal(out[k], all->alone[8 + k], size);
		core_ctx_free(ctx);
	}
	assert_true(late->fail_at > 4 && late->operations > 4);
}

/* The same numbers on a device whose operations run late: nothing reads its memory too early, and all arithmetic is
 * the device's. */
static void on_another_device(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		const struct model *m = &models[i];
		fv_ctx *ctx = test_ctx(), *there = test_ctx();
		core_registry *r;
		core_encoder *here_encoder, *e;
		struct utterances all;
		test_late_device late = test_late_device_make();
		test_ok(ctx, core_registry_open(ctx, NULL, 0, &r));
		core_ctx_set_device(there, &late.device);
		test_ok(ctx, test_encoder_with(ctx, r, m->encoder, test_golden(m->weights),
				     m->output, m->param, &here_encoder));
		test_ok(there, test_encoder_with(there, r, m->encoder, test_golden(m->weights),
				       m->output, m->param, &e));
		const core_encode_call here = {
			here_encoder->ops, here_encoder->state, here_encoder->output, 1};
		const core_encode_call call = {e->ops, e->state, e->output, 1};
		size_t size = (size_t)e->layers * (size_t)e->dims * sizeof(float);
		encode_alone(ctx, here_encoder, &here, size, &all);
		check_failures(&call, &late, &all, size);
		core_encoder_close(e);
		core_encoder_close(here_encoder);
		core_ctx_free(there);
		core_ctx_free(ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_as_alone), cmocka_unit_test(on_another_device)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
