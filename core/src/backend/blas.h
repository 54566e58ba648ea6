/* SPDX-License-Identifier: Apache-2.0 */
/* Which of OpenBLAS's kernels run. OpenBLAS chooses them when it is loaded, by a list of the models that its
 * version knows: 0.3.21 takes those for SSE3 (Prescott) on many that are newer, at a fifth to a quarter of the
 * speed. OPENBLAS_CORETYPE says which, but is read before main; so the program sets it and executes itself
 * again (core/cli/restart.c), as core_blas_decide tells it to: the same kernels whatever OpenBLAS knows.
 * Another program that links libfairvox gets a warning. */
#ifndef CORE_BACKEND_BLAS_H
#define CORE_BACKEND_BLAS_H

#include "backend/cpu.h"
#include "base/context.h"

/* The name of the kernels that suit a processor: SkylakeX with AVX-512, Haswell or (AMD) Zen with AVX2; NULL
 * without: OpenBLAS's own choice. Cooperlake adds bfloat16 products, which nothing here uses, and was slower
 * in float32 (SkylakeX 1.04 times as fast in five pairs of measurements). */
const char *core_blas_kernel(const core_cpu *cpu);

/* Are kernels of this name for vectors of 2011 or before, on a processor with AVX2? */
bool core_blas_is_slow(const core_cpu *cpu, const char *kernel);

/* Products of odd sizes against plain loops, exactly: the numbers are whole and their sums below 2^24. */
typedef enum core_blas_check {
	CORE_BLAS_RIGHT,
	CORE_BLAS_WRONG,
	CORE_BLAS_NO_MEMORY
} core_blas_check;
core_blas_check core_blas_compare(void);

/* A process as it starts */
typedef struct core_blas_start {
	const char *kernel; /* what OpenBLAS runs */
	bool kernel_set;    /* the user has set OPENBLAS_CORETYPE */
	bool threads_set;   /* the user has set OPENBLAS_NUM_THREADS */
	int restarts;       /* so far */
	core_blas_check (*compare)(void);
} core_blas_start;

enum { CORE_BLAS_RESTARTS = 2 };

/* What it does next */
typedef enum core_blas_act { CORE_BLAS_GO_ON, CORE_BLAS_RESTART, CORE_BLAS_REFUSE } core_blas_act;
typedef struct core_blas_next {
	core_blas_act act;
	const char *kernel; /* for OPENBLAS_CORETYPE; NULL: not set */
	bool one_thread; /* OPENBLAS_NUM_THREADS=1: no threads that would wait for memory for ever */
} core_blas_next;

core_blas_next core_blas_decide(const core_cpu *cpu, const core_blas_start *start);

/* Before the first product, any number of times: one thread; OpenBLAS's buffer, for which it would wait for
 * ever where memory is limited; the comparison, once a process; and a warning, once a process, when slow
 * kernels run that the user has not asked for. */
FV_NODISCARD fv_status core_blas_open(fv_ctx *ctx);

#endif
