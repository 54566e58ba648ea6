/* SPDX-License-Identifier: Apache-2.0 */
/* Results folders for tests of tables: three variants with made-up predictions, written by the
 * program's own writers. */
#ifndef TEST_RESULTS_H
#define TEST_RESULTS_H

#include <stdbool.h>

#include "report/grid_tables.h"
#include "support.h"

enum { C = 3, SPEAKERS = 24, ROWS = 8, FOLDS = 2 };
enum { F1, ACC, GENDER_TPR, GENDER_DP, RACE_TPR, RACE_DP }; /* columns of their table */

struct rows {
	int64_t n;
	const char *file[SPEAKERS * ROWS], *speaker[SPEAKERS * ROWS], *gender[SPEAKERS * ROWS],
		*race[SPEAKERS * ROWS];
	float label[SPEAKERS * ROWS * C], prob[SPEAKERS * ROWS * C];
};

struct made {
	const char *slug, *hash, *loss, *grouping;
	bool plain;
	double tilt;
	uint64_t number;
	bool on_test;
	const char *more; /* more of the variant in env.json: ", \"key\": value"; NULL: nothing */
};
extern const struct made test_variants[3]; /* the first is the reference */

double test_uniform(void); /* in [0, 1), from the state that test_rows left */

/* Makes the test rows of a fold. Labels depend on the fold alone, predictions on variant and seed.
 * Male is under-predicted in class 0 by the variant's tilt. */
void test_rows(fv_ctx *ctx, const struct made *m, int fold, int seed, struct rows *r);
void test_run(
	fv_ctx *ctx, const char *results, const struct made *m, int index, int fold, int seed);
/* Makes a new folder with all variants, folds and seeds 1 to `seeds`. */
const char *test_results(fv_ctx *ctx, const char *name, int seeds);
/* Release the results with core_results_free when the table is no longer needed. */
core_grid test_grid(fv_ctx *ctx, const char *dir, core_results **results);
/* Everything `fairvox table` shows of a grid; free it with core_document_free. */
core_document *test_document(fv_ctx *ctx, const core_grid *grid);
/* The same as text in a format; CSV is that of the runs. Lives as long as the context. */
const char *test_table_text(
	fv_ctx *ctx, const core_results *results, const core_grid *grid, core_table_format format);
/* Finds a table of a document by name. */
core_result_table *test_table(core_document *document, const char *name);

#endif
