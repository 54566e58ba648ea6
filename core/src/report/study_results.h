/* SPDX-License-Identifier: Apache-2.0 */
/* The results of a study: those of its variants, found by their hashes. */
#ifndef CORE_REPORT_STUDY_RESULTS_H
#define CORE_REPORT_STUDY_RESULTS_H

#include "report/results.h"
#include "run/study.h"

/* Reads from the results folder of a study the variants, folds and seeds that it spans, in its order. Runs that
 * were not started are CORE_RUN_OPEN. Those that cannot be planned are failed unless they are done, and variants
 * that could not start have their reason. Errors: those of core_results_read. */
FV_NODISCARD fv_status core_results_of_study(
	fv_ctx *ctx, const core_study *study, core_results **out);

#endif
