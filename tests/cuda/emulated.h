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

/* What fails of graphs */
enum {
	EMULATED_NO_CAPTURE = 1,   /* a capture does not begin, as with a driver that is too old */
	EMULATED_NOT_CAPTURED = 2, /* what is enqueued in one cannot be captured */
	EMULATED_NOT_INSTANTIATED = 3, /* memory is out */
	EMULATED_NOT_UPLOADED = 4      /* memory is out */
};

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
	int64_t live_bytes;   /* of memory that was not freed */
	int graph_fault;      /* of those above; 0: nothing fails */
	int64_t live_graphs;  /* captured and instantiated ones that were not destroyed */
	int64_t instantiated; /* so far */
	int64_t replays;      /* launches of graphs */
} emulated_gpu;

extern emulated_gpu emulated;

/* An H200 with 4 GB of free memory on which nothing fails */
void emulated_reset(void);

#ifdef __cplusplus
}
#endif

#endif
