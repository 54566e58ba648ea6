/* SPDX-License-Identifier: Apache-2.0 */
/* Forces by Barnes-Hut: attraction by the nearest rows, repulsion by the squares of a quadtree. */
#include <math.h>

#include "embedding/affinities.h"
#include "embedding/field.h"
#include "embedding/quadtree.h"

/* Points of a part; a multiple of CORE_PAIR_COLUMNS */
enum { PART = 64 };

struct barnes_hut {
	core_team *team;
	const core_kernels *kernels;
	int64_t n;
	core_links links;
	core_quadtree tree;
	double sum_p_log_p, sum_p;
	float *repulsion_x, *repulsion_y, *q; /* [n] of the sorted points */
	double *sum;                          /* [n] */
	/* of one call */
	const core_map_points *points;
	const core_map_forces *out;
};

static int64_t count_parts(const struct barnes_hut *b)
{
	return (b->n + PART - 1) / PART;
}

static int64_t end_part(const struct barnes_hut *b, int64_t part)
{
	return (part + 1) * PART < b->n ? (part + 1) * PART : b->n;
}

static void attract_part(void *user, int64_t part, int member)
{
	(void)member;
	const struct barnes_hut *b = user;
	const core_links *links = &b->links;
	for (int64_t i = part * PART; i < end_part(b, part); i++) {
		int64_t begin = links->begin[i];
		float attraction[2];
		b->kernels->link_attraction(b->points, i, links->begin[i + 1] - begin,
			links->index + begin, links->p + begin, attraction);
		b->out->attraction_x[i] = attraction[0];
		b->out->attraction_y[i] = attraction[1];
	}
}

static void repel_part(void *user, int64_t part, int member)
{
	const struct barnes_hut *b = user;
	const core_quadtree *tree = &b->tree;
	int64_t first = part * PART;
	core_map_points sorted = {b->n, tree->x, tree->y};
	attract_part(user, part, member);
	b->kernels->square_repulsion(&sorted, tree->squares, tree->n_squares, first,
		end_part(b, part) - first, b->repulsion_x + first, b->repulsion_y + first,
		b->q + first);
}

static double compute_forces(
	void *state, const core_map_points *points, const core_map_forces *forces)
{
	struct barnes_hut *b = state;
	b->points = points;
	b->out = forces;
	core_quadtree_build(&b->tree, points);
	core_team_run(b->team, count_parts(b), repel_part, b);
	double sum_q = 0;
	for (int64_t i = 0; i < b->n; i++) {
		uint32_t to = b->tree.order[i];
		forces->repulsion_x[to] = b->repulsion_x[i];
		forces->repulsion_y[to] = b->repulsion_y[i];
		sum_q += (double)b->q[i];
	}
	return sum_q;
}

static double add_points(const struct barnes_hut *b)
{
	double sum = 0;
	for (int64_t i = 0; i < b->n; i++)
		sum += b->sum[i];
	return sum;
}

/* One plus the squared distance of two points */
static double measure_pair(const core_map_points *points, int64_t i, int64_t j)
{
	double dx = (double)points->x[i] - (double)points->x[j];
	double dy = (double)points->y[i] - (double)points->y[j];
	return 1 + dx * dx + dy * dy;
}

static void sum_part(void *user, int64_t part, int member)
{
	(void)member;
	const struct barnes_hut *b = user;
	for (int64_t i = part * PART; i < end_part(b, part); i++) {
		b->sum[i] = 0;
		for (int64_t j = 0; j < i; j++)
			b->sum[i] += 1 / measure_pair(b->points, i, j);
	}
}

static double sum_pairs(void *state, const core_map_points *points)
{
	struct barnes_hut *b = state;
	b->points = points;
	core_team_run(b->team, count_parts(b), sum_part, b);
	return 2 * add_points(b);
}

static void cost_part(void *user, int64_t part, int member)
{
	(void)member;
	const struct barnes_hut *b = user;
	const core_links *links = &b->links;
	for (int64_t i = part * PART; i < end_part(b, part); i++) {
		b->sum[i] = 0;
		for (int64_t e = links->begin[i]; e < links->begin[i + 1]; e++)
			b->sum[i] += (double)links->p[e] *
				     log(measure_pair(b->points, i, links->index[e]));
	}
}

static double compute_cost(void *state, const core_map_points *points, double sum_q)
{
	struct barnes_hut *b = state;
	b->points = points;
	core_team_run(b->team, count_parts(b), cost_part, b);
	return b->sum_p_log_p + add_points(b) + b->sum_p * log(sum_q);
}

static fv_status reserve_points(fv_ctx *ctx, struct barnes_hut *b)
{
	size_t n = (size_t)b->n;
	b->repulsion_x = core_alloc(ctx, n, sizeof *b->repulsion_x);
	b->repulsion_y = core_alloc(ctx, n, sizeof *b->repulsion_y);
	b->q = core_alloc(ctx, n, sizeof *b->q);
	b->sum = core_alloc(ctx, n, sizeof *b->sum);
	if (!b->repulsion_x || !b->repulsion_y || !b->q || !b->sum)
		return FV_FAILED;
	return core_quadtree_open(ctx, b->n, &b->tree);
}

fv_status core_field_open_barnes_hut(fv_ctx *ctx, core_team *team, const float *x, int64_t n,
	int64_t dims, double perplexity, core_field *out)
{
	struct barnes_hut *b = core_alloc(ctx, 1, sizeof *b);
	if (!b)
		return FV_FAILED;
	*b = (struct barnes_hut){.team = team, .kernels = core_kernels_used(), .n = n};
	int64_t k = (int64_t)(3 * perplexity + 1);
	k = k < n - 1 ? k : n - 1;
	fv_status status = core_links_find(ctx, team, x, n, dims, k, perplexity, &b->links);
	if (!status)
		status = reserve_points(ctx, b);
	if (status)
		return status;
	for (int64_t e = 0; e < b->links.begin[n]; e++) {
		double p = (double)b->links.p[e];
		b->sum_p += p;
		b->sum_p_log_p += p > 0 ? p * log(p) : 0;
	}
	*out = (core_field){b, compute_forces, sum_pairs, compute_cost};
	return FV_OK;
}
