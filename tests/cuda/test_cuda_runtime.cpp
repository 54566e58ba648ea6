/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in for CUDA's runtime: what launches keep of their arguments, and graphs. */
#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

#include "emulated.h"
#include "gpu.cuh"

extern "C" {
#include <cmocka.h>
}

namespace
{

enum { N = 4 };

/* A stream with numbers on both sides, and a second stream */
struct bench {
	cudaStream_t stream, other;
	int *there, *host;
};

bench make_bench()
{
	bench b = {nullptr, nullptr, nullptr, nullptr};
	void *there = nullptr, *host = nullptr;
	emulated_reset();
	assert_int_equal(cudaStreamCreate(&b.stream), cudaSuccess);
	assert_int_equal(cudaStreamCreate(&b.other), cudaSuccess);
	assert_int_equal(cudaMalloc(&there, N * sizeof(int)), cudaSuccess);
	assert_int_equal(cudaMallocHost(&host, N * sizeof(int)), cudaSuccess);
	b.there = static_cast<int *>(there);
	b.host = static_cast<int *>(host);
	for (int i = 0; i < N; i++)
		b.host[i] = i;
	return b;
}

void close_bench(const bench &b)
{
	(void)cudaFree(b.there);
	(void)cudaFreeHost(b.host);
	assert_int_equal(cudaStreamDestroy(b.stream), cudaSuccess);
	assert_int_equal(cudaStreamDestroy(b.other), cudaSuccess);
	assert_int_equal(emulated.live_bytes, 0);
	assert_int_equal(emulated.live_graphs, 0);
}

/* x[i] += a + *b */
__global__ void add_kernel(int *x, int a, const int *b)
{
	if (threadIdx.x < N)
		x[threadIdx.x] += a + (b ? *b : 0);
}

void launch(const bench &b, int a, const int *at)
{
	GPU_LAUNCH(add_kernel, dim3(1), dim3(32), 0, b.stream, b.there, a, at);
}

cudaError_t copy_up(const bench &b)
{
	return cudaMemcpyAsync(b.there, b.host, N * sizeof(int), cudaMemcpyHostToDevice, b.stream);
}

cudaError_t copy_down(const bench &b)
{
	return cudaMemcpyAsync(b.host, b.there, N * sizeof(int), cudaMemcpyDeviceToHost, b.stream);
}

/* Copies up, adds a and copies down. */
cudaGraphExec_t capture_round(const bench &b, int a)
{
	cudaGraph_t graph;
	cudaGraphExec_t executable;
	assert_int_equal(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeThreadLocal), 0);
	assert_int_equal(copy_up(b), cudaSuccess);
	launch(b, a, nullptr);
	assert_int_equal(copy_down(b), cudaSuccess);
	assert_int_equal(cudaStreamEndCapture(b.stream, &graph), cudaSuccess);
	assert_int_equal(cudaGraphInstantiateWithFlags(&executable, graph, 0), cudaSuccess);
	assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
	assert_int_equal(cudaGraphUpload(executable, b.stream), cudaSuccess);
	return executable;
}

void arguments_are_those_of_the_launch(void **)
{
	const bench b = make_bench();
	int argument = 10;
	const int *at = &argument;
	assert_int_equal(copy_up(b), cudaSuccess);
	GPU_LAUNCH(add_kernel, dim3(1), dim3(32), 0, b.stream, b.there, *at, nullptr);
	argument = 20;
	assert_int_equal(copy_down(b), cudaSuccess);
	assert_int_equal(b.host[1], 1);
	assert_int_equal(cudaStreamSynchronize(b.stream), cudaSuccess);
	assert_int_equal(b.host[1], 11);
	close_bench(b);
}

void what_is_captured_runs_when_it_is_launched(void **)
{
	const bench b = make_bench();
	int argument = 10;
	cudaGraphExec_t round = capture_round(b, argument);
	argument = 20; /* the launch has the 10 */
	assert_int_equal(cudaStreamSynchronize(b.stream), cudaSuccess);
	assert_int_equal(b.host[1], 1);
	assert_int_equal(emulated.launches, 0);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(cudaGraphLaunch(round, b.stream), cudaSuccess);
		assert_int_equal(b.host[1], 10 * i - 9);
		assert_int_equal(cudaStreamSynchronize(b.stream), cudaSuccess);
		assert_int_equal(b.host[1], 10 * i + 1);
	}
	b.host[1] = 100; /* copies read what is there when they run */
	assert_int_equal(cudaGraphLaunch(round, b.stream), cudaSuccess);
	b.host[1] = 200;
	assert_int_equal(cudaGraphExecDestroy(round), cudaSuccess); /* it is in the stream */
	assert_int_equal(cudaStreamSynchronize(b.stream), cudaSuccess);
	assert_int_equal(b.host[1], 210);
	assert_int_equal(emulated.launches, 4);
	assert_int_equal(emulated.replays, 4);
	close_bench(b);
}

/* --- calls that lose a capture --- */

cudaError_t wait_for_own(const bench &b)
{
	return cudaStreamSynchronize(b.stream);
}

cudaError_t wait_for_other(const bench &b)
{
	return cudaStreamSynchronize(b.other);
}

cudaError_t copy_at_once(const bench &b)
{
	return cudaMemcpy(b.host, b.there, sizeof(int), cudaMemcpyDeviceToHost);
}

cudaError_t allocate_there(const bench &)
{
	void *memory;
	return cudaMalloc(&memory, 8);
}

cudaError_t allocate_pinned(const bench &)
{
	void *memory;
	return cudaMallocHost(&memory, 8);
}

cudaError_t free_there(const bench &b)
{
	return cudaFree(b.there);
}

cudaError_t free_pinned(const bench &b)
{
	return cudaFreeHost(b.host);
}

cudaError_t wait_for_event(const bench &b)
{
	cudaEvent_t event;
	(void)cudaEventCreate(&event);
	(void)cudaEventRecord(event, b.stream);
	const cudaError_t error = cudaEventSynchronize(event);
	(void)cudaEventDestroy(event);
	return error;
}

cudaError_t wait_for_event_of_other(const bench &b)
{
	cudaEvent_t event;
	(void)cudaEventCreate(&event);
	(void)cudaEventRecord(event, b.other);
	const cudaError_t error = cudaEventSynchronize(event);
	(void)cudaEventDestroy(event);
	return error;
}

cudaError_t begin_again(const bench &b)
{
	return cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeRelaxed);
}

const struct forbidden {
	cudaError_t (*call)(const bench &b);
	cudaError_t error;
	bool relaxed; /* allowed in that mode */
} calls[] = {
	{wait_for_own, cudaErrorStreamCaptureUnsupported, false},
	{wait_for_other, cudaErrorStreamCaptureUnsupported, true},
	{copy_at_once, cudaErrorStreamCaptureImplicit, false},
	{allocate_there, cudaErrorStreamCaptureUnsupported, true},
	{allocate_pinned, cudaErrorStreamCaptureUnsupported, true},
	{free_there, cudaErrorStreamCaptureUnsupported, true},
	{free_pinned, cudaErrorStreamCaptureUnsupported, true},
	{wait_for_event, cudaErrorCapturedEvent, false},
	{wait_for_event_of_other, cudaErrorStreamCaptureUnsupported, true},
	{begin_again, cudaErrorIllegalState, false},
};

/* The call gives its error, and everything behind it until the capture ends. Nothing has run, and the stream is as before. */
void lose_capture(const forbidden &f, cudaStreamCaptureMode mode)
{
	const bench b = make_bench();
	cudaGraph_t graph = nullptr;
	assert_int_equal(cudaStreamBeginCapture(b.stream, mode), cudaSuccess);
	launch(b, 1, nullptr);
	assert_int_equal(cudaGetLastError(), cudaSuccess);
	assert_int_equal(f.call(b), f.error);
	assert_int_equal(cudaGetLastError(), f.error);
	launch(b, 1, nullptr);
	assert_int_equal(cudaGetLastError(), cudaErrorStreamCaptureInvalidated);
	assert_int_equal(copy_up(b), cudaErrorStreamCaptureInvalidated);
	assert_int_equal(cudaStreamEndCapture(b.stream, &graph), cudaErrorStreamCaptureInvalidated);
	assert_null(graph);
	(void)cudaGetLastError();
	assert_int_equal(copy_up(b), cudaSuccess);
	launch(b, 5, nullptr);
	assert_int_equal(copy_down(b), cudaSuccess);
	assert_int_equal(cudaStreamSynchronize(b.stream), cudaSuccess);
	assert_int_equal(b.host[1], 6);
	assert_int_equal(emulated.launches, 1);
	close_bench(b);
}

void calls_that_lose_a_capture(void **)
{
	for (const forbidden &f : calls) {
		lose_capture(f, cudaStreamCaptureModeGlobal);
		lose_capture(f, cudaStreamCaptureModeThreadLocal);
		if (!f.relaxed)
			lose_capture(f, cudaStreamCaptureModeRelaxed);
	}
}

void what_the_relaxed_mode_allows(void **)
{
	const bench b = make_bench();
	cudaGraph_t graph;
	void *memory;
	assert_int_equal(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeRelaxed), 0);
	assert_int_equal(cudaMalloc(&memory, 8), cudaSuccess);
	assert_int_equal(cudaFree(memory), cudaSuccess);
	assert_int_equal(wait_for_other(b), cudaSuccess);
	assert_int_equal(wait_for_event_of_other(b), cudaSuccess);
	assert_int_equal(cudaStreamEndCapture(b.stream, &graph), cudaSuccess);
	assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
	assert_int_equal(cudaStreamEndCapture(b.stream, &graph), cudaErrorIllegalState);
	assert_null(graph);
	close_bench(b);
}

/* --- what fails on demand --- */

void graphs_that_fail(void **)
{
	const bench b = make_bench();
	cudaGraph_t graph;
	cudaGraphExec_t executable;
	emulated.graph_fault = EMULATED_NO_CAPTURE;
	assert_int_equal(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeGlobal),
		cudaErrorCallRequiresNewerDriver);
	assert_int_equal(cudaGetLastError(), cudaErrorCallRequiresNewerDriver);
	emulated.graph_fault = EMULATED_NOT_CAPTURED;
	assert_int_equal(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeGlobal), 0);
	assert_int_equal(copy_up(b), cudaErrorStreamCaptureUnsupported);
	assert_int_equal(cudaStreamEndCapture(b.stream, &graph), cudaErrorStreamCaptureInvalidated);
	emulated.graph_fault = EMULATED_NOT_INSTANTIATED;
	assert_int_equal(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeGlobal), 0);
	assert_int_equal(cudaStreamEndCapture(b.stream, &graph), cudaSuccess);
	assert_int_equal(
		cudaGraphInstantiateWithFlags(&executable, graph, 0), cudaErrorMemoryAllocation);
	assert_null(executable);
	emulated.graph_fault = EMULATED_NOT_UPLOADED;
	assert_int_equal(cudaGraphInstantiateWithFlags(&executable, graph, 0), cudaSuccess);
	assert_int_equal(emulated.live_graphs, 2);
	assert_int_equal(cudaGraphUpload(executable, b.stream), cudaErrorMemoryAllocation);
	assert_int_equal(cudaGraphExecDestroy(executable), cudaSuccess);
	assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
	close_bench(b);
}

void a_fault_within_a_graph(void **)
{
	const bench b = make_bench();
	cudaGraphExec_t round = capture_round(b, 10);
	emulated.fault_at = 2;
	assert_int_equal(cudaGraphLaunch(round, b.stream), cudaSuccess);
	assert_int_equal(cudaStreamSynchronize(b.stream), cudaSuccess);
	assert_int_equal(cudaGraphLaunch(round, b.stream), cudaSuccess);
	assert_int_equal(cudaStreamSynchronize(b.stream), cudaErrorIllegalAddress);
	assert_int_equal(b.host[1], 11);
	assert_int_equal(cudaGraphLaunch(round, b.stream), cudaErrorIllegalAddress);
	assert_int_equal(cudaStreamBeginCapture(b.stream, cudaStreamCaptureModeGlobal),
		cudaErrorIllegalAddress);
	assert_int_equal(cudaGraphExecDestroy(round), cudaSuccess);
	close_bench(b);
}

/* The program ends when a graph copies from memory that was freed. */
void a_graph_that_outlives_its_memory(void **)
{
	const bench b = make_bench();
	cudaGraphExec_t round = capture_round(b, 10);
	const pid_t child = fork();
	if (child == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		(void)cudaFree(b.there);
		(void)cudaGraphLaunch(round, b.stream);
		(void)cudaStreamSynchronize(b.stream);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_int_equal(cudaGraphExecDestroy(round), cudaSuccess);
	close_bench(b);
}

} // namespace

int main()
{
	const CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_those_of_the_launch),
		cmocka_unit_test(what_is_captured_runs_when_it_is_launched),
		cmocka_unit_test(calls_that_lose_a_capture),
		cmocka_unit_test(what_the_relaxed_mode_allows),
		cmocka_unit_test(graphs_that_fail),
		cmocka_unit_test(a_fault_within_a_graph),
		cmocka_unit_test(a_graph_that_outlives_its_memory),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
