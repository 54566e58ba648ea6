/* SPDX-License-Identifier: Apache-2.0 */
/* Means and peaks of long float arrays. */
#ifndef CORE_DSP_VECTOR_H
#define CORE_DSP_VECTOR_H

#include <stdint.h>

float core_mean(const float *x, int64_t n);
/* Largest |x_i - centre|. */
float core_peak(const float *x, int64_t n, float centre);

#endif
