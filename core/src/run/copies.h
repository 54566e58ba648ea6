/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings of development and test sets that are, byte for byte, recordings of the training set. */
#ifndef CORE_RUN_COPIES_H
#define CORE_RUN_COPIES_H

#include "run/study_types.h"

/* Warns about them once for each fold. Only recordings whose hashes are known are compared; nothing is read. */
FV_NODISCARD fv_status core_copies_warn(fv_ctx *ctx, const core_study *study);

#endif
