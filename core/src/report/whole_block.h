/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the runs of a variant that count in tables. */
#ifndef CORE_REPORT_BLOCK_H
#define CORE_REPORT_BLOCK_H

#include "report/results.h"

/* Fills n_folds, n_seeds, fold, seed and used from run. Takes the s seeds with most done folds, and
 * the folds that all of them have done, for the s that gives most runs (ties: more folds). */
FV_NODISCARD fv_status core_whole_block_find(fv_ctx *ctx, core_variant_result *variant);

#endif
