/* SPDX-License-Identifier: Apache-2.0 */
/* The fold whose label file and recordings stand for a corpus in the identity of its variants: the lowest
 * that there is, so that it does not depend on which folds are asked for. */
#ifndef CORE_RUN_REFERENCE_H
#define CORE_RUN_REFERENCE_H

#include "run/study_types.h"

/* The lowest fold that a file named by `pattern` is there for; without {fold}, or where only the folds
 * asked for are there, the lowest of these. */
int64_t core_find_lowest_fold(
	fv_ctx *ctx, const core_study *study, int32_t set, const char *pattern);

/* Fills in the hashes of the run's set. Errors: FV_DATA. */
FV_NODISCARD fv_status core_reference_make(fv_ctx *ctx, core_study *study, const core_run *run);

#endif
