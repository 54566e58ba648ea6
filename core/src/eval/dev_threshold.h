/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds of the probabilities, chosen class by class on development rows. */
#ifndef CORE_EVAL_DEV_THRESHOLD_H
#define CORE_EVAL_DEV_THRESHOLD_H

#include "eval/tally.h"

/* For each class, finds the threshold that maximises its F1 on the rows of `dev` -> by_class [C]. A
 * probability above it, strictly and in float32, counts as predicted. Of all thresholds that give the best
 * F1 it is the lowest: 0, or a probability of one of the rows. A class without positives has no F1, and keeps
 * the threshold of `dev`. */
FV_NODISCARD fv_status core_choose_thresholds(
	fv_ctx *ctx, const core_eval_set *dev, float *by_class);

#endif
