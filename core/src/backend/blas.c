/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/blas.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include <cblas.h>

const char *core_blas_kernel(const core_cpu *cpu)
{
	if (cpu->avx512)
		return "SkylakeX";
	if (cpu->avx2)
		return cpu->amd ? "Zen" : "Haswell";
	return NULL;
}

bool core_blas_is_slow(const core_cpu *cpu, const char *kernel)
{
	static const char *const old[] = {"Katmai", "Coppermine", "Northwood", "Prescott", "Banias",
		"Atom", "Core2", "Penryn", "Dunnington", "Nehalem", "Athlon", "Opteron",
		"Opteron_SSE3", "Barcelona", "Nano", "Sandybridge", "Bobcat", "Bulldozer",
		"Piledriver", "Steamroller"};
	for (size_t i = 0; i < sizeof old / sizeof *old; i++)
		if (!strcasecmp(kernel, old[i]))
			return cpu->avx2;
	return false;
}

/* --- the comparison --- */

/* Odd sizes, deeper than a block of OpenBLAS, and too large for its kernels for small products. */
enum { ROWS = 67, COLUMNS = 53, DEPTH = 401, FEW_ROWS = 9 };

typedef struct product {
	float a[ROWS * DEPTH], b[DEPTH * COLUMNS]; /* integers of 10 and of 8 bits */
	float a_turned[DEPTH * ROWS], b_turned[COLUMNS * DEPTH];
	float want[ROWS * COLUMNS], got[ROWS * COLUMNS]; /* a x b */
	double wide_a[FEW_ROWS * DEPTH], wide_b[DEPTH * COLUMNS], wide[FEW_ROWS * COLUMNS];
} product;

static void fill_product(product *p)
{
	for (int i = 0; i < ROWS; i++)
		for (int k = 0; k < DEPTH; k++)
			p->a[i * DEPTH + k] = p->a_turned[k * ROWS + i] =
				(float)((i * 131 + k * 71) % 599 - 299);
	for (int k = 0; k < DEPTH; k++)
		for (int j = 0; j < COLUMNS; j++)
			p->b[k * COLUMNS + j] = p->b_turned[j * DEPTH + k] =
				(float)((k * 37 + j * 17) % 199 - 99);
	for (int i = 0; i < FEW_ROWS * DEPTH; i++)
		p->wide_a[i] = (double)p->a[i];
	for (int i = 0; i < DEPTH * COLUMNS; i++)
		p->wide_b[i] = (double)p->b[i];
	for (int i = 0; i < ROWS; i++)
		for (int k = 0; k < DEPTH; k++)
			for (int j = 0; j < COLUMNS; j++)
				p->want[i * COLUMNS + j] +=
					p->a[i * DEPTH + k] * p->b[k * COLUMNS + j];
}

/* Checks the first `rows` rows of a x b, computed from the transposed factors where asked. */
static bool is_product_correct(product *p, int rows, bool turn_a, bool turn_b)
{
	memset(p->got, 0, sizeof p->got);
	cblas_sgemm(CblasRowMajor, turn_a ? CblasTrans : CblasNoTrans,
		turn_b ? CblasTrans : CblasNoTrans, rows, COLUMNS, DEPTH, 1,
		turn_a ? p->a_turned : p->a, turn_a ? ROWS : DEPTH, turn_b ? p->b_turned : p->b,
		turn_b ? DEPTH : COLUMNS, 0, p->got, COLUMNS);
	return !memcmp(p->got, p->want, (size_t)(rows * COLUMNS) * sizeof *p->got);
}

static bool are_vectors_correct(product *p)
{
	bool right = true;
	cblas_sgemv(CblasRowMajor, CblasNoTrans, ROWS, DEPTH, 1, p->a, DEPTH, p->b, COLUMNS, 0,
		p->got, 1);
	for (int i = 0; i < ROWS; i++)
		right = right && p->got[i] == p->want[i * COLUMNS];
	cblas_sgemv(
		CblasRowMajor, CblasTrans, DEPTH, COLUMNS, 1, p->b, COLUMNS, p->a, 1, 0, p->got, 1);
	return right && !memcmp(p->got, p->want, COLUMNS * sizeof *p->got);
}

static bool is_double_correct(product *p)
{
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, FEW_ROWS, COLUMNS, DEPTH, 1,
		p->wide_a, DEPTH, p->wide_b, COLUMNS, 0, p->wide, COLUMNS);
	for (int i = 0; i < FEW_ROWS * COLUMNS; i++)
		if (p->wide[i] != (double)p->want[i])
			return false;
	return true;
}

/* True when there is address space for the buffer that OpenBLAS allocates with its first product
 * and keeps. */
static bool has_buffer_space(void)
{
	const size_t buffer = 129u << 20;
	void *at = mmap(NULL, buffer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return at != MAP_FAILED && munmap(at, buffer) == 0;
}

static core_blas_check compare_products(void)
{
	product *p = has_buffer_space() ? calloc(1, sizeof *p) : NULL;
	if (!p)
		return CORE_BLAS_NO_MEMORY;
	openblas_set_num_threads(1);
	fill_product(p);
	bool right = is_product_correct(p, ROWS, false, false) &&
		     is_product_correct(p, ROWS, false, true) &&
		     is_product_correct(p, ROWS, true, false) &&
		     is_product_correct(p, FEW_ROWS, false, true) && are_vectors_correct(p) &&
		     is_double_correct(p);
	free(p);
	return right ? CORE_BLAS_RIGHT : CORE_BLAS_WRONG;
}

/* Compares once a process and keeps the answer, except a lack of memory, which may be temporary. */
core_blas_check core_blas_compare(void)
{
	enum { UNKNOWN = -1 };
	static _Atomic int known = UNKNOWN;
	int check = atomic_load(&known);
	if (check != UNKNOWN)
		return (core_blas_check)check;
	check = (int)compare_products();
	if (check != CORE_BLAS_NO_MEMORY)
		atomic_store(&known, check);
	return (core_blas_check)check;
}

/* --- at the start of a process --- */

core_blas_next core_blas_decide(const core_cpu *cpu, const core_blas_start *start)
{
	const char *suits = start->kernel_set ? NULL : core_blas_kernel(cpu);
	core_blas_next next = {.act = CORE_BLAS_GO_ON, .one_thread = !start->threads_set};
	bool missing = suits && strcasecmp(start->kernel, suits);
	if (start->restarts == 0 && (missing || !start->threads_set)) {
		next.act = CORE_BLAS_RESTART;
		next.kernel = suits;
		return next;
	}
	bool wrong = start->compare() == CORE_BLAS_WRONG;
	bool other = suits && start->restarts < CORE_BLAS_RESTARTS &&
		     strcasecmp(start->kernel, "Haswell");
	if (other && (wrong || (missing && core_blas_is_slow(cpu, start->kernel)))) {
		next.act = CORE_BLAS_RESTART;
		next.kernel = "Haswell";
	} else if (wrong) {
		next.act = CORE_BLAS_REFUSE;
	}
	return next;
}

/* --- in a process --- */

static bool is_variable_set(const char *variable)
{
	const char *value = getenv(variable);
	return value && *value;
}

static void warn_of_slow_kernels(fv_ctx *ctx)
{
	static atomic_flag warned = ATOMIC_FLAG_INIT;
	core_cpu cpu = core_cpu_read();
	const char *kernel = openblas_get_corename();
	if (is_variable_set("OPENBLAS_CORETYPE") || !core_blas_is_slow(&cpu, kernel) ||
		atomic_flag_test_and_set(&warned))
		return;
	core_log(ctx, CORE_WARNING,
		"OpenBLAS uses its kernels for %s, several times slower than this processor "
		"allows: set OPENBLAS_CORETYPE=%s before the program starts",
		kernel, core_blas_kernel(&cpu));
}

fv_status core_blas_open(fv_ctx *ctx)
{
	openblas_set_num_threads(1);
	switch (core_blas_compare()) {
	case CORE_BLAS_NO_MEMORY:
		return fv_fail(ctx, FV_FAILED,
			"OpenBLAS needs 129 MiB of address space for a buffer: raise the limit "
			"(ulimit -v)");
	case CORE_BLAS_WRONG:
		return fv_fail(ctx, FV_FAILED,
			"OpenBLAS's kernels for %s compute wrongly on this processor: set "
			"OPENBLAS_CORETYPE to others before the program starts",
			openblas_get_corename());
	case CORE_BLAS_RIGHT:
		break;
	}
	warn_of_slow_kernels(ctx);
	return FV_OK;
}
