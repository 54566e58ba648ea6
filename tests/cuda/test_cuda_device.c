/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a GPU, with the message of every way in which that fails; memory: copies larger than what is pinned, each
 * allocation that can fail, constants that outlive their context; a kernel that faults. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulated.h"
#include "nn/pack.h"
#include "support.h"

extern const core_device_module fairvox_device_module;
static const core_device_module *const module = &fairvox_device_module;

/* --- opening --- */

static void refused(int32_t index, const char *message)
{
	fv_ctx *ctx = test_ctx();
	core_device *device = NULL;
	assert_int_equal(module->open(ctx, index, 1024, &device), FV_FAILED);
	assert_int_equal(core_error_count(ctx), 1);
	assert_string_equal(core_error_line(ctx, 0), message);
	assert_null(device);
	assert_int_equal(emulated.live_bytes, 0);
	core_ctx_free(ctx);
}

static void gpus_that_cannot_be_used(void **state)
{
	(void)state;
	emulated_reset();
	emulated.error = 35; /* cudaErrorInsufficientDriver */
	emulated.driver = 0;
	refused(0, "no NVIDIA driver is loaded (this build needs one for CUDA 13.0)");
	emulated.driver = 11080;
	refused(0,
		"the NVIDIA driver is too old: it is for CUDA 11.8, this build for 13.0: install a "
		"newer driver");
	emulated.error = 100; /* cudaErrorNoDevice, also with CUDA_VISIBLE_DEVICES empty */
	refused(0, "no GPU: no CUDA-capable device is detected");
	emulated_reset();
	emulated.devices = 2;
	refused(2, "no GPU 2: there are 2, from 0 on");
	refused(-1, "no GPU -1: there are 2, from 0 on");
	emulated.major = 6;
	refused(1,
		"GPU 1 is of architecture sm_60; this build has code for 75 80 90 and later: build "
		"fairvox for it, or use another GPU");
	emulated_reset();
	emulated.free_bytes = 200 << 20;
	refused(0, "too little memory on GPU 0: 199 MB are free, 240 MB are needed: end other "
		   "programs "
		   "that use it, or use another GPU");
}

static void environment_that_rounds(void **state)
{
	(void)state;
	emulated_reset();
	assert_int_equal(setenv("NVIDIA_TF32_OVERRIDE", "1", 1), 0);
	refused(0, "NVIDIA_TF32_OVERRIDE=1 lets products round their numbers: unset it");
	assert_int_equal(unsetenv("NVIDIA_TF32_OVERRIDE"), 0);
	assert_int_equal(setenv("CUBLAS_EMULATE_SINGLE_PRECISION", "1", 1), 0);
	refused(0, "CUBLAS_EMULATE_SINGLE_PRECISION=1 lets products round their numbers: unset it");
	assert_int_equal(unsetenv("CUBLAS_EMULATE_SINGLE_PRECISION"), 0);
}

static void refuse_layer(core_device *device, fv_precision precision, const char *message)
{
	fv_ctx *ctx = test_ctx();
	const float weight[4] = {1, 2, 3, 4};
	core_ctx_set_device(ctx, device);
	assert_non_null(fv_linear_open(ctx, FV_PRECISION_FP32, 2, 2, weight, NULL));
	assert_null(fv_linear_open(ctx, precision, 2, 2, weight, NULL));
	test_fails(ctx, core_error_status(ctx), FV_CONFIG, message);
	core_ctx_free(ctx);
}

/* With 0, cuBLAS would compute tf32 as float32, which no cache key tells. */
static void environment_without_tf32(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_device *device;
	emulated_reset();
	assert_int_equal(setenv("NVIDIA_TF32_OVERRIDE", "0", 1), 0);
	test_ok(ctx, module->open(ctx, 0, 64, &device));
	refuse_layer(device, FV_PRECISION_TF32,
		"precision: NVIDIA_TF32_OVERRIDE=0 forbids TensorFloat-32: unset it, or choose "
		"fp32");
	module->close(device);
	core_ctx_free(ctx);
	assert_int_equal(unsetenv("NVIDIA_TF32_OVERRIDE"), 0);
}

static void architectures(void **state)
{
	(void)state;
	static const struct {
		int major, minor;
		const char *numerics; /* NULL: there is no code */
	} cases[] = {{7, 0, NULL}, {7, 2, NULL}, {7, 5, "cuda-emulated sm_75 132 loops 1 rows 64"},
		{8, 0, "cuda-emulated sm_80 132 loops 1 rows 64"},
		{8, 9, "cuda-emulated sm_89 132 loops 1 rows 64"},
		{12, 0, "cuda-emulated sm_120 132 loops 1 rows 64"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_device *device = NULL;
		emulated_reset();
		emulated.major = cases[i].major;
		emulated.minor = cases[i].minor;
		fv_status status = module->open(ctx, 0, 64, &device);
		assert_int_equal(status, cases[i].numerics ? FV_OK : FV_FAILED);
		if (device) {
			assert_string_equal(module->numerics(device), cases[i].numerics);
			module->close(device);
		}
		core_ctx_free(ctx);
	}
}

/* With less memory fewer rows are computed at once, down to 1,024. */
static void less_memory(void **state)
{
	(void)state;
	static const struct {
		size_t megabytes;
		int64_t wanted, rows;
	} cases[] = {{4000, 0, 16384}, {4000, 16384, 16384}, {3000, 16384, 8192},
		{400, 16384, 1024}, {4000, 2048, 2048}, {30, 64, 64}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_device *device;
		emulated_reset();
		emulated.free_bytes = cases[i].megabytes << 20;
		test_ok(ctx, module->open(ctx, 0, cases[i].wanted, &device));
		assert_int_equal(module->rows(device), cases[i].rows);
		char end[32];
		snprintf(end, sizeof end, " rows %lld", (long long)cases[i].rows);
		assert_non_null(strstr(module->numerics(device), end));
		module->close(device);
		assert_int_equal(emulated.live_bytes, 0);
		core_ctx_free(ctx);
	}
}

static void old_architectures(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_device *device;
	emulated_reset();
	emulated.major = 7;
	emulated.minor = 5;
	test_ok(ctx, module->open(ctx, 0, 64, &device));
	refuse_layer(device, FV_PRECISION_BF16,
		"precision: this GPU (sm_75) has no bfloat16: choose fp32");
	refuse_layer(device, FV_PRECISION_TF32,
		"precision: this GPU (sm_75) has no TensorFloat-32: choose fp32");
	module->close(device);
	core_ctx_free(ctx);
	refuse_layer(NULL, FV_PRECISION_TF32,
		"precision: tf32 is computed on GPUs only: add --device cuda, or choose fp32, "
		"bf16x3 or bf16");
}

/* --- memory --- */

/* Puts rows [n,width], fetches their columns [1, width) in two blocks, and compares. */
static fv_status copy_through(fv_ctx *ctx, core_device *device, int64_t n, int64_t width)
{
	const int64_t count[] = {n - n / 3, n / 3};
	float *input = core_alloc(ctx, (size_t)(n * width), sizeof *input);
	float *out[2];
	for (int64_t i = 0; i < n * width; i++)
		input[i] = (float)i;
	for (int u = 0; u < 2; u++)
		out[u] = core_alloc(ctx, (size_t)(2 * count[u] * width), sizeof(float));
	fv_pack *pack;
	fv_status status = core_pack_open(ctx, device, 2, count, width, input, &pack);
	if (status)
		return status;
	memset(input, 0, (size_t)(n * width) * sizeof *input); /* it was copied */
	for (int64_t block = 0; block < 2; block++)
		fv_pack_fetch(pack, fv_columns(pack->input, 1, width - 1), block, out);
	status = fv_pack_wait(pack);
	for (int u = 0; u < 2 && !status; u++)
		for (int64_t i = 0; i < 2 * count[u] * (width - 1); i++) {
			int64_t row = i / (width - 1) % count[u] + (u ? count[0] : 0);
			assert_true(out[u][i] == (float)(row * width + 1 + i % (width - 1)));
		}
	return status;
}

static void copies(void **state)
{
	(void)state;
	static const int64_t sizes[][2] = {{3, 2}, {700, 33}, {9, 20000}, {3000, 100}};
	fv_ctx *ctx = test_ctx();
	core_device *device;
	emulated_reset();
	test_ok(ctx, module->open(ctx, 0, 64, &device)); /* 64 KB halves, 256 KB of results */
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		fv_ctx *worker = test_ctx();
		test_ok(worker, copy_through(worker, device, sizes[i][0], sizes[i][1]));
		core_ctx_free(worker);
	}
	fv_ctx *worker = test_ctx();
	test_fails(worker, copy_through(worker, device, 3, 70000), FV_FAILED, "a row is too long");
	core_ctx_free(worker);
	module->close(device);
	assert_int_equal(emulated.live_bytes, 0);
	core_ctx_free(ctx);
}

/* A pack may need more than what was reserved; if that cannot be had, it fails, and the next one does not. */
static void packs_that_need_more(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_device *device;
	emulated_reset();
	emulated.free_bytes = 40 << 20;
	test_ok(ctx, module->open(ctx, 0, 64, &device)); /* 10 MB are reserved */
	for (int round = 0; round < 3; round++) {
		static const int64_t rows[] = {40000, 300000, 40000};
		fv_ctx *worker = test_ctx();
		fv_status status = copy_through(worker, device, rows[round], 100);
		assert_int_equal(status, round == 1 ? FV_FAILED : FV_OK);
		if (status)
			assert_string_equal(core_error_line(worker, 0),
				"out of the GPU's memory: encode shorter recordings, or end other "
				"programs that use the "
				"GPU");
		core_ctx_free(worker);
	}
	module->close(device);
	assert_int_equal(emulated.live_bytes, 0);
	core_ctx_free(ctx);
}

static void constants_live_on(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx(), *other = test_ctx();
	core_device *device;
	const float x[1000] = {1};
	emulated_reset();
	test_ok(ctx, module->open(ctx, 0, 64, &device));
	core_ctx_set_device(ctx, device);
	core_ctx_set_device(other, device);
	int64_t before = emulated.live_bytes;
	assert_non_null(fv_constant(ctx, x, 1000));
	assert_non_null(fv_constant(other, x, 500));
	assert_non_null(fv_constant(ctx, x, 20));
	core_ctx_free(other);
	core_ctx_free(ctx);
	assert_int_equal(emulated.live_bytes - before, 4 * 1520);
	module->close(device);
	assert_int_equal(emulated.live_bytes, 0);
}

/* Every allocation of opening fails in turn. */
static void opening_without_memory(void **state)
{
	(void)state;
	fv_status status = FV_FAILED;
	int64_t fail_at = 0;
	while (status != FV_OK) {
		fv_ctx *ctx = test_ctx();
		core_device *device = NULL;
		emulated_reset();
		emulated.fail_at = ++fail_at;
		status = module->open(ctx, 0, 64, &device);
		assert_int_equal(core_error_count(ctx), status != FV_OK);
		if (device)
			module->close(device);
		assert_int_equal(emulated.live_bytes, 0);
		core_ctx_free(ctx);
	}
	assert_true(fail_at > 4);
}

/* --- faults --- */

static fv_status sum_rows(fv_ctx *worker, core_device *device, float *result)
{
	static const int64_t count[] = {3};
	const float input[3] = {1, 2, 4};
	float *out[] = {result};
	fv_pack *pack;
	fv_status status = core_pack_open(worker, device, 1, count, 1, input, &pack);
	if (status)
		return status;
	fv_matrix mean = fv_pack_utterances(pack, 1);
	fv_pack_mean(pack, FV_SUMS_DOUBLE, pack->input, mean);
	fv_pack_spread(pack, mean, pack->input);
	fv_pack_fetch(pack, pack->input, 0, out);
	return fv_pack_wait(pack);
}

/* The device is dead behind a kernel that faults: its pack fails, with nothing written, and so do all later ones. */
static void kernels_that_fault(void **state)
{
	(void)state;
	for (int64_t fault_at = 1; fault_at < 4; fault_at++) {
		fv_ctx *ctx = test_ctx();
		core_device *device;
		emulated_reset();
		test_ok(ctx, module->open(ctx, 0, 64, &device));
		emulated.fault_at = fault_at;
		for (int round = 0; round < 2; round++) {
			fv_ctx *worker = test_ctx();
			float out[3] = {7, 7, 7};
			fv_status status = sum_rows(worker, device, out);
			assert_int_equal(status, fault_at < 3 ? FV_FAILED : FV_OK);
			if (status) {
				assert_true(out[0] == 7 && out[2] == 7);
				assert_int_equal(core_error_count(worker), 1);
				assert_string_equal(core_error_line(worker, 0),
					round ? "the GPU: an operation of an earlier pack failed "
						"on it"
					      : "an operation of this pack failed on the GPU "
						"(CUDA_LAUNCH_BLOCKING=1 shows which): an illegal "
						"memory "
						"access was encountered");
			} else {
				assert_true(out[0] == 7.0F / 3 && out[2] == 7.0F / 3);
			}
			core_ctx_free(worker);
			if (fault_at == 3)
				break; /* the next launch faults */
		}
		module->close(device);
		assert_int_equal(emulated.live_bytes, 0);
		core_ctx_free(ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gpus_that_cannot_be_used),
		cmocka_unit_test(environment_that_rounds),
		cmocka_unit_test(architectures),
		cmocka_unit_test(less_memory),
		cmocka_unit_test(environment_without_tf32),
		cmocka_unit_test(old_architectures),
		cmocka_unit_test(copies),
		cmocka_unit_test(packs_that_need_more),
		cmocka_unit_test(constants_live_on),
		cmocka_unit_test(opening_without_memory),
		cmocka_unit_test(kernels_that_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
