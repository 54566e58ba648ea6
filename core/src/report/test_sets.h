/* SPDX-License-Identifier: Apache-2.0 */
/* The predictions from which all numbers of a table are computed: each variant's test rows of all
 * folds, one set of probabilities per seed, and the metrics of each run. Variants tested on the same
 * rows share a test set, so that they can be compared speaker by speaker. */
#ifndef CORE_REPORT_TEST_SETS_H
#define CORE_REPORT_TEST_SETS_H

#include "config/spec.h"
#include "eval/slope.h"
#include "report/results.h"

/* The rows of a test set, ordered by fold, then recording. */
typedef struct core_test_set {
	int64_t n;
	int32_t C, n_attributes;
	const char *const *classes; /* [C] */
	const char *const *stem;    /* [n] */
	const float *label;         /* [n, C] */
	core_eval_rows rows;        /* speaker and fold of each row */
	core_eval_attribute *attribute;
	/* [n_attributes] the same for means over folds: groups of a product with few rows in a fold are
	 * left out of that fold */
	core_eval_attribute *in_folds;
	int32_t n_numeric;
	core_numeric_attribute *numeric;  /* attributes that are numbers */
	int64_t **speakers;               /* [n_attributes] -> [G] speakers of each group */
	const core_variant_result *first; /* one variant tested on it */
} core_test_set;

typedef struct core_variant_predictions {
	int32_t test; /* index; -1: none */
	int32_t n_seeds;
	const core_eval_set *set; /* [n_seeds] */
	const char *reason;       /* why there is no test set, one line */
	/* [n_folds, n_seeds, 1 + all attributes, CORE_METRICS] for the runs that count: overall values,
	 * then those of each attribute. NaN: undefined, or the predictions lack the attribute. */
	double *value;
	bool *has; /* [all attributes] whether the predictions have it */
} core_variant_predictions;

typedef struct core_test_sets {
	const char *name; /* of a further test set; NULL: the test rows */
	int32_t n_attributes;
	const char **attribute; /* attributes of any run, in order of appearance */
	core_strings numeric;   /* attributes of any run that are numbers */
	int32_t n_sets;
	core_test_set *set;
	core_variant_predictions *variant; /* [results->n] */
} core_test_sets;

/* Reads the predictions of the runs that count (core_variant_result.used): the test rows, or those of
 * the further test set `set`. A variant whose folds do not form one test set, because a recording or
 * speaker is in two of them, or which lacks the set, gets a reason. Errors: FV_DATA for unreadable
 * files. */
FV_NODISCARD fv_status core_test_sets_read(
	fv_ctx *ctx, const core_results *results, const char *set, core_test_sets *out);

/* Returns the number of speakers of an attribute's smallest group, all folds together. */
int64_t core_smallest_group(const core_test_set *test, int32_t attribute);

/* Returns the values [CORE_METRICS] of one run that counts; attribute -1: overall. */
static inline const double *core_run_values(const core_test_sets *sets,
	const core_variant_predictions *p, int32_t fold, int32_t seed, int32_t attribute)
{
	size_t run = (size_t)fold * (size_t)p->n_seeds + (size_t)seed;
	size_t block = run * (1 + (size_t)sets->n_attributes) + 1 + (size_t)attribute;
	return p->value + block * CORE_METRICS;
}

#endif
