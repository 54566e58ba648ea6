/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that ds and the sampler of gdro choose. */
#include "losses.h"

#include <math.h>
#include <stdlib.h>

#include "corpus/corpus.h"
#include "nn/base_loss.h"
#include "train/objective.h"
#include "weigh_bench.h"

/* Rows for subsample(): names, classes, groups and memberships, opened with real counts. */
static void open_rows(test_bench *b, core_objective *objective, const fv_descriptor *loss,
	void *state, int32_t n, int32_t classes, int32_t groups, const int32_t *klass,
	const int32_t *group, const float *member)
{
	const char **stem = core_alloc(b->ctx, (size_t)n, sizeof *stem);
	int32_t *order = core_alloc(b->ctx, (size_t)n, sizeof *order);
	for (int32_t i = 0; i < n; i++) {
		stem[i] = core_format(b->ctx, "clip%04d", (int)i);
		order[i] = i;
	}
	b->rows = (fv_rows){.size = sizeof b->rows,
		.n = n,
		.classes = classes,
		.groups = groups,
		.klass = klass,
		.group = group,
		.member = member,
		.stem = stem};
	b->setup = (fv_loss_setup){.size = sizeof b->setup,
		.train = &b->rows,
		.dev = &b->rows,
		.member_is_probability = member != NULL};
	test_ok(b->ctx, core_objective_open(b->ctx, loss, state, &b->setup, order, objective));
}

static void ds_confident_sets(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/tables.json"));
	json_t *sets = json_object_get(json, "ds_confident"), *set;
	const fv_descriptor *loss = test_loss("ds");
	const char *name;
	json_object_foreach(sets, name, set)
	{
		size_t n, kept;
		int32_t *klass = test_ints(json_object_get(set, "class"), &n), *row, got;
		int32_t *group = test_ints(json_object_get(set, "pseudo"), &n), classes = 0;
		float *member = test_floats(json_object_get(set, "pi"), &n);
		int32_t *want = test_ints(json_object_get(set, "kept_sorted_with_repeats"), &kept);
		n /= 2;
		for (size_t i = 0; i < n; i++)
			classes = klass[i] >= classes ? klass[i] + 1 : classes;
		test_bench b = {.ctx = test_ctx()};
		core_objective objective;
		open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "paper", NULL),
			(int32_t)n, classes, 2, klass, group, member);
		test_ok(b.ctx, core_objective_subsample(&objective, &row, &got));
		assert_int_equal(got, kept);
		assert_memory_equal(row, want, kept * sizeof *row);
		test_ok(b.ctx, core_objective_close(&objective, FV_OK));
		core_ctx_free(b.ctx);
		free(klass);
		free(group);
		free(member);
		free(want);
	}
	assert_int_equal(json_object_size(sets), 4);
	json_decref(json);
}

/* Writes rows with the counts of a table into klass and group and returns their number. */
static int32_t rows_of(
	const double *cg, int32_t subgroups, int32_t groups, int32_t *klass, int32_t *group)
{
	int32_t n = 0;
	for (int32_t subgroup = 0; subgroup < subgroups; subgroup++)
		for (int i = 0; i < (int)cg[subgroup]; i++, n++) {
			klass[n] = subgroup / groups;
			group[n] = subgroup % groups;
		}
	return n;
}

static void ds_random_counts(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/tables.json"));
	json_t *subgroups = json_object_get(json, "cells"), *table;
	const fv_descriptor *loss = test_loss("ds");
	const char *name;
	static int32_t klass[10000], group[10000];
	json_object_foreach(subgroups, name, table)
	{
		size_t n;
		double *cg = test_numbers(json_object_get(table, "n_cg"), &n);
		double *want = test_numbers(json_object_get(table, "ds_kept_per_cell"), &n);
		int32_t groups = (int32_t)n / 6, got, *row;
		int32_t rows = rows_of(cg, (int32_t)n, groups, klass, group);
		double *kept = calloc(n, sizeof *kept);
		test_bench b = {.ctx = test_ctx()};
		core_objective objective;
		open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "paper", NULL), rows,
			6, groups, klass, group, NULL);
		test_ok(b.ctx, core_objective_subsample(&objective, &row, &got));
		assert_int_equal(got, json_integer_value(json_object_get(table, "ds_kept_total")));
		for (int32_t i = 0; i < got; i++) {
			assert_true(
				i == 0 || row[i] > row[i - 1]); /* in ascending order, each once */
			kept[klass[row[i]] * groups + group[row[i]]]++;
		}
		for (size_t i = 0; i < n; i++)
			test_close(kept[i], want[i], 0);
		free(kept);
		free(cg);
		free(want);
		core_ctx_free(b.ctx);
	}
	json_decref(json);
}

/* Every row of a subgroup is equally likely to be taken, and the draw depends on the seed and the
 * name only. */
static void ds_random_is_uniform(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("ds");
	const double cg[2] = {5, 20};
	enum { RUNS = 4000 };
	int32_t klass[25], group[25], n = rows_of(cg, 2, 2, klass, group), times[25] = {0};
	for (int run = 0; run < RUNS; run++) {
		int32_t *row, *again, got;
		test_bench b = {.ctx = test_ctx()};
		core_ctx_set_run(b.ctx, (uint64_t)run, 1);
		core_objective objective;
		open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "paper", NULL), n, 1,
			2, klass, group, NULL);
		test_ok(b.ctx, core_objective_subsample(&objective, &row, &got));
		assert_int_equal(got, 10);
		for (int i = 0; i < got; i++)
			times[row[i]]++;
		test_ok(b.ctx, core_objective_subsample(&objective, &again, &got));
		assert_memory_equal(row, again, 10 * sizeof *row);
		core_ctx_free(b.ctx);
	}
	for (int i = 0; i < 25; i++) /* 5 of 20: sd sqrt(4000 * 3/16) = 27 */
		assert_in_range(
			times[i], i < 5 ? RUNS : RUNS / 4 - 110, i < 5 ? RUNS : RUNS / 4 + 110);
}

static void ds_options(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("ds");
	/* one class: 3 rows of group 0, 2 of group 1, 1 unknown; the unknown row has the highest
	 * membership of both */
	const int32_t klass[6] = {0}, group[6] = {0, 0, 0, 1, 1, -1};
	const float member[12] = {
		0.6f, 0.1f, 0.9f, 0.1f, 0.8f, 0.2f, 0.3f, 0.7f, 0.2f, 0.8f, 0.95f, 0.95f};
	const struct {
		const char *profile, *draw;
		int32_t n, row[6];
	} cases[] = {
		{"paper", "draw=confident", 2, {5, 5}}, /* the minimum is 1, from the unknown */
		{"official", "draw=confident", 4, {1, 2, 3, 4}},
	};
	for (int i = 0; i < 2; i++) {
		test_bench b = {.ctx = test_ctx()};
		core_objective objective;
		int32_t *row, n;
		open_rows(&b, &objective, loss,
			test_loss_state(b.ctx, loss, cases[i].profile, cases[i].draw, NULL), 6, 1,
			2, klass, group, member);
		test_ok(b.ctx, core_objective_subsample(&objective, &row, &n));
		assert_int_equal(n, cases[i].n);
		assert_memory_equal(row, cases[i].row, (size_t)n * sizeof *row);
		core_ctx_free(b.ctx);
	}
	for (int official = 0; official < 2;
		official++) { /* random: 1 row from each of 3 groups, or 2 rows from each of 2 */
		test_bench b = {.ctx = test_ctx()};
		core_objective objective;
		int32_t *row, n, of[3] = {0};
		open_rows(&b, &objective, loss,
			test_loss_state(
				b.ctx, loss, official ? "official" : "paper", "draw=random", NULL),
			6, 1, 2, klass, group, member);
		test_ok(b.ctx, core_objective_subsample(&objective, &row, &n));
		for (int32_t i = 0; i < n; i++)
			of[group[row[i]] + 1]++;
		assert_int_equal(of[0], official ? 0 : 1);
		assert_int_equal(of[1], official ? 2 : 1);
		assert_int_equal(of[2], official ? 2 : 1);
		core_ctx_free(b.ctx);
	}
	test_bench b = {.ctx = test_ctx()};
	fv_rows rows = {.size = sizeof rows, .n = 1, .classes = 1, .groups = 2};
	fv_loss_setup setup = {.size = sizeof setup, .train = &rows, .dev = &rows};
	test_fails(b.ctx,
		((const fv_loss_ops *)loss->ops)
			->open(test_loss_state(b.ctx, loss, "paper", "draw=confident", NULL), b.ctx,
				&setup),
		FV_CONFIG, "memberships");
	core_ctx_free(b.ctx);
}

/* Rows are drawn with the golden probabilities (chi-square over rows). */
static void gdro_sampler(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/tables.json"));
	json_t *sets = json_object_get(json, "sampler"), *set;
	const fv_descriptor *loss = test_loss("gdro");
	const char *name;
	json_object_foreach(sets, name, set)
	{
		size_t n;
		double *prob = test_numbers(json_object_get(set, "prob"), &n), chi = 0;
		int32_t *group = test_ints(json_object_get(set, "g"), &n);
		int32_t groups = (int32_t)json_integer_value(json_object_get(set, "G"));
		int32_t *klass = calloc(n, sizeof *klass), *times = calloc(n, sizeof *times);
		int32_t position[64];
		enum { EPOCHS = 2000 };
		test_bench b = {.ctx = test_ctx()};
		core_objective objective;
		open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "official", NULL),
			(int32_t)n, 1, groups, klass, group, NULL);
		for (int epoch = 1; epoch <= EPOCHS; epoch++) {
			test_ok(b.ctx,
				core_objective_order(&objective, epoch, position, (int32_t)n));
			for (size_t i = 0; i < n; i++)
				times[position[i]]++;
		}
		for (size_t i = 0; i < n; i++) {
			double expected = prob[i] * EPOCHS * (double)n;
			chi += (times[i] - expected) * (times[i] - expected) / expected;
		}
		assert_int_equal(n, 40);
		assert_true(
			chi > 15 && chi < 75); /* 39 degrees of freedom: p < .0005 on both sides */
		free(prob);
		free(group);
		free(klass);
		free(times);
		core_ctx_free(b.ctx);
	}
	json_decref(json);
}

/* -1 is a group of its own for the sampler; sampler: shuffle does not change the order. */
static void gdro_sampler_unknown(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("gdro");
	enum { N = 60 };
	int32_t klass[N] = {0}, group[N], position[N], of[3] = {0};
	for (int i = 0; i < N; i++)
		group[i] = i < 50 ? 0 : i < 58 ? 1 : -1;
	test_bench b = {.ctx = test_ctx()};
	core_objective objective;
	open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "official", NULL), N, 1, 2,
		klass, group, NULL);
	for (int epoch = 1; epoch <= 500; epoch++) {
		test_ok(b.ctx, core_objective_order(&objective, epoch, position, N));
		for (int i = 0; i < N; i++)
			of[group[position[i]] + 1]++;
	}
	for (int g = 0; g < 3; g++) /* 30000 draws, 1/3 each: sd 82 */
		assert_in_range(of[g], 10000 - 330, 10000 + 330);
	core_ctx_free(b.ctx);
	b = (test_bench){.ctx = test_ctx()};
	open_rows(&b, &objective, loss, test_loss_state(b.ctx, loss, "paper", NULL), N, 1, 2, klass,
		group, NULL);
	for (int i = 0; i < N; i++)
		position[i] = N - 1 - i;
	test_ok(b.ctx, core_objective_order(&objective, 1, position, N));
	for (int i = 0; i < N; i++)
		assert_int_equal(position[i], N - 1 - i);
	core_ctx_free(b.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ds_confident_sets),
		cmocka_unit_test(ds_random_counts),
		cmocka_unit_test(ds_random_is_uniform),
		cmocka_unit_test(ds_options),
		cmocka_unit_test(gdro_sampler),
		cmocka_unit_test(gdro_sampler_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
