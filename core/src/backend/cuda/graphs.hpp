/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that come again and again, as CUDA graphs: what a call enqueues is captured once for each shape, and launched as one
 * from then on. */
#ifndef CORE_BACKEND_CUDA_GRAPHS_HPP
#define CORE_BACKEND_CUDA_GRAPHS_HPP

#include <cstdint>
#include <cuda_runtime.h>

extern "C" {
#include "base/context.h"
}

namespace gpu
{

struct gpu_device;

/* All that the launches and copies of a call are given, besides the memory of its stage (device.hpp). What differs between calls
 * of one shape lies in the stage: a graph keeps the arguments of its launches. */
struct call_shape {
	/* Enqueues the call. Of two calls with the same numbers it does the same. Errors: of a copy. */
	cudaError_t (*enqueue)(gpu_device *d, const call_shape &s);
	size_t up, all; /* bytes of the stage: what is given, also with the results behind it */
	int n;          /* classifiers; below the largest numbers of theirs */
	int rows, dims, dots, width, layers;
	int64_t count;
};

static constexpr int GRAPHS = 16; /* shapes that are known at a time */

struct known_shape {
	call_shape shape;
	cudaGraphExec_t graph; /* nullptr: it came once */
	int64_t last;          /* number of the call that had it last; 0: none, the place is free */
};

struct graph_list {
	known_shape known[GRAPHS];
	int64_t calls;
	bool off; /* the device refused one: calls are enqueued one by one */
};

/* Enqueues a call and waits for it. A shape that comes for the second time is captured. If that fails, ctx is told so, once. */
cudaError_t run_call(gpu_device *d, const call_shape &s, fv_ctx *ctx);
/* Forgets all shapes. For memory of the stage that is about to be freed. */
void free_graphs(gpu_device *d);

} // namespace gpu

#endif
