/* SPDX-License-Identifier: Apache-2.0 */
/* The grid: variants x metrics, computed from the predictions. Each metric has two aggregates: the
 * mean over folds with its standard deviation (n - 1), after averaging the seeds of each fold, and the
 * value pooled over all folds. Gaps have a null in both, and each variant is compared with training
 * without debiasing. grid_tables.c makes the result tables. core/docs/results.md explains every
 * column. */
#ifndef CORE_REPORT_GRID_H
#define CORE_REPORT_GRID_H

#include "report/result_table.h"
#include "report/scores.h"

/* A column that is asked for besides the usual ones. */
typedef struct core_column_request {
	const char *attribute; /* NULL: over all rows */
	core_metric_id id;
	bool compared; /* with the reference */
	bool drawn;    /* with its null, or compared; else its value alone */
} core_column_request;

typedef struct core_table_options {
	core_draws draws; /* of every null and comparison; n = 0: values only */
	bool scores;      /* both aggregates with nulls; false: only means of runs */
	bool compare;     /* compare every variant with its reference */
	bool baselines;   /* add the trivial baselines */
	/* compute TPR differences, threshold-free metrics, and the effect on every attribute; false: only
	 * the effects on what is compared, and no fold means of nulls */
	bool details;
	bool lists_failures; /* the caller lists failed runs itself: no notes of their reasons */
	const core_column_request *request; /* [n_requests] */
	size_t n_requests;
	const char
		*reference; /* label or folder name of the variant to compare with; NULL: find it */
	const char *set;    /* further test set that it is about; NULL: the test rows */
	const char *more_metrics; /* columns for these, separated by commas, too; NULL: none */
	int64_t min_support;      /* positives per subgroup and fold; fewer are low support */
} core_table_options;
core_table_options core_table_default(void);

typedef struct core_mean {
	double mean, sd;                 /* over the folds of the runs that count; NaN: none */
	int64_t folds;                   /* folds used: those with a defined value */
	core_estimate fold_mean, pooled; /* gaps with nulls; NaN: no single test set */
} core_mean;

typedef struct core_grid_column {
	const char *attribute; /* NULL: over all rows */
	const char *metric, *title;
	core_metric_id id;
	int32_t attribute_index; /* into core_test_sets.attribute; -1: over all rows */
	bool few_speakers;       /* a group of the attribute has fewer than 10 speakers */
	bool compared;           /* with the reference */
} core_grid_column;

/* The effect of a variant against its reference. */
typedef struct core_effect {
	int64_t reference;   /* index of a row; -1: none */
	const char *reason;  /* why there are no figures, one line; NULL: there are */
	core_estimate *diff; /* [columns] pooled: own - reference with p, low, high */
	double *adjusted;    /* [columns] Holm in the comparison family, else Benjamini-Hochberg */
	core_levelling *levelling; /* [attributes of the test set] */
} core_effect;

typedef struct core_grid_row {
	const core_variant_result *variant; /* NULL: a baseline */
	const core_run_facts *facts;        /* NULL: a baseline, or no run is done */
	const char *label; /* of a variant, with its build where it is told; name of a baseline */
	int64_t done, runs;
	bool transductive;
	bool on_test;     /* its models were chosen on test */
	bool unbiased;    /* trained without the simulated bias that other variants have */
	bool older;       /* the row of a newer build of the same variant is there, too */
	core_mean *value; /* [columns] */
	core_variant_scores scores;
	const char *reason; /* why there are no nulls, one line; NULL: there are */
	core_effect effect;
} core_grid_row;

typedef struct core_grid {
	size_t n_columns, n_rows, n_baselines;
	core_grid_column *column;
	core_grid_row *row;      /* of variants */
	core_grid_row *baseline; /* those of each test set in turn */
	int64_t family;          /* column of the comparison family (eval.compare); -1: none */
	int32_t comparisons;     /* rows that are compared with a reference */
	int64_t folds, seeds;    /* largest over the variants */
	bool synthetic, shared_speakers, no_speakers;
	size_t n_trials; /* variants left out because they are trials */
	core_test_sets tests;
	core_table_options options;
	core_metric_mask shown; /* metrics that a column shows */
} core_grid;

/* Variants without a done run are rows without values. */
FV_NODISCARD fv_status core_grid_make(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, core_grid *out);

/* Returns the mean of a column over the seeds of a fold, the fold-th of the variant's; NaN: undefined. */
double core_fold_value(const core_grid *grid, size_t row, int32_t fold, size_t column);

static inline bool core_column_is_gap(const core_grid_column *column)
{
	return core_metric_is(column->id, CORE_METRIC_GAP);
}

/* Is the row left out of rankings? */
static inline bool core_row_unranked(const core_grid_row *row)
{
	return row->transductive || row->on_test || row->unbiased || row->older;
}

/* Was it trained without debiasing, by the newest build, and with the simulated bias; `unbiased`: without it? */
static inline bool core_row_is_plain(const core_grid_row *row, bool unbiased)
{
	return row->facts && row->facts->plain && row->unbiased == unbiased && !row->older;
}

/* Variants, then baselines. */
static inline const core_grid_row *core_grid_row_at(const core_grid *grid, size_t i)
{
	return i < grid->n_rows ? &grid->row[i] : &grid->baseline[i - grid->n_rows];
}

#endif
