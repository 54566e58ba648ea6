/* SPDX-License-Identifier: Apache-2.0 */
/* The id of a recording, the same in every file: its path below the audio folder without the
 * extension, or without audio its name in the label file without the extension. */
#ifndef CORE_RUN_IDS_H
#define CORE_RUN_IDS_H

#include "run/study_types.h"

/* Fills in the ids of all recordings of the study's sets. Opens and hashes no recording. */
FV_NODISCARD fv_status core_ids_make(fv_ctx *ctx, core_study *study);

#endif
