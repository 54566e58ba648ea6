/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of rw and of the group objectives, from counts and memberships. */
#include "losses.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weigh_bench.h"

/* Returns omega of a subgroup, which is B v at B = 1. */
static double get_omega(test_bench *b, int32_t klass, int32_t group)
{
	double loss = 1, v = 0, value;
	fv_batch batch = {.size = sizeof batch,
		.n = 1,
		.classes = b->rows.classes,
		.groups = b->rows.groups,
		.loss = &loss,
		.klass = &klass,
		.group = &group};
	test_ok(b->ctx, b->ops->weigh(b->state, b->ctx, &batch, &v, &value));
	return v;
}

static void rw_tables(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/tables.json"));
	json_t *subgroups = json_object_get(json, "cells"), *table, *forms, *want;
	const char *name, *form;
	const fv_descriptor *loss = test_loss("rw");
	int checked = 0;
	json_object_foreach(subgroups, name, table)
	{
		size_t n;
		double *cg = test_numbers(json_object_get(table, "n_cg"), &n);
		forms = json_object_get(table, "rw");
		json_object_foreach(forms, form, want)
		{
			char setting[64];
			test_bench b = {.ctx = test_ctx()};
			double *weights = test_numbers(want, &n);
			int32_t classes = (int32_t)json_array_size(want);
			int32_t groups = (int32_t)n / classes;
			snprintf(setting, sizeof setting, "weight=%s", form);
			test_bench_open(&b, loss,
				test_loss_state(b.ctx, loss, "official", setting, NULL), classes,
				groups, cg, NULL);
			for (int32_t i = 0; i < (int32_t)n; i++, checked++)
				test_close(
					get_omega(&b, i / groups, i % groups), weights[i], 1e-14);
			test_close(get_omega(&b, 0, -1), 1, 0);
			free(weights);
			core_ctx_free(b.ctx);
		}
		free(cg);
	}
	assert_int_equal(checked, 3 * 6 * (2 + 4 + 2 + 16));
	json_decref(json);
}

/* In profile paper, -1 is weighted like a third group with these counts. In official it has weight
 * 1, and the other subgroups are weighted as if the unknown rows were not there. */
static void rw_unknown(void **state)
{
	(void)state;
	const double known[4] = {30, 10, 5, 40}, unknown[2] = {12, 0};
	const double all[6] = {30, 10, 12, 5, 40, 0};
	const char *forms[] = {"weight=stratified", "weight=eq1", "weight=kamiran_calders"};
	const fv_descriptor *loss = test_loss("rw");
	for (int f = 0; f < 6; f++) {
		bool paper = f < 3;
		const char *profile = paper ? "paper" : "official", *form = forms[f % 3];
		int32_t groups = paper ? 3 : 2;
		test_bench b = {.ctx = test_ctx()}, plain = {.ctx = test_ctx()};
		test_bench_open(&b, loss, test_loss_state(b.ctx, loss, profile, form, NULL), 2, 2,
			known, unknown);
		test_bench_open(&plain, loss, test_loss_state(plain.ctx, loss, profile, form, NULL),
			2, groups, paper ? all : known, NULL);
		for (int32_t i = 0; i < 2 * groups; i++) {
			int32_t group = i % groups == 2 ? -1 : i % groups;
			test_close(get_omega(&b, i / groups, group),
				get_omega(&plain, i / groups, i % groups), 1e-15);
		}
		assert_true((get_omega(&b, 0, -1) != 1) == paper && get_omega(&b, 1, -1) == 1);
		core_ctx_free(b.ctx);
		core_ctx_free(plain.ctx);
	}
}

static void pgdro_needs_memberships(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("pgdro");
	test_bench b = {.ctx = test_ctx()};
	fv_rows rows = {.size = sizeof rows, .n = 1, .classes = 2, .groups = 2};
	fv_loss_setup setup = {
		.size = sizeof setup, .train = &rows, .dev = &rows, .count = &b.count};
	test_fails(b.ctx,
		((const fv_loss_ops *)loss->ops)
			->open(test_loss_state(b.ctx, loss, "paper", NULL), b.ctx, &setup),
		FV_CONFIG, "needs memberships");
	core_ctx_free(b.ctx);
}

/* groups: class_x_group with memberships of 0 and 1 equals gadro, and the adjustment of a group
 * without training rows does not make it the worst. */
static void soft_class_x_group(void **state)
{
	(void)state;
	const double cg[4] = {100, 4, 0, 25}, losses[4] = {1, 2, 3.5, 2.5};
	const int32_t klass[4] = {0, 0, 1, 1}, group[4] = {0, 1, 1, 1};
	const float member[8] = {1, 0, 0, 1, 0, 1, 0, 1};
	const char *names[] = {"gadro", "pgdro"}, *modes[] = {"mode=batch_max", "mode=max"};
	for (int eg = 0; eg < 2; eg++) {
		double v[2][4] = {{0}}, value[2];
		for (int l = 0; l < 2; l++) {
			const fv_descriptor *loss = test_loss(names[l]);
			test_bench b = {.ctx = test_ctx()};
			b.rows.member = member;
			test_bench_open(&b, loss,
				test_loss_state(b.ctx, loss, "paper", eg ? "mode=eg" : modes[l],
					"groups=class_x_group", "lambda=4", "eta=0.5",
					l ? "normalize=true" : NULL, NULL),
				2, 2, cg, NULL);
			fv_batch batch = {.size = sizeof batch,
				.n = 4,
				.classes = 2,
				.groups = 2,
				.step = 1,
				.loss = losses,
				.klass = klass,
				.group = group,
				.member = member};
			test_ok(b.ctx, b.ops->weigh(b.state, b.ctx, &batch, v[l], &value[l]));
			if (!eg) { /* 2 + 4/2 against 3 + 4/5 */
				assert_true(v[l][1] == 1 && v[l][0] == 0 && v[l][2] == 0);
				test_close(value[l], 4, 1e-15);
			}
			core_ctx_free(b.ctx);
		}
		for (int i = 0; i < 4; i++)
			test_close(v[0][i], v[1][i], 1e-15);
		test_close(value[0], value[1], 1e-15);
	}
}

/* q_g exp(eta L_g / (q_g + alpha)); an absent group does not change, apart from normalisation; the
 * q in the value is the one after the update. */
static void gdro_smoothed(void **state)
{
	(void)state;
	const fv_descriptor *loss = test_loss("gdro");
	const double cg[3] = {5, 5, 5}, losses[3] = {2, 1, 0.5}, q[3] = {0.5, 0.3, 0.2};
	const int32_t klass[3] = {0}, group[3] = {0, 1, 1};
	test_bench b = {.ctx = test_ctx()};
	test_bench_open(&b, loss,
		test_loss_state(
			b.ctx, loss, "paper", "mode=smoothed", "eta=0.1", "alpha=0.25", NULL),
		1, 3, cg, NULL);
	test_bench_set_q(b.ctx, q, 3);
	fv_batch batch = {.size = sizeof batch,
		.n = 3,
		.classes = 1,
		.groups = 3,
		.loss = losses,
		.klass = klass,
		.group = group};
	double v[3] = {0}, value, evaluated;
	test_ok(b.ctx, b.ops->weigh(b.state, b.ctx, &batch, v, &value));
	double a0 = 0.5 * exp(0.1 * 2 / 0.75), a1 = 0.3 * exp(0.1 * 0.75 / 0.55), a2 = 0.2;
	double sum = a0 + a1 + a2;
	test_close(v[0], a0 / sum, 1e-15);
	test_close(v[1], a1 / sum / 2, 1e-15);
	test_close(v[2], a1 / sum / 2, 1e-15);
	test_close(value, (2 * a0 + 0.75 * a1) / sum, 1e-15);
	test_ok(b.ctx, b.ops->evaluate(b.state, b.ctx, &batch, &evaluated));
	test_close(evaluated, value, 1e-15);
	const double *after = fv_array(b.ctx, "q", FV_F64, 1, 3);
	test_close(after[2], a2 / sum, 1e-15);
	core_ctx_free(b.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rw_tables),
		cmocka_unit_test(rw_unknown),
		cmocka_unit_test(gdro_smoothed),
		cmocka_unit_test(pgdro_needs_memberships),
		cmocka_unit_test(soft_class_x_group),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
