/* SPDX-License-Identifier: Apache-2.0 */
/* The grid: one row a cell; F1, ACC and the gaps of each attribute as mean over folds with the
 * standard deviation over folds (n-1), seeds averaged within a fold first; each gap with its null,
 * both aggregates, the comparison with the cell that does no debiasing, and what a reader has to
 * know beside the numbers. core/docs/results.md explains every column. */
#ifndef CORE_REPORT_TABLE_H
#define CORE_REPORT_TABLE_H

#include "base/text.h"
#include "report/scores.h"

typedef enum core_table_format {
	CORE_TABLE_MD,
	CORE_TABLE_TEX,
	CORE_TABLE_CSV,
	CORE_TABLE_JSON,
	CORE_TABLE_FORMATS,
} core_table_format;

typedef struct core_table_options {
	core_draws draws;      /* of every null and comparison; n = 0: values alone */
	bool scores;           /* both aggregates with their nulls; false: means of runs alone */
	bool compare;          /* every row against its reference */
	bool baselines;        /* rows that no system learned */
	const char *reference; /* slug or folder name of the cell to compare with; NULL: found */
	int64_t min_support;   /* positives of a class in a group and fold; fewer are reported */
} core_table_options;
core_table_options core_table_default(void);

typedef struct core_mean {
	double mean, sd; /* of the runs' metrics.json; NaN when there is none */
	int64_t folds;   /* used: those where the value is defined */
	core_estimate fold_mean,
		pooled; /* from the predictions, gaps with their nulls; NaN: none */
} core_mean;

typedef struct core_grid_column {
	const char *attribute, *metric, *title; /* attribute NULL: of all rows */
	core_metric_id stat;
	bool higher_is_better;
	bool few_speakers; /* a group of the attribute has fewer than 10 */
} core_grid_column;

/* A row less its reference. */
typedef struct core_versus {
	int64_t reference;   /* index of a row; -1: none */
	const char *reason;  /* why there are no figures: one line; NULL: there are */
	core_estimate *diff; /* [columns] pooled: own - reference with p, low, high */
	double *adjusted;    /* [columns] Holm in the declared family, else Benjamini-Hochberg */
	core_levelling *levelling; /* [attributes of the test set] */
} core_versus;

typedef struct core_grid_row {
	const core_result_cell *cell; /* NULL: a baseline */
	const char *label;            /* slug; of a baseline its name */
	int64_t done, runs;
	bool transductive;
	bool on_test;     /* its models were chosen on test */
	bool unbiased;    /* trained without the simulated bias that other rows have */
	core_mean *value; /* [columns] */
	core_cell_scores scores;
	const char *reason; /* why there are no nulls: one line; NULL: there are */
	core_versus versus;
} core_grid_row;

typedef struct core_grid {
	size_t n_columns, n_rows, n_baselines;
	core_grid_column *column;
	core_grid_row *row;      /* of cells */
	core_grid_row *baseline; /* of each test set in turn */
	int64_t family;          /* column that eval.compare declares; -1: none */
	int64_t folds, seeds;    /* largest over the rows */
	bool synthetic, shared_speakers;
	core_evidences evidence;
	core_table_options options;
} core_grid;

/* Cells without a done run are rows without values. */
FV_NODISCARD fv_status core_grid_make(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, core_grid *out);

/* Ranked: the best in bold, the second underlined, but no transductive row, none that was chosen
 * on test, and none without the bias that others have. csv: one line per cell
 * x fold x seed x metric. Adds to `out`. */
FV_NODISCARD fv_status core_grid_write(fv_ctx *ctx, const core_results *results,
	const core_grid *grid, core_table_format format, core_text *out);

#endif
