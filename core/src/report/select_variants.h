/* SPDX-License-Identifier: Apache-2.0 */
/* Which variants of a results folder a table is about: `--rows KEY=VALUE,...`. */
#ifndef CORE_REPORT_SELECT_VARIANTS_H
#define CORE_REPORT_SELECT_VARIANTS_H

#include "report/results.h"

/* Keeps the variants that match every key; several values of one key are alternatives. Keys: variant
 * (label or folder name), loss, encoder, grouper ("none": without), profile, select, and the matrix axes,
 * whole or by their last part (train.batch, batch). Values are compared as numbers where both are, else as
 * patterns with * and ?. Errors: FV_CONFIG for a malformed list, an unknown key, or no match. */
FV_NODISCARD fv_status core_select_variants(fv_ctx *ctx, const char *list, core_results *results);

#endif
