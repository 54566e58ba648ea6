/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses OpenBLAS's kernels. OpenBLAS chooses them when it is loaded, by a list of the processor
 * models that its version knows: 0.3.21 takes those for SSE3 (Prescott) on many newer processors,
 * at a fifth to a quarter of the speed. OPENBLAS_CORETYPE overrides the choice, but is read before
 * main. The program therefore sets it and executes itself again (core/cli/restart.c) as
 * core_blas_decide says, so that the kernels do not depend on OpenBLAS's list. Other programs that
 * link libfairvox get a warning. */
#ifndef CORE_BACKEND_BLAS_H
#define CORE_BACKEND_BLAS_H

#include "backend/cpu.h"
#include "base/context.h"

/* The name of the OpenBLAS kernels for a processor: SkylakeX with AVX-512, Haswell or (AMD) Zen
 * with AVX2, otherwise NULL for OpenBLAS's own choice. Cooperlake is not used: it adds bfloat16
 * products, which are not needed here, and was slower in float32 (SkylakeX 1.04 times as fast in
 * five pairs of measurements). */
const char *core_blas_kernel(const core_cpu *cpu);

/* True when kernels of this name use vectors of 2011 or before although the processor has AVX2. */
bool core_blas_is_slow(const core_cpu *cpu, const char *kernel);

/* Compares products of odd sizes with plain loops. All numbers are integers with sums below 2^24,
 * so that results must be exactly equal. */
typedef enum core_blas_check {
	CORE_BLAS_RIGHT,
	CORE_BLAS_WRONG,
	CORE_BLAS_NO_MEMORY
} core_blas_check;
core_blas_check core_blas_compare(void);

/* State of a process at its start */
typedef struct core_blas_start {
	const char *kernel; /* the kernels that OpenBLAS uses */
	bool kernel_set;    /* the user has set OPENBLAS_CORETYPE */
	bool threads_set;   /* the user has set OPENBLAS_NUM_THREADS */
	int restarts;       /* so far */
	core_blas_check (*compare)(void);
} core_blas_start;

enum { CORE_BLAS_RESTARTS = 2 };

/* What the process does next */
typedef enum core_blas_act { CORE_BLAS_GO_ON, CORE_BLAS_RESTART, CORE_BLAS_REFUSE } core_blas_act;
typedef struct core_blas_next {
	core_blas_act act;
	const char *kernel; /* for OPENBLAS_CORETYPE; NULL: not set */
	/* set OPENBLAS_NUM_THREADS=1: further threads could wait for memory forever */
	bool one_thread;
} core_blas_next;

core_blas_next core_blas_decide(const core_cpu *cpu, const core_blas_start *start);

/* Call before the first product; repeated calls are allowed. Sets one thread, checks for OpenBLAS's
 * buffer (for which OpenBLAS would wait forever where memory is limited), compares the kernels once
 * a process, and warns once a process about slow kernels that the user has not chosen. Errors:
 * FV_FAILED. */
FV_NODISCARD fv_status core_blas_open(fv_ctx *ctx);

#endif
