/* SPDX-License-Identifier: Apache-2.0 */
/* Variants that are refused are left out with their reasons, and faults of the whole configuration are not. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "registry.h"

#define BASE                                                                                       \
	"corpus: {labels: labels.csv}\nencoder: {name: waves}\nloss: {name: balanced}\n"           \
	"grouper: {name: clusters}\n"

static fv_status load(fv_ctx *ctx, const char *matrix, unsigned needs, core_config **out)
{
	assert_int_equal(chdir(test_folder("keep_going")), 0);
	FILE *file = fopen("a.yaml", "wb");
	assert_non_null(file);
	assert_true(fputs(BASE, file) >= 0 && fputs(matrix, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return core_config_load(
		ctx, test_registry(), "a.yaml", NULL, 0, CORE_NEED_RUN | needs, out);
}

static const char *join_slugs(fv_ctx *ctx, const core_config *c)
{
	const char *all = "";
	for (size_t i = 0; i < c->n_variants; i++)
		all = core_format(ctx, "%s%s ", all, c->variants[i].slug);
	all = core_format(ctx, "%s|", all);
	for (size_t i = 0; i < c->n_refused; i++)
		all = core_format(ctx, "%s %s", all, c->refused[i].slug);
	return all;
}

static void check_refused(const core_config *c, size_t index, fv_status status, const char *reason)
{
	assert_true(index < c->n_refused);
	assert_string_equal(c->refused[index].reason->text, reason);
	assert_int_equal(c->refused[index].reason->status, status);
}

static void test_left_out(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_config *c;
	test_ok(ctx, load(ctx, "matrix: {grouper.k: [4, 1, 5], train.learning_rate: [0.1, -1]}\n",
			     CORE_KEEP_GOING, &c));
	assert_string_equal(join_slugs(ctx, c),
		"balanced-k4-lr0.1 balanced-k5-lr0.1 | balanced-k4-lr-1 balanced-k1-lr0.1 "
		"balanced-k1-lr-1 balanced-k5-lr-1");
	check_refused(
		c, 0, FV_CONFIG, "a.yaml:5:59: train.learning_rate: -1 is out of range, above 0");
	check_refused(c, 1, FV_CONFIG, "a.yaml:5:25: grouper.k: 1 is out of range, at least 2");
	/* both faults, although each was met before */
	check_refused(c, 2, FV_CONFIG,
		"a.yaml:5:25: grouper.k: 1 is out of range, at least 2\n"
		"a.yaml:5:59: train.learning_rate: -1 is out of range, above 0");
	assert_int_equal(core_error_count(ctx), 0);
	test_ok(ctx, load(ctx, "matrix: {loss.name: [absent, balanced, broken]}\n", CORE_KEEP_GOING,
			     &c));
	assert_string_equal(join_slugs(ctx, c), "balanced | absent broken");
	assert_int_equal(c->refused[0].reason->status, FV_CONFIG);
	assert_int_equal(c->refused[1].reason->status, FV_DATA); /* the loader refused its file */
	core_ctx_free(ctx);
}

/* The hash of the settings as written is that of the same variant when nothing is wrong. */
static void test_written(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_config *bad, *good, *more;
	test_ok(ctx, load(ctx, "matrix: {loss.name: [plain, absent]}\n", CORE_KEEP_GOING, &bad));
	test_ok(ctx, load(ctx, "matrix: {loss.name: [plain, mild]}\n", 0, &good));
	test_ok(ctx,
		load(ctx, "train: {seed: [3, 4]}\nmatrix: {loss.name: [mild, worst]}\n", 0, &more));
	assert_int_equal(strlen(bad->refused[0].written), 64);
	assert_string_equal(bad->variants[0].written, good->variants[0].written);
	assert_string_not_equal(bad->refused[0].written, good->variants[1].written);
	assert_string_not_equal(good->variants[0].written, good->variants[1].written);
	assert_string_equal(more->variants[0].key, good->variants[1].key); /* seeds make runs */
	core_ctx_free(ctx);
}

/* A trial that is refused takes the tuned variant with it, and the other trials stay. */
static void test_trials(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_config *c;
	test_ok(ctx,
		load(ctx,
			"tune: {axes: {train.learning_rate: [0.1, -1, 0.2]}, by: dev_loss}\n"
			"matrix: {loss.name: [plain], include: [{loss.name: worst, tune: none}]}\n",
			CORE_KEEP_GOING, &c));
	assert_string_equal(
		join_slugs(ctx, c), "plain-lr0.1 plain-lr0.2 worst | plain-lr-1 plain-tuned");
	check_refused(c, 1, FV_CONFIG,
		"its trial plain-lr-1 failed: a.yaml:5:42: train.learning_rate: -1 is out of "
		"range, above 0");
	core_ctx_free(ctx);
}

/* Faults that concern the whole configuration are those that are reported without keep-going. */
static void test_whole(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"matrix: {grouper: [{name: clusters}, {name: clusters, kk: 4}]}\n",
		"matrix: {grouper.k: [1, 0]}\n",
		"matrix: {loss.name: [plain, absent], eval.attributes: [[a], [b]]}\n",
		"train: {epochs: 0}\nmatrix: {loss.name: [plain, worst]}\n",
		"tune: {axes: {train.batch: 4}}\nmatrix: {loss.name: [plain, worst]}\n",
		"matrix: {loss.name: [plain, worst}\n",
		"loos: {name: plain}\n",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		fv_ctx *strict = test_ctx(), *keep = test_ctx();
		core_config *c;
		fv_status status = load(strict, wrong[i], 0, &c);
		assert_true(status == FV_CONFIG || status == FV_DATA);
		assert_int_equal(load(keep, wrong[i], CORE_KEEP_GOING, &c), status);
		assert_int_equal(core_error_lines(keep), core_error_lines(strict));
		for (size_t k = 0; core_error_line(strict, k); k++)
			assert_string_equal(core_error_line(keep, k), core_error_line(strict, k));
		core_ctx_free(strict);
		core_ctx_free(keep);
	}
}

static void test_take(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	(void)core_fail_at(ctx, FV_DATA, "a.csv", 3, 0, "'x' is not a number");
	(void)core_fail_at(ctx, FV_DATA, "a.csv", 5, 0, "'y' is not a number");
	(void)fv_fail(ctx, FV_FAILED, "another");
	const core_reason *reason = core_error_take(ctx, ctx, FV_DATA);
	assert_int_equal(core_error_count(ctx), 0);
	assert_int_equal(reason->status, FV_DATA);
	assert_non_null(strstr(reason->text, "a.csv:3: 'x' is not a number"));
	assert_string_equal(strchr(reason->text, '\n'), "\nanother");
	assert_int_equal(core_reason_report(ctx, "run1", reason), FV_DATA);
	assert_int_equal(core_reason_report(ctx, "run2", reason), FV_DATA);
	assert_int_equal(core_error_lines(ctx), 2);
	assert_string_equal(core_error_line(ctx, 1), "run1: another (2 in all: run1, run2)");
	core_error_clear(ctx);
	assert_string_equal(core_error_take(ctx, ctx, FV_FAILED)->text, "failed without a reason");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_written), cmocka_unit_test(test_trials),
		cmocka_unit_test(test_whole), cmocka_unit_test(test_take)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
