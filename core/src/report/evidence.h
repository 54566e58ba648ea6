/* SPDX-License-Identifier: Apache-2.0 */
/* The predictions behind a table: each cell's test rows of all folds together, one set of
 * probabilities a seed. Cells that were tested on the same rows share them, so that they can be
 * compared speaker by speaker. */
#ifndef CORE_REPORT_EVIDENCE_H
#define CORE_REPORT_EVIDENCE_H

#include "eval/speakers.h"
#include "report/collect.h"

/* Rows in the order of folds, then of recordings. */
typedef struct core_test_set {
	int64_t n;
	int32_t C, n_attributes;
	const char *const *classes; /* [C] */
	const char *const *stem;    /* [n] */
	const float *label;         /* [n, C] */
	core_eval_rows rows;        /* speaker and fold of each */
	core_eval_attribute *attribute;
	int64_t **speakers;            /* [n_attributes] -> [G] of each group */
	const core_result_cell *first; /* a cell that was tested on it */
} core_test_set;

typedef struct core_evidence {
	int32_t test; /* index; -1: none */
	int32_t n_seeds;
	const core_eval_set *set; /* [n_seeds] */
	const char *reason;       /* why there is none: one line */
} core_evidence;

typedef struct core_evidences {
	int32_t n_tests;
	core_test_set *test;
	core_evidence *cell; /* [results->n] */
} core_evidences;

/* Reads the predictions of the runs that count (core_result_cell.used). Cells whose folds cannot be
 * put together (a recording or speaker in two test sets) get a reason. Errors: FV_DATA for files
 * that cannot be read or lack an attribute of metrics.json. */
FV_NODISCARD fv_status core_evidence_read(
	fv_ctx *ctx, const core_results *results, core_evidences *out);

/* Speakers of an attribute's smallest group, all folds together. */
int64_t core_test_fewest(const core_test_set *test, int32_t attribute);

#endif
