/* SPDX-License-Identifier: Apache-2.0 */
/* The grid: variants x metrics, computed from predictions. Each value is a mean over folds with the
 * standard deviation over folds (n - 1), seeds averaged within a fold first, and pooled over all folds;
 * gaps have their null in both aggregates, and each variant is compared with the one that does no
 * debiasing. grid_tables.c makes result tables of it. core/docs/results.md explains every column. */
#ifndef CORE_REPORT_GRID_H
#define CORE_REPORT_GRID_H

#include "report/result_table.h"
#include "report/scores.h"

typedef struct core_table_options {
	core_draws draws; /* of every null and comparison; n = 0: values alone */
	bool scores;      /* both aggregates with their nulls; false: means of runs alone */
	bool compare;     /* every variant against its reference */
	bool baselines;   /* rows that no system learned */
	const char
		*reference;  /* label or folder name of the variant to compare with; NULL: found */
	int64_t min_support; /* positives of a class in a group and fold; fewer are reported */
} core_table_options;
core_table_options core_table_default(void);

typedef struct core_mean {
	double mean, sd; /* over the folds of the runs that count; NaN when there is none */
	int64_t folds;   /* used: those where the value is defined */
	core_estimate fold_mean, pooled; /* gaps with their nulls; NaN: no single test set */
} core_mean;

typedef struct core_grid_column {
	const char *attribute; /* NULL: of all rows */
	const char *metric, *title;
	core_metric_id id;
	int32_t attribute_index; /* into core_test_sets.attribute; -1: of all rows */
	bool few_speakers;       /* a group of the attribute has fewer than 10 */
} core_grid_column;

/* A variant less its reference. */
typedef struct core_effect {
	int64_t reference;   /* index of a row; -1: none */
	const char *reason;  /* why there are no figures: one line; NULL: there are */
	core_estimate *diff; /* [columns] pooled: own - reference with p, low, high */
	double *adjusted;    /* [columns] Holm in the comparison family, else Benjamini-Hochberg */
	core_levelling *levelling; /* [attributes of the test set] */
} core_effect;

typedef struct core_grid_row {
	const core_variant_result *variant; /* NULL: a baseline */
	const core_run_facts *facts;        /* NULL: a baseline, or no run is done */
	const char *label;                  /* slug; of a baseline its name */
	int64_t done, runs;
	bool transductive;
	bool on_test;     /* its models were chosen on test */
	bool unbiased;    /* trained without the simulated bias that other variants have */
	core_mean *value; /* [columns] */
	core_variant_scores scores;
	const char *reason; /* why there are no nulls: one line; NULL: there are */
	core_effect effect;
} core_grid_row;

typedef struct core_grid {
	size_t n_columns, n_rows, n_baselines;
	core_grid_column *column;
	core_grid_row *row;      /* of variants */
	core_grid_row *baseline; /* of each test set in turn */
	int64_t family;          /* column that eval.compare declares; -1: none */
	int64_t folds, seeds;    /* largest over the variants */
	bool synthetic, shared_speakers;
	core_test_sets tests;
	core_table_options options;
} core_grid;

/* Variants without a done run are rows without values. */
FV_NODISCARD fv_status core_grid_make(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, core_grid *out);

static inline bool core_column_is_gap(const core_grid_column *column)
{
	return core_metric_is(column->id, CORE_METRIC_GAP);
}

/* Takes no part in ranks. */
static inline bool core_row_unranked(const core_grid_row *row)
{
	return row->transductive || row->on_test || row->unbiased;
}

/* Variants, then baselines. */
static inline const core_grid_row *core_grid_row_at(const core_grid *grid, size_t i)
{
	return i < grid->n_rows ? &grid->row[i] : &grid->baseline[i - grid->n_rows];
}

#endif
