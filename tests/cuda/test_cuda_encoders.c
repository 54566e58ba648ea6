/* SPDX-License-Identifier: Apache-2.0 */
/* A whole encoder on the emulated GPU: every allocation of opening the GPU, of opening the encoder and of a pack fails in
 * turn, which is told in one line and leaves nothing behind; recordings longer than what is computed at once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "emulated.h"
#include "encoder.h"
#include "nn/encode.h"

enum { UTTERANCES = 3, NUMBERS = 4 * 48 /* means of the states of wavlm_tiny */ };

extern const core_device_module fairvox_device_module;
static const core_device_module *const module = &fairvox_device_module;

static const int64_t samples[UTTERANCES] = {30000, 400, 7001}; /* 93 frames of 64 rows, 1, 21 */

static void draw_wave(float *wave, int64_t n, uint64_t seed)
{
	fv_stream stream = fv_rng_seeded(seed, "wave", 0, 0);
	for (int64_t i = 0; i < n; i++)
		wave[i] = (float)(0.1 * fv_normal(&stream));
}

/* Encodes the utterances [from, from + n) in one pack. */
static fv_status encode_pack(
	const core_encoder *e, core_device *device, int from, int n, float *const *out)
{
	fv_ctx *worker = core_ctx_new();
	assert_non_null(worker);
	const core_encode_call call = {e->ops, e->state, e->output, 1};
	const char *reason[UTTERANCES];
	int64_t all = 0;
	for (int u = from; u < from + n; u++)
		all += samples[u];
	float *input = core_alloc(worker, (size_t)all, sizeof *input), *at = input;
	for (int u = from; u < from + n; at += samples[u++])
		draw_wave(at, samples[u], (uint64_t)u);
	fv_status status =
		core_encode_pack(&call, worker, device, n, samples + from, 1, input, out, reason);
	assert_int_equal(core_error_count(worker), status != FV_OK);
	core_ctx_free(worker);
	return status;
}

/* Opens GPU and encoder, encodes all in one pack, and closes both. */
static fv_status encode_once(const core_registry *r, float *const *out)
{
	fv_ctx *ctx = core_ctx_new();
	assert_non_null(ctx);
	core_device *device = NULL;
	core_encoder *e;
	fv_status status = module->open(ctx, 0, 64, &device);
	if (!status) {
		core_ctx_set_device(ctx, device);
		status = test_encoder_with(ctx, r, "wavlm",
			test_golden("encoders/wavlm_tiny/hf/model.safetensors"), NULL, NULL, &e);
		if (!status)
			status = encode_pack(e, device, 0, UTTERANCES, out);
		else
			assert_int_equal(core_error_count(ctx), 1);
		module->close(device);
	}
	assert_int_equal(emulated.live_bytes, 0);
	core_ctx_free(ctx);
	return status;
}

static void without_memory(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_registry *r;
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &r));
	static float first[UTTERANCES][NUMBERS], again[UTTERANCES][NUMBERS];
	float *const to[] = {first[0], first[1], first[2]};
	float *const once_more[] = {again[0], again[1], again[2]};
	emulated_reset();
	test_ok(ctx, encode_once(r, to));
	fv_status status = FV_FAILED;
	int64_t fail_at = 0, failed = 0;
	while (status != FV_OK) {
		emulated_reset();
		emulated.fail_at = ++fail_at;
		status = encode_once(r, once_more);
		failed += status != FV_OK;
	}
	assert_int_equal(failed, fail_at - 1);
	assert_true(failed > 80);
	assert_memory_equal(first, again, sizeof first);
	core_ctx_free(ctx);
}

/* The same utterances alone, and a GPU with other rows at once: the bytes stay. */
static void other_rows(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_registry *r;
	test_ok(ctx, core_registry_open(ctx, NULL, 0, &r));
	static float want[UTTERANCES][NUMBERS];
	float *const to[] = {want[0], want[1], want[2]};
	emulated_reset();
	test_ok(ctx, encode_once(r, to));
	static const int64_t rows[] = {64, 256, 1024};
	for (int i = 0; i < 3; i++) {
		fv_ctx *own = test_ctx();
		core_device *device;
		core_encoder *e;
		test_ok(own, module->open(own, 0, rows[i], &device));
		core_ctx_set_device(own, device);
		test_ok(own, test_encoder_with(own, r, "wavlm",
				     test_golden("encoders/wavlm_tiny/hf/model.safetensors"), NULL,
				     NULL, &e));
		for (int u = 0; u < UTTERANCES; u++) {
			float got[NUMBERS], *one = got;
			test_ok(own, encode_pack(e, device, u, 1, &one));
			assert_memory_equal(got, want[u], sizeof got);
		}
		module->close(device);
		core_ctx_free(own);
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory),
		cmocka_unit_test(other_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
