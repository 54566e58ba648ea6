/* SPDX-License-Identifier: Apache-2.0 */
/* `fairvox audit` run as a program: exact values; nulls and intervals within the sampling error of
 * 2,000 draws of the reference; error messages for unsuitable files. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "eval/speakers.h"

#define EXACT 1e-12

/* Runs the program and returns the output of both streams, or of the first only. */
static char *audit(fv_ctx *ctx, const char *arguments, bool both, int want_exit)
{
	const char *build = getenv("FAIRVOX_BUILD");
	char *command = core_format(ctx, "'%s/fairvox' audit %s %s", build ? build : ".", arguments,
		both ? "2>&1" : "2>/dev/null");
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t room = 1 << 20, n = 0, got;
	char *text = core_alloc(ctx, room, 1);
	while ((got = fread(text + n, 1, room - 1 - n, pipe)) > 0)
		n += got;
	int status = pclose(pipe);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != want_exit)
		fail_msg("exit %d, not %d: %s", WEXITSTATUS(status), want_exit, text);
	return text;
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);
	if (!json)
		fail_msg("%d: %s", error.line, error.text);
	return json;
}

static const json_t *get(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);
	if (!value)
		fail_msg("no %s", key);
	return value;
}

static double number(const json_t *json, const char *key)
{
	return json_number_value(get(json, key));
}

static void same(const json_t *want, const json_t *got, const char *what)
{
	if (json_is_null(want))
		assert_true(json_is_null(got));
	else
		test_close_(json_number_value(got), json_number_value(want), EXACT, what, __FILE__,
			__LINE__);
}

static void within(const json_t *want, const json_t *got, const char *key, const char *what)
{
	char band[32];
	snprintf(band, sizeof band, "%s_band", key);
	double value = number(got, key),
	       low = json_number_value(json_array_get(get(want, band), 0));
	double high = json_number_value(json_array_get(get(want, band), 1));
	if (!(value >= low - EXACT && value <= high + EXACT))
		fail_msg("%s: %s is %g, not from %g to %g", what, key, value, low, high);
}

static void near(const json_t *want, const json_t *got, const char *key, const char *what)
{
	char tolerance[32];
	snprintf(tolerance, sizeof tolerance, "%s_tol", key);
	if (!(fabs(number(got, key) - number(want, key)) <= number(want, tolerance)))
		fail_msg("%s: %s is %g, not %g", what, key, number(got, key), number(want, key));
}

static void check_gap(const json_t *want, const json_t *got, const char *what)
{
	same(get(want, "value"), get(got, "value"), what);
	near(want, got, "null_mean", what);
	within(want, got, "null_p95", what);
	near(want, got, "p", what);
	test_close(number(got, "excess"), number(got, "value") - number(got, "null_mean"), EXACT);
	assert_null(json_object_get(got, "low"));
}

static void check_rates(const json_t *want, const json_t *got)
{
	const char *class_name, *group;
	const json_t *classes, *rate;
	json_object_foreach((json_t *)want, class_name, classes)
	{
		json_object_foreach((json_t *)classes, group, rate)
		{
			const json_t *own = get(get(got, class_name), group);
			same(get(rate, "value"), get(own, "value"), group);
			if (json_object_get(rate, "low")) {
				within(rate, own, "low", group);
				within(rate, own, "high", group);
				test_close(number(own, "level"), 0.95, 0);
			} else {
				assert_null(json_object_get(own, "low"));
			}
		}
		assert_int_equal(json_object_size(classes), json_object_size(get(got, class_name)));
	}
}

static void check_attribute(const json_t *want, const json_t *got)
{
	static const char *const gaps[] = {
		"tpr_gap", "tpr_gap_zero", "fpr_gap", "dp_gap", "dp_gap_eq4"};
	for (size_t k = 0; k < sizeof gaps / sizeof *gaps; k++)
		check_gap(get(want, gaps[k]), get(got, gaps[k]), gaps[k]);
	assert_true(json_equal((json_t *)get(want, "groups"), (json_t *)get(got, "groups")));
	assert_true(json_equal((json_t *)get(want, "speakers"), (json_t *)get(got, "speakers")));
	same(get(want, "worst_group_f1"), get(get(got, "worst_group_f1"), "value"), "worst");
	same(get(want, "tpr_pairs"), get(got, "tpr_pairs"), "tpr_pairs");
	check_rates(get(want, "tpr"), get(got, "tpr"));
}

/* The TPR is undefined for the same subgroups, each with a reason. */
static void check_undefined(const json_t *want, const json_t *got)
{
	static const char *const keys[] = {"metric", "attribute", "class", "group"};
	size_t rates = 0;
	for (size_t i = 0; i < json_array_size(got); i++) {
		const json_t *entry = json_array_get(got, i);
		assert_true(json_string_length(get(entry, "reason")) > 0);
		if (strcmp(json_string_value(get(entry, "metric")), "tpr") != 0)
			continue;
		for (size_t k = 0; k < 4; k++)
			assert_true(json_equal((json_t *)get(entry, keys[k]),
				(json_t *)get(json_array_get(want, rates), keys[k])));
		rates++;
	}
	assert_int_equal(rates, json_array_size(want));
}

static void check_system(const json_t *want, const json_t *got)
{
	const char *name;
	const json_t *attribute;
	assert_int_equal(json_integer_value(get(got, "schema_version")), 2);
	same(get(want, "n"), get(got, "n"), "n");
	same(get(want, "f1"), get(get(got, "f1"), "value"), "f1");
	same(get(want, "acc"), get(get(got, "acc"), "value"), "acc");
	assert_true(number(get(got, "f1"), "low") < number(want, "f1"));
	assert_true(number(get(got, "f1"), "high") > number(want, "f1"));
	json_object_foreach((json_t *)get(want, "attributes"), name, attribute)
		check_attribute(attribute, get(get(got, "attributes"), name));
	check_undefined(get(want, "undefined"), get(got, "undefined"));
}

static void check_difference(const json_t *want, const json_t *got, const char *what)
{
	same(get(want, "value"), get(got, "value"), what);
	near(want, got, "p", what);
	if (json_object_get(want, "low")) {
		within(want, got, "low", what);
		within(want, got, "high", what);
	}
	assert_true(number(got, "low") <= number(got, "high"));
}

static void check_comparison(const json_t *want, const json_t *got)
{
	const char *name;
	const json_t *attribute;
	check_difference(get(want, "f1"), get(got, "f1"), "f1");
	check_difference(get(want, "acc"), get(got, "acc"), "acc");
	json_object_foreach((json_t *)get(want, "attributes"), name, attribute)
	{
		const json_t *own = get(get(got, "attributes"), name);
		check_difference(get(attribute, "tpr_gap"), get(own, "tpr_gap"), "tpr_gap");
		check_difference(get(attribute, "dp_gap"), get(own, "dp_gap"), "dp_gap");
	}
}

static void check_case(const char *name)
{
	fv_ctx *ctx = test_ctx();
	const char *folder = test_golden(core_format(ctx, "statistics/audit/%s", name));
	char *options = core_format(ctx, "--group-columns gender,race --json");
	json_t *want = test_json(core_format(ctx, "%s/expected.json", folder));
	const json_t *systems = get(want, "systems");
	const char *file;
	const json_t *expected;
	json_object_foreach((json_t *)systems, file, expected)
	{
		json_t *got = parse(audit(
			ctx, core_format(ctx, "'%s/%s' %s", folder, file, options), false, 0));
		check_system(expected, got);
		assert_null(json_object_get(got, "comparison"));
		json_decref(got);
	}
	json_t *both = parse(audit(ctx,
		core_format(ctx, "%s '%s/PRED_A.csv' '%s/PRED_B.csv'", options, folder, folder),
		false, 0));
	check_system(get(systems, "PRED_A.csv"), both);
	check_system(get(systems, "PRED_B.csv"), get(both, "second"));
	check_comparison(get(want, "comparison"), get(both, "comparison"));
	json_decref(both);
	json_decref(want);
	core_ctx_free(ctx);
}

static void synthetic(void **state)
{
	(void)state;
	check_case("synthetic");
}

static void small_groups(void **state)
{
	(void)state;
	check_case("small_groups");
}

/* The lines of a file in reverse, the header first. */
static char *reversed(fv_ctx *ctx, const char *text)
{
	size_t size = strlen(text), header = (size_t)(strchr(text, '\n') - text) + 1, end = size;
	char *out = core_alloc(ctx, size + 1, 1);
	memcpy(out, text, header);
	for (size_t at = header; end > header;) {
		size_t start = end - 1;
		while (start > header && text[start - 1] != '\n')
			start--;
		memcpy(out + at, text + start, end - start);
		at += end - start;
		end = start;
	}
	return out;
}

static void row_order_changes_nothing(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = test_golden("statistics/audit/small_groups/PRED_A.csv");
	char *text;
	size_t size;
	test_ok(ctx, core_file_read(ctx, path, 0, &text, &size));
	const char *turned = core_path_join(ctx, test_folder("audit"), "turned.csv");
	char *back = reversed(ctx, text);
	assert_int_equal(strlen(back), size);
	assert_true(strcmp(back, text) != 0);
	test_ok(ctx, core_file_write(ctx, turned, back, size));
	const char *options = "--group-columns gender,race --json";
	char *one = audit(ctx, core_format(ctx, "'%s' %s", path, options), false, 0);
	char *other = audit(ctx, core_format(ctx, "'%s' %s", turned, options), false, 0);
	assert_string_equal(one, other);
	core_ctx_free(ctx);
}

static const char head[] = "FileName,prob_a,prob_b,label_a,label_b,gender,SpkrID\n";

static void messages(void **state)
{
	(void)state;
	static const struct {
		const char *rows, *options;
		int exit;
		const char *message;
	} cases[] = {
		{"x,.7,.3,1,0,M,s1\n", "--group-columns gendr", 2,
			"has no column 'gendr', did you mean 'gender'?"},
		{"x,.7,.3,1,0,M,s1\n", "--group-columns gender --speaker-column SpkID", 2,
			"has no column 'SpkID', did you mean 'SpkrID'?"},
		{"x,.7,.3,1,0,M,s1\n", "", 2, "audit: --group-columns is missing"},
		{"x,.7,.3,1,0,M,s1\n", "--group-columns gender,gender", 2,
			"'gender' is given twice"},
		{"x,.7,.3,1,0,M,s1\n", "--group-columns gender --threshold high", 2,
			"--threshold: 'high' is not a number"},
		{"x,.7,.3,1,0,M,s1\ny,.7,.3,1,0,F,s1\n", "--group-columns gender", 4,
			":3: speaker 's1' has gender 'F' here and 'M' in line 2"},
		{"x,.7,.3,1,0,M,\n", "--group-columns gender", 4, ":2: no speaker"},
		{"x,.7,.3,1,zero,M,s1\n", "--group-columns gender", 4,
			":2: label_b is 'zero', not a finite number"},
		{"x,.7,.3,1,0\n", "--group-columns gender", 4, ":2: 5 fields, the header has 7"},
	};
	fv_ctx *ctx = test_ctx();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *path = core_path_join(ctx, test_folder("audit"), "pred.csv");
		char *text = core_format(ctx, "%s%s", head, cases[i].rows);
		test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
		char *out = audit(ctx, core_format(ctx, "'%s' %s", path, cases[i].options), true,
			cases[i].exit);
		if (!strstr(out, cases[i].message))
			fail_msg("'%s' is not in '%s'", cases[i].message, out);
	}
	audit(ctx, "--group-columns gender", true, 2);
	audit(ctx, "/nowhere.csv --group-columns gender", true, 4);
	core_ctx_free(ctx);
}

static void threshold_and_no_speaker(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("audit"), "pred.csv");
	static const char text[] = "FileName,prob_a,prob_b,label_a,label_b,gender\n"
				   "x,.7,.3,1,0,M\ny,.7,.3,0,1,F\n";
	test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
	const char *options = "--group-columns gender --json";
	json_t *half = parse(audit(ctx, core_format(ctx, "'%s' %s", path, options), false, 0));
	test_close(number(get(half, "acc"), "value"), 0.5, 0);
	const json_t *gender = get(get(half, "attributes"), "gender");
	assert_null(json_object_get(gender, "speakers"));
	assert_null(json_object_get(get(gender, "dp_gap"), "p"));
	json_decref(half);
	/* above .2 both classes are predicted; labels are unchanged */
	json_t *low = parse(
		audit(ctx, core_format(ctx, "'%s' %s --threshold .2", path, options), false, 0));
	test_close(number(low, "threshold"), (double)0.2f, 0);
	test_close(number(get(low, "f1"), "value"), 2.0 / 3, EXACT);
	json_decref(low);
	char *said = audit(ctx, core_format(ctx, "'%s' --group-columns gender", path), true, 0);
	assert_non_null(strstr(said, "no nulls and no intervals"));
	core_ctx_free(ctx);
}

/* Draws keep group sizes, folds and strata, differ from each other, and depend on names, not on rows. */
static void draws(void **state)
{
	(void)state;
	enum { S = 40, N = 20 };
	fv_ctx *ctx = test_ctx();
	const char *speaker[S], *group[S];
	int64_t fold[S];
	for (int s = 0; s < S; s++) {
		speaker[s] = core_format(ctx, "s%02d", (s * 7) % S); /* not in order of names */
		fold[s] = 1 + s % 2;
		group[s] = s % 10 == 9 ? "" : s % 3 ? "A" : "B";
	}
	core_eval_rows rows = {.n = S, .speaker = speaker, .fold = fold};
	core_eval_attribute attribute;
	core_speakers speakers;
	core_cohort cohort;
	test_ok(ctx, core_eval_attribute_make(ctx, "x", S, group, NULL, 0, &attribute));
	test_ok(ctx, core_speakers_make(ctx, &rows, &speakers));
	test_ok(ctx, core_cohort_make(ctx, &rows, &speakers, &attribute, &cohort));
	core_draws how = core_draws_default();
	int32_t before[S], out[2 * S], moved = 0, drawn = 0, plus = 0;
	for (int b = 0; b < N; b++) {
		int32_t seen[S] = {0}, size[3] = {0};
		core_draw_permutation(&cohort, &how, b, out);
		for (int s = 0; s < S; s++) {
			assert_false(seen[out[s]]++);
			assert_int_equal(speakers.fold[out[s]], speakers.fold[s]);
			assert_int_equal(cohort.of_speaker[s] < 0, cohort.of_speaker[out[s]] < 0);
			moved += b > 0 && out[s] != before[s];
			before[s] = out[s];
		}
		core_draw_speakers(&speakers, &cohort, &how, b, out);
		for (int s = 0; s < S; s++) {
			size[cohort.of_speaker[s] + 1] += out[s];
			drawn += out[s] > 0;
		}
		assert_int_equal(size[0], 4);
		assert_int_equal(size[1], cohort.size[0]);
		assert_int_equal(size[2], cohort.size[1]);
		core_draw_signs(&speakers, &how, b, out);
		for (int s = 0; s < S; s++)
			plus += out[s] > 0;
	}
	/* expected 94%, 63% and half of all; six standard deviations wide */
	assert_true(moved > 600 && drawn > 440 && drawn < 570 && plus > 315 && plus < 485);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(synthetic),
		cmocka_unit_test(small_groups),
		cmocka_unit_test(row_order_changes_nothing),
		cmocka_unit_test(messages),
		cmocka_unit_test(threshold_and_no_speaker),
		cmocka_unit_test(draws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
