/* SPDX-License-Identifier: Apache-2.0 */
/* The predictions behind a table, the only source of its numbers: each variant's test rows of all folds
 * together, one set of probabilities a seed, and the metrics of each run. Variants that were tested on
 * the same rows share a test set, so that they can be compared speaker by speaker. */
#ifndef CORE_REPORT_TEST_SETS_H
#define CORE_REPORT_TEST_SETS_H

#include "eval/speakers.h"
#include "report/results.h"

/* Rows in the order of folds, then of recordings. */
typedef struct core_test_set {
	int64_t n;
	int32_t C, n_attributes;
	const char *const *classes; /* [C] */
	const char *const *stem;    /* [n] */
	const float *label;         /* [n, C] */
	core_eval_rows rows;        /* speaker and fold of each */
	core_eval_attribute *attribute;
	int64_t **speakers;               /* [n_attributes] -> [G] of each group */
	const core_variant_result *first; /* a variant that was tested on it */
} core_test_set;

typedef struct core_variant_predictions {
	int32_t test; /* index; -1: none */
	int32_t n_seeds;
	const core_eval_set *set; /* [n_seeds] */
	const char *reason;       /* why there is no test set: one line */
	/* [n_folds, n_seeds, 1 + attributes of all, CORE_METRICS] of the runs that count: overall,
	 * then for each attribute; NaN: undefined, or the predictions lack the attribute. */
	double *value;
	bool *has; /* [attributes of all] the predictions have it */
} core_variant_predictions;

typedef struct core_test_sets {
	int32_t n_attributes;
	const char **attribute; /* of any run's evaluation, in the order they appear */
	int32_t n_sets;
	core_test_set *set;
	core_variant_predictions *variant; /* [results->n] */
} core_test_sets;

/* Reads the predictions of the runs that count (core_variant_result.used). Variants whose folds are no
 * single test set (a recording or speaker in two of them) get a reason. Errors: FV_DATA for files that
 * cannot be read. */
FV_NODISCARD fv_status core_test_sets_read(
	fv_ctx *ctx, const core_results *results, core_test_sets *out);

/* Speakers of an attribute's smallest group, all folds together. */
int64_t core_smallest_group(const core_test_set *test, int32_t attribute);

/* Values [CORE_METRICS] of one run that counts; attribute -1: overall. */
static inline const double *core_run_values(const core_test_sets *sets,
	const core_variant_predictions *p, int32_t fold, int32_t seed, int32_t attribute)
{
	size_t run = (size_t)fold * (size_t)p->n_seeds + (size_t)seed;
	size_t block = run * (1 + (size_t)sets->n_attributes) + 1 + (size_t)attribute;
	return p->value + block * CORE_METRICS;
}

#endif
