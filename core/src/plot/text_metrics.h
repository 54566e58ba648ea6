/* SPDX-License-Identifier: Apache-2.0 */
/* Widths of text, so that all formats have the same layout without a font at hand. */
#ifndef CORE_PLOT_TEXT_METRICS_H
#define CORE_PLOT_TEXT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

/* Advance widths of the characters first..last, in 1/2048 em. */
typedef struct core_width_range {
	int32_t first, last;
	const uint16_t *regular, *bold;
} core_width_range;

extern const core_width_range core_font_widths[];
extern const size_t core_font_ranges;

#define CORE_CAP_HEIGHT 0.729 /* of a capital letter, in em */

/* Returns the width of UTF-8 text set in DejaVu Sans, in the unit of `size`. Characters that the table
 * lacks count as one em if they are wide (East Asian), as 0.62 em otherwise, combining ones as 0. */
double core_measure_text(const char *text, double size, bool bold);

/* Returns text that fits into `width`: the text itself, or its beginning and its end with "…" between, because
 * names of one study often begin alike. NULL: out of memory. */
const char *core_fit_text(fv_ctx *ctx, const char *text, double size, bool bold, double width);

/* Returns the text as UTF-8 without control characters; bytes that are not UTF-8 become U+FFFD. NULL: out
 * of memory. */
const char *core_clean_text(fv_ctx *ctx, const char *text);

#endif
