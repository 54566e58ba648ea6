/* SPDX-License-Identifier: Apache-2.0 */
/* All sets of kernels, and what a processor must have for them. */
#ifndef CORE_BACKEND_KERNELS_PRIVATE_H
#define CORE_BACKEND_KERNELS_PRIVATE_H

#include "backend/kernels.h"

extern const core_kernels core_kernels_portable;
#if defined(__x86_64__)
extern const core_kernels core_kernels_avx2, core_kernels_avx512;
extern const core_kernels core_kernels_avx512_bf16, core_kernels_amx;
extern const core_tiles core_tiles_avx512_bf16, core_tiles_amx;

bool core_cpu_avx2(void);
bool core_cpu_avx512(void);
bool core_cpu_avx512_bf16(void);
/* Asks the kernel of the operating system for the tiles, which it gives to a process once. */
bool core_cpu_amx(void);
#endif

#endif
