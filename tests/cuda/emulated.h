/* SPDX-License-Identifier: Apache-2.0 */
/* The device cuda-emulated: core/src/backend/cuda built by the C++ compiler over a stand-in for CUDA. It is linked into
 * test programs, which choose here what GPU it pretends to be and what fails. */
#ifndef TEST_EMULATED_H
#define TEST_EMULATED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct emulated_gpu {
	int devices, error;  /* error: what the first call of the runtime gives */
	int driver, runtime; /* versions as CUDA writes them: 13000 for 13.0 */
	int major, minor;    /* of the architecture */
	int multiprocessors;
	size_t free_bytes;   /* of memory */
	int64_t allocations; /* of the device's memory and pinned memory so far */
	int64_t fail_at;     /* the allocation that fails, from 1 on; 0: none */
	int64_t launches;    /* kernels that have run */
	int64_t fault_at; /* the kernel that faults, from 1 on: the device is dead behind it; 0: none */
	int64_t live_bytes; /* of memory that was not freed */
} emulated_gpu;

extern emulated_gpu emulated;

/* An H200 with 4 GB of free memory on which nothing fails */
void emulated_reset(void);

#ifdef __cplusplus
}
#endif

#endif
