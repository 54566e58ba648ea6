/* SPDX-License-Identifier: Apache-2.0 */
/* Products of matrices: by cuBLASLt (gemm_cublaslt.cpp); on the emulated device by loops behind the same checks. A
 * row of a result depends on its row of A alone, as long as the shape of the product is the same. */
#ifndef CORE_BACKEND_CUDA_GEMM_HPP
#define CORE_BACKEND_CUDA_GEMM_HPP

#include <cstddef>
#include <cstdint>
#include <cuda_runtime.h>

namespace gpu
{

enum number { NUMBER_FLOAT, NUMBER_BF16 };

/* C [m,n] = A [m,k] W', or with `add` C + A W', with W [n,k]; `batch` times with the same W, where A and C of the
 * next one begin stride_a and stride_c numbers further. lda >= k, ldw >= k, ldc >= n. Sums are float. */
struct gemm {
	number type; /* of A and W */
	bool tf32;   /* floats are rounded to TensorFloat-32 */
	int64_t m, n, k, lda, ldw, ldc, batch, stride_a, stride_c;
	bool add;
};

struct gemm_library;

/* nullptr, with text in *error */
gemm_library *open_gemms(const char **error);
void close_gemms(gemm_library *library);
/* "cublasLt 13.0.2" */
const char *describe_gemms(const gemm_library *library);
/* Enqueues a product. Returns nullptr, or why it cannot be computed. */
const char *run_gemm(gemm_library *library, const gemm &shape, const void *a, const void *w,
	float *c, cudaStream_t stream);

/* Calls print with a line for each shape that was met: the algorithm that computes it. */
void list_algorithms(const gemm_library *library, void (*print)(const char *line));

} // namespace gpu

#endif
