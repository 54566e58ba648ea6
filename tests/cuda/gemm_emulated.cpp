/* SPDX-License-Identifier: Apache-2.0 */
/* Products of the emulated device: loops in a fixed order, behind the checks that cuBLASLt's documentation states. */
#include "gemm.hpp"

#include <cstdint>
#include <cstring>
#include <vector>

namespace gpu
{

struct gemm_library {
	void *workspace;
};

enum { SPAN = 64 /* terms of a sum in one part */ };

gemm_library *open_gemms(const char **error)
{
	void *memory = nullptr;
	if (cudaMalloc(&memory, 1 << 20)) {
		*error = cudaGetErrorString(cudaGetLastError());
		return nullptr;
	}
	return new gemm_library{memory};
}

void close_gemms(gemm_library *library)
{
	(void)cudaFree(library->workspace);
	delete library;
}

const char *describe_gemms(const gemm_library *)
{
	return "loops 1";
}

void list_algorithms(const gemm_library *, void (*print)(const char *line))
{
	print("all products: loops");
}

/* To TensorFloat-32: 10 bits behind the point, to nearest, ties away from zero */
static float round_tf32(float v)
{
	uint32_t bits;
	memcpy(&bits, &v, sizeof bits);
	if ((bits & 0x7f800000u) != 0x7f800000u)
		bits = (bits + 0x1000u) & ~0x1fffu;
	memcpy(&v, &bits, sizeof v);
	return v;
}

static float read_number(const void *x, const gemm &g, int64_t at)
{
	if (g.type == NUMBER_FLOAT) {
		const float v = static_cast<const float *>(x)[at];
		return g.tf32 ? round_tf32(v) : v;
	}
	const uint32_t bits = static_cast<uint32_t>(static_cast<const uint16_t *>(x)[at]) << 16;
	float v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

/* One row: c [n] = a [k] turned [k,n], in parts of SPAN terms */
static void multiply_row(const gemm &g, const void *a, int64_t at, const float *turned, float *c)
{
	std::vector<float> part(static_cast<size_t>(g.n));
	if (!g.add)
		memset(c, 0, static_cast<size_t>(g.n) * sizeof *c);
	for (int64_t from = 0; from < g.k; from += SPAN) {
		memset(part.data(), 0, part.size() * sizeof(float));
		for (int64_t k = from; k < g.k && k < from + SPAN; k++) {
			const float v = read_number(a, g, at + k);
			const float *w = turned + k * g.n;
			float *to = part.data();
			for (int64_t j = 0; j < g.n; j++)
				to[j] += v * w[j];
		}
		for (int64_t j = 0; j < g.n; j++)
			c[j] += part[static_cast<size_t>(j)];
	}
}

static void multiply_all(const gemm &g, const void *a, const void *w, float *c)
{
	std::vector<float> turned(static_cast<size_t>(g.k * g.n));
	for (int64_t j = 0; j < g.n; j++)
		for (int64_t k = 0; k < g.k; k++)
			turned[static_cast<size_t>(k * g.n + j)] = read_number(w, g, j * g.ldw + k);
	for (int64_t b = 0; b < g.batch; b++)
		for (int64_t r = 0; r < g.m; r++)
			multiply_row(g, a, b * g.stride_a + r * g.lda, turned.data(),
				c + b * g.stride_c + r * g.ldc);
}

static bool is_aligned(const void *p, uintptr_t to)
{
	return reinterpret_cast<uintptr_t>(p) % to == 0;
}

const char *run_gemm(
	gemm_library *, const gemm &g, const void *a, const void *w, float *c, cudaStream_t stream)
{
	if (g.m <= 0 || g.n <= 0 || g.k <= 0 || g.batch <= 0)
		return "an empty product";
	if (g.lda < g.k || g.ldw < g.k || g.ldc < g.n)
		return "rows overlap";
	if (!is_aligned(a, 4) || !is_aligned(w, 4) || !is_aligned(c, 4))
		return "a matrix is not aligned";
	if (g.type == NUMBER_BF16 && (g.lda % 2 || g.ldw % 2 || (g.batch > 1 && g.stride_a % 2)))
		return "rows of bfloat16 are not aligned";
	const cudaError_t error = emulated_enqueue(stream, [=] { multiply_all(g, a, w, c); });
	return error ? cudaGetErrorString(error) : nullptr;
}

} // namespace gpu
