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
#include "report/grid_private.h"
#include "report/pairs.h"
#include "report/paper.h"
#include "report/verify.h"

/* --- as text ---------------------------------------------------------------------------------- */

static void small_document(fv_ctx *ctx, core_document *d)
{
	core_sheet *sheet = core_sheet_add(ctx, d, "A_b 5%", 2, 2);
	sheet->head[0] = "cell";
	sheet->head[1] = "gap | °";
	sheet->line[1] = true;
	*core_sheet_at(sheet, 0, 0) = (core_sheet_cell){"k_16", " †", CORE_UNRANKED, false};
	*core_sheet_at(sheet, 0, 1) =
		(core_sheet_cell){"0.278", " ± 0.021 [-0.158, p <.001] ▲", CORE_BEST, false};
	*core_sheet_at(sheet, 1, 0) = (core_sheet_cell){"a-1", NULL, CORE_UNRANKED, false};
	*core_sheet_at(sheet, 1, 1) = (core_sheet_cell){"0.300", "", CORE_SECOND, false};
	test_ok(ctx, core_note(ctx, d, "%d notes", 2));
	test_ok(ctx, core_note(ctx, d, "x & y"));
}

static void test_text(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_document *d = core_alloc(ctx, 1, sizeof *d);
	core_text md = {0}, tex = {0};
	small_document(ctx, d);
	core_document_md(d, &md);
	assert_string_equal(md.data, "A_b 5%\n\n"
				     "| cell | gap \\| ° |\n|---|---|\n"
				     "| k_16 † | **0.278** ± 0.021 [-0.158, p <.001] ▲ |\n"
				     "| a-1 | <u>0.300</u> |\n\n- 2 notes\n- x & y\n");
	core_document_tex(d, &tex);
	assert_string_equal(tex.data,
		"% needs \\usepackage{booktabs}\n\\begin{table}\n\\caption{A\\_b 5\\%}\n"
		"\\begin{tabular}{lr}\n\\toprule\ncell & gap | $^\\circ$ \\\\\n\\midrule\n"
		"k\\_16 \\dag{} & \\textbf{0.278} $\\pm$ 0.021 [$-$0.158, p $<$.001] $\\triangle$ "
		"\\\\\n\\midrule\na-1 & \\underline{0.300} \\\\\n\\bottomrule\n\\end{tabular}\n"
		"\n\\footnotesize 2 notes\n\n\\footnotesize x \\& y\n\\end{table}\n");
	core_text_free(&md);
	core_text_free(&tex);
	core_sheet_at(&d->sheet[0], 0, 1)->few = true;
	core_sheet_at(&d->sheet[0], 1, 1)->few = true;
	core_document_md(d, &md);
	assert_non_null(strstr(md.data, "| k_16 † | ***0.278*** ± 0.021 [-0.158, p <.001] ▲ |\n"));
	assert_non_null(strstr(md.data, "| a-1 | <u>*0.300*</u> |\n"));
	core_document_tex(d, &tex);
	assert_non_null(strstr(tex.data, "\\providecommand{\\textcolor}[2]{\\textit{#2}}\n"));
	assert_non_null(strstr(tex.data, " & \\textcolor{gray}{\\textbf{0.278} $\\pm$ 0.021"));
	assert_non_null(strstr(tex.data, " & \\textcolor{gray}{\\underline{0.300}} \\\\\n"));
	core_text_free(&md);
	core_text_free(&tex);
	core_ctx_free(ctx);
}

static void test_ranks(void **unused)
{
	(void)unused;
	static const int64_t value[] = {300, 278, 278, CORE_NO_NUMBER, 100, 299};
	static const bool skip[] = {false, false, false, false, true, false};
	core_rank rank[6];
	core_rank_column(6, value, skip, false, rank);
	static const core_rank low[] = {
		CORE_UNRANKED, CORE_BEST, CORE_BEST, CORE_UNRANKED, CORE_UNRANKED, CORE_SECOND};
	assert_memory_equal(rank, low, sizeof low);
	core_rank_column(6, value, skip, true, rank);
	static const core_rank high[] = {
		CORE_BEST, CORE_UNRANKED, CORE_UNRANKED, CORE_UNRANKED, CORE_UNRANKED, CORE_SECOND};
	assert_memory_equal(rank, high, sizeof high);
	core_rank_column(2, value, skip, true, rank);
	assert_int_equal(rank[0], CORE_UNRANKED);
}

static void test_formats(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_results(ctx, "table-formats", 1);
	core_results *results;
	core_grid grid;
	core_table_options options = core_table_default();
	core_text text[CORE_TABLE_FORMATS] = {0};
	test_ok(ctx, core_results_read(ctx, dir, &results));
	test_ok(ctx, core_grid_make(ctx, results, &options, &grid));
	for (int f = 0; f < CORE_TABLE_FORMATS; f++)
		test_ok(ctx, core_grid_write(ctx, results, &grid, (core_table_format)f, &text[f]));
	/* The first run's metrics.json is the first line of the csv. */
	json_t *metrics =
		test_json(core_format(ctx, "%s/plain-00000001/fold1-seed1/metrics.json", dir));
	double f1 = json_number_value(json_object_get(json_object_get(metrics, "f1"), "value"));
	double low = json_number_value(json_object_get(json_object_get(metrics, "f1"), "low"));
	double high = json_number_value(json_object_get(json_object_get(metrics, "f1"), "high"));
	char *lines = core_format(ctx,
		"cell,fold,seed,attribute,metric,value,null_mean,null_p95,p,excess,low,high,"
		"select,chosen_on,grouper_seed,bias_seed,few\n"
		"plain-00000001,1,1,,f1,%.17g,,,,,%.17g,%.17g,dev_loss,dev,,,0\n",
		f1, low, high);
	assert_memory_equal(text[CORE_TABLE_CSV].data, lines, strlen(lines));
	json_t *json = json_loads(text[CORE_TABLE_JSON].data, 0, NULL), *cell;
	assert_non_null(json);
	cell = json_array_get(json_object_get(json, "cells"), 1);
	json_t *gap = json_object_get(
		json_object_get(
			json_object_get(json_object_get(cell, "metrics"), "attributes"), "gender"),
		"tpr_gap");
	test_close(json_number_value(json_object_get(gap, "mean")),
		grid.row[1].value[GENDER_TPR].mean, 0);
	test_close(json_number_value(json_object_get(gap, "p")),
		grid.row[1].value[GENDER_TPR].fold_mean.p, 0);
	json_t *versus = json_object_get(
		json_object_get(
			json_object_get(json_object_get(cell, "versus"), "attributes"), "gender"),
		"tpr_gap");
	assert_string_equal(json_string_value(json_object_get(versus, "adjustment")), "holm");
	assert_true(json_is_false(json_object_get(versus, "exploratory")));
	json_t *support = json_object_get(
		json_object_get(json_object_get(json_array_get(json_object_get(json, "support"), 0),
					"attributes"),
			"race"),
		"C");
	assert_int_equal(
		json_integer_value(json_array_get(json_object_get(support, "speakers"), 0)), 2);
	const char *md = text[CORE_TABLE_MD].data, *tex = text[CORE_TABLE_TEX].data;
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
	for (int f = 0; f < CORE_TABLE_FORMATS; f++)
		core_text_free(&text[f]);
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

/* All 24 Overall and Gain numbers follow from the cells above them. */
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
	core_paper_summarise(&paper);
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
	for (int f = 0; f < CORE_TABLE_FORMATS; f++)
		test_ok(ctx, core_paper_write(ctx, &paper, (core_table_format)f, &text));
	assert_non_null(strstr(text.data, "| RW | truth | — | — | — | — |"));
	core_text_free(&text);
	/* A second cell of the same kind. */
	struct made twin = test_cells[1];
	twin.hash = "0000000a";
	for (int fold = 1; fold <= FOLDS; fold++)
		test_run(ctx, dir, &twin, 7, fold, 1);
	core_results_free(of_grid);
	grid = test_grid(ctx, dir, &of_grid);
	test_fails(ctx, core_paper_make(ctx, &grid, "paper1", false, &paper), FV_DATA,
		"both are the row DS truth");
	core_results_free(of_grid);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_ranks),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_paper_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
