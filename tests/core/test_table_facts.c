/* SPDX-License-Identifier: Apache-2.0 */
/* Rows chosen on test, low support, and the spread by source, each compared with a separate computation. */
#include "results.h"

#include <math.h>
#include <string.h>

#include "report/low_support.h"
#include "report/pairs.h"
#include "report/paper.h"
#include "report/spread.h"

#define TRUTH "[{\"name\": \"truth\", \"column\": \"gender\"}]"

/* --- chosen on test --------------------------------------------------------------------------- */

static const struct made chosen[] = {
	{"plain", "00000001", "erm", "[]", true, 0.25, 1, false, NULL},
	{"fair", "00000002", "ds", TRUTH, false, 0.10, 2, false, NULL},
	{"other", "00000003", "rw", TRUTH, false, 0.10, 4, false, NULL},
	{"best", "00000004", "ds", TRUTH, false, 0.00, 5, true, NULL},
};

static const char *chosen_results(fv_ctx *ctx, const char *name)
{
	const char *dir = core_strdup(ctx, test_folder(name));
	for (int i = 0; i < 4; i++)
		for (int fold = 1; fold <= FOLDS; fold++)
			test_run(ctx, dir, &chosen[i], i, fold, 1);
	return dir;
}

/* The text of a row in the column with the given title. */
static const char *text_at(core_document *d, const char *table, size_t row, const char *title)
{
	core_result_table *t = test_table(d, table);
	for (size_t j = 0; j < t->n_columns; j++)
		if ((t->column[j].audience & CORE_FOR_PEOPLE) && !strcmp(t->column[j].title, title))
			return core_table_at(t, row, j)->text;
	fail_msg("%s has no column '%s'", table, title);
	return NULL;
}

/* The row with the smallest gap, if it were ranked. */
static void test_on_test(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *results;
	core_grid grid = test_grid(ctx, chosen_results(ctx, "table-oracle"), &results);
	core_document *d = test_document(ctx, &grid);
	assert_true(grid.row[3].on_test && !grid.row[1].on_test);
	for (size_t i = 0; i < 3; i++)
		assert_true(
			grid.row[3].value[GENDER_TPR].mean < grid.row[i].value[GENDER_TPR].mean);
	for (size_t j = 0; j < grid.n_columns; j++)
		assert_int_equal(
			core_table_at(test_table(d, "fold_mean"), 3, 2 + j)->rank, CORE_UNRANKED);
	assert_string_equal(core_table_at(test_table(d, "fold_mean"), 3, 0)->mark, " ‡");
	assert_string_equal(core_table_at(test_table(d, "pooled"), 3, 0)->mark, " ‡");
	assert_string_equal(text_at(d, "effects", 2, "variant - reference"), "best ‡ - plain");
	assert_string_equal(
		text_at(d, "effects", 2, "F1 (expl., BH)"), "chosen on test: not compared");
	/* Holm adjusts over the other two rows only */
	const core_effect *a = &grid.row[1].effect, *b = &grid.row[2].effect;
	double low = fmin(a->diff[GENDER_TPR].p, b->diff[GENDER_TPR].p);
	test_close(fmin(a->adjusted[GENDER_TPR], b->adjusted[GENDER_TPR]), fmin(1, 2 * low), 1e-15);
	assert_string_equal(text_at(d, "variants", 3, "on"), "test");
	assert_string_equal(text_at(d, "variants", 3, "trials (epochs x seeds)"), "30 x 1");
	assert_string_equal(text_at(d, "variants", 1, "on"), "development");
	assert_string_equal(
		text_at(d, "variants", 1, "may see"), "train: labels, true groups; dev: labels");
	core_document_free(d);
	core_results_free(results);
	core_ctx_free(ctx);
}

static void test_on_test_elsewhere(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *results;
	core_grid grid = test_grid(ctx, chosen_results(ctx, "table-oracle-2"), &results);
	core_pairs pairs;
	core_paper paper;
	core_text text = {0};
	core_document *d = core_document_new(ctx);
	test_ok(ctx, core_pairs_make(ctx, &grid, &pairs));
	for (size_t i = 0; i < pairs.n; i++) {
		bool with = pairs.pair[i].b == 3;
		assert_int_equal(isnan(pairs.pair[i].p[GENDER_TPR]), with);
		assert_int_equal(pairs.pair[i].reason != NULL, with);
	}
	/* two variants match the row DS, but one of them is chosen on test */
	test_ok(ctx, core_paper_make(ctx, &grid, "paper1", false, &paper));
	test_ok(ctx, core_paper_tables(ctx, &paper, d));
	test_ok(ctx, core_document_write(ctx, d, CORE_TABLE_MD, &text));
	assert_non_null(strstr(text.data, "| DS | truth | "));
	assert_null(strstr(text.data, "| DS | truth | —"));
	assert_non_null(strstr(
		text.data, "Variants chosen on test are not shown in this layout: 1 left out."));
	assert_non_null(strstr(text.data, "| best ‡ | true labels | dev_loss | test | 30 x 1 |"));
	core_text_free(&text);
	core_document_free(d);
	const char *csv = test_table_text(ctx, results, &grid, CORE_TABLE_CSV);
	assert_non_null(
		strstr(csv, "best-00000004,1,1,test,dev_loss,test,,,,fixed,,0,ds,truth,,,f1,,,"));
	core_results_free(results);
	core_ctx_free(ctx);
}

/* A variant without the bias of the others is not ranked, is not their reference, and matches no row
 * of the paper, unless no variant has a bias. */
static void test_unbiased(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	static const char *const bias = ", \"bias\": {\"attribute\": \"gender\", \"seed\": null}";
	for (int others = 0; others < 2; others++) {
		const char *dir = core_strdup(ctx, test_folder("table-unbiased"));
		for (int i = 0; i < 4; i++) {
			struct made m = chosen[(i + 3) % 4]; /* "best" first */
			m.on_test = false;
			m.plain = i < 2;
			m.loss = i < 2 ? "erm" : m.loss;
			m.grouping = i < 2 ? "[]" : m.grouping;
			m.more = i == 0 ? ", \"bias\": null" : others ? bias : NULL;
			for (int fold = 1; fold <= FOLDS; fold++)
				test_run(ctx, dir, &m, i, fold, 1);
		}
		core_results *results;
		core_grid grid = test_grid(ctx, dir, &results);
		core_document *d = test_document(ctx, &grid);
		core_paper paper;
		core_rank rank = core_table_at(test_table(d, "fold_mean"), 0, 2 + GENDER_TPR)->rank;
		assert_int_equal(rank, others ? CORE_UNRANKED : CORE_BEST);
		assert_int_equal(grid.row[0].unbiased, others);
		if (others) {
			assert_int_equal(grid.row[2].effect.reference, 1);
			test_ok(ctx, core_paper_make(ctx, &grid, "paper1", false, &paper));
			assert_string_equal(paper.row[0].row->label, "plain");
		}
		core_document_free(d);
		core_results_free(results);
	}
	core_ctx_free(ctx);
}

/* --- low support ------------------------------------------------------------------------------ */

/* Positives of class c, group g and fold f (-1: all folds), counted from the rows. */
static int positives(fv_ctx *ctx, int c, const char *gender, int fold)
{
	struct rows *r = core_alloc(ctx, 1, sizeof *r);
	int n = 0;
	for (int f = 1; f <= FOLDS; f++) {
		test_rows(ctx, &test_variants[0], f, 1, r);
		for (int64_t i = 0; i < r->n && (fold < 0 || fold == f); i++)
			n += !strcmp(r->gender[i], gender) &&
			     r->label[i * C + c] > (float)(1.0 / C);
	}
	return n;
}

static void test_few(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_results(ctx, "table-few", 1);
	core_results *results;
	core_grid grid = test_grid(ctx, dir, &results);
	int fold = 1000, pooled = 1000, first = 1000;
	for (int k = 0; k < 2 * C; k++) {
		const char *gender = k / C ? "Male" : "Female";
		int all = positives(ctx, k % C, gender, -1);
		pooled = all < pooled ? all : pooled;
		for (int f = 1; f <= FOLDS; f++) {
			int own = positives(ctx, k % C, gender, f);
			fold = own < fold ? own : fold;
			first = f == 1 && own < first ? own : first;
		}
	}
	assert_true(fold > 0 && fold < pooled);
	for (int more = 0; more < 2; more++) {
		grid.options.min_support = fold + more;
		assert_int_equal(
			core_column_has_low_support(&grid, &grid.row[0], GENDER_TPR, false), more);
		grid.options.min_support = pooled + more;
		assert_int_equal(
			core_column_has_low_support(&grid, &grid.row[0], GENDER_TPR, true), more);
		const json_t *gender = json_object_get(
			json_object_get(results->variant[0].run[0].metrics, "attributes"),
			"gender");
		assert_int_equal(core_json_has_low_support(gender, "tpr_gap", first + more), more);
	}
	/* a DP gap counts rows, F1 counts nothing */
	grid.options.min_support = SPEAKERS / FOLDS / 2 * ROWS;
	assert_false(core_column_has_low_support(&grid, &grid.row[0], GENDER_DP, false));
	grid.options.min_support++;
	assert_true(core_column_has_low_support(&grid, &grid.row[0], GENDER_DP, false));
	assert_false(core_column_has_low_support(&grid, &grid.row[0], GENDER_DP, true));
	assert_false(core_column_has_low_support(&grid, &grid.row[0], F1, false));
	core_results_free(results);
	core_ctx_free(ctx);
}

/* --- the differences behind a gap ------------------------------------------------------------- */

/* TPR of class c in a gender, all folds, for a variant and seed; g 0: Female, the first by name. */
static double rate(fv_ctx *ctx, int variant, int seed, int c, int g)
{
	struct rows *r = core_alloc(ctx, 1, sizeof *r);
	double hit = 0, all = 0;
	for (int fold = 1; fold <= FOLDS; fold++) {
		test_rows(ctx, &test_variants[variant], fold, seed, r);
		for (int64_t i = 0; i < r->n; i++) {
			float least = (float)(1.0 / C);
			if ((r->gender[i][0] == 'M') != g || r->label[i * C + c] <= least)
				continue;
			all++;
			hit += r->prob[i * C + c] > least;
		}
	}
	return hit / all;
}

static void test_differences(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *results;
	core_grid grid = test_grid(ctx, test_results(ctx, "table-differences", 2), &results);
	for (int variant = 0; variant < 3; variant++)
		for (int c = 0; c < C; c++) {
			double want = 0;
			for (int seed = 1; seed <= 2; seed++)
				want += (rate(ctx, variant, seed, c, 0) -
						rate(ctx, variant, seed, c, 1)) /
					2;
			const core_estimate *e =
				&grid.row[variant].scores.rates[0].difference[0].value[c];
			test_close(e->value, want, 1e-14);
			assert_true(e->low <= want && want <= e->high && e->low < e->high);
		}
	/* the first variant under-predicts class 0 for men */
	assert_true(grid.row[0].scores.rates[0].difference[0].value[0].low > 0);
	const char *md = test_table_text(ctx, results, &grid, CORE_TABLE_MD);
	assert_non_null(strstr(md, "| variant | groups | a | b | c |\n"));
	assert_non_null(strstr(md, "| plain | Female - Male | +0."));
	core_results_free(results);
	core_ctx_free(ctx);
}

/* --- spread by source ------------------------------------------------------------------------- */

enum { SEEDS = 2, GROUPINGS = 3, DRAWS = 2, MEMBERS = GROUPINGS * DRAWS };

static const char *family_results(fv_ctx *ctx, const char *name, int members)
{
	const char *dir = core_strdup(ctx, test_folder(name));
	for (int i = 0; i < members; i++) {
		const struct made m = {core_format(ctx, "k-%d", i),
			core_format(ctx, "0000000%d", i), "rw",
			core_format(ctx, "[{\"name\": \"kmeans\", \"params\": {\"seed\": %d}}]",
				i / DRAWS),
			false, 0.05 * i, (uint64_t)i + 10, false,
			core_format(
				ctx, ", \"family\": \"f\", \"bias\": {\"seed\": %d}", i % DRAWS)};
		for (int fold = 1; fold <= FOLDS; fold++)
			for (int seed = 1; seed <= SEEDS; seed++)
				test_run(ctx, dir, &m, i, fold, seed);
	}

	return dir;
}

/* sd (n-1) over the levels of a source; level_of gives each run's. */
static double naive_sd(const core_results *r, core_source source, int levels)
{
	double sum[8] = {0}, mean = 0, square = 0;
	int n[8] = {0};
	for (size_t i = 0; i < r->n; i++)
		for (int k = 0; k < FOLDS * SEEDS; k++) {
			const core_run_result *run = &r->variant[i].run[k];
			int level = source == CORE_SOURCE_FOLDS      ? (int)run->fold - 1
				    : source == CORE_SOURCE_TRAINING ? (int)run->seed - 1
				    : source == CORE_SOURCE_GROUPING ? (int)i / DRAWS
								     : (int)i % DRAWS;
			sum[level] += core_run_metric(run, "gender", "tpr_gap");
			n[level]++;
		}
	for (int k = 0; k < levels; k++)
		mean += sum[k] / n[k] / levels;
	for (int k = 0; k < levels; k++)
		square += pow(sum[k] / n[k] - mean, 2);
	return sqrt(square / (levels - 1));
}

static void test_spread(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	static const int levels[CORE_SOURCES] = {FOLDS, SEEDS, GROUPINGS, DRAWS};
	core_results *results;
	core_grid grid;
	core_spread spread;
	core_table_options options = core_table_default();
	options.scores = options.compare = options.baselines = false;
	test_ok(ctx,
		core_results_read(ctx, family_results(ctx, "table-spread", MEMBERS), &results));
	test_ok(ctx, core_grid_make(ctx, results, &options, &grid));
	test_ok(ctx, core_spread_make(ctx, &grid, &spread));
	assert_int_equal(spread.n, 1);
	assert_int_equal(spread.replicates[0].n, MEMBERS);
	assert_null(spread.replicates[0].reason);
	for (int s = 0; s < CORE_SOURCES; s++) {
		assert_int_equal(spread.replicates[0].levels[s], levels[s]);
		test_close(spread.replicates[0].sd[s][GENDER_TPR],
			naive_sd(results, (core_source)s, levels[s]), 1e-14);
	}
	const char *md = test_table_text(ctx, results, &grid, CORE_TABLE_MD);
	assert_non_null(strstr(md, "| k-0 and 5 like it | grouping seed | 3 | 0."));
	assert_non_null(strstr(md, "| k-0 and 5 like it | bias draw | 2 | 0."));
	core_results_free(results);
	core_ctx_free(ctx);
}

static void test_not_crossed(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *results;
	core_grid grid;
	core_spread spread;
	core_table_options options = core_table_default();
	options.scores = options.compare = options.baselines = false;
	test_ok(ctx, core_results_read(
			     ctx, family_results(ctx, "table-spread-2", MEMBERS - 1), &results));
	test_ok(ctx, core_grid_make(ctx, results, &options, &grid));
	test_ok(ctx, core_spread_make(ctx, &grid, &spread));
	assert_string_equal(
		spread.replicates[0].reason, "its seeds of groupers and bias are not crossed");
	assert_true(isnan(spread.replicates[0].sd[CORE_SOURCE_GROUPING][GENDER_TPR]));
	core_results_free(results);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_test),
		cmocka_unit_test(test_on_test_elsewhere),
		cmocka_unit_test(test_unbiased),
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_not_crossed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
