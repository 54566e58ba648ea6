/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in for CUDA's runtime. A stream is a list of work that runs when somebody waits for it. */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

#include "emulated.h"
#include "fibers.hpp"
#include "streams.hpp"

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

emulated_gpu emulated;
std::set<cudaStream_t> emulated_streams;

struct emulated_event {
	cudaStream_t stream = nullptr;
	bool captured = false; /* recorded in a capture */
	int64_t after = 0;     /* pieces of work of the stream */
	/* when they were done, also if the event is destroyed before */
	std::shared_ptr<std::chrono::steady_clock::time_point> at{
		new std::chrono::steady_clock::time_point};
};

namespace
{

std::map<const char *, size_t> device_memory, pinned_memory;
cudaError_t last_error, dead;

/* Whether [p, p + bytes) lies in one piece of that memory. */
bool is_inside(const std::map<const char *, size_t> &memory, const void *p, size_t bytes)
{
	const char *at = static_cast<const char *>(p);
	auto next = memory.upper_bound(at);
	if (next == memory.begin())
		return false;
	--next;
	return at + bytes <= next->first + next->second;
}

/* NaN until it is written to. Of large pieces the begin must do: the rest is never touched. */
void fill_unwritten(void *memory, size_t bytes)
{
	const size_t most = static_cast<size_t>(32) << 20;
	memset(memory, 0xff, bytes < most ? bytes : most);
}

cudaError_t allocate(std::map<const char *, size_t> &memory, void **out, size_t bytes)
{
	*out = nullptr;
	bool fits = bytes <= emulated.free_bytes;
	if (dead)
		return dead;
	if (emulated_check_captures(cudaErrorStreamCaptureUnsupported, true))
		return cudaErrorStreamCaptureUnsupported;
	if (++emulated.allocations == emulated.fail_at || !fits || !bytes)
		return last_error = cudaErrorMemoryAllocation;
	void *p = nullptr;
	if (posix_memalign(&p, 256, bytes))
		return last_error = cudaErrorMemoryAllocation;
	fill_unwritten(p, bytes);
	memory[static_cast<char *>(p)] = bytes;
	emulated.live_bytes += static_cast<int64_t>(bytes);
	if (&memory == &device_memory)
		emulated.free_bytes -= bytes;
	*out = p;
	return cudaSuccess;
}

void run_until(cudaStream_t stream, int64_t count)
{
	while (stream->ran < count && !stream->work.empty()) {
		std::function<void()> work = std::move(stream->work.front());
		stream->work.pop_front();
		stream->ran++;
		if (!dead)
			work();
	}
}

void run_all()
{
	for (cudaStream_t stream : emulated_streams)
		run_until(stream, INT64_MAX);
}

cudaError_t release(std::map<const char *, size_t> &memory, void *p)
{
	if (!p)
		return cudaSuccess;
	auto found = memory.find(static_cast<char *>(p));
	if (found == memory.end())
		emulated_refuse("memory is freed that was not allocated");
	if (emulated_check_captures(cudaErrorStreamCaptureUnsupported, true))
		return cudaErrorStreamCaptureUnsupported;
	run_all(); /* as CUDA's own, it waits for all work */
	emulated.live_bytes -= static_cast<int64_t>(found->second);
	if (&memory == &device_memory)
		emulated.free_bytes += found->second;
	memory.erase(found);
	free(p);
	return cudaSuccess;
}

void check_copy(
	const void *to, const void *from, size_t to_bytes, size_t from_bytes, cudaMemcpyKind kind)
{
	const bool up = kind == cudaMemcpyHostToDevice, down = kind == cudaMemcpyDeviceToHost;
	if (!is_inside(up ? pinned_memory : device_memory, from, from_bytes))
		emulated_refuse(
			"a copy reads memory that is not there, or host memory that is not pinned");
	if (!is_inside(down ? pinned_memory : device_memory, to, to_bytes))
		emulated_refuse("a copy writes memory that is not there, or host memory that is "
				"not pinned");
}

void check_set(const void *to, size_t bytes)
{
	if (!is_inside(device_memory, to, bytes))
		emulated_refuse("memory is set that is not there");
}

} // namespace

extern "C" void emulated_reset(void)
{
	const int64_t live = emulated.live_bytes, graphs = emulated.live_graphs;
	emulated = emulated_gpu();
	emulated.devices = 1;
	emulated.driver = emulated.runtime = 13000;
	emulated.major = 9;
	emulated.multiprocessors = 132;
	emulated.free_bytes = static_cast<size_t>(4) << 30;
	emulated.live_bytes = live;
	emulated.live_graphs = graphs;
	last_error = dead = cudaSuccess;
}

cudaError_t emulated_find_fault()
{
	return dead;
}

cudaError_t emulated_give(cudaError_t error)
{
	return error ? last_error = error : error;
}

void emulated_refuse(const char *what)
{
	fprintf(stderr, "emulated CUDA: %s\n", what);
	abort();
}

/* --- streams --- */

cudaError_t emulated_enqueue(cudaStream_t stream, std::function<void()> work)
{
	if (stream->captured)
		return emulated_capture(stream, std::move(work));
	stream->work.push_back(std::move(work));
	return dead;
}

void emulated_launch(
	dim3 grid, dim3 block, size_t shared, cudaStream_t stream, std::function<void()> kernel)
{
	if (!emulated_may_launch(grid, block, shared))
		emulated_refuse("a launch that CUDA refuses, or no whole warps");
	(void)emulated_enqueue(stream, [=] {
		if (++emulated.launches == emulated.fault_at)
			dead = cudaErrorIllegalAddress;
		else
			emulated_run(grid, block, shared, kernel);
	});
}

void emulated_mark(cudaStream_t stream, void *from, size_t bytes, bool used)
{
	(void)emulated_enqueue(stream, [=] {
#ifdef WITH_ASAN
		ASAN_UNPOISON_MEMORY_REGION(from, bytes);
#endif
		fill_unwritten(from, bytes);
#ifdef WITH_ASAN
		if (!used)
			ASAN_POISON_MEMORY_REGION(from, bytes);
#endif
		(void)used;
	});
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
	*stream = new emulated_stream;
	emulated_streams.insert(*stream);
	return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
	if (stream->captured)
		emulated_refuse("a stream is destroyed while it captures");
	emulated_streams.erase(stream);
	delete stream;
	return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
	if (stream->captured)
		return emulated_lose_capture(stream, cudaErrorStreamCaptureUnsupported);
	if (emulated_check_captures(cudaErrorStreamCaptureUnsupported, true))
		return cudaErrorStreamCaptureUnsupported;
	run_until(stream, INT64_MAX);
	return emulated_give(dead);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
	*event = new emulated_event;
	return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
	delete event;
	return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
	event->stream = stream;
	event->captured = stream->captured != nullptr;
	if (event->captured) /* an order among what is captured, and no time */
		return stream->lost ? emulated_give(cudaErrorStreamCaptureInvalidated)
				    : cudaSuccess;
	const auto at = event->at;
	(void)emulated_enqueue(stream, [=] { *at = std::chrono::steady_clock::now(); });
	event->after = stream->ran + static_cast<int64_t>(stream->work.size());
	return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
	if (event->captured)
		return emulated_lose_capture(event->stream, cudaErrorCapturedEvent);
	if (emulated_check_captures(cudaErrorStreamCaptureUnsupported, true))
		return cudaErrorStreamCaptureUnsupported;
	if (event->stream)
		run_until(event->stream, event->after);
	return emulated_give(dead);
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t begin, cudaEvent_t end)
{
	*ms = std::chrono::duration<float, std::milli>(*end->at - *begin->at).count();
	return dead;
}

/* --- copies --- */

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind)
{
	if (emulated_check_captures(cudaErrorStreamCaptureImplicit, false))
		return cudaErrorStreamCaptureImplicit;
	run_all();
	if (!dead)
		memcpy(to, from, bytes);
	return emulated_give(dead);
}

cudaError_t cudaMemcpyAsync(
	void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
	check_copy(to, from, bytes, bytes, kind);
	return emulated_enqueue(stream, [=] {
		check_copy(to, from, bytes, bytes, kind); /* a graph may outlive memory */
		memcpy(to, from, bytes);
	});
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_stride, const void *from, size_t from_stride,
	size_t width, size_t rows, cudaMemcpyKind kind, cudaStream_t stream)
{
	if (width > to_stride || width > from_stride)
		emulated_refuse("rows of a copy overlap");
	const size_t to_bytes = (rows - 1) * to_stride + width;
	const size_t from_bytes = (rows - 1) * from_stride + width;
	check_copy(to, from, to_bytes, from_bytes, kind);
	return emulated_enqueue(stream, [=] {
		check_copy(to, from, to_bytes, from_bytes, kind);
		for (size_t r = 0; r < rows; r++)
			memcpy(static_cast<char *>(to) + r * to_stride,
				static_cast<const char *>(from) + r * from_stride, width);
	});
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
	check_set(to, bytes);
	return emulated_enqueue(stream, [=] {
		check_set(to, bytes);
		memset(to, value, bytes);
	});
}

/* --- memory and the device --- */

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
	return allocate(device_memory, memory, bytes);
}

cudaError_t cudaFree(void *memory)
{
	return release(device_memory, memory);
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
	return allocate(pinned_memory, memory, bytes);
}

cudaError_t cudaFreeHost(void *memory)
{
	return release(pinned_memory, memory);
}

cudaError_t cudaGetDeviceCount(int *count)
{
	*count = emulated.error ? 0 : emulated.devices;
	return static_cast<cudaError_t>(emulated.error);
}

cudaError_t cudaSetDevice(int device)
{
	return device < emulated.devices ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int)
{
	*value = attribute == cudaDevAttrMultiProcessorCount      ? emulated.multiprocessors
		 : attribute == cudaDevAttrComputeCapabilityMajor ? emulated.major
								  : emulated.minor;
	return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
	*version = emulated.driver;
	return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
	*version = emulated.runtime;
	return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total)
{
	*free = *total = emulated.free_bytes;
	return cudaSuccess;
}

cudaError_t cudaGetLastError()
{
	cudaError_t error = last_error;
	last_error = dead;
	return error;
}

const char *cudaGetErrorString(cudaError_t error)
{
	switch (error) {
	case cudaSuccess:
		return "no error";
	case cudaErrorMemoryAllocation:
		return "out of memory";
	case cudaErrorInsufficientDriver:
		return "CUDA driver version is insufficient for CUDA runtime version";
	case cudaErrorCallRequiresNewerDriver:
		return "API call is not supported in the installed CUDA driver";
	case cudaErrorNoDevice:
		return "no CUDA-capable device is detected";
	case cudaErrorIllegalAddress:
		return "an illegal memory access was encountered";
	case cudaErrorStreamCaptureUnsupported:
		return "operation not permitted when stream is capturing";
	case cudaErrorStreamCaptureInvalidated:
		return "operation failed due to a previous error during capture";
	default:
		return "invalid argument";
	}
}
