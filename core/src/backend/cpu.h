/* SPDX-License-Identifier: Apache-2.0 */
/* The processor features by which kernels are chosen: ours (kernels.h) and OpenBLAS's (blas.h). The
 * choices depend on this struct alone, so that tests can make up processors. */
#ifndef CORE_BACKEND_CPU_H
#define CORE_BACKEND_CPU_H

#include <stdbool.h>

typedef struct core_cpu {
	bool intel, amd;  /* manufacturer; both false: another one */
	bool avx2;        /* with FMA */
	bool avx512;      /* F, BW, DQ, VL and CD; with avx2 */
	bool avx512_bf16; /* with avx512 */
	bool amx;         /* bfloat16 products in tiles, allowed by the system; with avx512 */
} core_cpu;

/* The processor of this machine. Requests the AMX tiles for this process from the operating
 * system. */
core_cpu core_cpu_read(void);

#endif
