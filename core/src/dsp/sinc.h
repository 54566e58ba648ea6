/* SPDX-License-Identifier: Apache-2.0 */
/* Finds peaks between samples by windowed sinc interpolation at eighths of a sample. */
#ifndef CORE_DSP_SINC_H
#define CORE_DSP_SINC_H

#include <fairvox/context.h>

#define CORE_SINC_HALF 8 /* samples used on each side */

typedef struct core_sinc core_sinc;

const core_sinc *core_sinc_open(fv_ctx *ctx); /* NULL: out of memory */

/* Position of the maximum of y near y[at], which must be a local maximum; *height is its value.
 * y[at - CORE_SINC_HALF] .. y[at + CORE_SINC_HALF + 1] must exist. */
float core_sinc_peak(const core_sinc *sinc, const float *y, int32_t at, float *height);

#endif
