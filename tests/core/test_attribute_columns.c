/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that are products of columns, and attributes that are numbers. */
#include "support.h"

#include <math.h>
#include <string.h>

#include "eval/attribute_columns.h"
#include "eval/slope.h"

enum { N = 60, C = 2, SPEAKERS = 12, EACH = N / SPEAKERS };

struct data {
	core_predictions p;
	core_text_column column[3];
	const char *file[N], *gender[N], *race[N], *age[N], *speaker[N];
	float prob[N * C], label[N * C];
};

/* Speaker s is 20 + 3 s years old and has s of 12 right in expectation: rows 0..EACH-1 of a speaker are right
 * if row * 12 < s * EACH. Every fourth speaker has no race; only speaker 11 is a man of race B. */
static void make_data(fv_ctx *ctx, struct data *d)
{
	static const char *const classes[] = {"a", "b"};
	for (int i = 0; i < N; i++) {
		int s = i / EACH, row = i % EACH;
		bool right = row * SPEAKERS < s * EACH;
		d->file[i] = core_format(ctx, "f%02d", i);
		d->speaker[i] = core_format(ctx, "s%02d", s);
		d->age[i] = s == 7 ? "" : core_format(ctx, "%d", 20 + 3 * s);
		d->gender[i] = s % 2 ? "M" : "F";
		d->race[i] = s % 4 == 0 ? "" : s == 11 || s == 2 || s == 6 ? "B" : "A";
		d->label[i * C] = 1;
		d->label[i * C + 1] = 0;
		d->prob[i * C] = right ? 0.9f : 0.1f;
		d->prob[i * C + 1] = right ? 0.1f : 0.9f;
	}
	d->column[0] = (core_text_column){"gender", d->gender};
	d->column[1] = (core_text_column){"race", d->race};
	d->column[2] = (core_text_column){"age", d->age};
	d->p = (core_predictions){.n = N,
		.C = C,
		.classes = (const char **)classes,
		.file = d->file,
		.stem = d->file,
		.prob = d->prob,
		.label = d->label,
		.n_attributes = 3,
		.attribute = d->column,
		.speaker = {"SpkrID", d->speaker}};
}

static void products_and_small_groups(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct data d;
	core_eval_attribute a;
	bool known;
	make_data(ctx, &d);
	test_ok(ctx, core_attribute_from_columns(ctx, &d.p, "x", "gender * race", 6, &a));
	/* F*B: speakers 2, 6 and 10 minus 10 (A); M*A: 1, 3, 5, 7, 9; M*B: 11 alone, 5 rows */
	assert_int_equal(a.G, 2);
	assert_string_equal(a.group[0], "F*B");
	assert_string_equal(a.group[1], "M*A");
	assert_int_equal(a.n_small, 2);
	assert_string_equal(a.small[0], "F*A");
	assert_int_equal(a.small_rows[0], EACH);
	assert_string_equal(a.small[1], "M*B");
	for (int i = 0; i < N; i++) {
		int s = i / EACH;
		int want = s % 4 == 0 || s == 11 || s == 10 ? -1 : s % 2;
		assert_int_equal(a.id[i], want);
	}
	test_ok(ctx, core_attribute_from_columns(ctx, &d.p, "x", "race*gender", 1, &a));
	assert_int_equal(a.G, 4);
	assert_int_equal(a.n_small, 0);
	assert_string_equal(a.group[3], "B*M");
	test_ok(ctx, core_attribute_is_known(ctx, &d.p, "race*gender", &known));
	assert_true(known);
	test_ok(ctx, core_attribute_is_known(ctx, &d.p, "race*sex", &known));
	assert_false(known);
	test_fails(ctx,
		core_attribute_from_columns(ctx, &d.p, "--group-columns", "race*gendr", 1, &a),
		FV_CONFIG, "no column 'gendr'");
	core_ctx_free(ctx);
}

static void numbers(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct data d;
	double *value;
	make_data(ctx, &d);
	test_ok(ctx, core_number_from_column(ctx, &d.p, "x", "age", &value));
	test_close(value[5], 23, 0);
	assert_true(isnan(value[7 * EACH]));
	test_fails(ctx, core_number_from_column(ctx, &d.p, "x", "gender", &value), FV_DATA,
		"gender is 'F', no number");
	static const char *const ages[] = {
		"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13.5"};
	assert_true(core_attribute_is_raw_number(13, ages));
	assert_false(core_attribute_is_raw_number(12, ages));
	static const char *const names[] = {
		"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "old"};
	assert_false(core_attribute_is_raw_number(13, names));
	core_ctx_free(ctx);
}

/* The slope by its formula; speakers without a number do not count, and two numbers are an error. */
static void slope_of_speakers(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct data d;
	double *value;
	core_slope s;
	core_assess_options options = core_assess_default();
	make_data(ctx, &d);
	const core_eval_set set = core_predictions_set(&d.p);
	const core_eval_rows rows = {.n = N, .speaker = d.speaker};
	test_ok(ctx, core_number_from_column(ctx, &d.p, "x", "age", &value));
	core_numeric_attribute age = {"age", value};
	options.min_support = EACH + 1;
	test_ok(ctx, core_slope_compute(ctx, 1, &set, &rows, &age, &options, &s));
	assert_int_equal(s.speakers, 0);
	assert_true(isnan(s.slope.value) && isnan(s.slope.p));
	options.min_support = EACH;
	test_ok(ctx, core_slope_compute(ctx, 1, &set, &rows, &age, &options, &s));
	double n = 0, x = 0, y = 0, xx = 0, xy = 0;
	for (int k = 0; k < SPEAKERS; k++) {
		if (k == 7)
			continue;
		double recall = ceil(k * EACH / 12.0) / EACH, number = 20 + 3 * k;
		n += 1;
		x += number;
		y += recall;
		xx += number * number;
		xy += number * recall;
	}
	test_close(s.slope.value, (n * xy - x * y) / (n * xx - x * x), 1e-14);
	assert_int_equal(s.speakers, SPEAKERS - 1);
	assert_int_equal(s.unknown_rows, EACH);
	test_close(s.low, 20, 0);
	test_close(s.high, 53, 0);
	/* Recall rises with every step, so hardly any of 11! permutations has a slope as steep. */
	test_close(s.slope.p, 1.0 / 5001, 1e-15);
	assert_true(s.slope.low > 0 && s.slope.low < s.slope.value && s.slope.high > s.slope.value);
	const core_eval_set seeds[] = {set, set};
	core_slope two;
	test_ok(ctx, core_slope_compute(ctx, 2, seeds, &rows, &age, &options, &two));
	test_close(two.slope.value, s.slope.value, 1e-15);
	value[1] = 21;
	test_fails(ctx, core_slope_compute(ctx, 1, &set, &rows, &age, &options, &s), FV_DATA,
		"speaker 's00' has age 20 and 21");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products_and_small_groups),
		cmocka_unit_test(numbers),
		cmocka_unit_test(slope_of_speakers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
