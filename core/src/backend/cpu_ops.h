/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the CPU (device.h) that have files of their own. */
#ifndef CORE_BACKEND_CPU_OPS_H
#define CORE_BACKEND_CPU_OPS_H

#include <stddef.h>

#include "backend/device.h"

/* n floats, in whole cache lines */
static inline size_t core_round_floats(int64_t n)
{
	return (size_t)(n + 15) / 16 * 16;
}

/* Memory for one operation: give it back with core_scratch_release. NULL: the queue has failed. */
float *core_cpu_scratch(core_queue *queue, size_t floats);

/* cpu_convolutions.c */
void core_cpu_convolve_waves(core_queue *queue, const core_convolutions *convolutions,
	core_rows wave, bool scaled, core_rows y);

/* cpu_attention.c */
void core_cpu_position(core_queue *queue, const core_position *position, core_rows x, core_rows y);
void core_cpu_attend(core_queue *queue, const core_heads *heads, core_rows joined, core_rows x,
	const float *bias, core_rows y);

#endif
