/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels of maps: every instruction set against plain loops in double. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "backend/kernels.h"
#include "embedding/field.h"
#include "embedding/quadtree.h"

enum { MOST = 144 };

/* Points, affinities of all pairs, and forces: those of a kernel and those in double */
struct cloud {
	int64_t n;
	float x[MOST], y[MOST];
	double p[MOST][MOST];
	float got[4][MOST];
	double want[4][MOST], sum_q, sum_p, cost;
};

static struct cloud *make_cloud(int64_t n, double width, uint64_t seed)
{
	struct cloud *c = calloc(1, sizeof *c);
	assert_non_null(c);
	fv_stream stream = fv_rng_seeded(seed, "test", 0, (uint64_t)n);
	c->n = n;
	for (int64_t i = 0; i < n; i++) {
		c->x[i] = (float)(width * fv_normal(&stream));
		c->y[i] = (float)(width * fv_normal(&stream));
		for (int64_t j = 0; j < i; j++)
			c->p[i][j] = c->p[j][i] = (float)pow(fv_uniform(&stream), 4);
	}
	if (n > 5) { /* two points on one place */
		c->x[5] = c->x[2];
		c->y[5] = c->y[2];
	}
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < n; j++) {
			double dx = (double)c->x[i] - (double)c->x[j];
			double dy = (double)c->y[i] - (double)c->y[j];
			double q = i == j ? 0 : 1 / (1 + dx * dx + dy * dy);
			c->want[0][i] += c->p[i][j] * q * dx;
			c->want[1][i] += c->p[i][j] * q * dy;
			c->want[2][i] += q * q * dx;
			c->want[3][i] += q * q * dy;
			c->sum_q += q;
			c->sum_p += i == j ? 0 : c->p[i][j];
			c->cost += i == j ? 0 : -c->p[i][j] * log(q);
		}
	return c;
}

/* Packs the affinities of all pairs as core_pairs describes. */
static float *pack_pairs(const struct cloud *c)
{
	int64_t padded = core_map_padded(c->n), at = 0;
	float *out = aligned_alloc(64, (size_t)(padded * padded) * sizeof *out);
	assert_non_null(out);
	for (int64_t group = 0; group < padded; group += CORE_PAIR_ROWS)
		for (int64_t chunk = group / CORE_PAIR_COLUMNS * CORE_PAIR_COLUMNS; chunk < padded;
			chunk += CORE_PAIR_COLUMNS)
			for (int64_t i = group; i < group + CORE_PAIR_ROWS; i++)
				for (int64_t j = chunk; j < chunk + CORE_PAIR_COLUMNS; j++)
					out[at++] = j > i && j < c->n ? (float)c->p[i][j] : 0;
	return out;
}

/* Every sum is compared relative to the largest of its kind. */
static void compare_forces(const struct cloud *c, int first, int last, double tolerance)
{
	for (int a = first; a < last; a++) {
		double largest = 1e-30;
		for (int64_t i = 0; i < c->n; i++)
			largest = fmax(largest, fabs(c->want[a][i]));
		for (int64_t i = 0; i < c->n; i++)
			test_close(
				(double)c->got[a][i] / largest, c->want[a][i] / largest, tolerance);
	}
}

static void check_pairs(const core_kernels *kernels, struct cloud *c)
{
	float *affinity = pack_pairs(c);
	int64_t padded = core_map_padded(c->n);
	core_map_points points = {c->n, c->x, c->y};
	core_map_forces out = {c->got[0], c->got[1], c->got[2], c->got[3]};
	core_pairs pairs = {0, padded, affinity};
	memset(c->got, 0, sizeof c->got);
	test_close(2 * kernels->pair_forces(&points, &pairs, out) / c->sum_q, 1, 2e-6);
	compare_forces(c, 0, 4, 2e-6);
	for (int64_t i = c->n; i < padded; i++)
		for (int a = 0; a < 4; a++)
			assert_true(c->got[a][i] == 0);
	/* one plus a squared distance is rounded to float32 */
	double scale = c->cost + c->sum_p;
	test_close(2 * kernels->pair_cost(&points, &pairs) / scale, c->cost / scale, 2e-7);
	free(affinity);
}

static void check_links(const core_kernels *kernels, struct cloud *c)
{
	core_map_points points = {c->n, c->x, c->y};
	int32_t index[MOST];
	float p[MOST];
	for (int64_t i = 0; i < c->n; i++) {
		int64_t n = 0;
		float attraction[2];
		for (int32_t j = (int32_t)c->n - 1; j >= 0; j--, n++) {
			index[n] = j;
			p[n] = (float)c->p[i][j];
		}
		kernels->link_attraction(&points, i, n, index, p, attraction);
		c->got[0][i] = attraction[0];
		c->got[1][i] = attraction[1];
	}
	compare_forces(c, 0, 2, 2e-6);
}

static void pairs_and_links_follow_the_definition(void **state)
{
	(void)state;
	const core_kernels *kernels[CORE_KERNELS_MAX];
	size_t count = core_kernels_here(kernels);
	static const int64_t sizes[] = {2, 4, 5, 15, 16, 17, 31, 33, 63, 64, 65, 100, 130};
	static const double widths[] = {1e-4, 1, 40};
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		for (size_t w = 0; w < 3; w++) {
			struct cloud *c = make_cloud(sizes[s], widths[w], w);
			for (size_t k = 0; k < count; k++) {
				check_pairs(kernels[k], c);
				check_links(kernels[k], c);
			}
			free(c);
		}
}

static void distances_follow_the_definition(void **state)
{
	(void)state;
	enum { ROWS = 7, DIMS = 200 };
	const core_kernels *kernels[CORE_KERNELS_MAX];
	size_t count = core_kernels_here(kernels);
	fv_stream stream = fv_rng_seeded(1, "test", 0, 0);
	float y[ROWS * DIMS], out[ROWS], back[ROWS];
	for (int i = 0; i < ROWS * DIMS; i++)
		y[i] = (float)fv_normal(&stream);
	for (size_t k = 0; k < count; k++)
		for (int64_t dims = 1; dims <= DIMS; dims += dims < 70 ? 1 : 13)
			for (int64_t i = 0; i < ROWS; i++) {
				kernels[k]->squared_distances(ROWS, dims, y + i * dims, y, out);
				assert_true(out[i] == 0);
				for (int64_t j = 0; j < ROWS; j++) {
					double want = 0;
					for (int64_t d = 0; d < dims; d++) {
						double off = (double)y[i * dims + d] -
							     (double)y[j * dims + d];
						want += off * off;
					}
					test_close((double)out[j], want, 1e-6);
					kernels[k]->squared_distances(
						ROWS, dims, y + j * dims, y, back);
					assert_true(back[i] == out[j]);
				}
			}
}

/* Repulsion of all points by the tree; returns the sum of q. */
static double repel_points(fv_ctx *ctx, const core_kernels *kernels, struct cloud *c)
{
	core_quadtree tree;
	core_map_points points = {c->n, c->x, c->y};
	test_ok(ctx, core_quadtree_open(ctx, c->n, &tree));
	core_quadtree_build(&tree, &points);
	float x[MOST], y[MOST], q[MOST];
	core_map_points sorted = {c->n, tree.x, tree.y};
	kernels->square_repulsion(&sorted, tree.squares, tree.n_squares, 0, c->n, x, y, q);
	double sum = 0;
	for (int64_t i = 0; i < c->n; i++) {
		c->got[2][tree.order[i]] = x[i];
		c->got[3][tree.order[i]] = y[i];
		sum += (double)q[i];
	}
	return sum;
}

static double measure_error(const struct cloud *c)
{
	double error = 0, size = 0;
	for (int a = 2; a < 4; a++)
		for (int64_t i = 0; i < c->n; i++) {
			error += pow((double)c->got[a][i] - c->want[a][i], 2);
			size += pow(c->want[a][i], 2);
		}
	return sqrt(error / size);
}

static void tree_comes_near_all_pairs(void **state)
{
	(void)state;
	const core_kernels *kernels[CORE_KERNELS_MAX];
	size_t count = core_kernels_here(kernels);
	static const int64_t sizes[] = {1, 2, 8, 9, 17, 64, 100, 130};
	static const double widths[] = {1e-4, 1, 40};
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		for (size_t w = 0; w < 3; w++)
			for (size_t k = 0; k < count; k++) {
				fv_ctx *ctx = test_ctx();
				struct cloud *c = make_cloud(sizes[s], widths[w], w);
				double sum = repel_points(ctx, kernels[k], c);
				test_close(sum, c->sum_q, c->n <= 8 ? 2e-6 : 1e-2);
				if (c->n <= 8) /* one leaf: all pairs */
					compare_forces(c, 2, 4, 2e-6);
				else
					assert_true(measure_error(c) < 0.02);
				free(c);
				core_ctx_free(ctx);
			}
}

/* Every point is in one leaf; squares hold the mean and number of their points, and those within are half as wide or
 * less. */
static void tree_is_whole(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct cloud *c = make_cloud(130, 3, 9);
	for (int i = 40; i < 60; i++) { /* more than a leaf holds, on one place */
		c->x[i] = 1.25f;
		c->y[i] = -2.5f;
	}
	core_quadtree tree;
	core_map_points points = {c->n, c->x, c->y};
	test_ok(ctx, core_quadtree_open(ctx, c->n, &tree));
	core_quadtree_build(&tree, &points);
	int32_t expected = 0, largest = 0;
	for (int32_t s = 0; s < tree.n_squares; s++) {
		const core_square *square = &tree.squares[s];
		if (square->first == square->last) {
			for (int32_t t = s + 1; t < square->next; t++)
				assert_true(tree.squares[t].width2 <= square->width2 / 4);
			continue;
		}
		int32_t n = square->last - square->first;
		double x = 0;
		assert_int_equal(square->first, expected);
		assert_int_equal(square->next, s + 1);
		assert_true(square->points == (float)n);
		for (int32_t i = square->first; i < square->last; i++) {
			assert_true(tree.x[i] == c->x[tree.order[i]]);
			x += (double)tree.x[i] / n;
		}
		test_close((double)square->x, x, 1e-6);
		largest = n > largest ? n : largest;
		expected = square->last;
	}
	assert_int_equal(expected, c->n);
	assert_int_equal(largest, 20);
	free(c);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_and_links_follow_the_definition),
		cmocka_unit_test(distances_follow_the_definition),
		cmocka_unit_test(tree_comes_near_all_pairs),
		cmocka_unit_test(tree_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
