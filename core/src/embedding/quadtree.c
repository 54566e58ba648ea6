/* SPDX-License-Identifier: Apache-2.0 */
#include "embedding/quadtree.h"

#include <math.h>
#include <string.h>

#include "embedding/field.h"

/* Points of a leaf; bits of a coordinate on the curve */
enum { LEAF = 8, BITS = 32 };

fv_status core_quadtree_open(fv_ctx *ctx, int64_t n, core_quadtree *out)
{
	size_t count = (size_t)n, padded = (size_t)core_map_padded(n);
	*out = (core_quadtree){.n = n,
		.order = core_alloc(ctx, count, sizeof *out->order),
		.order2 = core_alloc(ctx, count, sizeof *out->order2),
		.key = core_alloc(ctx, count, sizeof *out->key),
		.key2 = core_alloc(ctx, count, sizeof *out->key2),
		.x = core_alloc(ctx, padded, sizeof *out->x),
		.y = core_alloc(ctx, padded, sizeof *out->y),
		.squares = core_alloc(ctx, 2 * count, sizeof *out->squares)};
	bool whole = out->order && out->order2 && out->key && out->key2 && out->x && out->y &&
		     out->squares;
	return whole ? FV_OK : FV_FAILED;
}

/* Bit i of v becomes bit 2 i. */
static uint64_t spread_bits(uint64_t v)
{
	v = (v | v << 16) & 0x0000ffff0000ffff;
	v = (v | v << 8) & 0x00ff00ff00ff00ff;
	v = (v | v << 4) & 0x0f0f0f0f0f0f0f0f;
	v = (v | v << 2) & 0x3333333333333333;
	return (v | v << 1) & 0x5555555555555555;
}

static void find_range(const float *v, int64_t n, double *low, double *high)
{
	*low = *high = (double)v[0];
	for (int64_t i = 1; i < n; i++) {
		*low = fmin(*low, (double)v[i]);
		*high = fmax(*high, (double)v[i]);
	}
}

/* Sets keys and order to those of the unsorted points. Returns the side of the bounding square. */
static double place_on_curve(core_quadtree *tree, const core_map_points *points)
{
	double low_x, high_x, low_y, high_y;
	find_range(points->x, tree->n, &low_x, &high_x);
	find_range(points->y, tree->n, &low_y, &high_y);
	double side = fmax(high_x - low_x, high_y - low_y);
	double scale = side > 0 ? (ldexp(1, BITS) - 1) / side : 0;
	for (int64_t i = 0; i < tree->n; i++) {
		uint64_t x = (uint64_t)(((double)points->x[i] - low_x) * scale);
		uint64_t y = (uint64_t)(((double)points->y[i] - low_y) * scale);
		tree->key[i] = spread_bits(x) | spread_bits(y) << 1;
		tree->order[i] = (uint32_t)i;
	}
	return side;
}

static void swap_buffers(core_quadtree *tree)
{
	uint64_t *key = tree->key;
	uint32_t *order = tree->order;
	tree->key = tree->key2;
	tree->order = tree->order2;
	tree->key2 = key;
	tree->order2 = order;
}

/* Radix sort by bytes: equal keys stay in order of the points. */
static void sort_keys(core_quadtree *tree)
{
	enum { BUCKETS = 256 };
	for (int shift = 0; shift < 2 * BITS; shift += 8) {
		int64_t at[BUCKETS] = {0}, sum = 0;
		for (int64_t i = 0; i < tree->n; i++)
			at[tree->key[i] >> shift & (BUCKETS - 1)]++;
		for (int b = 0; b < BUCKETS; b++) {
			int64_t count = at[b];
			at[b] = sum;
			sum += count;
		}
		for (int64_t i = 0; i < tree->n; i++) {
			int64_t to = at[tree->key[i] >> shift & (BUCKETS - 1)]++;
			tree->key2[to] = tree->key[i];
			tree->order2[to] = tree->order[i];
		}
		swap_buffers(tree);
	}
}

/* Halvings of the bounding square to the smallest square that holds all points [first,last) */
static int find_level(const core_quadtree *tree, int32_t first, int32_t last)
{
	uint64_t differ = tree->key[first] ^ tree->key[last - 1];
	return differ ? __builtin_clzll(differ) / 2 : BITS;
}

/* The first point from `first` on whose quadrant at this level is above `quadrant` */
static int32_t find_quadrant_end(
	const core_quadtree *tree, int32_t first, int32_t last, int level, unsigned quadrant)
{
	int shift = 2 * (BITS - 1 - level);
	while (first < last) {
		int32_t middle = first + (last - first) / 2;
		if ((tree->key[middle] >> shift & 3) <= quadrant)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

static void sum_points(const core_quadtree *tree, int32_t first, int32_t last, double sum[2])
{
	for (int32_t i = first; i < last; i++) {
		sum[0] += (double)tree->x[i];
		sum[1] += (double)tree->y[i];
	}
}

/* Appends the square of the points [first,last) and those within it; adds its points to `sum`. The depth of recursion is
 * at most BITS, because each level splits the points. */
static void append_square(
	core_quadtree *tree, double side, int32_t first, int32_t last, double sum[2])
{
	core_square *square = &tree->squares[tree->n_squares++];
	int level = find_level(tree, first, last);
	double own[2] = {0}, width = ldexp(side, -level);
	*square = (core_square){.width2 = (float)(width * width), .points = (float)(last - first)};
	if (last - first <= LEAF || level == BITS) {
		square->first = first;
		square->last = last;
		sum_points(tree, first, last, own);
	} else {
		int32_t begin = first;
		for (unsigned quadrant = 0; quadrant < 4; quadrant++) {
			int32_t end = find_quadrant_end(tree, begin, last, level, quadrant);
			if (end > begin)
				append_square(tree, side, begin, end, own);
			begin = end;
		}
	}
	square->x = (float)(own[0] / (last - first));
	square->y = (float)(own[1] / (last - first));
	square->next = tree->n_squares;
	sum[0] += own[0];
	sum[1] += own[1];
}

void core_quadtree_build(core_quadtree *tree, const core_map_points *points)
{
	double side = place_on_curve(tree, points), sum[2] = {0};
	sort_keys(tree);
	int64_t padded = core_map_padded(tree->n);
	for (int64_t i = 0; i < padded; i++) {
		uint32_t from = tree->order[i < tree->n ? i : tree->n - 1];
		tree->x[i] = points->x[from];
		tree->y[i] = points->y[from];
	}
	tree->n_squares = 0;
	append_square(tree, side, 0, (int32_t)tree->n, sum);
}
