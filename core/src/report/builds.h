/* SPDX-License-Identifier: Apache-2.0 */
/* Builds of plugins: a results folder may hold runs that several files of one plugin made, as happens while it is
 * written. */
#ifndef CORE_REPORT_BUILDS_H
#define CORE_REPORT_BUILDS_H

#include "report/results.h"

/* Tells the builds of each plugin of which the variants used several: sets their `build` and `ended`, and adds the
 * builds to their labels: "NAME@3f2a91c". */
FV_NODISCARD fv_status core_builds_tell(fv_ctx *ctx, core_results *results);

/* Marks the variants of which a newer build is among the results. Call it after core_builds_tell. */
void core_builds_mark_older(core_results *results);

/* Returns the builds of a variant: "3f2a91c", "3f2a91c+77aa001" if those of several blocks are told, "" if none is.
 * NULL: out of memory. */
const char *core_builds_text(fv_ctx *ctx, const core_variant_result *variant);

#endif
