/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a kernel on the host (fibers.cpp). */
#ifndef TEST_CUDA_FIBERS_HPP
#define TEST_CUDA_FIBERS_HPP

#include <cuda_runtime.h>

/* Whether CUDA takes such a launch; here also only whole warps. */
bool emulated_may_launch(dim3 grid, dim3 block, size_t shared);
void emulated_run(dim3 grid, dim3 block, size_t shared, const std::function<void()> &kernel);

#endif
