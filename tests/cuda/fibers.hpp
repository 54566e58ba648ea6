/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a kernel on the host (fibers.cpp). */
#ifndef TEST_CUDA_FIBERS_HPP
#define TEST_CUDA_FIBERS_HPP

#include <cuda_runtime.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

/* Whether CUDA takes such a launch; here also only whole warps. */
bool emulated_may_launch(dim3 grid, dim3 block, size_t shared);
void emulated_run(dim3 grid, dim3 block, size_t shared, const std::function<void()> &kernel);

#endif
