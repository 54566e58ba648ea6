/* SPDX-License-Identifier: Apache-2.0 */
/* What a run's numbers depend on, by content: the text of its `done` file. */
#ifndef CORE_RUN_INPUTS_H
#define CORE_RUN_INPUTS_H

#include "run/study_types.h"

FV_NODISCARD fv_status core_run_inputs(fv_ctx *ctx, const core_study *study, core_run *run);


#endif
