/* SPDX-License-Identifier: Apache-2.0 */
/* The short table: its columns in any width, names of every kind, and studies of every state. */
#include "results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/visible.h"
#include "report/axis_text.h"
#include "report/short_table.h"

/* --- text on a terminal ----------------------------------------------------------------------- */

static const char *visible(fv_ctx *ctx, const char *text, size_t width)
{
	core_text out = {0}, cut = {0};
	size_t whole = core_put_visible(&out, text);
	size_t taken = core_put_cut(&cut, out.data ? out.data : "", width);
	assert_true(taken <= width && (taken == whole || whole > width));
	core_text_free(&out);
	return core_text_move(ctx, &cut);
}

static size_t width_of(const char *text)
{
	core_text out = {0};
	size_t width = core_put_visible(&out, text);
	core_text_free(&out);
	return width;
}

/* The mark that turns the direction of text, U+202E. */
static const char turn[] = {(char)0xe2, (char)0x80, (char)0xae, '\0'};

static void test_widths(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	assert_int_equal(width_of("abc"), 3);
	assert_int_equal(width_of("怒り"), 4);      /* two columns a character */
	assert_int_equal(width_of("e\xcc\x81"), 1); /* a combining accent takes none */
	assert_int_equal(width_of("\x1b[31m"), 8);  /* \x1b and four more */
	assert_string_equal(visible(ctx, turn, 99), "\\xe2\\x80\\xae");
	assert_string_equal(visible(ctx, "abcdefghij", 10), "abcdefghij");
	assert_string_equal(visible(ctx, "abcdefghij", 5), "ab…ij");
	assert_string_equal(visible(ctx, "abcdefghij", 4), "ab…j");
	assert_string_equal(visible(ctx, "abcdefghij", 1), "…");
	assert_string_equal(visible(ctx, "abcdefghij", 0), "");
	assert_string_equal(visible(ctx, "怒り悲しみ", 7), "怒…しみ");
	assert_string_equal(visible(ctx, "ae\xcc\x81xxxe\xcc\x81z", 5), "ae\xcc\x81…e\xcc\x81z");
	core_text out = {0};
	core_put_wrapped(&out, "- one two three four", 9, 2);
	assert_string_equal(out.data, "- one two\n  three\n  four\n");
	core_text_free(&out);
	core_ctx_free(ctx);
}

/* --- fitting ---------------------------------------------------------------------------------- */

/* Two text columns, and four figures of importance 0, 10, 30 and 20. */
static core_document *wide_document(fv_ctx *ctx)
{
	static const char *const titles[] = {"name", "groups", "gap", "p", "change", "null"};
	static const int importance[] = {0, 0, 0, 10, 30, 20};
	core_document *d = core_document_new(ctx);
	core_result_table *t = core_document_add(ctx, d, "wide", NULL, 2, 6);
	t->fits = true;
	for (size_t j = 0; j < 6; j++) {
		t->column[j] = core_plain_column(titles[j], titles[j], CORE_FOR_PEOPLE);
		t->column[j].importance = importance[j];
		t->column[j].metric = j > 1 ? "gap" : NULL;
		*core_table_at(t, 0, j) = core_value_number(0.25);
		*core_table_at(t, 1, j) = core_value_number(-0.5);
	}
	*core_table_at(t, 0, 0) = core_value_text("a-name-of-thirty-two-characters!");
	*core_table_at(t, 1, 0) = core_value_text("b");
	*core_table_at(t, 0, 1) = core_value_text("k=16");
	*core_table_at(t, 1, 1) = core_value_text("");
	core_table_at(t, 0, 2)->rank = CORE_BEST;
	*core_table_at(t, 1, 4) = core_value_text("ref");
	test_ok(ctx, core_document_note(ctx, d, "a note"));
	return d;
}

static const char *write_wide(fv_ctx *ctx, core_write_style style)
{
	core_document *d = wide_document(ctx);
	core_text text = {0};
	test_ok(ctx, core_document_write_styled(ctx, d, CORE_TABLE_TEXT, &style, &text));
	core_document_free(d);
	return core_text_move(ctx, &text);
}

static void test_fit(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	assert_string_equal(write_wide(ctx, (core_write_style){.width = 0}),
		"name                              groups     gap       p  change    null\n"
		"a-name-of-thirty-two-characters!  k=16     0.250   0.250   0.250   0.250\n"
		"b                                         -0.500  -0.500     ref  -0.500\n"
		"\n- a note\n");
	assert_string_equal(write_wide(ctx, (core_write_style){.width = 60}),
		"name                  groups     gap       p  change    null\n"
		"a-name-of-…aracters!  k=16     0.250   0.250   0.250   0.250\n"
		"b                             -0.500  -0.500     ref  -0.500\n"
		"\n- 60 columns wide: … stands for text that was cut;\n"
		"  COLUMNS=72 shows all\n- a note\n");
	assert_string_equal(write_wide(ctx, (core_write_style){.width = 36}),
		"name          groups     gap  change\n"
		"a-name…ters!  k=16     0.250   0.250\n"
		"b                     -0.500     ref\n"
		"\n- 36 columns wide: without p, null;\n  … stands for text that was cut;\n"
		"  COLUMNS=72 shows all\n- a note\n");
	/* at last the second text column goes */
	assert_string_equal(write_wide(ctx, (core_write_style){.width = 20}),
		"name             gap\n"
		"a-name…ters!   0.250\n"
		"b             -0.500\n"
		"\n- 20 columns wide:\n  without groups, p,\n  change, null; …\n  stands for text\n"
		"  that was cut;\n  COLUMNS=72 shows\n  all\n- a note\n");
	const core_write_style emphasized = {.bold = true};
	const char *bold = write_wide(ctx, emphasized);
	assert_non_null(strstr(bold, "\033[1mname\033[0m     "));
	assert_non_null(strstr(bold, "k=16     \033[1m0.250\033[0m"));
	core_ctx_free(ctx);
}

/* Two columns that tell rows apart, one that does not, and a figure. */
static void test_apart(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	static const char *const text[][3] = {{"gdro eta=0.01 group_loss=excess", "truth", "32"},
		{"gdro eta=0.1 group_loss=excess", "truth", "32"},
		{"gdro eta=0.1 group_loss=excess", "truth", "64"}};
	static const char *const titles[] = {"loss", "grouper", "batch", "gap"};
	core_document *d = core_document_new(ctx);
	core_result_table *t = core_document_add(ctx, d, "apart", NULL, 3, 4);
	t->fits = true;
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 4; j++) {
			t->column[j] = core_plain_column(titles[j], titles[j], CORE_FOR_PEOPLE);
			t->column[j].metric = j == 3 ? "gap" : NULL;
			*core_table_at(t, i, j) =
				j < 3 ? core_value_text(text[i][j]) : core_value_number(0.25);
		}
	core_table_at(t, 0, 0)->mark = " ‡";
	core_text out = {0};
	core_write_style style = {.width = 45};
	test_ok(ctx, core_document_write_styled(ctx, d, CORE_TABLE_TEXT, &style, &out));
	assert_non_null(strstr(out.data, "\ngdro eta=0.01 grou… ‡   truth    32     0.250\n"
					 "gdro eta=0.1 grou…      truth    32     0.250\n"));
	core_text_free(&out);
	/* the column that tells nothing apart goes first */
	style.width = 28;
	test_ok(ctx, core_document_write_styled(ctx, d, CORE_TABLE_TEXT, &style, &out));
	assert_non_null(strstr(out.data, "loss            batch    gap\n"
					 "gdro …0.01… ‡   32     0.250\n"
					 "gdro …0.1…      32     0.250\n"
					 "gdro …0.1…      64     0.250\n"));
	core_text_free(&out);
	core_document_free(d);
	core_ctx_free(ctx);
}

/* --- values of axes --------------------------------------------------------------------------- */

static void test_axis_texts(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	static const char *const json[] = {"{\"name\": \"A\", \"k\": 2}",
		"{\"name\": \"A\", \"k\": 16}", "{\"name\": \"B\", \"column\": \"gender\"}", "null",
		"0.001", "[64, 32]", "\"rw\"",
		"{\"product\": [{\"name\": \"A\", \"k\": 2}, {\"name\": \"B\"}]}", "true", "[]"};
	static const char *const want[] = {
		"A k=2", "A k=16", "B", NULL, "0.001", "64,32", "rw", "A x B", "true", "none"};
	enum { N = sizeof json / sizeof *json };
	const json_t *value[N];
	const char *text[N];
	for (size_t i = 0; i < N; i++)
		value[i] = json_loads(json[i], JSON_DECODE_ANY, NULL);
	test_ok(ctx, core_axis_texts(ctx, N, value, text));
	for (size_t i = 0; i < N; i++)
		if (want[i])
			assert_string_equal(text[i], want[i]);
		else
			assert_null(text[i]);
	for (size_t i = 0; i < N; i++)
		json_decref((json_t *)value[i]);
	core_ctx_free(ctx);
}

/* --- studies ---------------------------------------------------------------------------------- */

struct shown {
	core_results *results;
	core_document *document;
	core_grid grid;
	const char *text;
};

/* Makes the short table of a folder as `fairvox table` does. */
static struct shown show(fv_ctx *ctx, const char *dir, size_t width, const char *columns,
	const char *sort, int64_t draws)
{
	struct shown s;
	core_variant_axes axes;
	core_short_choice choice;
	core_table_options options = core_table_default();
	const core_write_style style = {.width = width};
	core_text text = {0};
	test_ok(ctx, core_results_read(ctx, dir, &s.results));
	test_ok(ctx, core_axes_find(ctx, s.results, &axes));
	test_ok(ctx, core_short_choose(ctx, s.results, &axes, columns, sort, &choice));
	options.details = false;
	options.draws.n = draws;
	options.request = choice.request;
	options.n_requests = choice.n_requests;
	test_ok(ctx, core_grid_make(ctx, s.results, &options, &s.grid));
	s.document = core_document_new(ctx);
	test_ok(ctx, core_add_short(ctx, &s.grid, &axes, &choice, s.document));
	test_ok(ctx, core_short_notes(ctx, &s.grid, &choice, s.document));
	test_ok(ctx, core_document_write_styled(ctx, s.document, CORE_TABLE_TEXT, &style, &text));
	s.text = core_text_move(ctx, &text);
	core_axes_free(&axes);
	return s;
}

static void hide(struct shown *s)
{
	core_document_free(s->document);
	core_results_free(s->results);
}

/* Checks that a text is in the table, and explains itself if not. */
static void expect_text(const struct shown *s, const char *text)
{
	if (!strstr(s->text, text))
		fail_msg("no '%s' in:\n%s", text, s->text);
}

static void test_three_variants(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	struct shown s = show(ctx, test_results(ctx, "short-three", 2), 100, NULL, NULL, 2000);
	core_result_table *t = test_table(s.document, "summary");
	assert_int_equal(t->n_rows, 3 + s.grid.n_baselines);
	/* best first: the fair one, the other, then the reference below the line */
	const core_mean *gap[] = {
		&s.grid.row[1].value[GENDER_TPR], &s.grid.row[2].value[GENDER_TPR]};
	assert_true(gap[0]->pooled.value < gap[1]->pooled.value);
	assert_true(t->line[2] && t->line[3]);
	const core_column_request recall = {.id = CORE_UAR};
	int64_t uar = core_grid_find_column(&s.grid, &recall);
	assert_true(uar >= 0);
	expect_text(&s,
		core_format(ctx, "truth    %.3f  %.3f    %.3f  %.3f  %.4f  %+.3f ",
			s.grid.row[1].value[uar].pooled.value, s.grid.row[1].value[F1].pooled.value,
			gap[0]->pooled.value, gap[0]->pooled.null_mean, gap[0]->pooled.p,
			s.grid.row[1].effect.diff[GENDER_TPR].value));
	expect_text(&s, core_format(ctx, "%.4f\n", s.grid.row[1].effect.adjusted[GENDER_TPR]));
	expect_text(&s, "gender TPR gap, lowest first; all folds pooled\n");
	expect_text(&s, "2 folds, 2 seeds\n");
	expect_text(&s, "perfect                 1.000  1.000    0.000"); /* UAR, F1, gap */
	expect_text(&s, "- change: against plain; [95%]: over speakers; p (Holm): paired ");
	/* fold means of nulls are not computed, other values are those of the whole table */
	core_results *whole;
	core_grid grid = test_grid(ctx, s.results->dir, &whole);
	test_close(grid.row[1].value[GENDER_TPR].pooled.value, gap[0]->pooled.value, 0);
	test_close(grid.row[1].effect.diff[GENDER_TPR].value,
		s.grid.row[1].effect.diff[GENDER_TPR].value, 0);
	assert_true(gap[0]->fold_mean.null_mean != gap[0]->fold_mean.null_mean);
	core_results_free(whole);
	hide(&s);
	core_ctx_free(ctx);
}

/* A study that is half done, one variant, and one variant without a finished run. */
static void test_unfinished(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("short-half"));
	test_run(ctx, dir, &test_variants[0], 0, 1, 1);
	struct shown s = show(ctx, dir, 60, NULL, NULL, 2000);
	expect_text(&s, "variant ");
	expect_text(&s, "\nplain ");
	expect_text(&s, "1 fold, 1 seed\n");
	assert_null(strstr(s.text, "change"));
	hide(&s);
	for (int seed = 1; seed <= 2; seed++)
		test_run(ctx, dir, &test_variants[0], 0, 2, seed);
	for (int fold = 1; fold <= FOLDS; fold++)
		test_run(ctx, dir, &test_variants[1], 1, fold, 1);
	test_ok(ctx,
		core_make_dirs(ctx, core_format(ctx, "%s/fair-k16-00000003/fold1-seed1", dir)));
	s = show(ctx, dir, 100, NULL, NULL, 2000);
	expect_text(&s, "2 of 3\n");
	expect_text(&s,
		"- 1 variant is unfinished: the largest complete block of folds x seeds counts\n");
	expect_text(&s, "- no finished run: fair-k16\n");
	assert_null(strstr(s.text, "\nfair-k16"));
	hide(&s);
	core_ctx_free(ctx);
}

/* Copies a run under another variant's name, with other facts: its metrics and predictions are links. */
static void copy_run(
	fv_ctx *ctx, const char *dir, const char *from, const char *name, const char *variant)
{
	static const char *const files[] = {"metrics.json", "predictions.csv", "done"};
	char *to = core_format(ctx, "%s/%s/fold1-seed1", dir, name);
	test_ok(ctx, core_make_dirs(ctx, to));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(symlink(core_format(ctx, "../../%s/%s", from, files[i]),
					 core_format(ctx, "%s/%s", to, files[i])),
			0);
	char *env = core_format(ctx,
		"{\"schema_version\": 2, \"variant\": %s, \"majority_class\": \"b\"}\n", variant);
	test_ok(ctx, core_file_write(ctx, core_path_join(ctx, to, "env.json"), env, strlen(env)));
}

/* A thousand variants, and names that are long, wide, or commands to a terminal. */
static void test_thousand(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("short-thousand"));
	const char *from =
		core_format(ctx, "%s-%s/fold1-seed1", test_variants[0].slug, test_variants[0].hash);
	test_run(ctx, dir, &test_variants[0], 0, 1, 1);
	for (int i = 1; i < 1000; i++)
		copy_run(ctx, dir, from, core_format(ctx, "v%d-%08x", i, i + 100),
			core_format(ctx,
				"{\"index\": %d, \"loss\": \"x\", \"plain\": false, \"axes\": "
				"{\"loss.eta\": %d, \"head\": {\"name\": \"%s\"}}}",
				i, i,
				i % 2 ? "怒りの声\\u001b[31m\\u202e"
				      : "a-name-that-is-sixty-characters-long-and-has-no-end-in-"
					"sight"));
	struct shown s = show(ctx, dir, 50, NULL, "eta", 20);
	size_t lines = 0, width = 0;
	for (const char *line = s.text; *line; line = strchr(line, '\n') + 1, lines++) {
		const char *own = core_strndup(ctx, line, strcspn(line, "\n"));
		width = width_of(own) > width ? width_of(own) : width;
	}
	assert_true(lines > 1000 && lines < 1040);
	assert_true(width <= 50);
	assert_null(strchr(s.text, '\033'));
	assert_null(strstr(s.text, turn));
	expect_text(&s, "a-na");
	expect_text(&s, "\nx ");
	hide(&s);
	core_ctx_free(ctx);
}

/* Predictions without any attribute: by F1, highest first, without gaps and nulls. */
static void test_no_attribute(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("short-none"));
	struct made none = test_variants[0];
	none.more = ", \"compare\": null";
	test_run(ctx, dir, &none, 0, 1, 1);
	const char *run = core_format(ctx, "%s/plain-00000001/fold1-seed1", dir);
	json_t *metrics = test_json(core_format(ctx, "%s/metrics.json", run));
	json_object_set_new(metrics, "attributes", json_object());
	json_dump_file(metrics, core_format(ctx, "%s/metrics.json", run), 0);
	json_decref(metrics);
	struct shown s = show(ctx, dir, 80, NULL, NULL, 2000);
	expect_text(&s, "F1, highest first; all folds pooled\n");
	assert_null(strstr(s.text, "gap"));
	assert_null(strstr(s.text, "null"));
	expect_text(&s, "\nplain ");
	hide(&s);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_axis_texts),
		cmocka_unit_test(test_three_variants),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_thousand),
		cmocka_unit_test(test_no_attribute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
