/* SPDX-License-Identifier: Apache-2.0 */
/* What a fold contains after exclusion and bias: counts by split, class and attribute.
 *
 * Classes are strict majorities (label > 0.5) in all splits. Attributes count all rows with a
 * known value, including values that `values` keeps out of the metrics. */
#ifndef CORE_CORPUS_SPLIT_REPORT_H
#define CORE_CORPUS_SPLIT_REPORT_H

#include "base/text.h"
#include "corpus/corpus.h"

typedef struct core_split_counts {
	int32_t n, speakers, no_majority;
	int32_t *klass;        /* [C] */
	int32_t *unknown;      /* [A] rows with unknown value */
	int32_t **value;       /* [A][n_values] */
	int32_t **low, **high; /* [A][n_values] over the draws; NULL without draws */
	int32_t **class_value; /* [A][C * n_values] */
} core_split_counts;

typedef struct core_split_report {
	const core_corpus *corpus;
	int64_t fold;
	int32_t draws; /* 0: none */
	int n_splits;  /* train, dev, test and the further test sets */
	core_split_counts split[CORE_SPLITS_MAX];
} core_split_report;

/* Counts the rows. With draws > 0 it also finds the range of every attribute's counts over the
 * biased rows of the seeds seed, seed + 1, ..., seed + draws - 1 (starting at the bias's own
 * seed if it has one). */
FV_NODISCARD fv_status core_split_count(fv_ctx *ctx, const core_corpus *corpus,
	const core_bias_spec *bias, uint64_t seed, int64_t fold, int32_t draws,
	core_split_report *out);

/* Adds the JSON of `fairvox split --json`, one object and a newline; the caller frees the text.
 * Errors: FV_DATA for names that are not UTF-8. */
FV_NODISCARD fv_status core_split_add_json(
	fv_ctx *ctx, const core_split_report *report, core_text *out);

#endif
