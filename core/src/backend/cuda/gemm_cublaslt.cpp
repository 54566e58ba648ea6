/* SPDX-License-Identifier: Apache-2.0 */
/* Products by cuBLASLt. Each shape gets one algorithm when it is first met, the best that does not split sums over
 * blocks, and keeps it. Matrices lie by columns there: C' [n,m] = W [n,k] A' [k,m]. */
#include "gemm.hpp"

#include <cstdio>
#include <cstdlib>
#include <cublasLt.h>

namespace gpu
{

static constexpr size_t WORKSPACE = 32 << 20;
static constexpr int ALGORITHMS = 64; /* that are looked at */

/* A shape that was met before */
struct plan {
	gemm shape;
	cublasLtMatmulDesc_t operation;
	cublasLtMatrixLayout_t w, a, c;
	cublasLtMatmulAlgo_t algorithm;
	plan *next;
};

struct gemm_library {
	cublasLtHandle_t handle;
	void *workspace;
	plan *plans;
	char name[64];
};

gemm_library *open_gemms(const char **error)
{
	gemm_library *l = static_cast<gemm_library *>(calloc(1, sizeof *l));
	*error = "out of memory";
	if (!l)
		return nullptr;
	const cublasStatus_t status = cublasLtCreate(&l->handle);
	const cudaError_t memory = status ? cudaSuccess : cudaMalloc(&l->workspace, WORKSPACE);
	if (status || memory) {
		*error = status ? cublasLtGetStatusString(status) : cudaGetErrorString(memory);
		close_gemms(l);
		return nullptr;
	}
	const size_t version = cublasLtGetVersion();
	snprintf(l->name, sizeof l->name, "cublasLt %zu.%zu.%zu", version / 10000,
		version / 100 % 100, version % 100);
	return l;
}

static void close_plan(plan *p)
{
	if (p->operation)
		(void)cublasLtMatmulDescDestroy(p->operation);
	for (cublasLtMatrixLayout_t layout : {p->w, p->a, p->c})
		if (layout)
			(void)cublasLtMatrixLayoutDestroy(layout);
	free(p);
}

void close_gemms(gemm_library *l)
{
	while (l->plans) {
		plan *p = l->plans;
		l->plans = p->next;
		close_plan(p);
	}
	(void)cudaFree(l->workspace);
	if (l->handle)
		(void)cublasLtDestroy(l->handle);
	free(l);
}

const char *describe_gemms(const gemm_library *l)
{
	return l->name;
}

/* --- plans --- */

static bool describe_matrix(cublasLtMatrixLayout_t *out, cudaDataType_t type, int64_t rows,
	int64_t columns, int64_t ld, int64_t batch, int64_t stride)
{
	const int32_t count = static_cast<int32_t>(batch);
	return !cublasLtMatrixLayoutCreate(out, type, static_cast<uint64_t>(rows),
		       static_cast<uint64_t>(columns), ld) &&
	       !cublasLtMatrixLayoutSetAttribute(
		       *out, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count) &&
	       !cublasLtMatrixLayoutSetAttribute(
		       *out, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride);
}

static bool describe_product(plan *p)
{
	const gemm &g = p->shape;
	const cudaDataType_t type = g.type == NUMBER_BF16 ? CUDA_R_16BF : CUDA_R_32F;
	const cublasComputeType_t compute =
		g.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
	const cublasOperation_t turned = CUBLAS_OP_T;
	return !cublasLtMatmulDescCreate(&p->operation, compute, CUDA_R_32F) &&
	       !cublasLtMatmulDescSetAttribute(
		       p->operation, CUBLASLT_MATMUL_DESC_TRANSA, &turned, sizeof turned) &&
	       describe_matrix(&p->w, type, g.k, g.n, g.ldw, g.batch, 0) &&
	       describe_matrix(&p->a, type, g.k, g.m, g.lda, g.batch, g.stride_a) &&
	       describe_matrix(&p->c, CUDA_R_32F, g.n, g.m, g.ldc, g.batch, g.stride_c);
}

/* Whether an algorithm sums each number in one place */
static bool is_whole(const cublasLtMatmulAlgo_t *algorithm)
{
	int32_t split = 0;
	uint32_t scheme = 0;
	size_t written;
	return !cublasLtMatmulAlgoConfigGetAttribute(algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM,
		       &split, sizeof split, &written) &&
	       !cublasLtMatmulAlgoConfigGetAttribute(algorithm,
		       CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME, &scheme, sizeof scheme, &written) &&
	       split <= 1 && scheme == CUBLASLT_REDUCTION_SCHEME_NONE;
}

/* Whether an algorithm rounds no float before it multiplies, unless that is asked for */
static bool keeps_precision(const cublasLtMatmulAlgo_t *algorithm, const gemm &g)
{
	const uint64_t narrow = CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_TF32 |
				CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16F |
				CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16BF;
	uint64_t flags = narrow;
	size_t written;
	if (g.type == NUMBER_BF16 || g.tf32)
		return true;
	return !cublasLtMatmulAlgoCapGetAttribute(algorithm, CUBLASLT_ALGO_CAP_NUMERICAL_IMPL_FLAGS,
		       &flags, sizeof flags, &written) &&
	       !(flags & narrow);
}

/* The largest power of two up to 256 that divides n bytes */
static uint32_t find_alignment(int64_t bytes)
{
	uint32_t to = 256;
	while (bytes % to)
		to /= 2;
	return to;
}

static bool limit_choice(const plan *p, cublasLtMatmulPreference_t preference)
{
	const gemm &g = p->shape;
	const int64_t size = g.type == NUMBER_BF16 ? 2 : 4;
	const size_t workspace = WORKSPACE;
	const uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_NONE;
	/* layers of a group and phases begin within a matrix */
	const uint32_t a = find_alignment(g.batch > 1 ? g.stride_a * size : 256);
	const uint32_t c = find_alignment(g.batch > 1 ? g.stride_c * 4 : 256);
	return !cublasLtMatmulPreferenceSetAttribute(preference,
		       CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace) &&
	       !cublasLtMatmulPreferenceSetAttribute(preference,
		       CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes, sizeof schemes) &&
	       !cublasLtMatmulPreferenceSetAttribute(
		       preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &a, sizeof a) &&
	       !cublasLtMatmulPreferenceSetAttribute(
		       preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &c, sizeof c) &&
	       !cublasLtMatmulPreferenceSetAttribute(
		       preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &c, sizeof c);
}

static bool choose_algorithm(const gemm_library *l, plan *p)
{
	cublasLtMatmulPreference_t preference;
	if (cublasLtMatmulPreferenceCreate(&preference))
		return false;
	static cublasLtMatmulHeuristicResult_t found[ALGORITHMS];
	int count = 0;
	if (!limit_choice(p, preference) ||
		cublasLtMatmulAlgoGetHeuristic(l->handle, p->operation, p->w, p->a, p->c, p->c,
			preference, ALGORITHMS, found, &count))
		count = 0;
	(void)cublasLtMatmulPreferenceDestroy(preference);
	for (int i = 0; i < count; i++)
		if (!found[i].state && found[i].workspaceSize <= WORKSPACE &&
			is_whole(&found[i].algo) && keeps_precision(&found[i].algo, p->shape)) {
			p->algorithm = found[i].algo;
			return true;
		}
	return false;
}

static bool is_same(const gemm &a, const gemm &b)
{
	return a.type == b.type && a.tf32 == b.tf32 && a.m == b.m && a.n == b.n && a.k == b.k &&
	       a.lda == b.lda && a.ldw == b.ldw && a.ldc == b.ldc && a.batch == b.batch &&
	       a.stride_a == b.stride_a && a.stride_c == b.stride_c;
}

static const plan *find_plan(gemm_library *l, const gemm &shape)
{
	plan *p = l->plans;
	while (p && !is_same(p->shape, shape))
		p = p->next;
	if (p)
		return p;
	p = static_cast<plan *>(calloc(1, sizeof *p));
	if (!p)
		return nullptr;
	p->shape = shape;
	if (!describe_product(p) || !choose_algorithm(l, p)) {
		close_plan(p);
		return nullptr;
	}
	p->next = l->plans;
	l->plans = p;
	return p;
}

const char *run_gemm(gemm_library *l, const gemm &shape, const void *a, const void *w, float *c,
	cudaStream_t stream)
{
	const plan *p = find_plan(l, shape);
	if (!p)
		return "cuBLASLt has no algorithm for it that splits no sums and rounds no "
		       "operands";
	const float alpha = 1, beta = shape.add ? 1 : 0;
	const cublasStatus_t status = cublasLtMatmul(l->handle, p->operation, &alpha, w, p->w, a,
		p->a, &beta, c, p->c, c, p->c, &p->algorithm, l->workspace, WORKSPACE, stream);
	return status ? cublasLtGetStatusString(status) : nullptr;
}

static int32_t read_setting(
	const cublasLtMatmulAlgo_t *algorithm, cublasLtMatmulAlgoConfigAttributes_t setting)
{
	int32_t value = -1;
	size_t written;
	(void)cublasLtMatmulAlgoConfigGetAttribute(
		algorithm, setting, &value, sizeof value, &written);
	return value;
}

void list_algorithms(const gemm_library *l, void (*print)(const char *line))
{
	for (const plan *p = l->plans; p; p = p->next) {
		const gemm &g = p->shape;
		uint64_t flags = 0;
		size_t written;
		char line[192];
		(void)cublasLtMatmulAlgoCapGetAttribute(&p->algorithm,
			CUBLASLT_ALGO_CAP_NUMERICAL_IMPL_FLAGS, &flags, sizeof flags, &written);
		snprintf(line, sizeof line,
			"%lld x %lld x %lld, %lld at once, %s: algorithm %d, tile %d, stages %d, "
			"flags %llx",
			static_cast<long long>(g.m), static_cast<long long>(g.n),
			static_cast<long long>(g.k), static_cast<long long>(g.batch),
			g.type == NUMBER_BF16 ? "bf16"
			: g.tf32              ? "tf32"
					      : "fp32",
			read_setting(&p->algorithm, CUBLASLT_ALGO_CONFIG_ID),
			read_setting(&p->algorithm, CUBLASLT_ALGO_CONFIG_TILE_ID),
			read_setting(&p->algorithm, CUBLASLT_ALGO_CONFIG_STAGES_ID),
			static_cast<unsigned long long>(flags));
		print(line);
	}
}

} // namespace gpu
