/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of a map of points (core_map_points in kernels.h), for one instruction set (SIMD_LANES, see
 * simd.h). Sums are float32 with as many parts as a vector has lanes, in an order that depends only on the
 * points, so that instruction sets differ in rounding. A point does not act on itself. */
#ifndef CORE_BACKEND_MAP_KERNELS_H
#define CORE_BACKEND_MAP_KERNELS_H

#include "backend/kernels.h"
#include "backend/simd.h"

/* Rows of a group that are processed at once: as many as there are registers for their sums */
#if SIMD_LANES == 16
enum { PAIR_PASS = 4 };
#else
enum { PAIR_PASS = 2 };
#endif

SIMD_INLINE simd_i i_range(int32_t first)
{
	simd_i v = {0};
	for (int i = 0; i < SIMD_LANES; i++)
		v[i] = first + i;
	return v;
}

SIMD_INLINE simd_d widen_half(const float *half)
{
	return __builtin_convertvector(*(const simd_half *)half, simd_d);
}

static void compute_squared_distances(
	int64_t n, int64_t dims, const float *x, const float *y, float *out)
{
	enum { SUMS = 4 };
	for (int64_t row = 0; row < n; row++, y += dims) {
		simd_v sum[SUMS] = {{0}};
		int64_t d = 0;
		for (; d + SUMS * SIMD_LANES <= dims; d += SUMS * SIMD_LANES)
			for (int s = 0; s < SUMS; s++) {
				simd_v off = v_load(x + d + s * SIMD_LANES) -
					     v_load(y + d + s * SIMD_LANES);
				sum[s] = v_fma(off, off, sum[s]);
			}
		for (; d < dims; d += SIMD_LANES) {
			simd_v off = v_load_first(x + d, dims - d) - v_load_first(y + d, dims - d);
			sum[0] = v_fma(off, off, sum[0]);
		}
		out[row] = v_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
	}
}

/* The sums of the rows of one pass */
typedef struct pair_sums {
	simd_v ax[PAIR_PASS], ay[PAIR_PASS], rx[PAIR_PASS], ry[PAIR_PASS], q;
} pair_sums;

/* The forces between the rows from `row` on and one vector of columns. edge: only pairs row < column < n. */
SIMD_INLINE void add_vector_forces(const core_map_points *points, int64_t row, int64_t column,
	bool edge, const float *affinity, const core_map_forces *forces, pair_sums *sums)
{
	simd_v x = v_load(points->x + column), y = v_load(points->y + column);
	simd_v ax = v_load(forces->attraction_x + column);
	simd_v ay = v_load(forces->attraction_y + column);
	simd_v rx = v_load(forces->repulsion_x + column);
	simd_v ry = v_load(forces->repulsion_y + column);
	for (int r = 0; r < PAIR_PASS; r++) {
		simd_v dx = v_set(points->x[row + r]) - x, dy = v_set(points->y[row + r]) - y;
		simd_v q = v_reciprocal(v_fma(dx, dx, v_fma(dy, dy, v_set(1))));
		if (edge) {
			simd_i j = i_range((int32_t)column);
			q = (simd_v)((simd_i)q &
				     ((j > (int32_t)(row + r)) & (j < (int32_t)points->n)));
		}
		simd_v pull = v_load(affinity + r * CORE_PAIR_COLUMNS) * q, push = q * q;
		sums->q += q;
		sums->ax[r] = v_fma(pull, dx, sums->ax[r]);
		sums->ay[r] = v_fma(pull, dy, sums->ay[r]);
		sums->rx[r] = v_fma(push, dx, sums->rx[r]);
		sums->ry[r] = v_fma(push, dy, sums->ry[r]);
		ax = v_fma(-pull, dx, ax);
		ay = v_fma(-pull, dy, ay);
		rx = v_fma(-push, dx, rx);
		ry = v_fma(-push, dy, ry);
	}
	v_store(forces->attraction_x + column, ax);
	v_store(forces->attraction_y + column, ay);
	v_store(forces->repulsion_x + column, rx);
	v_store(forces->repulsion_y + column, ry);
}

/* One pass of PAIR_PASS rows over the chunks of columns of their group. Returns the sum of q. */
SIMD_INLINE float add_row_forces(const core_map_points *points, int64_t row, int64_t group,
	const float *affinity, const core_map_forces *forces)
{
	pair_sums sums = {0};
	int64_t start = group / CORE_PAIR_COLUMNS * CORE_PAIR_COLUMNS;
	for (int64_t chunk = start; chunk < points->n; chunk += CORE_PAIR_COLUMNS) {
		bool edge = chunk == start || chunk + CORE_PAIR_COLUMNS > points->n;
		for (int64_t j = 0; j < CORE_PAIR_COLUMNS; j += SIMD_LANES) {
			if (edge)
				add_vector_forces(
					points, row, chunk + j, true, affinity + j, forces, &sums);
			else
				add_vector_forces(
					points, row, chunk + j, false, affinity + j, forces, &sums);
		}
		affinity += CORE_PAIR_ROWS * CORE_PAIR_COLUMNS;
	}
	for (int r = 0; r < PAIR_PASS; r++) {
		forces->attraction_x[row + r] += v_sum(sums.ax[r]);
		forces->attraction_y[row + r] += v_sum(sums.ay[r]);
		forces->repulsion_x[row + r] += v_sum(sums.rx[r]);
		forces->repulsion_y[row + r] += v_sum(sums.ry[r]);
	}
	return v_sum(sums.q);
}

/* Numbers of the affinities of one group of rows */
SIMD_INLINE int64_t count_group(const core_map_points *points, int64_t group)
{
	int64_t chunks =
		(points->n + CORE_PAIR_COLUMNS - 1) / CORE_PAIR_COLUMNS - group / CORE_PAIR_COLUMNS;
	return chunks * CORE_PAIR_ROWS * CORE_PAIR_COLUMNS;
}

static double add_pair_forces(
	const core_map_points *points, const core_pairs *pairs, core_map_forces forces)
{
	const float *affinity = pairs->affinity;
	double sum_q = 0;
	for (int64_t group = pairs->first; group < pairs->last; group += CORE_PAIR_ROWS) {
		for (int64_t r = 0; r < CORE_PAIR_ROWS; r += PAIR_PASS)
			sum_q += (double)add_row_forces(points, group + r, group,
				affinity + r * CORE_PAIR_COLUMNS, &forces);
		affinity += count_group(points, group);
	}
	return sum_q;
}

static double compute_pair_cost(const core_map_points *points, const core_pairs *pairs)
{
	const float *p = pairs->affinity;
	double cost = 0;
	for (int64_t group = pairs->first; group < pairs->last; group += CORE_PAIR_ROWS) {
		int64_t start = group / CORE_PAIR_COLUMNS * CORE_PAIR_COLUMNS;
		simd_d sum = {0};
		for (int64_t chunk = start; chunk < points->n; chunk += CORE_PAIR_COLUMNS)
			for (int64_t r = group; r < group + CORE_PAIR_ROWS; r++)
				for (int64_t j = chunk; j < chunk + CORE_PAIR_COLUMNS;
					j += SIMD_LANES, p += SIMD_LANES) {
					simd_v dx = v_set(points->x[r]) - v_load(points->x + j);
					simd_v dy = v_set(points->y[r]) - v_load(points->y + j);
					float term[SIMD_LANES];
					v_store(term,
						v_load(p) * v_log(v_fma(dx, dx,
								    v_fma(dy, dy, v_set(1)))));
					sum += widen_half(term) + widen_half(term + SIMD_LANES / 2);
				}
		cost += d_sum(sum);
	}
	return cost;
}

/* Points that are linked to another, copied one by one: the processor's instructions for loads by index are slow where
 * they are guarded against data leaks. */
enum { LINKS = 256 };
typedef struct link_block {
	float x[LINKS], y[LINKS];
} link_block;

/* Adds the attraction of a block of n links to sum [2]. */
SIMD_INLINE void attract_block(const core_map_points *points, int64_t i, int64_t n,
	const int32_t *index, const float *affinity, simd_v sum[2])
{
	link_block to;
	for (int64_t k = 0; k < n; k++) {
		to.x[k] = points->x[index[k]];
		to.y[k] = points->y[index[k]];
	}
	for (int64_t k = 0; k < n; k += SIMD_LANES) {
		simd_v p = v_load_first(affinity + k, n - k);
		simd_v x = v_load_first(to.x + k, n - k), y = v_load_first(to.y + k, n - k);
		simd_v dx = v_set(points->x[i]) - x, dy = v_set(points->y[i]) - y;
		simd_v pull = p * v_reciprocal(v_fma(dx, dx, v_fma(dy, dy, v_set(1))));
		sum[0] = v_fma(pull, dx, sum[0]);
		sum[1] = v_fma(pull, dy, sum[1]);
	}
}

static void compute_link_attraction(const core_map_points *points, int64_t i, int64_t n,
	const int32_t *index, const float *affinity, float attraction[2])
{
	simd_v sum[2] = {{0}};
	for (int64_t k = 0; k < n; k += LINKS)
		attract_block(
			points, i, n - k < LINKS ? n - k : LINKS, index + k, affinity + k, sum);
	attraction[0] = v_sum(sum[0]);
	attraction[1] = v_sum(sum[1]);
}

/* Repulsion of one vector of sorted points. */
typedef struct point_sums {
	simd_v x, y, rx, ry, q;
} point_sums;

SIMD_INLINE void add_repulsion(
	point_sums *sums, float points, simd_v dx, simd_v dy, simd_v distance2, simd_i keep)
{
	simd_v q = (simd_v)((simd_i)v_reciprocal(distance2 + 1) & keep);
	simd_v many = q * points, push = many * q;
	sums->q += many;
	sums->rx = v_fma(push, dx, sums->rx);
	sums->ry = v_fma(push, dy, sums->ry);
}

SIMD_INLINE void repel_vector(const core_map_points *sorted, const core_square *squares,
	int32_t n_squares, int64_t first, point_sums *sums)
{
	const simd_i all = ~(simd_i){0}, self = i_range((int32_t)first);
	for (int32_t s = 0; s < n_squares;) {
		const core_square *square = &squares[s];
		simd_v dx = sums->x - square->x, dy = sums->y - square->y;
		simd_v distance2 = v_fma(dx, dx, dy * dy);
		if (!i_any(distance2 * 0.25f <= square->width2)) {
			add_repulsion(sums, square->points, dx, dy, distance2, all);
			s = square->next;
			continue;
		}
		for (int32_t k = square->first; k < square->last; k++) {
			dx = sums->x - sorted->x[k];
			dy = sums->y - sorted->y[k];
			add_repulsion(sums, 1, dx, dy, v_fma(dx, dx, dy * dy), self != k);
		}
		s = square->first < square->last ? square->next : s + 1;
	}
}

static void compute_square_repulsion(const core_map_points *sorted, const core_square *squares,
	int32_t n_squares, int64_t first, int64_t count, float *repulsion_x, float *repulsion_y,
	float *sum_q)
{
	for (int64_t i = 0; i < count; i += SIMD_LANES) {
		point_sums sums = {0};
		sums.x = v_load(sorted->x + first + i);
		sums.y = v_load(sorted->y + first + i);
		repel_vector(sorted, squares, n_squares, first + i, &sums);
		v_store_first(repulsion_x + i, sums.rx, count - i);
		v_store_first(repulsion_y + i, sums.ry, count - i);
		v_store_first(sum_q + i, sums.q, count - i);
	}
}

#endif
