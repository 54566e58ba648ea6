/* SPDX-License-Identifier: Apache-2.0 */
/* Records what failed before it could start. A run with a folder has the file `failed` in it. Of a variant
 * without identity, the folder <slug>-<hash of its settings as written> holds nothing but `failed`. */
#ifndef CORE_RUN_FAILURE_FILES_H
#define CORE_RUN_FAILURE_FILES_H

#include "run/study_types.h"

/* Writes the records of study->failed, without the runs that are set aside. With `refused_too`, first removes the
 * records of variants that this study plans again, and writes those of the configuration's refused variants. Each
 * failure is reported in the context with its folder. */
FV_NODISCARD fv_status core_failures_record(fv_ctx *ctx, const core_study *study, bool refused_too);

#endif
