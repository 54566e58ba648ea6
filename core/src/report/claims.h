/* SPDX-License-Identifier: Apache-2.0 */
/* Answers claims from the variants of a study: by the paired change of the claim's metric, all folds pooled, with
 * its interval and permutation p over speakers, as changes against the reference are computed.
 *
 * yes: the interval lies wholly on the claimed side of the bound. no: wholly on the other side. undecided: neither.
 * A claim that says that there is a change (0 is not on its side) is a test: an answer whose side excludes 0 also
 * needs p <= .05, adjusted by Holm over the tests of all claims that are answered. Of several comparisons: rule "all"
 * is yes if all are, no if one is; rule "any" is yes if one is, no if all are. */
#ifndef CORE_REPORT_CLAIMS_H
#define CORE_REPORT_CLAIMS_H

#include "report/claim_rows.h"
#include "report/result_table.h"

typedef enum core_claim_answer {
	CORE_CLAIM_UNDECIDED,
	CORE_CLAIM_YES,
	CORE_CLAIM_NO,
	CORE_CLAIM_LEFT_OUT, /* the study lacks its rows */
	CORE_CLAIM_ANSWERS,
} core_claim_answer;

typedef struct core_claim_comparison {
	size_t n;
	const core_claim_pair *pair; /* [n] whose mean it is */
	core_estimate change;        /* row - against with p, low, high; NaN: not compared */
	double adjusted;             /* p by Holm; NaN: it is no test */
	core_claim_answer answer;
	const char *reason; /* why it is undecided, one line; NULL: it is not */
} core_claim_comparison;

typedef struct core_claim_result {
	const core_claim *claim;
	core_claim_answer answer;
	const char *reason; /* why it is left out, one line; else NULL */
	size_t n;
	core_claim_comparison *comparison; /* [n] */
} core_claim_result;

typedef struct core_claim_results {
	const core_claims *claims;
	core_claim_result *result; /* [claims->n] */
	size_t count[CORE_CLAIM_ANSWERS];
	int64_t draws;       /* of each test, at least */
	int32_t family;      /* tests, which are adjusted together */
	size_t few_speakers; /* answered claims about groups with fewer than 10 speakers */
} core_claim_results;

/* Only the values of draws->n and draws->seed count. Everything lives as long as the context and the grid. */
FV_NODISCARD fv_status core_claims_answer(fv_ctx *ctx, const core_grid *grid,
	const core_claims *claims, const core_draws *draws, core_claim_results *out);

/* "yes", "left out" */
const char *core_claim_answer_name(core_claim_answer answer);

/* Adds the tables "claims", a line each, and "comparisons", and notes on how to read them. name [grid->n_rows]: of
 * the rows for people; NULL: labels, and lines that are short, for a terminal. Claims that are left out are in the tables for programs only. */
FV_NODISCARD fv_status core_add_claims(fv_ctx *ctx, const core_grid *grid,
	const core_claim_results *all, const char *const *name, core_document *document);

/* Notes which claims are left out, and why: a note for each reason. */
FV_NODISCARD fv_status core_note_claims_left_out(
	fv_ctx *ctx, const core_claim_results *all, core_document *document);

#endif
