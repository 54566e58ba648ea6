/* SPDX-License-Identifier: Apache-2.0 */
/* All kernels, one set for each instruction set. */
#ifndef CORE_BACKEND_KERNELS_PRIVATE_H
#define CORE_BACKEND_KERNELS_PRIVATE_H

#include "backend/kernels.h"

extern const core_kernels core_kernels_portable;
#if defined(__x86_64__)
extern const core_kernels core_kernels_avx2, core_kernels_avx512;
extern const core_kernels core_kernels_avx512_bf16, core_kernels_amx;
extern const core_tiles core_tiles_avx512_bf16, core_tiles_amx;
extern const core_packed core_packed_avx2, core_packed_avx512;
#endif

#endif
