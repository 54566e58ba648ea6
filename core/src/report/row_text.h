/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a variant by what tables and figures call it. */
#ifndef CORE_REPORT_ROW_TEXT_H
#define CORE_REPORT_ROW_TEXT_H

#include "report/results.h"

/* Finds the variants with finished runs that have the text on one of the axes that vary, or on all of them, joined
 * by ", ", with those that do not vary or without: "NAME", "NAME, k=4"; capital and small letters are the same. *found counts them; *row is the last one. */
FV_NODISCARD fv_status core_row_find(
	fv_ctx *ctx, const core_results *results, const char *text, int64_t *row, int *found);

#endif
