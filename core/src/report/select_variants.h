/* SPDX-License-Identifier: Apache-2.0 */
/* Selects the variants of a table: `--rows KEY=VALUE,...`. */
#ifndef CORE_REPORT_SELECT_VARIANTS_H
#define CORE_REPORT_SELECT_VARIANTS_H

#include "report/results.h"

/* Keeps the variants that match every key; several values of one key are alternatives. Keys: variant
 * (label or folder name), loss, encoder, grouper ("none": without one), profile, select, and the
 * matrix axes by their full name or its last part (train.batch, batch). Two numbers are compared as
 * numbers, anything else as a pattern with * and ?. Errors: FV_CONFIG for a malformed list, an unknown
 * key, or no match. */
FV_NODISCARD fv_status core_select_variants(fv_ctx *ctx, const char *list, core_results *results);

#endif
