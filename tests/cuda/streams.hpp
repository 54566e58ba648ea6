/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of the stand-in, and what they capture (graphs.cpp). */
#ifndef TEST_CUDA_STREAMS_HPP
#define TEST_CUDA_STREAMS_HPP

#include <cuda_runtime.h>
#include <deque>
#include <set>
#include <vector>

struct emulated_graph {
	std::vector<std::function<void()>> work;
};

struct emulated_stream {
	std::deque<std::function<void()>> work;
	int64_t ran = 0;                    /* pieces of work so far */
	emulated_graph *captured = nullptr; /* nullptr: it captures nothing */
	bool lost = false;                  /* the capture, by a call that was not allowed */
	cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
};

extern std::set<cudaStream_t> emulated_streams;

/* The error of a fault, which all calls give from then on; cudaSuccess: there was none. */
cudaError_t emulated_find_fault();
/* What a call gives, kept for cudaGetLastError if it is an error */
cudaError_t emulated_give(cudaError_t error);
/* Ends the program: what was called is wrong on every GPU. */
void emulated_refuse(const char *what);

/* Keeps work in the graph that the stream captures. */
cudaError_t emulated_capture(cudaStream_t stream, std::function<void()> work);
/* Loses what the stream captures, and gives the error. */
cudaError_t emulated_lose_capture(cudaStream_t stream, cudaError_t error);
/* For calls that are not allowed while any stream captures; in the mode `relaxed` they are if `relaxed`. */
cudaError_t emulated_check_captures(cudaError_t error, bool relaxed);

#endif
