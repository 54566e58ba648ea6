/* SPDX-License-Identifier: Apache-2.0 */
/* t-SNE on inputs of every kind: few rows, equal rows, constant columns, numbers that are not finite, any number of
 * threads, and a request to stop. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "base/progress.h"
#include "embedding/field.h"

enum { MOST = 600, DIMS = 7 };

/* Rows in three clusters */
static void fill_rows(float *x, int64_t n)
{
	fv_stream stream = fv_rng_seeded(11, "test", 0, 0);
	for (int64_t i = 0; i < n; i++)
		for (int64_t d = 0; d < DIMS; d++)
			x[i * DIMS + d] = (float)(fv_normal(&stream) + (i % 3 == d % 3 ? 6 : 0));
}

static core_tsne_options choose_options(core_tsne_method method, double perplexity, int threads)
{
	core_tsne_options options = core_tsne_defaults();
	options.method = method;
	options.perplexity = perplexity;
	options.threads = threads;
	options.iterations = 300;
	return options;
}

static const core_tsne_method methods[] = {CORE_TSNE_EXACT, CORE_TSNE_BARNES_HUT};

/* Share of rows whose nearest point in the map is of the same cluster (i % 3) */
static double count_kept(const float *map, int64_t n)
{
	int64_t kept = 0;
	for (int64_t i = 0; i < n; i++) {
		int64_t best = -1;
		double least = INFINITY;
		for (int64_t j = 0; j < n; j++) {
			double far = hypot((double)(map[2 * i] - map[2 * j]),
				(double)(map[2 * i + 1] - map[2 * j + 1]));
			if (j != i && far < least) {
				least = far;
				best = j;
			}
		}
		kept += best % 3 == i % 3;
	}
	return (double)kept / (double)n;
}

static void threads_do_not_change_a_bit(void **state)
{
	(void)state;
	static float x[MOST * DIMS], first[2 * MOST], again[2 * MOST];
	static const int64_t sizes[] = {4, 5, 17, 64, 100, MOST};
	fill_rows(x, MOST);
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		for (int m = 0; m < 2; m++)
			for (int threads = 1; threads <= 5; threads += 1 + (threads == 3)) {
				fv_ctx *ctx = test_ctx();
				core_tsne_options options = choose_options(methods[m], 1, threads);
				core_tsne_result result;
				float *map = threads == 1 ? first : again;
				test_ok(ctx,
					core_tsne(ctx, x, sizes[s], DIMS, &options, map, &result));
				assert_memory_equal(map, first, (size_t)sizes[s] * 2 * sizeof *map);
				assert_int_equal(result.exact, m == 0);
				core_ctx_free(ctx);
			}
}

/* A power of two as unit changes nothing; neither do squares beyond float32. */
static void units_do_not_change_a_bit(void **state)
{
	(void)state;
	static float x[MOST * DIMS], scaled[MOST * DIMS], map[2 * MOST], again[2 * MOST];
	fv_ctx *ctx = test_ctx();
	core_tsne_options options = choose_options(CORE_TSNE_AUTO, 30, 2);
	core_tsne_result result;
	fill_rows(x, 90);
	options.perplexity = 20;
	test_ok(ctx, core_tsne(ctx, x, 90, DIMS, &options, map, &result));
	assert_true(count_kept(map, 90) > 0.95);
	assert_true(result.exact);
	for (int power = -100; power <= 120; power += 110) {
		for (int i = 0; i < 90 * DIMS; i++)
			scaled[i] = ldexpf(x[i], power);
		test_ok(ctx, core_tsne(ctx, scaled, 90, DIMS, &options, again, &result));
		assert_memory_equal(map, again, 90 * 2 * sizeof *map);
	}
	core_ctx_free(ctx);
}

/* Constant columns add nothing to a distance. */
static void constant_columns_are_ignored(void **state)
{
	(void)state;
	enum { N = 120 };
	static float x[N * DIMS], wide[N * (DIMS + 2)], map[2 * N];
	fv_ctx *ctx = test_ctx();
	fill_rows(x, N);
	for (int i = 0; i < N; i++) {
		memcpy(wide + (size_t)i * (DIMS + 2), x + (size_t)i * DIMS, DIMS * sizeof *x);
		wide[i * (DIMS + 2) + DIMS] = 5;
	}
	for (int m = 0; m < 2; m++) {
		core_tsne_options options = choose_options(methods[m], 30, 1);
		core_tsne_result plain, result;
		test_ok(ctx, core_tsne(ctx, x, N, DIMS, &options, map, &plain));
		test_ok(ctx, core_tsne(ctx, wide, N, DIMS + 2, &options, map, &result));
		test_close(result.kl, plain.kl, 0.05);
		assert_true(count_kept(map, N) > 0.95);
	}
	core_ctx_free(ctx);
}

/* Copies of row 0, at every third row, lie close together, also where there are more of them than the perplexity. (On one
 * place, Q of two points is 1 / sum, often more than their P.) */
static void check_copies(core_tsne_method method, int copies, double largest_share)
{
	enum { N = 120 };
	static float x[N * DIMS], map[2 * N];
	fv_ctx *ctx = test_ctx();
	core_tsne_options options = choose_options(method, 5, 1);
	core_tsne_result result;
	double width = 0, farthest = 0;
	fill_rows(x, N);
	for (int i = 1; i < copies; i++)
		memcpy(x + (size_t)i * 3 * DIMS, x, DIMS * sizeof *x);
	test_ok(ctx, core_tsne(ctx, x, N, DIMS, &options, map, &result));
	assert_true(isfinite(result.kl));
	for (int i = 0; i < N; i++) {
		double far =
			hypot((double)(map[2 * i] - map[0]), (double)(map[2 * i + 1] - map[1]));
		width = fmax(width, far);
		if (i % 3 == 0 && i < 3 * copies)
			farthest = fmax(farthest, far);
	}
	assert_true(width > 10 && isfinite(width));
	assert_true(farthest < largest_share * width);
	assert_true(count_kept(map, N) > 0.95);
	core_ctx_free(ctx);
}

static void copies_stay_together(void **state)
{
	(void)state;
	for (int m = 0; m < 2; m++) {
		check_copies(methods[m], 2, 0.03);
		check_copies(methods[m], 5, 0.06);
		check_copies(methods[m], 40, 0.4);
	}
}

/* Equal rows are equally near to each other: P and Q are uniform in one point, where KL is 0. */
static void equal_rows_are_one_point(void **state)
{
	(void)state;
	enum { N = 50 };
	static float x[N * DIMS], map[2 * N];
	fv_ctx *ctx = test_ctx();
	for (int value = 0; value < 2; value++) {
		core_tsne_options options = choose_options(CORE_TSNE_EXACT, 10, 1);
		core_tsne_result result;
		for (int i = 0; i < N * DIMS; i++)
			x[i] = (float)value * 3.7f;
		test_ok(ctx, core_tsne(ctx, x, N, DIMS, &options, map, &result));
		for (int i = 0; i < 2 * N; i++)
			assert_true(map[i] == 0);
		assert_true(fabs(result.kl) < 1e-6);
		assert_int_equal(result.iterations, 100); /* the first check of each phase */
	}
	core_ctx_free(ctx);
}

/* Rows on a line do not stay on a line. The seed draws what the data leave open, and nothing else. */
static void one_column_gives_a_map(void **state)
{
	(void)state;
	enum { N = 90 };
	float x[N], map[2 * N], other[2 * N];
	fv_ctx *ctx = test_ctx();
	fv_stream stream = fv_rng_seeded(3, "test", 0, 0);
	for (int i = 0; i < N; i++)
		x[i] = (float)(fv_normal(&stream) + 20 * (i % 3));
	core_tsne_options options = choose_options(CORE_TSNE_AUTO, 10, 1);
	core_tsne_result result;
	test_ok(ctx, core_tsne(ctx, x, N, 1, &options, map, &result));
	double width = 0;
	for (int i = 0; i < N; i++)
		width = fmax(width, fabs((double)map[2 * i + 1]));
	assert_true(width > 1);
	assert_true(count_kept(map, N) == 1);
	options.seed = 1;
	test_ok(ctx, core_tsne(ctx, x, N, 1, &options, other, &result));
	assert_memory_not_equal(map, other, sizeof map);
	core_ctx_free(ctx);
}

static void seed_draws_the_random_start(void **state)
{
	(void)state;
	enum { N = 60 };
	float x[N * DIMS], map[3][2 * N];
	fv_ctx *ctx = test_ctx();
	fill_rows(x, N);
	for (int start = 0; start < 2; start++) {
		static const uint64_t seeds[] = {1, 1, 2};
		for (int i = 0; i < 3; i++) {
			core_tsne_options options = choose_options(CORE_TSNE_AUTO, 10, 1);
			core_tsne_result result;
			options.start = start ? CORE_TSNE_RANDOM : CORE_TSNE_PCA;
			options.seed = seeds[i];
			test_ok(ctx, core_tsne(ctx, x, N, DIMS, &options, map[i], &result));
		}
		assert_memory_equal(map[0], map[1], sizeof map[0]);
		assert_int_equal(memcmp(map[0], map[2], sizeof map[0]) != 0, start);
	}
	core_ctx_free(ctx);
}

static void log_warnings(void *user, core_level level, const char *line)
{
	if (level == CORE_WARNING)
		strncat(user, line, 300);
}

/* user: the number of reports, each of one more iteration */
static void count_reports(void *user, const core_progress_state *state)
{
	int *reports = user;
	assert_string_equal(state->what, "t-SNE");
	assert_string_equal(state->unit, "iterations");
	assert_true(state->done == ++*reports && state->total == 300);
}

static void few_rows_lower_the_perplexity(void **state)
{
	(void)state;
	static float x[100 * DIMS], map[200];
	char text[2000] = "";
	fv_ctx *ctx = test_ctx();
	int reports = 0;
	core_ctx_set_log(ctx, log_warnings, text);
	core_ctx_set_progress(ctx, count_reports, &reports);
	core_tsne_options options = choose_options(CORE_TSNE_AUTO, 30, 1);
	core_tsne_result result;
	fill_rows(x, 100);
	test_ok(ctx, core_tsne(ctx, x, 91, DIMS, &options, map, &result));
	assert_true(result.perplexity == 30);
	assert_string_equal(text, "");
	assert_int_equal(reports, 299); /* the last one is the end */
	reports = 0;
	test_ok(ctx, core_tsne(ctx, x, 40, DIMS, &options, map, &result));
	assert_true(result.perplexity == 13);
	assert_non_null(
		strstr(text, "t-SNE: perplexity 30 needs 91 rows: 13 is used for these 40"));
	assert_true(count_kept(map, 40) > 0.9);
	core_ctx_free(ctx);
}

static bool stops_at_once(void)
{
	return true;
}

static void bad_input_is_refused(void **state)
{
	(void)state;
	float x[10 * DIMS], map[20] = {0};
	fv_ctx *ctx = test_ctx();
	core_tsne_options options = choose_options(CORE_TSNE_AUTO, 3, 1);
	core_tsne_result result;
	fill_rows(x, 10);
	for (int64_t n = 0; n < 4; n++)
		test_fails(ctx, core_tsne(ctx, x, n, DIMS, &options, map, &result), FV_DATA,
			"at least 4 rows of 1 number are needed");
	test_fails(ctx, core_tsne(ctx, x, 10, 0, &options, map, &result), FV_DATA,
		"10 rows of 0 numbers");
	static const float bad[] = {NAN, INFINITY, -INFINITY};
	for (int i = 0; i < 3; i++) {
		x[2 * DIMS + 4] = bad[i];
		test_fails(ctx, core_tsne(ctx, x, 10, DIMS, &options, map, &result), FV_DATA,
			"t-SNE: row 3, column 5 is ");
	}
	fill_rows(x, 10);
	static const double perplexities[] = {0.5, 0, -3, NAN, INFINITY};
	for (int i = 0; i < 5; i++) {
		options.perplexity = perplexities[i];
		test_fails(ctx, core_tsne(ctx, x, 10, DIMS, &options, map, &result), FV_CONFIG,
			"use at least 1");
	}
	options = choose_options(CORE_TSNE_AUTO, 3, 1);
	options.iterations = 249;
	test_fails(ctx, core_tsne(ctx, x, 10, DIMS, &options, map, &result), FV_CONFIG,
		"249 iterations: use at least 250");
	options.iterations = 250;
	options.should_stop = stops_at_once;
	assert_int_equal(core_tsne(ctx, x, 10, DIMS, &options, map, &result), FV_STOPPED);
	for (int i = 0; i < 20; i++)
		assert_true(map[i] == 0); /* nothing was written */
	core_ctx_free(ctx);
}

/* A field whose points all move on for ever and whose cost stays at 1 from the third check on */
struct treadmill {
	float push;
	int checks;
};

static double push_points(void *state, const core_map_points *points, const core_map_forces *forces)
{
	const struct treadmill *treadmill = state;
	for (int64_t i = 0; i < points->n; i++)
		forces->attraction_x[i] = treadmill->push;
	return 1;
}

static double sum_one(void *state, const core_map_points *points)
{
	(void)state;
	(void)points;
	return 1;
}

static double count_checks(void *state, const core_map_points *points, double sum_q)
{
	(void)points;
	(void)sum_q;
	struct treadmill *treadmill = state;
	int left = 3 - ++treadmill->checks;
	return left > 0 ? 1 + left : 1;
}

/* Checks are after 300, 350, ... iterations; the cost falls until 400, so that more than 300 have passed at 750. */
static void stops_without_progress(void **state)
{
	(void)state;
	float x[CORE_PAIR_COLUMNS] = {0}, y[CORE_PAIR_COLUMNS] = {0};
	fv_ctx *ctx = test_ctx();
	core_tsne_options options = core_tsne_defaults();
	core_tsne_result result;
	struct treadmill treadmill = {.push = 1e-3f};
	core_field field = {&treadmill, push_points, sum_one, count_checks};
	test_ok(ctx, core_field_descend(ctx, &field, 4, &options, x, y, &result));
	assert_int_equal(result.iterations, 750);
	assert_true(result.kl == 1 && x[3] < -1 && y[3] == 0);
	treadmill = (struct treadmill){.push = NAN};
	test_fails(ctx, core_field_descend(ctx, &field, 4, &options, x, y, &result), FV_FAILED,
		"t-SNE: the map is not finite after 1 iterations");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_do_not_change_a_bit),
		cmocka_unit_test(units_do_not_change_a_bit),
		cmocka_unit_test(constant_columns_are_ignored),
		cmocka_unit_test(copies_stay_together),
		cmocka_unit_test(equal_rows_are_one_point),
		cmocka_unit_test(one_column_gives_a_map),
		cmocka_unit_test(seed_draws_the_random_start),
		cmocka_unit_test(few_rows_lower_the_perplexity),
		cmocka_unit_test(bad_input_is_refused),
		cmocka_unit_test(stops_without_progress),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
