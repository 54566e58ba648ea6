/* SPDX-License-Identifier: Apache-2.0 */
/* The bins of one class and one selection of rows, from which ECE is computed for any labels. */
#ifndef CORE_EVAL_RELIABILITY_H
#define CORE_EVAL_RELIABILITY_H

#include "eval/tally.h"

enum {
	CORE_ECE_BINS = 15,
	/* A cell is a bin without the rows that tie across its ends, or one such tie. */
	CORE_ECE_CELLS = 2 * CORE_ECE_BINS - 1,
};

typedef struct core_reliability {
	int64_t n;                    /* rows */
	double prob[CORE_ECE_BINS];   /* sum of the probabilities in a bin */
	double label[CORE_ECE_CELLS]; /* sum of the labels in a cell */
	int32_t n_ties;
	/* [n_ties] the places that a tie takes among the sorted rows: from, up to and without to */
	int64_t from[CORE_ECE_BINS - 1], to[CORE_ECE_BINS - 1];
	double brier; /* sum of (probability - label)^2 */
} core_reliability;

/* Sorts the rows of a class by probability, then label, and fills the bins. row [n]: the selected rows.
 * cell [set->n], if not NULL, receives the cell of each of them. Errors: FV_FAILED (memory). */
FV_NODISCARD fv_status core_reliability_make(fv_ctx *ctx, const core_eval_set *set,
	int32_t class_index, int64_t n, const int64_t *row, uint8_t *cell, core_reliability *out);

/* Returns the rows of a bin. */
int64_t core_reliability_rows(const core_reliability *bins, int32_t bin);
/* Adds the labels of each bin from those of the cells, label [CORE_ECE_CELLS] -> sum [CORE_ECE_BINS]. */
void core_reliability_sum(const core_reliability *bins, const double *label, double *sum);
/* Computes ECE for labels that sum to label [CORE_ECE_CELLS] in each cell; NaN: no rows. */
double core_reliability_ece(const core_reliability *bins, const double *label);

#endif
