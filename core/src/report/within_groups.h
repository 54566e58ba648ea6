/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics within each group of people, of the test recordings of all folds together: how well a variant ranks
 * classes, how calibrated its probabilities are, and how unevenly it serves the speakers. Means over seeds. */
#ifndef CORE_REPORT_WITHIN_GROUPS_H
#define CORE_REPORT_WITHIN_GROUPS_H

#include "report/test_sets.h"

/* Draws of the null of ECE for each seed: its mean alone is used. */
#define CORE_WITHIN_DRAWS 200

/* NaN: undefined in some seed. */
typedef struct core_within {
	int64_t rows;
	double uar, auc, ap, brier;
	double ece, ece_null; /* eval/calibration.h */
	double speaker_spread;
	double labels_predicted, labels_true; /* positives of a row */
} core_within;

typedef struct core_within_groups {
	core_within all;
	core_within **group; /* [test->n_attributes] -> [G] */
} core_within_groups;

/* has_speakers false: the corpus does not tell them, so they have no spread. */
FV_NODISCARD fv_status core_within_groups_make(fv_ctx *ctx, const core_test_set *test,
	const core_variant_predictions *predictions, bool has_speakers, core_within_groups *out);

#endif
