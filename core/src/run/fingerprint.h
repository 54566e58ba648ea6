/* SPDX-License-Identifier: Apache-2.0 */
/* The fingerprint of a run: everything its numbers depend on, by content, as the text of its `done`
 * file. */
#ifndef CORE_RUN_FINGERPRINT_H
#define CORE_RUN_FINGERPRINT_H

#include "run/study_types.h"

/* The version of the files in a run's folder. Runs of another version are never read or reused. */
#define CORE_RESULTS_SCHEMA 2

FV_NODISCARD fv_status core_run_make_fingerprint(fv_ctx *ctx, core_study *study, core_run *run);

#endif
