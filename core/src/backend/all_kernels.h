/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of one instruction set except its products of rows and panels (SIMD_LANES, see
 * simd.h). */
#ifndef CORE_BACKEND_ALL_KERNELS_H
#define CORE_BACKEND_ALL_KERNELS_H

#include "backend/collapse_kernels.h"
#include "backend/dot_kernels.h"
#include "backend/front_kernels.h"
#include "backend/gate_kernels.h"
#include "backend/hidden_kernels.h"
#include "backend/map_kernels.h"
#include "backend/mix_kernels.h"
#include "backend/optimizer_kernels.h"
#include "backend/rows.h"

#define ALL_KERNELS                                                                                \
	.finish = finish_tile, .split = split_row, .pack = pack_row, .gelu = apply_gelu,           \
	.sigmoid = apply_sigmoid, .lstm_step = step_lstm, .layer_norm = apply_layer_norm,          \
	.softmax = apply_softmax, .first_rows = convolve_wave_rows,                                \
	.column_moments = compute_column_moments, .mix_layers = mix_layers,                        \
	.mix_gradient = compute_mix_dots, .dot_rows = dot_rows,                                    \
	.collapse_product = collapse_product, .collapse_row = collapse_row,                        \
	.collapse_gradient = collapse_gradient,                                                    \
	.collapse_output_gradient = collapse_output_gradient, .hidden_forward = hidden_forward,    \
	.hidden_backward = hidden_backward, .adam_step = adam_step, .sgd_step = sgd_step,          \
	.sum_squares = sum_squares, .squared_distances = compute_squared_distances,                \
	.pair_forces = add_pair_forces, .pair_cost = compute_pair_cost,                            \
	.link_attraction = compute_link_attraction, .square_repulsion = compute_square_repulsion

#endif
