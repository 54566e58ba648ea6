/* SPDX-License-Identifier: Apache-2.0 */
/* What the sources in core/src/backend/cuda see instead of CUDA's header when a C++ compiler builds them for a
 * machine without a GPU: kernels become host code, one fiber a CUDA thread, and the calls of the runtime that are
 * used have a stand-in here.
 *
 * Kernels: blocks run one after another. Each barrier switches fibers, so __syncthreads, __syncwarp and shuffles may
 * stand anywhere that CUDA allows. Found by it: threads that miss a barrier or wait at different ones, reads of
 * shared memory that nobody wrote (it is filled with NaN), with AddressSanitizer what lies out of bounds, with
 * ThreadSanitizer races within a block and between blocks.
 *
 * Runtime: copies and launches are kept and run when their stream or event is waited for, so that host memory that
 * is used again too early gives wrong numbers. Any allocation can be made to fail (emulated.h).
 *
 * Graphs: a stream that captures keeps copies and launches, arguments included, in a graph and runs none of them; calls that
 * CUDA does not allow meanwhile give its errors, and with them the capture is lost. */
#ifndef TEST_CUDA_RUNTIME_H
#define TEST_CUDA_RUNTIME_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

/* --- what kernels use --- */

struct dim3 {
	unsigned x, y, z;
	dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c)
	{
	}
};

struct uint3 {
	unsigned x, y, z;
};

struct alignas(16) float4 {
	float x, y, z, w;
};

static inline float4 make_float4(float x, float y, float z, float w)
{
	return {x, y, z, w};
}

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __restrict__ __restrict

typedef struct emulated_stream *cudaStream_t;
typedef struct emulated_event *cudaEvent_t;
typedef struct emulated_graph *cudaGraph_t;
typedef struct emulated_executable *cudaGraphExec_t;

/* Keeps a launch until the stream is waited for. */
void emulated_launch(
	dim3 grid, dim3 block, size_t shared, cudaStream_t stream, std::function<void()> kernel);
void *emulated_shared();
void emulated_barrier();
void emulated_warp_barrier();
uint64_t emulated_swap(uint64_t value, unsigned from);
unsigned emulated_lane();

/* A launch copies its arguments, as values of the kernel's parameters. */
template <typename T> struct emulated_parameter {
	typedef T type;
};
template <typename... P>
static inline void emulated_launch_kernel(void (*kernel)(P...), dim3 grid, dim3 block,
	size_t shared, cudaStream_t stream, typename emulated_parameter<P>::type... argument)
{
	emulated_launch(grid, block, shared, stream, [=] { kernel(argument...); });
}

#define GPU_LAUNCH(kernel, grid, block, shared, stream, ...)                                       \
	emulated_launch_kernel(kernel, grid, block, shared, stream, __VA_ARGS__)
#define GPU_SHARED(type, name) type *name = static_cast<type *>(emulated_shared())

static inline void __syncthreads()
{
	emulated_barrier();
}

static inline void __syncwarp(unsigned = ~0u)
{
	emulated_warp_barrier();
}

template <typename T> static inline T __shfl_xor_sync(unsigned, T value, int mask)
{
	static_assert(sizeof(T) <= sizeof(uint64_t), "32 or 64 bits");
	uint64_t bits = 0;
	memcpy(&bits, &value, sizeof value);
	bits = emulated_swap(bits, (emulated_lane() ^ (unsigned)mask) % 32);
	memcpy(&value, &bits, sizeof value);
	return value;
}

/* One operation each, never a part of a fused one: this is compiled with -ffp-contract=off. */
static inline float __fadd_rn(float a, float b)
{
	return a + b;
}

static inline float __fsub_rn(float a, float b)
{
	return a - b;
}

static inline float __fmul_rn(float a, float b)
{
	return a * b;
}

static inline float __fdiv_rn(float a, float b)
{
	return a / b;
}

static inline float __fsqrt_rn(float a)
{
	return sqrtf(a);
}

/* --- the runtime: those calls that are used, with CUDA's names and meaning --- */

enum cudaError_t {
	cudaSuccess = 0,
	cudaErrorInvalidValue = 1,
	cudaErrorMemoryAllocation = 2,
	cudaErrorInsufficientDriver = 35,
	cudaErrorCallRequiresNewerDriver = 36,
	cudaErrorNoDevice = 100,
	cudaErrorInvalidDevice = 101,
	cudaErrorIllegalState = 401,
	cudaErrorIllegalAddress = 700,
	cudaErrorStreamCaptureUnsupported = 900,
	cudaErrorStreamCaptureInvalidated = 901,
	cudaErrorStreamCaptureImplicit = 906,
	cudaErrorCapturedEvent = 907
};
enum cudaMemcpyKind {
	cudaMemcpyHostToDevice = 1,
	cudaMemcpyDeviceToHost,
	cudaMemcpyDeviceToDevice
};
enum cudaDeviceAttr {
	cudaDevAttrMultiProcessorCount = 16,
	cudaDevAttrComputeCapabilityMajor = 75,
	cudaDevAttrComputeCapabilityMinor = 76
};
enum cudaStreamCaptureMode {
	cudaStreamCaptureModeGlobal = 0,
	cudaStreamCaptureModeThreadLocal = 1,
	cudaStreamCaptureModeRelaxed = 2
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };

const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaMemGetInfo(size_t *free, size_t *total);
cudaError_t cudaMalloc(void **memory, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMallocHost(void **memory, size_t bytes);
cudaError_t cudaFreeHost(void *memory);
/* Waits for all streams, then copies. */
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
/* Host memory must be pinned. */
cudaError_t cudaMemcpyAsync(
	void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_stride, const void *from, size_t from_stride,
	size_t width, size_t rows, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t begin, cudaEvent_t end);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiateWithFlags(
	cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
template <typename T> static inline cudaError_t cudaFuncSetAttribute(T *, cudaFuncAttribute, int)
{
	return cudaSuccess;
}

/* Keeps `work` in the stream, as a launch, or in the graph that the stream captures. Errors: of the capture. */
cudaError_t emulated_enqueue(cudaStream_t stream, std::function<void()> work);

/* In the order of the stream: memory [from, from + bytes) is in use, with no number in it yet, or is not. */
void emulated_mark(cudaStream_t stream, void *from, size_t bytes, bool used);
#define GPU_MARK_USED(stream, from, bytes) emulated_mark(stream, from, bytes, true)
#define GPU_MARK_FREE(stream, from, bytes) emulated_mark(stream, from, bytes, false)

#endif
