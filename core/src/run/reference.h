/* SPDX-License-Identifier: Apache-2.0 */
/* The fold whose label file and recordings represent a corpus in the identity of its variants: the
 * lowest that exists, so that it does not depend on the requested folds. */
#ifndef CORE_RUN_REFERENCE_H
#define CORE_RUN_REFERENCE_H

#include "run/study_types.h"

/* Returns the lowest fold for which the file named by `pattern` exists, or the lowest requested
 * fold if there is no {fold} or no other file. */
int64_t core_find_lowest_fold(
	fv_ctx *ctx, const core_study *study, int32_t set, const char *pattern);

/* Gives all folds of all sets the order of classes of that fold, whatever the order of columns in
 * their label files. Errors: FV_DATA for a fold that has other classes. */
FV_NODISCARD fv_status core_reference_order_classes(fv_ctx *ctx, core_study *study);

/* Fills in the hashes of the run's set. Errors: FV_DATA. */
FV_NODISCARD fv_status core_reference_make(fv_ctx *ctx, core_study *study, const core_run *run);

#endif
