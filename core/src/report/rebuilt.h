/* SPDX-License-Identifier: Apache-2.0 */
/* Variants of a study that a plugin's new build made anew, so that their runs are those of other variants. */
#ifndef CORE_REPORT_REBUILT_H
#define CORE_REPORT_REBUILT_H

#include "report/results.h"
#include "run/study.h"

/* Sets `rebuilt` of the study's variants without a finished run that another build has: the names of the plugins in
 * which that one differs. `results` has the study's variants, in any order. */
FV_NODISCARD fv_status core_rebuilt_find(
	fv_ctx *ctx, const core_study *study, core_results *results);

#endif
