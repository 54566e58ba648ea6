/* SPDX-License-Identifier: Apache-2.0 */
/* Where a variant's runs lie: the folder that ends in its hash, whatever its label says. */
#ifndef CORE_RUN_VARIANTS_H
#define CORE_RUN_VARIANTS_H

#include "run/study_types.h"

/* Fills in the folders of variants that have an identity. An existing folder is used when a finished
 * run in it says the whole hash, or when it has none. Errors: FV_FAILED for a folder of the right
 * name that holds something else: it is left as it is. */
FV_NODISCARD fv_status core_variants_place(fv_ctx *ctx, core_study *study);

#endif
