/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a GPU, and the module's entry. */
#include "device.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

/* What the code was built for: "75 80 90", the last one also as PTX, which drivers compile for later GPUs */
#ifndef FAIRVOX_CUDA_ARCHITECTURES
#define FAIRVOX_CUDA_ARCHITECTURES "70 90"
#endif
#ifndef FAIRVOX_CUDA_NAME
#define FAIRVOX_CUDA_NAME "cuda"
#endif

namespace gpu
{

static constexpr int64_t ROWS_MOST = 16384, ROWS_LEAST = 1024;
static constexpr size_t RESERVED_PER_ROW = 160 << 10;

static const core_device_ops ops = {
	FAIRVOX_CUDA_NAME,
	QUERIES,
	load_constant,
	open_linear,
	open_lstm,
	begin_work,
	allocate_floats,
	put_floats,
	fetch_rows,
	wait_for_all,
	convolve_waves,
	layer_norm,
	multiply_matrix,
	feed_forward,
	add_matrix,
	encode_positions,
	attend_heads,
	apply_dense,
	apply_affine_rows,
	convolve_frames,
	mean_rows,
	pool_moments,
	spread_matrix,
	gate_matrix,
	run_lstm,
	find_direction,
};

/* --- what a GPU must have --- */

static fv_status refuse_driver(fv_ctx *ctx, cudaError_t error)
{
	int driver = 0, runtime = 0;
	(void)cudaDriverGetVersion(&driver);
	(void)cudaRuntimeGetVersion(&runtime);
	(void)cudaGetLastError();
	if (error == cudaErrorInsufficientDriver && driver == 0)
		return fv_fail(ctx, FV_FAILED,
			"no NVIDIA driver is loaded (this build needs one for CUDA %d.%d)",
			runtime / 1000, runtime % 1000 / 10);
	if (error == cudaErrorInsufficientDriver)
		return fv_fail(ctx, FV_FAILED,
			"the NVIDIA driver is too old: it is for CUDA %d.%d, this build for %d.%d: "
			"install a newer driver",
			driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
	return fv_fail(ctx, FV_FAILED, "no GPU: %s", cudaGetErrorString(error));
}

/* Refuses what makes products round their numbers although they are told not to. */
static fv_status check_environment(fv_ctx *ctx)
{
	static const char *const names[] = {
		"NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULATE_SINGLE_PRECISION"};
	for (const char *name : names) {
		const char *forced = getenv(name);
		if (forced && strcmp(forced, "0") != 0 && *forced)
			return fv_fail(ctx, FV_FAILED,
				"%s=%s lets products round their numbers: unset it", name, forced);
	}
	return FV_OK;
}

static fv_status check_device(fv_ctx *ctx, int32_t index)
{
	int count = 0;
	const cudaError_t error = cudaGetDeviceCount(&count);
	if (error)
		return refuse_driver(ctx, error);
	if (count == 0)
		return fv_fail(ctx, FV_FAILED, "no GPU");
	if (index < 0 || index >= count)
		return fv_fail(ctx, FV_FAILED, "no GPU %d: there are %d, from 0 on", index, count);
	return check_environment(ctx);
}

/* Code for sm_XY runs on sm_XZ, Z >= Y, as it is; of the last architecture there is PTX for all behind it. */
static bool has_code(int architecture)
{
	int last = 0;
	for (const char *at = FAIRVOX_CUDA_ARCHITECTURES; *at;
		at += strcspn(at, " "), at += *at == ' ') {
		last = atoi(at);
		if (last / 10 == architecture / 10 && last <= architecture)
			return true;
	}
	return architecture >= last;
}

static fv_status check_architecture(fv_ctx *ctx, gpu_device *d, int32_t index, int *multiprocessors)
{
	cudaError_t error = cudaSetDevice(index);
	if (!error)
		error = cudaDeviceGetAttribute(&d->major, cudaDevAttrComputeCapabilityMajor, index);
	if (!error)
		error = cudaDeviceGetAttribute(&d->minor, cudaDevAttrComputeCapabilityMinor, index);
	if (!error)
		error = cudaDeviceGetAttribute(
			multiprocessors, cudaDevAttrMultiProcessorCount, index);
	if (error)
		return fv_fail(ctx, FV_FAILED, "GPU %d: %s", index, cudaGetErrorString(error));
	if (!has_code(d->major * 10 + d->minor))
		return fv_fail(ctx, FV_FAILED,
			"GPU %d is of architecture sm_%d%d; this build has code "
			"for " FAIRVOX_CUDA_ARCHITECTURES
			" and later: build fairvox for it, or use another GPU",
			index, d->major, d->minor);
	return FV_OK;
}

/* --- memory --- */

/* Takes all memory that a pack needs at once, for as many rows as fit. Half as much again must be left for weights. */
static fv_status reserve_memory(fv_ctx *ctx, gpu_device *d, int32_t index, int64_t rows)
{
	size_t free_bytes = 0, all = 0, bytes = 0;
	(void)cudaMemGetInfo(&free_bytes, &all);
	for (d->rows = rows ? rows : ROWS_MOST;; d->rows /= 2) {
		bytes = static_cast<size_t>(d->rows) * RESERVED_PER_ROW;
		if (bytes + bytes / 2 <= free_bytes && open_memory(d, bytes))
			return FV_OK;
		close_memory(d);
		if (d->rows <= ROWS_LEAST)
			break;
	}
	return fv_fail(ctx, FV_FAILED,
		"too little memory on GPU %d: %zu MB are free, %zu MB are needed: end other "
		"programs that use it, or use "
		"another GPU",
		index, free_bytes >> 20, (bytes + bytes / 2) >> 20);
}

/* --- the module --- */

static void close_device(core_device *core)
{
	gpu_device *d = static_cast<gpu_device *>(core);
	if (!d)
		return;
	if (d->stream)
		free_constants(d);
	if (d->gemms)
		close_gemms(d->gemms);
	free_stage(d);
	close_memory(d);
	if (d->stream)
		(void)cudaStreamDestroy(d->stream);
	free(d);
}

static fv_status open_parts(fv_ctx *ctx, gpu_device *d, int32_t index, int64_t rows)
{
	int multiprocessors = 0;
	const char *error = nullptr;
	fv_status status = check_architecture(ctx, d, index, &multiprocessors);
	if (status)
		return status;
	const cudaError_t failed = cudaStreamCreate(&d->stream);
	if (failed)
		return fv_fail(ctx, FV_FAILED, "GPU %d: %s", index, cudaGetErrorString(failed));
	d->gemms = open_gemms(&error);
	if (!d->gemms)
		return fv_fail(ctx, FV_FAILED, "GPU %d: %s", index, error);
	status = reserve_memory(ctx, d, index, rows);
	snprintf(d->numerics, sizeof d->numerics, "%s sm_%d%d %d %s rows %lld", FAIRVOX_CUDA_NAME,
		d->major, d->minor, multiprocessors, describe_gemms(d->gemms),
		static_cast<long long>(d->rows));
	return status;
}

static fv_status open_device(fv_ctx *ctx, int32_t index, int64_t rows, core_device **out)
{
	fv_status status = check_device(ctx, index);
	if (status)
		return status;
	gpu_device *d = static_cast<gpu_device *>(calloc(1, sizeof *d));
	if (!d)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	d->ops = &ops;
	status = open_parts(ctx, d, index, rows);
	if (status)
		close_device(d);
	else
		*out = d;
	return status;
}

static const char *describe_numerics(const core_device *core)
{
	return static_cast<const gpu_device *>(core)->numerics;
}

static int64_t count_rows(const core_device *core)
{
	return static_cast<const gpu_device *>(core)->rows;
}

} // namespace gpu

extern "C" {
extern FV_EXPORT const core_device_module fairvox_device_module;
const core_device_module fairvox_device_module = {
	sizeof(core_device_module),
	FAIRVOX_VERSION,
	FAIRVOX_CUDA_NAME,
	gpu::open_device,
	gpu::close_device,
	gpu::describe_numerics,
	gpu::count_rows,
	&gpu::classifier_ops,
};
}
