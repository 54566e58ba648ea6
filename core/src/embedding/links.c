/* SPDX-License-Identifier: Apache-2.0 */
/* Affinities of the nearest rows only, made symmetric. */
#include <stdlib.h>
#include <string.h>

#include "embedding/affinities.h"

/* A row and its squared distance, or its affinity */
struct neighbour {
	int32_t index;
	float value;
};

struct search {
	const float *x;
	int64_t n, dims, k;
	double perplexity;
	float *distance;        /* [members,CORE_DISTANCE_ROWS,n] */
	double *row;            /* [members,k] */
	struct neighbour *near; /* [n,k] */
};

static int compare_neighbours(const void *a, const void *b)
{
	const struct neighbour *left = a, *right = b;
	return (left->index > right->index) - (left->index < right->index);
}

/* Keeps the k nearest in order of distance; of equal ones those with the lowest index. */
static void insert_neighbour(struct neighbour *near, int64_t *have, int64_t k, struct neighbour one)
{
	if (*have == k && one.value >= near[k - 1].value)
		return;
	int64_t at = *have < k ? (*have)++ : k - 1;
	for (; at > 0 && near[at - 1].value > one.value; at--)
		near[at] = near[at - 1];
	near[at] = one;
}

/* Replaces the distances of the neighbours of one row by conditional affinities and sorts them by index. */
static void weigh_neighbours(const struct search *s, struct neighbour *near, double *row)
{
	for (int64_t j = 0; j < s->k; j++)
		row[j] = (double)near[j].value;
	core_affinity affinity = core_affinity_fit(s->k, row, s->perplexity);
	for (int64_t j = 0; j < s->k; j++)
		near[j].value = (float)core_affinity_at(&affinity, row[j]);
	qsort(near, (size_t)s->k, sizeof *near, compare_neighbours);
}

static void search_rows(void *user, int64_t part, int member)
{
	const struct search *s = user;
	int64_t n = s->n, first = part * CORE_DISTANCE_ROWS, last = first + CORE_DISTANCE_ROWS;
	last = last < n ? last : n;
	float *distance = s->distance + (int64_t)member * CORE_DISTANCE_ROWS * n;
	core_distances_compute(s->x, n, s->dims, first, last, distance);
	for (int64_t i = first; i < last; i++, distance += n) {
		struct neighbour *near = s->near + i * s->k;
		int64_t have = 0;
		for (int64_t j = 0; j < n; j++)
			if (j != i)
				insert_neighbour(near, &have, s->k,
					(struct neighbour){(int32_t)j, distance[j]});
		weigh_neighbours(s, near, s->row + member * s->k);
	}
}

/* The rows that have row i among their neighbours, for all i: those of i are from begin[i] to begin[i + 1], by index */
static fv_status transpose_neighbours(
	fv_ctx *ctx, const struct search *s, int64_t **begin, struct neighbour **out)
{
	size_t n = (size_t)s->n;
	int64_t *at = core_alloc(ctx, n + 1, sizeof *at);
	*begin = core_alloc(ctx, n + 1, sizeof **begin);
	*out = core_alloc(ctx, n * (size_t)s->k, sizeof **out);
	if (!at || !*begin || !*out)
		return FV_FAILED;
	for (int64_t e = 0; e < s->n * s->k; e++)
		(*begin)[s->near[e].index + 1]++;
	for (int64_t i = 0; i < s->n; i++)
		(*begin)[i + 1] += (*begin)[i];
	memcpy(at, *begin, (n + 1) * sizeof *at);
	for (int64_t i = 0; i < s->n; i++)
		for (int64_t j = 0; j < s->k; j++) {
			const struct neighbour *near = &s->near[i * s->k + j];
			(*out)[at[near->index]++] = (struct neighbour){(int32_t)i, near->value};
		}
	return FV_OK;
}

/* Merges two lists sorted by index; an index in both gets the sum of its values. Returns the length. */
static int64_t merge_neighbours(const struct neighbour *a, int64_t n_a, const struct neighbour *b,
	int64_t n_b, double scale, int32_t *index, float *p)
{
	int64_t n = 0;
	for (int64_t i = 0, j = 0; i < n_a || j < n_b; n++) {
		int32_t next =
			i < n_a && (j == n_b || a[i].index <= b[j].index) ? a[i].index : b[j].index;
		double sum = 0;
		if (i < n_a && a[i].index == next)
			sum += (double)a[i++].value;
		if (j < n_b && b[j].index == next)
			sum += (double)b[j++].value;
		index[n] = next;
		p[n] = (float)(sum * scale);
	}
	return n;
}

static fv_status join_directions(fv_ctx *ctx, const struct search *s, core_links *out)
{
	size_t n = (size_t)s->n, most = 2 * n * (size_t)s->k;
	int64_t *begin;
	struct neighbour *reverse;
	fv_status status = transpose_neighbours(ctx, s, &begin, &reverse);
	if (status)
		return status;
	*out = (core_links){.n = s->n,
		.begin = core_alloc(ctx, n + 1, sizeof *out->begin),
		.index = core_alloc(ctx, most, sizeof *out->index),
		.p = core_alloc(ctx, most, sizeof *out->p)};
	if (!out->begin || !out->index || !out->p)
		return FV_FAILED;
	for (int64_t i = 0; i < s->n; i++) {
		int64_t at = out->begin[i];
		out->begin[i + 1] = at + merge_neighbours(s->near + i * s->k, s->k,
						 reverse + begin[i], begin[i + 1] - begin[i],
						 0.5 / (double)s->n, out->index + at, out->p + at);
	}
	return FV_OK;
}

fv_status core_links_find(fv_ctx *ctx, core_team *team, const float *x, int64_t n, int64_t dims,
	int64_t k, double perplexity, core_links *out)
{
	size_t members = (size_t)core_team_size(team);
	struct search s = {.x = x,
		.n = n,
		.dims = dims,
		.k = k,
		.perplexity = perplexity,
		.distance = core_alloc(
			ctx, members * CORE_DISTANCE_ROWS * (size_t)n, sizeof *s.distance),
		.row = core_alloc(ctx, members * (size_t)k, sizeof *s.row),
		.near = core_alloc(ctx, (size_t)n * (size_t)k, sizeof *s.near)};
	if (!s.distance || !s.row || !s.near)
		return FV_FAILED;
	core_team_run(team, (n + CORE_DISTANCE_ROWS - 1) / CORE_DISTANCE_ROWS, search_rows, &s);
	return join_directions(ctx, &s, out);
}
