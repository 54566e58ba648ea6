/* SPDX-License-Identifier: Apache-2.0 */
/* Sigmoid and hyperbolic tangent of many numbers at once, and the cell of an LSTM made of them. */
#ifndef CORE_BACKEND_GATES_H
#define CORE_BACKEND_GATES_H

#include <stdint.h>

/* Eight floats that compilers keep in one register where the machine has such; any alignment of 4.
 */
typedef float core_lanes __attribute__((vector_size(32), aligned(4), may_alias));

/* Compiles a function also for wider registers. Which one runs is chosen when the library is loaded; the
 * arithmetic is the same. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define CORE_LANES_FAST __attribute__((target_clones("avx2", "default")))
#else
#define CORE_LANES_FAST
#endif

/* x [n] -> y [n], relative error below 3e-7 (within 3 units in the last place); y may be x. */
void core_sigmoid(const float *x, float *y, int64_t n);
void core_tanh(const float *x, float *y, int64_t n);

/* gates [P,4H] before their functions, rows i, f, g, o; cell [P,H] in and out; hidden [P,H] out.
 * gates is written to. */
void core_lstm_step(float *gates, int64_t sequences, int32_t hidden, float *cell, float *out);

#endif
