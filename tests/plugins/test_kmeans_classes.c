/* SPDX-License-Identifier: Apache-2.0 */
/* k-means inside each class, on clouds of two numbers. */
#include <math.h>
#include <string.h>

#include "kmeans.h"
#include "plugin.h"

/* Three classes, each of two clouds; rows 0 .. 59 train, the others have no class. */
enum { CLOUDS = 6, TRAINED = 60, ROWS = 90 };
static const char *const class_names[] = {"angry", "never", "sad", "calm"};

static fv_grouper_input make_clouds(float x[ROWS * 2], int32_t klass[ROWS])
{
	static const double at[CLOUDS][2] = {{0, 0}, {0, 9}, {5, 1}, {5, 8}, {11, 0}, {11, 9}};
	static const int32_t of[CLOUDS] = {0, 0, 2, 2, 3, 3};
	static const char *columns[] = {"x", "y"};
	for (int i = 0; i < ROWS; i++) {
		fv_stream s = fv_rng_seeded(3, "test.clouds", 0, (uint64_t)i);
		for (int d = 0; d < 2; d++)
			x[2 * i + d] = (float)(at[i % CLOUDS][d] + fv_normal(&s));
		klass[i] = of[i % CLOUDS];
	}
	return (fv_grouper_input){.size = sizeof(fv_grouper_input),
		.n = TRAINED,
		.dims = 2,
		.layers = 1,
		.x = x,
		.columns = columns,
		.klass = klass,
		.class_names = class_names,
		.n_classes = 4};
}

/* Computes the means of the clouds' training rows in the order of their ids, and returns the mean
 * squared distance to them divided by D. */
static double compute_means(const float *x, const int32_t *id, double mean[CLOUDS][2])
{
	double count[CLOUDS] = {0}, square = 0;
	memset(mean, 0, CLOUDS * sizeof *mean);
	for (int i = 0; i < TRAINED; i++) {
		count[id[i]]++;
		for (int d = 0; d < 2; d++)
			mean[id[i]][d] += (double)x[2 * i + d];
	}
	for (int j = 0; j < 2 * CLOUDS; j++)
		mean[j / 2][j % 2] /= count[j / 2];
	for (int i = 0; i < 2 * TRAINED; i++) {
		double off = (double)x[i] - mean[id[i / 2]][i % 2];
		square += off * off;
	}
	return square / (2 * TRAINED);
}

static double distance_to(const float *x, const double mean[2])
{
	double a = (double)x[0] - mean[0], b = (double)x[1] - mean[1];
	return a * a + b * b;
}

/* Computes member[j] of row x in the clusters first .. last - 1, straight from the definition. */
static void check_member(const float *x, double mean[CLOUDS][2], int first, int last,
	double variance, const float *member)
{
	double sum = 0;
	for (int j = first; j < last; j++)
		sum += exp(-distance_to(x, mean[j]) / (2 * variance));
	for (int j = 0; j < CLOUDS; j++) {
		double want = j >= first && j < last
				      ? exp(-distance_to(x, mean[j]) / (2 * variance)) / sum
				      : 0;
		assert_true(fabs((double)member[j] - want) < 1e-6);
	}
}

static test_plugin fit_clouds(
	const char *algorithm, const char *spread, const fv_grouper_input *train)
{
	test_plugin p = test_plugin_open("kmeans");
	const fv_grouper_ops *ops = p.ops;
	test_plugin_set(&p, "algorithm", algorithm);
	test_plugin_set(&p, "k", "2");
	test_plugin_set(&p, "within", "class");
	test_plugin_set(&p, "soft", "gaussian");
	test_plugin_set(&p, "spread", spread);
	fv_grouping grouping = {.size = sizeof grouping};
	assert_int_equal(ops->uses(p.state), FV_USE_FEATURES | FV_USE_CLASS);
	test_ok(p.ctx, ops->fit(p.state, p.ctx, train, &grouping));
	test_plugin_done(&p);
	assert_int_equal(grouping.groups, CLOUDS);
	assert_int_equal(grouping.soft, 1);
	assert_int_equal(grouping.probability, 0);
	static const char *const names[] = {
		"angry/0", "angry/1", "sad/0", "sad/1", "calm/0", "calm/1"};
	for (int j = 0; j < CLOUDS; j++)
		assert_string_equal(grouping.name[j], names[j]);
	return p;
}

/* Clusters within classes are the clouds; rows without class are assigned to the nearest mean of
 * all. */
static void test_within_class(void **unused)
{
	(void)unused;
	static float x[ROWS * 2], member[ROWS * CLOUDS], again[ROWS * CLOUDS];
	static int32_t klass[ROWS], id[ROWS], other[ROWS];
	fv_grouper_input train = make_clouds(x, klass);
	test_plugin p = fit_clouds("lloyd", "4", &train);
	const fv_grouper_ops *ops = p.ops;
	double mean[CLOUDS][2];
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &train, id, member));
	for (int i = 0; i < TRAINED; i++) {
		assert_int_equal(id[i] / 2, (i % CLOUDS) / 2);
		assert_int_equal(id[i], id[i % CLOUDS]);
	}
	double variance = 4 * compute_means(x, id, mean);
	for (int i = 0; i < TRAINED; i++)
		check_member(x + 2 * i, mean, id[i] / 2 * 2, id[i] / 2 * 2 + 2, variance,
			member + i * CLOUDS);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &train, other, again));
	assert_memory_equal(id, other, TRAINED * sizeof *id);
	assert_memory_equal(member, again, TRAINED * CLOUDS * sizeof *member);
	fv_grouper_input rows = train;
	rows.klass = NULL;
	rows.n = ROWS;
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	for (int i = 0; i < ROWS; i++) {
		int nearest = 0;
		for (int j = 1; j < CLOUDS; j++)
			if (distance_to(x + 2 * i, mean[j]) < distance_to(x + 2 * i, mean[nearest]))
				nearest = j;
		assert_int_equal(id[i], nearest);
		check_member(x + 2 * i, mean, 0, CLOUDS, variance, member + i * CLOUDS);
	}
	klass[1] = 1; /* of a class without training rows */
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &train, id, member));
	assert_int_equal(id[1], -1);
	for (int j = 0; j < CLOUDS; j++)
		assert_true(member[CLOUDS + j] == 0);
	test_plugin_close(&p);
}

/* Minibatch also finds the clouds; spread 0 is hard; a second fit gives the same bytes. */
static void test_within_class_minibatch(void **unused)
{
	(void)unused;
	static float x[ROWS * 2], member[ROWS * CLOUDS], again[ROWS * CLOUDS];
	static int32_t klass[ROWS], id[ROWS];
	fv_grouper_input train = make_clouds(x, klass);
	for (int round = 0; round < 2; round++) {
		test_plugin p = fit_clouds("minibatch", "0", &train);
		const fv_grouper_ops *ops = p.ops;
		test_ok(p.ctx, ops->assign(p.state, p.ctx, &train, id, round ? again : member));
		test_plugin_close(&p);
	}
	assert_memory_equal(member, again, TRAINED * CLOUDS * sizeof *member);
	for (int i = 0; i < TRAINED; i++) {
		assert_int_equal(id[i], id[i % CLOUDS]);
		for (int j = 0; j < CLOUDS; j++)
			assert_true(member[i * CLOUDS + j] == (j == id[i] ? 1 : 0));
	}
}

/* Every class with too few rows is reported. */
static void test_small_classes(void **unused)
{
	(void)unused;
	static float x[ROWS * 2];
	static int32_t klass[ROWS];
	fv_grouper_input train = make_clouds(x, klass);
	test_plugin p = test_plugin_open("kmeans");
	test_plugin_set(&p, "within", "class");
	for (int i = 0; i < TRAINED; i++)
		klass[i] = i < 3 ? 0 : i < 5 ? 3 : 2;
	test_plugin_set(&p, "k", "4");
	fv_status status = test_plugin_fit(&p, &train);
	assert_int_equal(core_error_count(p.ctx), 2);
	assert_non_null(strstr(core_error_line(p.ctx, 1),
		"class 'calm': k = 4 needs at least as many different "
		"rows, but its 2 training rows have 2"));
	test_fails(p.ctx, status, FV_DATA,
		"class 'angry': k = 4 needs at least as many different rows, but its 3 training "
		"rows have 3");
	test_plugin_set(&p, "k", "65536");
	test_fails(p.ctx, test_plugin_fit(&p, &train), FV_CONFIG, "more than 65536 clusters");
	test_plugin_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within_class),
		cmocka_unit_test(test_within_class_minibatch),
		cmocka_unit_test(test_small_classes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
