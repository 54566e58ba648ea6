/* SPDX-License-Identifier: Apache-2.0 */
/* What fails while a study is planned or its features are loaded. With study->keep_going a failure belongs
 * to the runs that need what failed: each gets the reason, leaves study->run for study->failed, and the
 * others are computed. Without it, the first failure ends the study. */
#ifndef CORE_RUN_FAILURES_H
#define CORE_RUN_FAILURES_H

#include "run/study_types.h"

/* Returns true if the study goes on after this status. A signal always ends it. */
bool core_study_goes_on(const core_study *study, fv_status status);

/* If the study goes on after `status`, moves the failures of ctx to *reason and returns FV_OK; else returns
 * the status. FV_OK sets nothing. */
FV_NODISCARD fv_status core_study_move_failure(
	fv_ctx *ctx, const core_study *study, fv_status status, const core_reason **reason);

/* The same for a run, and for all runs of a variant. */
FV_NODISCARD fv_status core_study_fail_run(
	fv_ctx *ctx, const core_study *study, core_run *run, fv_status status);
FV_NODISCARD fv_status core_study_fail_variant(
	fv_ctx *ctx, core_study *study, int32_t variant, fv_status status);

/* Puts the run's folder in front of the failures in ctx. Returns the status. */
FV_NODISCARD fv_status core_study_name_failure(fv_ctx *ctx, const core_run *run, fv_status status);

/* Gives runs the failures of their encodings, and tuned runs those of their trials. */
FV_NODISCARD fv_status core_study_pass_on_failures(fv_ctx *ctx, core_study *study);

/* Adds a failed run, or with `all` the runs of a variant. */
FV_NODISCARD fv_status core_study_add_failed(
	fv_ctx *ctx, core_study *study, const core_failed_run *failed);

/* Moves the runs with a failure from study->run to study->failed. */
FV_NODISCARD fv_status core_study_set_failed_apart(fv_ctx *ctx, core_study *study);

#endif
