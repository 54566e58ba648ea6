/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as text: Markdown, LaTeX, CSV, JSON, and the paper's layouts. */
#include "results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "report/decimal.h"
#include "report/pairs.h"
#include "report/paper.h"
#include "report/verify.h"

/* --- as text ---------------------------------------------------------------------------------- */

static core_document *small_document(fv_ctx *ctx, bool low_support)
{
	core_document *d = core_document_new(ctx);
	core_result_table *t = core_document_add(ctx, d, "gaps", "A_b 5%", 2, 2);
	t->audience = CORE_FOR_ALL;
	t->column[0] = core_plain_column("variant", "variant", CORE_FOR_ALL);
	t->column[1] = (core_table_column){.path = {"attributes", "sex", "gap"},
		.title = "gap | °",
		.audience = CORE_FOR_ALL,
		.attribute = "sex",
		.metric = "gap",
		.parts = CORE_SHOW_SD | CORE_SHOW_NULL,
		.has_support = true};
	t->line[1] = true;
	*core_table_at(t, 0, 0) = core_value_text("k_16");
	core_table_at(t, 0, 0)->mark = " †";
	core_figure f = core_figure_of(core_estimate_of(0.278));
	f.sd = 0.021;
	f.e.excess = -0.158;
	f.e.p = 0.0001;
	*core_table_at(t, 0, 1) = core_value_figure(f);
	core_table_at(t, 0, 1)->rank = CORE_BEST;
	*core_table_at(t, 1, 0) = core_value_text("a-1");
	*core_table_at(t, 1, 1) = core_value_number(0.3);
	core_table_at(t, 1, 1)->rank = CORE_SECOND;
	core_table_at(t, 0, 1)->low_support = core_table_at(t, 1, 1)->low_support = low_support;
	test_ok(ctx, core_document_note(ctx, d, "%d notes", 2));
	test_ok(ctx, core_document_note(ctx, d, "x & y"));
	return d;
}

static const char *written(fv_ctx *ctx, bool low_support, core_table_format format)
{
	core_document *d = small_document(ctx, low_support);
	core_text text = {0};
	test_ok(ctx, core_document_write(ctx, d, format, &text));
	core_document_free(d);
	return core_text_move(ctx, &text);
}

/* One document in every format. */
static void test_text(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	assert_string_equal(written(ctx, false, CORE_TABLE_TEXT),
		"A_b 5%\n\n"
		"variant  gap | °\n"
		"k_16 †   0.278 ± 0.021 [-0.158, p <.001] ▲\n"
		"-------  ---------------------------------\n"
		"a-1      0.300\n\n- 2 notes\n- x & y\n");
	assert_string_equal(written(ctx, false, CORE_TABLE_MD),
		"A_b 5%\n\n"
		"| variant | gap \\| ° |\n|---|---|\n"
		"| k_16 † | **0.278** ± 0.021 [-0.158, p <.001] ▲ |\n"
		"| a-1 | <u>0.300</u> |\n\n- 2 notes\n- x & y\n");
	assert_string_equal(written(ctx, false, CORE_TABLE_TEX),
		"% needs \\usepackage{booktabs,graphicx}\n"
		"\\providecommand{\\fairvoxchar}[2]{\\ifdefined\\Umathchar#2"
		"\\else{\\scriptsize[U+#1]}\\fi}\n"
		"\\begin{table*}\n\\centering\n\\caption{A\\_b 5\\%}\\label{tab:gaps}\n"
		"\\small\\setlength{\\tabcolsep}{4pt}\n"
		"\\sbox0{%\n\\begin{tabular}{ll}\n\\toprule\nvariant & gap \\textbar{} $^\\circ$ "
		"\\\\\n\\midrule\n"
		"k\\_16 \\dag{} & \\textbf{0.278} $\\pm$ 0.021 [$-$0.158, p $<$.001] $\\triangle$ "
		"\\\\\n\\midrule\na-1 & \\underline{0.300} \\\\\n\\bottomrule\n\\end{tabular}}%\n"
		"\\ifdim\\wd0>\\linewidth\\resizebox{\\linewidth}{!}{\\usebox0}"
		"\\else\\usebox0\\fi\n"
		"{\\raggedright\\footnotesize 2 notes\\par}\n"
		"{\\raggedright\\footnotesize x \\& y\\par}\n\\end{table*}\n");
	assert_string_equal(written(ctx, true, CORE_TABLE_CSV),
		"variant,attribute,metric,class,group,value,sd,folds,null_mean,null_p95,null_p05,p,"
		"excess,"
		"low_support\n"
		"k_16,sex,gap,,,0.27800000000000002,0.021000000000000001,,,,,0.0001,"
		"-0.158,1\n"
		"a-1,sex,gap,,,0.29999999999999999,,,,,,,,1\n");
	const char *md = written(ctx, true, CORE_TABLE_MD);
	assert_non_null(strstr(md, "| k_16 † | ***0.278*** ± 0.021 [-0.158, p <.001] ▲ |\n"));
	assert_non_null(strstr(md, "| a-1 | <u>*0.300*</u> |\n"));
	const char *tex = written(ctx, true, CORE_TABLE_TEX);
	assert_non_null(strstr(tex, "\\providecommand{\\textcolor}[2]{\\textit{#2}}\n"));
	assert_non_null(strstr(tex, " & \\textcolor{gray}{\\textbf{0.278} $\\pm$ 0.021"));
	assert_non_null(strstr(tex, " & \\textcolor{gray}{\\underline{0.300}} \\\\\n"));
	core_ctx_free(ctx);
}

/* The keys of a column's path nest; unknown statistics have no key. */
static void test_json_document(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	json_t *root = json_loads(written(ctx, true, CORE_TABLE_JSON), 0, NULL);
	json_t *row = json_array_get(json_object_get(root, "gaps"), 0);
	json_t *gap =
		json_object_get(json_object_get(json_object_get(row, "attributes"), "sex"), "gap");
	assert_string_equal(json_string_value(json_object_get(row, "variant")), "k_16");
	test_close(json_number_value(json_object_get(gap, "value")), 0.278, 0);
	test_close(json_number_value(json_object_get(gap, "excess")), -0.158, 0);
	assert_null(json_object_get(gap, "null_mean"));
	assert_true(json_is_true(json_object_get(gap, "low_support")));
	assert_int_equal(json_array_size(json_object_get(root, "notes")), 2);
	json_decref(root);
	core_ctx_free(ctx);
}

/* Names must not control a terminal, nor be markup in Markdown or LaTeX. */
static void test_escapes(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	static const char name[] = "a\x1b[31m\xc2\x9b`*<b>|\xff";
	core_document *d = core_document_new(ctx);
	core_result_table *t = core_document_add(ctx, d, "x", NULL, 1, 1);
	t->column[0] = core_plain_column("name", "name", CORE_FOR_ALL);
	*core_table_at(t, 0, 0) = core_value_text(name);
	core_text text = {0}, md = {0}, tex = {0}, json = {0};
	test_ok(ctx, core_document_write(ctx, d, CORE_TABLE_TEXT, &text));
	assert_string_equal(text.data, "name\na\\x1b[31m\\xc2\\x9b`*<b>|\\xff\n");
	test_ok(ctx, core_document_write(ctx, d, CORE_TABLE_MD, &md));
	assert_non_null(strstr(md.data, "\\`\\*\\<b>\\|"));
	test_ok(ctx, core_document_write(ctx, d, CORE_TABLE_TEX, &tex));
	assert_non_null(strstr(tex.data, "\\textasciigrave{}*$<$b$>$\\textbar{}"));
	test_fails(ctx, core_document_write(ctx, d, CORE_TABLE_JSON, &json), FV_DATA, "not UTF-8");
	core_document_free(d);
	core_text_free(&text);
	core_text_free(&md);
	core_text_free(&tex);
	core_text_free(&json);
	core_ctx_free(ctx);
}

static void test_ranks(void **unused)
{
	(void)unused;
	static const int64_t value[] = {300, 278, 278, CORE_NO_NUMBER, 100, 299};
	static const bool skip[] = {false, false, false, false, true, false};
	core_rank rank[6];
	core_rank_values(6, value, skip, false, rank);
	static const core_rank low[] = {
		CORE_UNRANKED, CORE_BEST, CORE_BEST, CORE_UNRANKED, CORE_UNRANKED, CORE_SECOND};
	assert_memory_equal(rank, low, sizeof low);
	core_rank_values(6, value, skip, true, rank);
	static const core_rank high[] = {
		CORE_BEST, CORE_UNRANKED, CORE_UNRANKED, CORE_UNRANKED, CORE_UNRANKED, CORE_SECOND};
	assert_memory_equal(rank, high, sizeof high);
	core_rank_values(2, value, skip, true, rank);
	assert_int_equal(rank[0], CORE_UNRANKED);
}

static json_t *gender_gap(const json_t *row)
{
	return json_object_get(
		json_object_get(json_object_get(row, "attributes"), "gender"), "tpr_gap");
}

/* Speakers of a group in a fold, from the support table. */
static int64_t speakers_of(
	const json_t *support, const char *attribute, const char *group, int64_t fold)
{
	for (size_t i = 0; i < json_array_size(support); i++) {
		const json_t *row = json_array_get(support, i);
		if (!strcmp(json_string_value(json_object_get(row, "attribute")), attribute) &&
			!strcmp(json_string_value(json_object_get(row, "group")), group) &&
			json_integer_value(json_object_get(row, "fold")) == fold)
			return json_integer_value(json_object_get(row, "speakers"));
	}
	return -1;
}

static void test_formats(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_results(ctx, "table-formats", 1);
	core_results *results;
	core_grid grid = test_grid(ctx, dir, &results);
	const char *text[CORE_TABLE_FORMATS];
	for (int f = 0; f < CORE_TABLE_FORMATS; f++)
		text[f] = test_table_text(ctx, results, &grid, (core_table_format)f);
	/* The first run's metrics.json is the first line of the csv. */
	json_t *metrics =
		test_json(core_format(ctx, "%s/plain-00000001/fold1-seed1/metrics.json", dir));
	double f1 = json_number_value(json_object_get(json_object_get(metrics, "f1"), "value"));
	double low = json_number_value(json_object_get(json_object_get(metrics, "f1"), "low"));
	double high = json_number_value(json_object_get(json_object_get(metrics, "f1"), "high"));
	char *lines = core_format(ctx,
		"variant,fold,seed,split,select,chosen_on,grouper_seed,bias_seed,trial,threshold,"
		"build,older_build,loss.name,grouper.name,encoder.name,attribute,"
		"metric,"
		"class,"
		"group,value,null_mean,null_p95,null_p05,p,excess,low,high,low_support\n"
		"plain-00000001,1,1,test,dev_loss,dev,,,,fixed,,0,erm,,,,f1,,,%.17g,,,,,,%.17g,%."
		"17g,"
		"0\n",
		f1, low, high);
	assert_memory_equal(text[CORE_TABLE_CSV], lines, strlen(lines));
	assert_non_null(strstr(text[CORE_TABLE_CSV], ",gender,tpr,a,Male,"));
	json_t *json = json_loads(text[CORE_TABLE_JSON], 0, NULL);
	assert_non_null(json);
	json_t *gap = gender_gap(json_array_get(json_object_get(json, "fold_mean"), 1));
	test_close(json_number_value(json_object_get(gap, "value")),
		grid.row[1].value[GENDER_TPR].mean, 0);
	test_close(json_number_value(json_object_get(gap, "p")),
		grid.row[1].value[GENDER_TPR].fold_mean.p, 0);
	json_t *effect = json_array_get(json_object_get(json, "effects"), 0);
	test_close(json_number_value(json_object_get(gender_gap(effect), "p_holm")),
		grid.row[1].effect.adjusted[GENDER_TPR], 0);
	assert_null(json_object_get(gender_gap(effect), "p_bh"));
	assert_string_equal(
		json_string_value(json_object_get(effect, "reference")), "plain-00000001");
	assert_int_equal(speakers_of(json_object_get(json, "support"), "race", "C", 1), 2);
	const char *md = text[CORE_TABLE_MD], *tex = text[CORE_TABLE_TEX];
	assert_non_null(strstr(md, "race: C has only 4 speakers."));
	assert_non_null(strstr(md, "| fair-truth | true labels | dev_loss |"));
	assert_non_null(strstr(md, "| fair-k16 | inferred: kmeans | dev_loss |"));
	assert_non_null(strstr(md, "Synthetic speech: these numbers say nothing about people."));
	assert_non_null(strstr(md, "| gender TPR gap (Holm) |"));
	assert_non_null(strstr(md, "| perfect |"));
	assert_non_null(strstr(tex, "\\caption{fold\\_mean: mean $\\pm$ sd over 2 folds"));
	assert_null(strstr(tex, "±"));
	json_decref(json);
	json_decref(metrics);
	core_results_free(results);
	core_ctx_free(ctx);
}

/* --- the paper's tables ----------------------------------------------------------------------- */

static void test_decimals(void **unused)
{
	(void)unused;
	assert_int_equal(core_thousandths(0.278), 278);
	assert_int_equal(core_thousandths(-0.0124), -12);
	assert_int_equal(core_thousandths(12.3456), 12346);
	assert_int_equal(core_thousandths(NAN), CORE_NO_NUMBER);
	assert_int_equal(core_divide(2490, 4), 623);
	assert_int_equal(core_divide(-2490, 4), -623);
	assert_int_equal(core_divide(2489, 4), 622);
	assert_int_equal(core_divide(0, 4), 0);
}

/* All 24 Overall and Gain numbers follow from the variants above them. */
static void test_published(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_grid nothing = {0};
	core_paper paper;
	core_csv csv;
	test_ok(ctx, core_paper_make(ctx, &nothing, "paper1", true, &paper));
	for (int32_t i = 0; i < paper.n_rows; i++)
		for (int32_t j = 0; j < paper.n_columns; j++) {
			assert_true(paper.row[i].published[j] != CORE_NO_NUMBER);
			paper.row[i].printed[j] = paper.row[i].published[j];
		}
	core_paper_summarize(&paper);
	test_ok(ctx, core_csv_read(ctx,
			     core_format(ctx, "%s/configs/paper/published/table1.csv",
				     getenv("FAIRVOX_SOURCE")),
			     &csv));
	int checked = 0;
	for (int64_t i = 0; i < csv.n_rows; i++)
		for (int s = 0; s < 3; s++)
			for (int j = 0; j < 4; j++) {
				const char *text = core_csv_cell(&csv, i, j + 2);
				bool gain = !strcmp(core_csv_cell(&csv, i, 0), "Gain");
				if ((!gain && strcmp(core_csv_cell(&csv, i, 0), "Overall")) ||
					strcmp(core_csv_cell(&csv, i, 1), paper.scope[s].variant))
					continue;
				/* "41.64%" and "0.623" without point and sign of percent */
				double want = atof(text) * (gain ? 100 : 1000);
				int64_t got =
					gain ? paper.scope[s].gain[j] : paper.scope[s].overall[j];
				if (got != llround(want))
					fail_msg("%s %s: %lld, printed %s",
						gain ? "Gain" : "Overall", paper.scope[s].variant,
						(long long)got, text);
				checked++;
			}
	assert_int_equal(checked, 24);
	core_ctx_free(ctx);
}

static void test_paper_rows(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_results(ctx, "table-paper", 1);
	core_results *of_grid;
	core_grid grid = test_grid(ctx, dir, &of_grid);
	core_paper paper;
	core_text text = {0};
	test_ok(ctx, core_paper_make(ctx, &grid, "paper1", true, &paper));
	assert_ptr_equal(paper.row[0].row, &grid.row[0]);
	assert_ptr_equal(paper.row[5].row, &grid.row[1]); /* DS, truth */
	assert_null(paper.row[6].row);
	assert_ptr_equal(paper.row[7].row, &grid.row[2]); /* DS-IDI, k-means */
	assert_int_equal(
		paper.row[5].printed[2], core_thousandths(grid.row[1].value[GENDER_TPR].mean));
	assert_int_equal(paper.scope[0].overall[0], CORE_NO_NUMBER); /* three of four are missing */
	test_close(core_paper_width(&grid.row[0].value[F1]),
		12.7062 * grid.row[0].value[F1].sd / sqrt(2), 1e-12);
	core_document *d = core_document_new(ctx);
	test_ok(ctx, core_paper_tables(ctx, &paper, d));
	for (int f = 0; f < CORE_TABLE_FORMATS; f++)
		test_ok(ctx, core_document_write(ctx, d, (core_table_format)f, &text));
	assert_non_null(strstr(text.data, "| RW | truth | — | — | — | — |"));
	core_document_free(d);
	core_text_free(&text);
	/* A second variant of the same kind. */
	struct made twin = test_variants[1];
	twin.hash = "0000000a";
	for (int fold = 1; fold <= FOLDS; fold++)
		test_run(ctx, dir, &twin, 7, fold, 1);
	core_results_free(of_grid);
	grid = test_grid(ctx, dir, &of_grid);
	test_fails(ctx, core_paper_make(ctx, &grid, "paper1", false, &paper), FV_DATA,
		"both match the row DS truth");
	core_results_free(of_grid);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json_document),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_paper_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
