/* SPDX-License-Identifier: Apache-2.0 */
/* Durations of recordings, for the plugins that ask for them. */
#ifndef CORE_RUN_DURATIONS_H
#define CORE_RUN_DURATIONS_H

#include "run/study_types.h"

/* Returns true if a grouper, the loss or a loss that it may delegate to asks for durations. */
bool core_durations_used(const core_variant *variant);

/* Finds the durations of all recordings that a run needs: set->seconds. With study->keep_going a failure
 * belongs to the runs that need what failed. */
FV_NODISCARD fv_status core_durations_prepare(fv_ctx *ctx, core_study *study);

#endif
