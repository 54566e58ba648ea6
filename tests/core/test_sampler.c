/* SPDX-License-Identifier: Apache-2.0 */
/* Samplers: how often they draw classes and groups, which draws, from which rows, and what they refuse. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/sampler.h"

/* Draws `epochs` epochs and counts how often each part comes. */
static void count_parts(task *t, core_sampler_kind kind, int epochs, int64_t seen[C][G + 1])
{
	int32_t all[N];
	core_sampler sampler;
	for (int i = 0; i < N; i++)
		all[i] = i;
	test_ok(t->ctx, core_sampler_init(t->ctx, kind, &t->job.train.rows, all, N, &sampler));
	memset(seen, 0, C * (G + 1) * sizeof(int64_t));
	for (int epoch = 1; epoch <= epochs; epoch++) {
		core_sampler_draw(t->ctx, &sampler, epoch);
		for (int i = 0; i < N; i++)
			seen[t->klass[sampler.drawn[i]]][t->group[sampler.drawn[i]] + 1]++;
	}
}

/* The chi-square statistic of the subgroups under the weights of WeightedRandomSampler, 1/n of the
 * part: what is expected of a subgroup is its share of its part. */
static double chi_square(const task *t, core_sampler_kind kind, int64_t draws,
	const int64_t seen[C][G + 1], int *freedom)
{
	double rows[C][G + 1] = {{0}}, of_class[C] = {0}, of_group[G + 1] = {0}, sum = 0;
	int classes = 0, groups = 0, subgroups = 0;
	for (int i = 0; i < N; i++) {
		rows[t->klass[i]][t->group[i] + 1]++;
		of_class[t->klass[i]]++;
		of_group[t->group[i] + 1]++;
	}
	for (int c = 0; c < C; c++)
		classes += of_class[c] > 0;
	for (int g = 0; g <= G; g++)
		groups += of_group[g] > 0;
	for (int c = 0; c < C; c++)
		for (int g = 0; g <= G; g++)
			subgroups += rows[c][g] > 0;
	for (int c = 0; c < C; c++)
		for (int g = 0; g <= G; g++) {
			if (rows[c][g] == 0) {
				assert_int_equal(seen[c][g], 0);
				continue;
			}
			double share =
				kind == CORE_SAMPLE_CLASSES  ? rows[c][g] / of_class[c] / classes
				: kind == CORE_SAMPLE_GROUPS ? rows[c][g] / of_group[g] / groups
							     : 1.0 / subgroups;
			double want = share * (double)draws;
			sum += pow((double)seen[c][g] - want, 2) / want;
		}
	*freedom = subgroups - 1;
	return sum;
}

static void samplers_draw_alike(void **state)
{
	(void)state;
	const core_sampler_kind kinds[] = {
		CORE_SAMPLE_CLASSES, CORE_SAMPLE_GROUPS, CORE_SAMPLE_SUBGROUPS};
	task *t = new_task(test_loss("erm"), false);
	for (int i = 0; i < N; i += 7) /* an unknown group is a group of its own */
		t->group[i] = -1;
	for (int k = 0; k < 3; k++) {
		int64_t seen[C][G + 1];
		int freedom, wrong;
		count_parts(t, kinds[k], 200, seen);
		double good =
			chi_square(t, kinds[k], 200 * N, (const int64_t(*)[G + 1]) seen, &freedom);
		double bad = chi_square(
			t, kinds[(k + 1) % 3], 200 * N, (const int64_t(*)[G + 1]) seen, &wrong);
		assert_int_equal(freedom, C * (G + 1) - 1);
		assert_true(good < 26.12); /* the 0.999 quantile of chi-square with 8 degrees */
		assert_true(bad > 1000);
	}
	free_task(t);
}

/* The draws of seed 7, fold 2 are pinned, by file name; the order of rows changes nothing. */
static void draws_are_pinned(void **state)
{
	(void)state;
	static const char *const want[] = {"rec_518 rec_665 rec_592 rec_36 rec_924 rec_999 ",
		"rec_259 rec_35 rec_924 rec_479 rec_73 rec_407 ",
		"rec_702 rec_442 rec_517 rec_924 rec_73 rec_924 "};
	const core_sampler_kind kinds[] = {
		CORE_SAMPLE_CLASSES, CORE_SAMPLE_GROUPS, CORE_SAMPLE_SUBGROUPS};
	for (int turn = 0; turn < 2; turn++) {
		task *t = new_task(test_loss("erm"), turn);
		int32_t all[N];
		for (int i = 0; i < N; i++)
			all[i] = i;
		for (int k = 0; k < 3; k++) {
			core_sampler s;
			char text[256] = "";
			test_ok(t->ctx, core_sampler_init(
						t->ctx, kinds[k], &t->job.train.rows, all, N, &s));
			core_sampler_draw(t->ctx, &s, 3);
			for (int i = 0; i < 6; i++)
				snprintf(text + strlen(text), sizeof text - strlen(text), "%s ",
					t->stem[s.drawn[i]]);
			assert_string_equal(text, want[k]);
		}
		free_task(t);
	}
}

static void train(const char *loss, const char *setting, core_sampler_kind sampler, float *params)
{
	task *t = new_task(test_loss(loss), false);
	core_train_result result;
	if (setting)
		t->job.loss_state = test_loss_state(t->ctx, t->job.loss, "paper", setting, NULL);
	t->spec.sampler = sampler;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	memcpy(params, result.params, (size_t)result.plan->count * sizeof *params);
	free_task(t);
}

/* The sampler of the core draws what an objective's own balanced sampler draws. */
static void equals_the_objectives_sampler(void **state)
{
	(void)state;
	float own[128] = {0}, core[128] = {0}, none[128] = {0};
	train("gdro", "sampler=balanced", CORE_SAMPLE_NONE, own);
	train("gdro", "sampler=shuffle", CORE_SAMPLE_GROUPS, core);
	train("gdro", "sampler=shuffle", CORE_SAMPLE_NONE, none);
	assert_memory_equal(own, core, sizeof own);
	assert_memory_not_equal(own, none, sizeof own);
}

static void samplers_refuse(void **state)
{
	(void)state;
	core_train_result result;
	task *t = new_task(test_loss("gdro"), false);
	t->job.loss_state = test_loss_state(t->ctx, t->job.loss, "paper", "sampler=balanced", NULL);
	t->spec.sampler = CORE_SAMPLE_CLASSES;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_CONFIG,
		"train.sampler: class cannot be used: loss gdro chooses the rows of an epoch "
		"itself");
	free_task(t);
	t = new_task(test_loss("erm"), false);
	t->job.train.rows.group = NULL;
	t->spec.sampler = CORE_SAMPLE_SUBGROUPS;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_CONFIG,
		"train.sampler: class_group needs groups: add a grouper");
	free_task(t);
}

/* Rows that the objective left out are never drawn; those it repeats are drawn as often. */
static void draws_from_the_subsample(void **state)
{
	(void)state;
	task *t = new_task(test_loss("erm"), false);
	const int32_t list[] = {3, 3, 3, 10, 20};
	int64_t seen[N] = {0}, alone = 0;
	core_sampler s;
	t->klass[3] = t->klass[10] = 1;
	t->klass[20] = 2;
	test_ok(t->ctx,
		core_sampler_init(t->ctx, CORE_SAMPLE_CLASSES, &t->job.train.rows, list, 5, &s));
	for (int epoch = 0; epoch < 400; epoch++) {
		core_sampler_draw(t->ctx, &s, epoch);
		for (int i = 0; i < 5; i++)
			seen[list[s.drawn[i]]]++;
	}
	for (int i = 0; i < N; i++)
		alone += seen[i];
	assert_int_equal(alone, 2000);
	assert_int_equal(seen[3] + seen[10] + seen[20], 2000);
	test_close((double)seen[20] / 2000, 0.5, 0.05);  /* its class has one row */
	test_close((double)seen[3] / 2000, 0.375, 0.05); /* three quarters of the other half */
	free_task(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samplers_draw_alike),
		cmocka_unit_test(draws_are_pinned),
		cmocka_unit_test(equals_the_objectives_sampler),
		cmocka_unit_test(samplers_refuse),
		cmocka_unit_test(draws_from_the_subsample),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
