/* SPDX-License-Identifier: Apache-2.0 */
/* The loss printed in core/docs/writing-a-loss.md, compared with reference numbers (CVaR). */
#include "losses.h"

#include <stdio.h>
#include <stdlib.h>

static void documented_loss_matches_cvar(void **state)
{
	(void)state;
	json_t *entries = test_json(test_golden("training/objectives/worst_share.json")), *entry;
	const fv_descriptor *loss = test_loss("worst_share");
	const fv_loss_ops *ops = loss->ops;
	size_t i, n;
	json_array_foreach(entries, i, entry)
	{
		fv_ctx *ctx = test_ctx();
		char alpha[64];
		double *l = test_numbers(json_object_get(entry, "loss"), &n), value, evaluated;
		double *want = test_numbers(json_object_get(entry, "v"), &n);
		double *v = calloc(n, sizeof *v);
		snprintf(alpha, sizeof alpha, "alpha=%.17g",
			json_number_value(
				json_object_get(json_object_get(entry, "options"), "alpha")));
		void *self = test_loss_state(ctx, loss, "paper", alpha, NULL);
		fv_batch batch = {.size = sizeof batch, .n = (int32_t)n, .loss = l};
		test_ok(ctx, ops->weigh(self, ctx, &batch, v, &value));
		for (size_t j = 0; j < n; j++)
			test_close(v[j], want[j], 1e-12);
		test_close(value, json_number_value(json_object_get(entry, "value")), 1e-12);
		test_ok(ctx, ops->evaluate(self, ctx, &batch, &evaluated));
		test_close(evaluated, value, 0);
		free(l);
		free(want);
		free(v);
		core_ctx_free(ctx);
	}
	assert_int_equal(i, 38);
	json_decref(entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(documented_loss_matches_cvar)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
