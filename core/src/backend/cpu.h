/* SPDX-License-Identifier: Apache-2.0 */
/* What a processor has that kernels are chosen by: ours (kernels.h) and OpenBLAS's (blas.h). The choices are
 * functions of this alone, so that tests can make up a processor. */
#ifndef CORE_BACKEND_CPU_H
#define CORE_BACKEND_CPU_H

#include <stdbool.h>

typedef struct core_cpu {
	bool intel, amd;  /* who made it; neither: someone else */
	bool avx2;        /* with FMA */
	bool avx512;      /* F, BW, DQ, VL and CD; with avx2 */
	bool avx512_bf16; /* with avx512 */
	bool amx; /* bfloat16 products in tiles, and the system lets us use them; with avx512 */
} core_cpu;

/* The processor of this machine. Asks the operating system for AMX's tiles, which it gives to a process
 * once. */
core_cpu core_cpu_read(void);

#endif
