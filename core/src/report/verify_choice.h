/* SPDX-License-Identifier: Apache-2.0 */
/* Recomputes the choice of a tuned variant's run from the files of its trials. */
#ifndef CORE_REPORT_VERIFY_CHOICE_H
#define CORE_REPORT_VERIFY_CHOICE_H

#include "report/results.h"

/* Sets the key `chosen` of `found`, the recomputed metrics.json, if the run was chosen from trials. Errors:
 * FV_DATA if a trial is missing or cannot be read. */
FV_NODISCARD fv_status core_verify_choice(
	fv_ctx *ctx, const core_results *results, const core_run_result *run, json_t *found);

#endif
