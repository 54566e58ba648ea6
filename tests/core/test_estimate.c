/* SPDX-License-Identifier: Apache-2.0 */
/* How long runs of a toy study are said to take, and what is measured for that. */
#include "study.h"
#include "support.h"

#include <math.h>

#include "run/estimate.h"

/* Estimates all runs of the toy study under overrides; what was measured of steps. */
static core_run_costs estimate_study(size_t n, const char *const *override, double *seconds)
{
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("estimate"));
	test_toy_write(dir, 0);
	core_study *study = test_toy_open(ctx, dir, NULL, n, override);
	core_run_costs costs = {0};
	for (int64_t i = 0; i < study->n_runs; i++) {
		core_run_rows rows;
		test_ok(ctx, core_estimate_rows(ctx, study, &study->run[i], &rows));
		assert_int_equal(rows.train, 6 * TOY_EACH);
		assert_int_equal(rows.dev, 3 * TOY_EACH);
		assert_int_equal(rows.test, 3 * TOY_EACH);
		test_ok(ctx,
			core_estimate_run(ctx, study, &study->run[i], &rows, &costs, &seconds[i]));
	}
	core_study_close(study);
	core_ctx_free(ctx);
	costs.evaluation = NULL; /* it was of the study */
	return costs;
}

/* A step is measured once for each shape of head and batch, however many variants have it. */
static void test_steps(void **state)
{
	(void)state;
	double s[12];
	const char *rates[] = {"train.learning_rate=0.1,0.2,0.3", "loss.name=erm,random"};
	core_run_costs costs = estimate_study(2, rates, s);
	assert_int_equal(costs.n_steps, 1);
	assert_true(costs.step[0].step_s > 0);
	const char *shapes[] = {"train.batch=4,8", "head.projection=5,6,7"};
	costs = estimate_study(2, shapes, s);
	assert_int_equal(costs.n_steps, 6);
}

/* A run takes longer by what more epochs take. */
static void test_epochs(void **state)
{
	(void)state;
	double s[3];
	const char *epochs[] = {"train.epochs=10,20,30"};
	(void)estimate_study(1, epochs, s);
	assert_true(s[0] > 0 && s[1] > s[0]);
	assert_true(fabs((s[2] - s[1]) - (s[1] - s[0])) < 1e-6 * (s[2] - s[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_epochs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
