/* SPDX-License-Identifier: Apache-2.0 */
/* Forces between all pairs of points. Rows are cut into strips; each strip adds the forces of its pairs into arrays of
 * its own, which are added in order, so that the result does not depend on the threads. */
#include <math.h>
#include <string.h>

#include "embedding/affinities.h"
#include "embedding/field.h"

/* Rows of a strip, and columns that are added at once. Both are multiples of CORE_PAIR_COLUMNS. */
enum { STRIP = 64, COLUMNS = 256, ARRAYS = 4 };

/* Below this, p is stored as 0: nothing of it would reach a sum, and subnormal numbers are slow. */
static const double least_p = 1e-30;

struct exact {
	core_team *team;
	const core_kernels *kernels;
	int64_t n, padded, strips;
	core_pairs *pairs;    /* [strips] */
	float *forces;        /* [strips,ARRAYS,padded] */
	double *sum_q, *cost; /* [strips] */
	double sum_p_log_p, sum_p;
	/* while P is computed */
	const float *x;
	int64_t dims;
	double perplexity;
	core_affinity *affinity; /* [n] */
	float *distance;         /* [members,CORE_DISTANCE_ROWS,n] */
	double *row;             /* [members,n] */
	/* of one call */
	const core_map_points *points;
	const core_map_forces *out;
};

static float *get_distances(const struct exact *e, int member)
{
	return e->distance + (int64_t)member * CORE_DISTANCE_ROWS * e->n;
}

static void fit_rows(void *user, int64_t part, int member)
{
	struct exact *e = user;
	int64_t first = part * CORE_DISTANCE_ROWS, last = first + CORE_DISTANCE_ROWS, n = e->n;
	last = last < n ? last : n;
	float *distance = get_distances(e, member);
	double *row = e->row + member * n;
	core_distances_compute(e->x, n, e->dims, first, last, distance);
	for (int64_t i = first; i < last; i++, distance += n) {
		for (int64_t j = 0; j < i; j++)
			row[j] = (double)distance[j];
		for (int64_t j = i + 1; j < n; j++)
			row[j - 1] = (double)distance[j];
		e->affinity[i] = core_affinity_fit(n - 1, row, e->perplexity);
	}
}

/* Writes P of the rows [first,last) into their groups, and adds p and p log p to sums [2]. */
static float *pack_rows(const struct exact *e, int64_t first, int64_t last, const float *distance,
	float *out, double sums[2])
{
	for (int64_t group = first; group < last; group += CORE_PAIR_ROWS) {
		int64_t start = group / CORE_PAIR_COLUMNS * CORE_PAIR_COLUMNS;
		for (int64_t i = group; i < group + CORE_PAIR_ROWS && i < e->n; i++)
			for (int64_t j = i + 1; j < e->n; j++) {
				double d = (double)distance[(i - first) * e->n + j];
				double p = (core_affinity_at(&e->affinity[i], d) +
						   core_affinity_at(&e->affinity[j], d)) /
					   (2 * (double)e->n);
				if (p < least_p)
					continue;
				int64_t chunk = (j - start) / CORE_PAIR_COLUMNS;
				int64_t at =
					(chunk * CORE_PAIR_ROWS + i - group) * CORE_PAIR_COLUMNS +
					j % CORE_PAIR_COLUMNS;
				out[at] = (float)p;
				sums[0] += (double)out[at];
				sums[1] += (double)out[at] * log((double)out[at]);
			}
		out += (e->padded - start) * CORE_PAIR_ROWS;
	}
	return out;
}

static void pack_strip(void *user, int64_t strip, int member)
{
	struct exact *e = user;
	const core_pairs *pairs = &e->pairs[strip];
	/* the context's memory, const only for the kernels */
	float *out = (float *)(uintptr_t)pairs->affinity, *distance = get_distances(e, member);
	double sums[2] = {0};
	for (int64_t i = pairs->first; i < pairs->last && i < e->n; i += CORE_DISTANCE_ROWS) {
		int64_t last = i + CORE_DISTANCE_ROWS < e->n ? i + CORE_DISTANCE_ROWS : e->n;
		core_distances_compute(e->x, e->n, e->dims, i, last, distance);
		out = pack_rows(e, i, last, distance, out, sums);
	}
	e->sum_q[strip] = sums[0];
	e->cost[strip] = sums[1];
}

static void force_strip(void *user, int64_t strip, int member)
{
	(void)member;
	struct exact *e = user;
	float *forces = e->forces + strip * ARRAYS * e->padded;
	int64_t first = e->pairs[strip].first;
	for (int a = 0; a < ARRAYS; a++)
		memset(forces + a * e->padded + first, 0,
			(size_t)(e->padded - first) * sizeof *forces);
	core_map_forces out = {
		forces, forces + e->padded, forces + 2 * e->padded, forces + 3 * e->padded};
	e->sum_q[strip] = e->kernels->pair_forces(e->points, &e->pairs[strip], out);
}

static void add_columns(void *user, int64_t part, int member)
{
	(void)member;
	struct exact *e = user;
	int64_t first = part * COLUMNS, last = first + COLUMNS;
	last = last < e->padded ? last : e->padded;
	float *const out[ARRAYS] = {e->out->attraction_x, e->out->attraction_y, e->out->repulsion_x,
		e->out->repulsion_y};
	for (int a = 0; a < ARRAYS; a++) {
		memset(out[a] + first, 0, (size_t)(last - first) * sizeof **out);
		for (int64_t strip = 0; strip < e->strips; strip++) {
			const float *forces = e->forces + (strip * ARRAYS + a) * e->padded;
			int64_t start = e->pairs[strip].first;
			for (int64_t j = start > first ? start : first; j < last; j++)
				out[a][j] += forces[j];
		}
	}
}

static double sum_strips(const struct exact *e, const double *values)
{
	double sum = 0;
	for (int64_t strip = 0; strip < e->strips; strip++)
		sum += values[strip];
	return 2 * sum; /* each pair stands for both directions */
}

static double compute_forces(
	void *state, const core_map_points *points, const core_map_forces *forces)
{
	struct exact *e = state;
	e->points = points;
	e->out = forces;
	core_team_run(e->team, e->strips, force_strip, e);
	core_team_run(e->team, (e->padded + COLUMNS - 1) / COLUMNS, add_columns, e);
	return sum_strips(e, e->sum_q);
}

static double sum_pairs(void *state, const core_map_points *points)
{
	struct exact *e = state;
	e->points = points;
	core_team_run(e->team, e->strips, force_strip, e);
	return sum_strips(e, e->sum_q);
}

static void cost_strip(void *user, int64_t strip, int member)
{
	(void)member;
	struct exact *e = user;
	e->cost[strip] = e->kernels->pair_cost(e->points, &e->pairs[strip]);
}

static double compute_cost(void *state, const core_map_points *points, double sum_q)
{
	struct exact *e = state;
	e->points = points;
	core_team_run(e->team, e->strips, cost_strip, e);
	return e->sum_p_log_p + sum_strips(e, e->cost) + e->sum_p * log(sum_q);
}

/* Reserves the affinities of all strips in one block. */
static fv_status place_strips(fv_ctx *ctx, struct exact *e)
{
	int64_t total = 0;
	for (int64_t group = 0; group < e->padded; group += CORE_PAIR_ROWS)
		total += (e->padded - group / CORE_PAIR_COLUMNS * CORE_PAIR_COLUMNS) *
			 CORE_PAIR_ROWS;
	const float *affinity = core_alloc(ctx, (size_t)total, sizeof *affinity);
	if (!affinity)
		return FV_FAILED;
	for (int64_t strip = 0; strip < e->strips; strip++) {
		int64_t first = strip * STRIP, last = first + STRIP;
		last = last < e->padded ? last : e->padded;
		e->pairs[strip] = (core_pairs){first, last, affinity};
		for (int64_t group = first; group < last; group += CORE_PAIR_ROWS)
			affinity += (e->padded - group / CORE_PAIR_COLUMNS * CORE_PAIR_COLUMNS) *
				    CORE_PAIR_ROWS;
	}
	return FV_OK;
}

static fv_status reserve_memory(fv_ctx *ctx, struct exact *e)
{
	size_t n = (size_t)e->n, members = (size_t)core_team_size(e->team);
	size_t strips = (size_t)e->strips;
	e->pairs = core_alloc(ctx, strips, sizeof *e->pairs);
	e->forces = core_alloc(ctx, strips * ARRAYS * (size_t)e->padded, sizeof *e->forces);
	e->sum_q = core_alloc(ctx, strips, sizeof *e->sum_q);
	e->cost = core_alloc(ctx, strips, sizeof *e->cost);
	e->affinity = core_alloc(ctx, n, sizeof *e->affinity);
	e->distance = core_alloc(ctx, members * CORE_DISTANCE_ROWS * n, sizeof *e->distance);
	e->row = core_alloc(ctx, members * n, sizeof *e->row);
	if (!e->pairs || !e->forces || !e->sum_q || !e->cost || !e->affinity || !e->distance ||
		!e->row)
		return FV_FAILED;
	return place_strips(ctx, e);
}

fv_status core_field_open_exact(fv_ctx *ctx, core_team *team, const float *x, int64_t n,
	int64_t dims, double perplexity, core_field *out)
{
	struct exact *e = core_alloc(ctx, 1, sizeof *e);
	if (!e)
		return FV_FAILED;
	*e = (struct exact){.team = team,
		.kernels = core_kernels_used(),
		.n = n,
		.padded = core_map_padded(n),
		.strips = (n + STRIP - 1) / STRIP,
		.x = x,
		.dims = dims,
		.perplexity = perplexity};
	fv_status status = reserve_memory(ctx, e);
	if (status)
		return status;
	core_team_run(team, (n + CORE_DISTANCE_ROWS - 1) / CORE_DISTANCE_ROWS, fit_rows, e);
	core_team_run(team, e->strips, pack_strip, e);
	e->sum_p = sum_strips(e, e->sum_q);
	e->sum_p_log_p = sum_strips(e, e->cost);
	*out = (core_field){e, compute_forces, sum_pairs, compute_cost};
	return FV_OK;
}
