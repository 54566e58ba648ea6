/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the folders of variants: names that end in the variant's hash, with any label before it. */
#ifndef CORE_RUN_VARIANTS_H
#define CORE_RUN_VARIANTS_H

#include "run/study_types.h"

/* Fills in the folders of variants with an identity. An existing folder is used if a finished run
 * in it has the whole hash, or if it has no finished run. Errors: FV_FAILED if the folder of that
 * name holds another variant; it is left unchanged. */
FV_NODISCARD fv_status core_variants_place(fv_ctx *ctx, core_study *study);

#endif
