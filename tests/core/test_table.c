/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of results folders made by the program's own writers. Every number is compared with a
 * separate computation, row by row. */
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

/* --- the same numbers, row by row ------------------------------------------------------------- */

static bool positive(float value)
{
	return value > (float)(1.0 / C);
}

/* TPR gap over gender of the given rows, from the group of each row. */
static double naive_tpr_gap(const struct rows *const *parts, int n, const int *const *group)
{
	double sum = 0;
	int pairs = 0;
	for (int c = 0; c < C; c++) {
		double hit[2] = {0}, all[2] = {0};
		for (int p = 0; p < n; p++)
			for (int64_t i = 0; i < parts[p]->n; i++) {
				int g = group[p][i];
				if (!positive(parts[p]->label[i * C + c]))
					continue;
				all[g]++;
				hit[g] += positive(parts[p]->prob[i * C + c]);
			}
		if (all[0] == 0 || all[1] == 0)
			continue;
		double gap = hit[0] / all[0] - hit[1] / all[1];
		sum += gap * gap;
		pairs++;
	}
	return sqrt(sum / pairs);
}

static double naive_acc(const struct rows *r)
{
	double right = 0;
	for (int64_t i = 0; i < r->n * C; i++)
		right += positive(r->label[i]) == positive(r->prob[i]);
	return right / (double)(r->n * C);
}

struct naive {
	struct rows part[FOLDS];
	int group[FOLDS][SPEAKERS * ROWS];
};

static void naive_variant(fv_ctx *ctx, int variant, int seed, struct naive *out)
{
	for (int f = 0; f < FOLDS; f++) {
		test_rows(ctx, &test_variants[variant], f + 1, seed, &out->part[f]);
		for (int64_t i = 0; i < out->part[f].n; i++)
			out->group[f][i] = out->part[f].gender[i][0] == 'M';
	}
}

static double naive_gap(const struct naive *n, bool pooled)
{
	const struct rows *part[FOLDS];
	const int *group[FOLDS];
	double sum = 0;
	for (int f = 0; f < FOLDS; f++) {
		part[f] = &n->part[f];
		group[f] = n->group[f];
		sum += naive_tpr_gap(&part[f], 1, &group[f]) / FOLDS;
	}
	return pooled ? naive_tpr_gap(part, FOLDS, group) : sum;
}

/* Permutes the genders of a fold over its speakers. */
static void naive_permute(struct naive *n)
{
	int speakers = SPEAKERS / FOLDS, dealt[SPEAKERS];
	for (int f = 0; f < FOLDS; f++) {
		for (int s = 0; s < speakers; s++)
			dealt[s] = s % 2;
		for (int s = speakers - 1; s > 0; s--) {
			int j = (int)(test_uniform() * (s + 1)), swap = dealt[s];
			dealt[s] = dealt[j];
			dealt[j] = swap;
		}
		for (int64_t i = 0; i < n->part[f].n; i++)
			n->group[f][i] = dealt[i / ROWS];
	}
}

static void test_values(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *of_grid;
	core_grid grid = test_grid(ctx, test_results(ctx, "table-values", 2), &of_grid);
	struct naive *n = core_alloc(ctx, 1, sizeof *n);
	assert_int_equal(grid.n_rows, 3);
	assert_int_equal(grid.n_columns, 6);
	assert_int_equal(grid.family, GENDER_TPR);
	assert_int_equal(grid.tests.n_sets, 1);
	for (int variant = 0; variant < 3; variant++) {
		double gap[2] = {0}, fold[FOLDS] = {0}, acc[FOLDS] = {0};
		for (int seed = 1; seed <= 2; seed++) {
			naive_variant(ctx, variant, seed, n);
			gap[0] += naive_gap(n, false) / 2;
			gap[1] += naive_gap(n, true) / 2;
			for (int f = 0; f < FOLDS; f++) {
				const struct rows *part = &n->part[f];
				const int *group = n->group[f];
				fold[f] += naive_tpr_gap(&part, 1, &group) / 2;
				acc[f] += naive_acc(part) / 2;
			}
		}
		const core_mean *m = &grid.row[variant].value[GENDER_TPR];
		test_close(m->mean, gap[0], 1e-12);
		test_close(m->fold_mean.value, gap[0], 1e-12);
		test_close(m->pooled.value, gap[1], 1e-12);
		test_close(m->sd, fabs(fold[0] - fold[1]) / sqrt(2), 1e-12);
		test_close(grid.row[variant].value[ACC].mean, (acc[0] + acc[1]) / 2, 1e-12);
		assert_int_equal(m->folds, FOLDS);
	}
	core_results_free(of_grid);
	core_ctx_free(ctx);
}

/* The null from permutations drawn here. The table's may differ by the sampling error of 4,000 and
 * 5,000 draws. */
static void test_nulls(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *of_grid;
	core_grid grid = test_grid(ctx, test_results(ctx, "table-nulls", 1), &of_grid);
	struct naive *n = core_alloc(ctx, 1, sizeof *n);
	for (int variant = 0; variant < 3; variant++) {
		naive_variant(ctx, variant, 1, n);
		const core_mean *m = &grid.row[variant].value[GENDER_TPR];
		double sum[2] = {0}, square[2] = {0};
		int above[2] = {0}, draws = 4000;
		for (int b = 0; b < draws; b++) {
			naive_permute(n);
			for (int k = 0; k < 2; k++) {
				double gap = naive_gap(n, k == 1);
				sum[k] += gap;
				square[k] += gap * gap;
				above[k] += gap >= (k ? m->pooled.value : m->mean) - 1e-12;
			}
		}
		for (int k = 0; k < 2; k++) {
			const core_estimate *e = k ? &m->pooled : &m->fold_mean;
			double mean = sum[k] / draws, p = above[k] / (double)draws;
			double sd = sqrt(square[k] / draws - mean * mean);
			double open = 4.5 * sqrt(1 / 4000.0 + 1 / 5000.0);
			if (!(fabs(e->null_mean - mean) < open * sd))
				fail_msg("variant %d: null mean %g, here %g (sd %g)", variant,
					e->null_mean, mean, sd);
			assert_true(fabs(e->p - p) < open * sqrt(fmax(p * (1 - p), 0.002)) + 0.001);
			test_close(e->excess, e->value - e->null_mean, 1e-15);
		}
	}
	assert_true(grid.row[0].value[GENDER_TPR].pooled.p < 0.05);
	core_results_free(of_grid);
	core_ctx_free(ctx);
}

static void test_versus(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *of_grid;
	core_grid grid = test_grid(ctx, test_results(ctx, "table-versus", 2), &of_grid);
	core_pairs pairs;
	assert_int_equal(grid.row[0].effect.reference, -1);
	double p[2];
	for (int i = 1; i < 3; i++) {
		const core_effect *v = &grid.row[i].effect;
		assert_int_equal(v->reference, 0);
		assert_null(v->reason);
		for (int j = 0; j < 6; j++)
			test_close(v->diff[j].value,
				grid.row[i].value[j].pooled.value -
					grid.row[0].value[j].pooled.value,
				1e-12);
		p[i - 1] = v->diff[GENDER_TPR].p;
	}
	/* Holm over two: twice the smaller; the larger is at least that. */
	int less = p[0] > p[1];
	double first = fmin(1, 2 * p[less]), second = fmax(first, p[!less]);
	test_close(grid.row[1 + less].effect.adjusted[GENDER_TPR], first, 1e-15);
	test_close(grid.row[1 + !less].effect.adjusted[GENDER_TPR], second, 1e-15);
	/* Benjamini-Hochberg over two: the larger is unchanged, the smaller is at most that. */
	double q[2] = {grid.row[1].effect.diff[ACC].p, grid.row[2].effect.diff[ACC].p};
	less = q[0] > q[1];
	test_close(grid.row[1 + !less].effect.adjusted[ACC], q[!less], 1e-15);
	test_close(grid.row[1 + less].effect.adjusted[ACC], fmin(2 * q[less], q[!less]), 1e-15);
	/* The pairs layout makes the same test. */
	test_ok(ctx, core_pairs_make(ctx, &grid, &pairs));
	assert_int_equal(pairs.n, 3);
	for (size_t k = 0; k < 2; k++)
		for (int j = 0; j < 6; j++) {
			const core_effect *v = &grid.row[pairs.pair[k].b].effect;
			test_close(pairs.pair[k].diff[j], -v->diff[j].value, 1e-12);
			test_close(pairs.pair[k].p[j], v->diff[j].p, 1e-15);
		}
	core_results_free(of_grid);
	core_ctx_free(ctx);
}

static void test_baselines(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	core_results *of_grid;
	core_grid grid = test_grid(ctx, test_results(ctx, "table-baselines", 1), &of_grid);
	struct naive *n = core_alloc(ctx, 1, sizeof *n);
	naive_variant(ctx, 0, 1, n);
	double rate = 0, majority = 0;
	for (int f = 0; f < FOLDS; f++) {
		struct rows *r = &n->part[f];
		for (int64_t i = 0; i < r->n * C; i++) {
			rate += positive(r->label[i]);
			majority += positive(r->label[i]) == (i % C == 1);
		}
	}
	double cells_n = (double)SPEAKERS * ROWS * C;
	assert_int_equal(grid.n_baselines, 4);
	assert_string_equal(grid.baseline[0].label, "random");
	test_close(grid.baseline[1].value[ACC].pooled.value, rate / cells_n, 1e-12);
	test_close(grid.baseline[2].value[ACC].pooled.value, majority / cells_n, 1e-12);
	test_close(grid.baseline[3].value[F1].mean, 1, 0);
	test_close(grid.baseline[3].value[GENDER_TPR].mean, 0, 0);
	core_results_free(of_grid);
	core_ctx_free(ctx);
}

/* --- unfinished and odd folders --------------------------------------------------------------- */

static void undo(fv_ctx *ctx, const char *dir, int variant, int fold, int seed)
{
	char *done = core_format(ctx, "%s/%s-%s/fold%d-seed%d/done", dir,
		test_variants[variant].slug, test_variants[variant].hash, fold, seed);
	assert_int_equal(remove(done), 0);
}

static void test_unfinished(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_results(ctx, "table-unfinished", 2);
	core_results *results;
	undo(ctx, dir, 1, 2,
		2); /* folds x seeds: {1, 2} x {1} or {1} x {1, 2}: equal, so more folds win */
	undo(ctx, dir, 2, 1, 1);
	undo(ctx, dir, 2, 1, 2);
	test_ok(ctx, core_results_read(ctx, dir, &results));
	assert_int_equal(results->variant[0].n_folds * results->variant[0].n_seeds, 4);
	assert_int_equal(results->variant[1].n_folds, 2);
	assert_int_equal(results->variant[1].n_seeds, 1);
	assert_int_equal(results->variant[1].seed[0], 1);
	assert_int_equal(results->variant[2].n_folds, 1);
	assert_int_equal(results->variant[2].fold[0], 2);
	assert_int_equal(results->variant[2].n_seeds, 2);
	core_results *of_grid;
	core_grid grid = test_grid(ctx, dir, &of_grid);
	assert_string_equal(grid.row[1].effect.reason, "different seeds");
	assert_string_equal(grid.row[2].effect.reason, "different folds");
	assert_int_equal(grid.row[1].runs, 4);
	assert_int_equal(grid.row[1].done, 3);
	core_results_free(of_grid);
	core_results_free(results);
	core_ctx_free(ctx);
}

/* With a speaker in two test sets, means exist but nulls and comparisons do not. */
static void test_no_single_set(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_results(ctx, "table-two-sets", 1);
	char *from = core_format(ctx, "%s/plain-00000001/fold1-seed1/predictions.csv", dir);
	char *to = core_format(ctx, "%s/plain-00000001/fold2-seed1/predictions.csv", dir), *text;
	size_t size;
	test_ok(ctx, core_file_read(ctx, from, 0, &text, &size));
	test_ok(ctx, core_file_write(ctx, to, text, size));
	core_results *of_grid;
	core_grid grid = test_grid(ctx, dir, &of_grid);
	assert_non_null(strstr(grid.row[0].reason, "predicted twice"));
	assert_true(isnan(grid.row[0].value[GENDER_TPR].pooled.value));
	assert_true(!isnan(grid.row[0].value[GENDER_TPR].mean));
	assert_string_equal(grid.row[1].effect.reason, grid.row[0].reason);
	core_results_free(of_grid);
	core_ctx_free(ctx);
}

static void test_verify(void **unused)
{
	(void)unused;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_results(ctx, "table-verify", 1);
	core_results *results;
	core_verified verified;
	test_ok(ctx, core_results_read(ctx, dir, &results));
	test_ok(ctx, core_verify(ctx, results, &verified));
	assert_int_equal(verified.runs, 6);
	assert_int_equal(verified.different, 0);
	core_results_free(results);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_nulls),
		cmocka_unit_test(test_versus),
		cmocka_unit_test(test_baselines),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_no_single_set),
		cmocka_unit_test(test_verify),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
