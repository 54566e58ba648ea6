/* SPDX-License-Identifier: Apache-2.0 */
/* Calibration of the probability of each class, as one class against the others. ECE: 15 bins of equal
 * mass; rows with the same probability count with the mean of their labels, so that the order of rows does
 * not matter. Brier: mean square of probability - label. Both are means over classes.
 *
 * ECE of a calibrated model is not 0, and the smaller the set, the larger it is. Its null is the ECE of labels
 * drawn from the probabilities themselves: one class a row if its probabilities sum to 1, else each class
 * on its own. */
#ifndef CORE_EVAL_CALIBRATION_H
#define CORE_EVAL_CALIBRATION_H

#include "eval/speakers.h"

#define CORE_CALIBRATION_DRAWS 2000

typedef struct core_calibration {
	double ece, brier; /* NaN: no rows */
} core_calibration;

/* Fills row [set->n] with the rows whose id [n] is `group`; id NULL: with all rows. Returns how many there are. */
int64_t core_eval_select_rows(
	const core_eval_set *set, const int32_t *id, int32_t group, int64_t *row);

/* Computes both for the rows whose id [n] is `group`; id NULL: all rows. */
FV_NODISCARD fv_status core_calibration_compute(fv_ctx *ctx, const core_eval_set *set,
	const int32_t *id, int32_t group, core_calibration *out);

/* Adds the null of ECE to the metrics of all rows and of each group. At most draws->n draws are made;
 * draws->given is not used. */
FV_NODISCARD fv_status core_calibration_assess(fv_ctx *ctx, const core_eval_set *set,
	const core_eval_attribute *attributes, const core_draws *draws, core_metrics *metrics);

#endif
