/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of one cause are one line, with their count and the first three places. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/path.h"
#include "base/text.h"

#include <fairvox/csv.h>

/* All kept lines, each ended by a newline. */
static const char *all_lines(fv_ctx *ctx)
{
	static core_text text;
	core_text_free(&text);
	text = (core_text){0};
	for (size_t i = 0; core_error_line(ctx, i); i++)
		core_text_add(&text, "%s\n", core_error_line(ctx, i));
	return text.data ? text.data : "";
}

static void rows_of_one_cause(void **state)
{
	(void)state;
	static const char *const labels[] = {"calm", "disgust", "calm", "fearful", "surprised"};
	fv_ctx *ctx = test_ctx();
	for (int i = 0; i < 768; i++)
		(void)core_fail_at(ctx, FV_DATA, "labels.csv", i + 2, 0, "label '%s' is unknown",
			labels[i % 5]);
	assert_int_equal(core_error_count(ctx), 768);
	assert_int_equal(core_error_lines(ctx), 1);
	assert_int_equal(core_errors_left_out(ctx), 0);
	assert_string_equal(all_lines(ctx),
		"labels.csv:2: label 'calm' is unknown (768 rows: lines 2, 3, 4, ...; also "
		"'disgust', 'fearful', ...)\n");
	core_error_clear(ctx);
	(void)core_fail_at(ctx, FV_DATA, "l.csv", 9, 0, "labels sum to %g, not 1", .5);
	(void)core_fail_at(ctx, FV_DATA, "l.csv", 12, 0, "labels sum to %g, not 1", -1.25e-7);
	assert_string_equal(
		all_lines(ctx), "l.csv:9: labels sum to 0.5, not 1 (2 rows: lines 9, 12)\n");
	core_ctx_free(ctx);
}

/* A row that several variants or folds report counts once; of other files each counts. */
static void a_row_counts_once(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	for (int variant = 0; variant < 77; variant++)
		for (int line = 2; line < 7; line++)
			(void)core_fail_at(ctx, FV_DATA, "a.csv", line, 0, "no label");
	assert_string_equal(all_lines(ctx), "a.csv:2: no label (5 rows: lines 2, 3, 4, ...)\n");
	core_error_clear(ctx);
	for (int fold = 1; fold <= 5; fold++)
		for (int line = 2; line < 7; line++) {
			char path[32];
			snprintf(path, sizeof path, "labels_%d.csv", fold);
			(void)core_fail_at(ctx, FV_DATA, path, line, 0, "no label");
		}
	assert_string_equal(all_lines(ctx),
		"labels_1.csv:2: no label (25 rows in 5 files: labels_1.csv:2, labels_2.csv:2, "
		"labels_3.csv:2, ...)\n");
	core_error_clear(ctx);
	(void)core_fail_at(ctx, FV_DATA, "a.csv", 1, 0, "no column '%s'", "file");
	(void)core_fail_at(ctx, FV_DATA, "b.csv", 1, 0, "no column '%s'", "age");
	assert_string_equal(
		all_lines(ctx), "a.csv:1: no column 'file'\nb.csv:1: no column 'age'\n");
	core_ctx_free(ctx);
}

/* Words that differ make another line, up to three of one format. */
static void three_texts_are_seen(void **state)
{
	(void)state;
	static const char *const column[] = {"angry", "sad", "fear", "happy", "calm"};
	fv_ctx *ctx = test_ctx();
	for (int line = 2; line < 4; line++)
		for (int k = 0; k < 5; k++)
			(void)core_fail_at(ctx, FV_DATA, "l.csv", line, 0,
				"%s: '%s' is not a number", column[k], "x");
	assert_string_equal(all_lines(ctx),
		"l.csv:2: angry: 'x' is not a number (2 rows: lines 2, 3)\n"
		"l.csv:2: sad: 'x' is not a number (2 rows: lines 2, 3)\n"
		"l.csv:2: fear: 'x' is not a number (2 rows: lines 2, 3; the words of some "
		"differ)\n");
	assert_int_equal(core_error_count(ctx), 10);
	core_error_clear(ctx);
	(void)core_fail_at(ctx, FV_DATA, "l.csv", 2, 0, "share '%s' is negative", "-1");
	(void)core_fail_at(ctx, FV_DATA, "l.csv", 2, 0, "share '%s' is negative", "-2");
	assert_string_equal(all_lines(ctx), "l.csv:2: share '-1' is negative (also '-2')\n");
	core_ctx_free(ctx);
}

static void files_of_one_cause(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_ctx_set_plugin(ctx, "p");
	for (int i = 0; i < 12; i++) {
		char path[32];
		snprintf(path, sizeof path, "a%d.wav", i);
		(void)fv_fail(ctx, FV_DATA, "%s: ends after %d of 100 samples", path, i);
	}
	assert_string_equal(all_lines(ctx),
		"plugin p: a0.wav: ends after 0 of 100 samples (12 in all: a0.wav, a1.wav, a2.wav, "
		"...)\n");
	core_error_clear(ctx);
	core_ctx_set_plugin(ctx, NULL);
	for (int i = 0; i < 211; i++)
		(void)fv_fail(ctx, FV_DATA, "%s: no tensor 'layer%d'", "w.pt", i % 100);
	assert_string_equal(all_lines(ctx),
		"w.pt: no tensor 'layer0' (100 in all; also 'layer1', 'layer2', ...)\n");
	core_ctx_free(ctx);
}

/* What a person wrote is named in full: lines differ unless their texts are equal. */
static void configurations_are_exact(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	for (int i = 0; i < 4; i++)
		(void)core_fail_at(ctx, FV_CONFIG, "a.yaml", 3 + i, 5, "unknown key 'x'");
	(void)core_fail_at(ctx, FV_CONFIG, "a.yaml", 3, 5, "unknown key 'x'");
	(void)core_fail_at(ctx, FV_CONFIG, "a.yaml", 9, 5, "unknown key '%s'", "y");
	(void)fv_fail(ctx, FV_CONFIG, "%s: block '%s' is missing", "a.yaml", "loss");
	(void)fv_fail(ctx, FV_CONFIG, "%s: block '%s' is missing", "a.yaml", "corpus");
	(void)fv_fail(ctx, FV_FAILED, "the worker crashed");
	(void)fv_fail(ctx, FV_FAILED, "the worker crashed");
	assert_string_equal(all_lines(ctx),
		"a.yaml:3:5: unknown key 'x' (4 places: a.yaml:3:5, a.yaml:4:5, a.yaml:5:5, ...)\n"
		"a.yaml:9:5: unknown key 'y'\n"
		"a.yaml: block 'loss' is missing\n"
		"a.yaml: block 'corpus' is missing\n"
		"the worker crashed (2 times)\n");
	core_ctx_free(ctx);
}

static void rejoined_causes_keep_counts(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	for (int part = 0; part < 3; part++) {
		fv_ctx *aside = core_ctx_aside(ctx);
		for (int i = 0; i < 10; i++)
			(void)core_fail_at(aside, FV_DATA, "l.csv", 2 + 5 * part + i, 0,
				"label '%d' is unknown", part);
		for (int i = 0; i < 2; i++)
			(void)fv_fail(aside, FV_FAILED, "out of luck");
		assert_int_equal(core_ctx_rejoin(ctx, aside, FV_DATA), FV_DATA);
	}
	assert_int_equal(core_error_status(ctx), FV_DATA);
	assert_int_equal(core_error_count(ctx), 36);
	assert_string_equal(all_lines(ctx), /* lines 2 to 21 */
		"l.csv:2: label '0' is unknown (20 rows: lines 2, 3, 4, ...; also '1', '2')\n"
		"out of luck (6 times)\n");
	core_ctx_free(ctx);
}

static void further_causes_are_counted(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx(), *all = test_ctx();
	for (int i = 0; i < 50; i++) /* 25 causes, each twice */
		(void)core_fail_at(ctx, FV_DATA, "l.csv", 2 + i, 0, "%c is bad", 'a' + i % 25);
	assert_int_equal(core_error_count(ctx), 50);
	assert_int_equal(core_error_lines(ctx), 3);
	core_error_clear(ctx);
	for (int i = 0; i < 50; i++)
		(void)fv_fail(ctx, FV_DATA, "case %d", i % 25);
	assert_int_equal(core_error_lines(ctx), 20);
	assert_int_equal(core_errors_left_out(ctx), 10);
	assert_string_equal(core_error_line(ctx, 19), "case 19 (2 times)");
	assert_null(core_error_line(ctx, 20));
	(void)core_ctx_rejoin(all, ctx, FV_DATA);
	assert_int_equal(core_error_count(all), 50);
	assert_int_equal(core_errors_left_out(all), 10);
	core_ctx_free(all);
}

static void failures_of_a_plugins_table(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("causes"), "t.csv");
	const fv_csv *csv;
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("a\n1\n2\n3\n4\n", file);
	assert_int_equal(fclose(file), 0);
	test_ok(ctx, fv_csv_read(ctx, path, &csv));
	for (int64_t r = 0; r < fv_csv_rows(csv); r++)
		assert_int_equal(
			fv_csv_fail(ctx, csv, r, "group '%s' is odd", fv_csv_cell(csv, r, 0)),
			FV_DATA);
	const char *want = core_format(ctx,
		"%s:2: group '1' is odd (4 rows: lines 2, 3, 4, ...; also '2', '3', ...)\n", path);
	assert_string_equal(all_lines(ctx), want);
	core_ctx_free(ctx);
}

static void append_warning(void *user, core_level level, const char *line)
{
	core_text_add(user, "%s%s\n", level == CORE_WARNING ? "" : "?", line);
}

static void warnings_of_one_cause(void **state)
{
	(void)state;
	core_text text = {0};
	fv_ctx *ctx = test_ctx();
	core_ctx_set_log(ctx, append_warning, &text);
	for (int again = 0; again < 2; again++)
		for (int i = 0; i < 8; i++)
			fv_warn(ctx, "class %c has no label", 'a' + i);
	fv_warn(ctx, "%s", "fold 1: group 'x' is empty");
	core_warn_rest(ctx);
	core_warn_rest(ctx);
	assert_string_equal(text.data, "class a has no label\nclass b has no label\n"
				       "class c has no label\nfold 1: group 'x' is empty\n"
				       "5 more like those above\n");
	core_text_free(&text);
	core_ctx_free(ctx);
}

/* A row that has no line, such as a name in a folder, is placed by its file alone. */
static void places_without_line_are_files(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	(void)core_fail_at(ctx, FV_DATA, "wav/a.wav", 0, 0, "'%s' appears twice", "a");
	assert_string_equal(core_error_line(ctx, 0), "wav/a.wav: 'a' appears twice");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_one_cause),
		cmocka_unit_test(a_row_counts_once),
		cmocka_unit_test(three_texts_are_seen),
		cmocka_unit_test(files_of_one_cause),
		cmocka_unit_test(configurations_are_exact),
		cmocka_unit_test(rejoined_causes_keep_counts),
		cmocka_unit_test(further_causes_are_counted),
		cmocka_unit_test(failures_of_a_plugins_table),
		cmocka_unit_test(warnings_of_one_cause),
		cmocka_unit_test(places_without_line_are_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
