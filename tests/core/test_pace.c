/* SPDX-License-Identifier: Apache-2.0 */
/* How long runs are expected to take, from those that have ended. */
#include <math.h>

#include "run/pace.h"
#include "support.h"

enum { VARIANTS = 4 };

/* Variants 0 and 1 have one objective, 2 another, 3 a third. */
static core_study *make_study(fv_ctx *ctx, core_variant *variant, core_config *config)
{
	static const int plugin[VARIANTS] = {0, 0, 1, 2};
	static char objective[3]; /* only their addresses matter */
	for (int i = 0; i < VARIANTS; i++)
		variant[i].loss.plugin = (const core_plugin *)(const void *)&objective[plugin[i]];
	*config = (core_config){.n_variants = VARIANTS, .variants = variant};
	core_study *study = core_alloc(ctx, 1, sizeof *study);
	study->config = config;
	return study;
}

static void test_expect(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_variant variant[VARIANTS] = {{0}};
	core_config config;
	core_pace pace;
	test_ok(ctx, core_pace_make(ctx, make_study(ctx, variant, &config), &pace));
	assert_true(isnan(core_pace_expect(&pace, (const int64_t[]){1, 0, 0, 0})));
	assert_true(core_pace_expect(&pace, (const int64_t[]){0, 0, 0, 0}) == 0);
	core_pace_add(&pace, &(core_run){.variant = 0}, 2);
	core_pace_add(&pace, &(core_run){.variant = 0}, 4);
	core_pace_add(&pace, &(core_run){.variant = 2}, 12);
	/* its own mean; that of its objective; that of all runs */
	assert_true(core_pace_expect(&pace, (const int64_t[]){5, 0, 0, 0}) == 15);
	assert_true(core_pace_expect(&pace, (const int64_t[]){0, 2, 0, 0}) == 6);
	assert_true(core_pace_expect(&pace, (const int64_t[]){0, 0, 3, 0}) == 36);
	assert_true(core_pace_expect(&pace, (const int64_t[]){0, 0, 0, 1}) == 6);
	assert_true(core_pace_expect(&pace, (const int64_t[]){1, 1, 1, 1}) == 3 + 3 + 12 + 6);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_expect)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
