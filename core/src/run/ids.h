/* SPDX-License-Identifier: Apache-2.0 */
/* One spelling of a recording in every file: its path below the audio folder without the extension;
 * where no audio is at hand, its name in the label file without one. */
#ifndef CORE_RUN_IDS_H
#define CORE_RUN_IDS_H

#include "run/study_types.h"

/* Names all recordings of the study's sets; nothing is opened or hashed for it. */
FV_NODISCARD fv_status core_ids_make(fv_ctx *ctx, core_study *study);

#endif
