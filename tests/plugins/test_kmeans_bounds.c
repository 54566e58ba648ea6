/* SPDX-License-Identifier: Apache-2.0 */
/* Lloyd's algorithm with bounds, and sums in which only rows that move are changed, against the plain form: every
 * label from all distances in double, every sum over all rows, exact in long double. Labels, centres and iterations
 * must be the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kmeans.h"
#include "plugin.h"

enum { N_MAX = 900, D_MAX = 24, K_MAX = 40 };

typedef struct rows {
	int64_t n;
	int32_t dims, k;
	float x[N_MAX * D_MAX];
} rows;

typedef struct plain {
	double centre[K_MAX * D_MAX];
	long double sum[K_MAX * D_MAX];
	int32_t label[N_MAX];
	int64_t count[K_MAX];
} plain;

static void label_all(const rows *r, plain *p)
{
	for (int64_t i = 0; i < r->n; i++) {
		double least = INFINITY;
		for (int32_t j = 0; j < r->k; j++) {
			double distance = kmeans_squared_distance(
				r->x + i * r->dims, p->centre + j * r->dims, r->dims);
			if (distance < least) {
				least = distance;
				p->label[i] = j;
			}
		}
	}
}

/* Returns false if a cluster is empty, which Lloyd's algorithm here fills. */
static bool move_all(const rows *r, plain *p)
{
	bool full = true;
	memset(p->sum, 0, sizeof p->sum);
	memset(p->count, 0, sizeof p->count);
	for (int64_t i = 0; i < r->n; i++) {
		p->count[p->label[i]]++;
		for (int32_t d = 0; d < r->dims; d++)
			p->sum[p->label[i] * r->dims + d] += (long double)r->x[i * r->dims + d];
	}
	for (int32_t j = 0; j < r->k; j++) {
		full &= p->count[j] > 0;
		for (int32_t d = 0; d < r->dims && p->count[j]; d++)
			p->centre[j * r->dims + d] =
				(double)p->sum[j * r->dims + d] / (double)p->count[j];
	}
	return full;
}

/* Rows around `clumps` centres; grid: whole numbers, with rows that coincide and centres at equal distance. */
static void make_rows(rows *r, int clumps, double spread, bool grid, uint64_t seed)
{
	fv_stream s = fv_rng_seeded(seed, "rows", 0, 0);
	float clump[64 * D_MAX];
	for (int i = 0; i < clumps * r->dims; i++)
		clump[i] = (float)(4 * fv_normal(&s));
	for (int64_t i = 0; i < r->n; i++) {
		uint64_t own = fv_below(&s, (uint64_t)clumps);
		for (int32_t d = 0; d < r->dims; d++) {
			/* cppcheck-suppress uninitvar ; each clump is set above */
			double value = (double)clump[own * (uint64_t)r->dims + (uint64_t)d] +
				       spread * fv_normal(&s);
			r->x[i * r->dims + d] = (float)(grid ? rint(value) : value);
		}
	}
}

/* Runs both for up to `iterations`. Returns false, with nothing compared, if a cluster became empty. */
static bool compare(const rows *r, int64_t iterations)
{
	static plain p;
	fv_ctx *ctx = test_ctx();
	kmeans_rows prepared;
	double centre[K_MAX * D_MAX];
	int32_t label[N_MAX];
	kmeans_model m = {.k = r->k, .centre = centre, .label = label};
	for (int i = 0; i < r->k * r->dims; i++) /* the first k rows */
		p.centre[i] = centre[i] = (double)r->x[i];
	for (int64_t t = 0; t < iterations; t++) {
		label_all(r, &p);
		if (!move_all(r, &p)) {
			core_ctx_free(ctx);
			return false;
		}
	}
	label_all(r, &p);
	test_ok(ctx, kmeans_prepare_rows(ctx, r->x, r->n, r->dims, &prepared));
	test_ok(ctx, kmeans_run_lloyd(ctx, &prepared, 0, iterations, &m));
	assert_memory_equal(label, p.label, (size_t)r->n * sizeof *label);
	assert_memory_equal(centre, p.centre, (size_t)(r->k * r->dims) * sizeof *centre);
	core_ctx_free(ctx);
	return true;
}

static void same_as_without_bounds(void **state)
{
	(void)state;
	static const int32_t dims[] = {1, 2, 7, 24}, ks[] = {1, 2, 5, 12, 40};
	rows *r = malloc(sizeof *r);
	int compared = 0;
	assert_non_null(r);
	uint64_t seed = 0;
	for (int d = 0; d < 4; d++)
		for (int k = 0; k < 5; k++)
			for (int kind = 0; kind < 4; kind++) {
				*r = (rows){.n = N_MAX, .dims = dims[d], .k = ks[k]};
				make_rows(r, 1 + 12 * kind, 1 + kind % 2, false, seed++);
				for (int64_t iterations = 1; iterations < 64; iterations *= 3)
					compared += compare(r, iterations);
			}
	assert_true(compared > 200); /* of 320 */
	free(r);
}

/* Ties go to the centre of the lowest index, also when a bound says that nothing has changed. */
static void ties_on_a_grid(void **state)
{
	(void)state;
	rows *r = malloc(sizeof *r);
	assert_non_null(r);
	for (uint64_t seed = 0; seed < 20; seed++) {
		*r = (rows){.n = 400, .dims = 2, .k = 6};
		make_rows(r, 3, 2, true, seed);
		for (int32_t j = 0; j < r->k; j++) { /* different start rows */
			r->x[2 * j] = (float)(3 * (j % 3));
			r->x[2 * j + 1] = j < 3 ? 0 : 3;
		}
		assert_true(compare(r, 9));
	}
	free(r);
}

static int64_t count_open(kmeans_bounds *bounds, const kmeans_rows *all,
	const kmeans_search *search, const int32_t *label)
{
	int64_t open = 0;
	kmeans_begin_bounds(bounds);
	for (int64_t first = 0; first < all->n; first += KMEANS_BLOCK) {
		int64_t left = all->n - first;
		int32_t n = left < KMEANS_BLOCK ? (int32_t)left : KMEANS_BLOCK;
		open += kmeans_find_open_rows(bounds, all, search, first, n, label);
	}
	return open;
}

/* The bounds do spare comparisons: without them, every row of every iteration would be open. */
static void bounds_spare_rows(void **state)
{
	(void)state;
	rows *r = malloc(sizeof *r);
	assert_non_null(r);
	*r = (rows){.n = N_MAX, .dims = 24, .k = 5};
	make_rows(r, 5, 1, false, 7);
	fv_ctx *ctx = test_ctx();
	kmeans_rows prepared;
	kmeans_search search;
	kmeans_bounds bounds;
	double centre[5 * D_MAX];
	int32_t label[N_MAX];
	for (int i = 0; i < r->k * r->dims; i++)
		centre[i] = (double)r->x[i];
	test_ok(ctx, kmeans_prepare_rows(ctx, r->x, r->n, r->dims, &prepared));
	test_ok(ctx, kmeans_prepare_search(ctx, r->k, r->dims, &search));
	test_ok(ctx, kmeans_prepare_bounds(ctx, r->n, r->k, r->dims, &bounds));
	assert_int_equal(count_open(&bounds, &prepared, &search, label), r->n);
	kmeans_find_nearest(&prepared, centre, r->k, &search, &bounds, label);
	int64_t open = count_open(&bounds, &prepared, &search, label);
	assert_true(open < r->n / 10);
	centre[0] += 1e6; /* a centre that leaves: all its rows are open */
	int64_t own = 0;
	for (int64_t i = 0; i < r->n; i++)
		own += label[i] == 0;
	bounds.shift[0] = 1e6;
	assert_true(own > 0 && count_open(&bounds, &prepared, &search, label) >= own);
	core_ctx_free(ctx);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_without_bounds),
		cmocka_unit_test(ties_on_a_grid),
		cmocka_unit_test(bounds_spare_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
