/* SPDX-License-Identifier: Apache-2.0 */
/* Names that stand one below the other in a figure with little room for them. */
#ifndef CORE_PLOT_FIT_TEXTS_H
#define CORE_PLOT_FIT_TEXTS_H

#include "base/context.h"

/* Sets out[i] to text[i] [n] if it fits into `width` in DejaVu Sans, else to what is left of it, by which it is told from
 * the others (report/cut_texts.h). */
FV_NODISCARD fv_status core_fit_texts(fv_ctx *ctx, const char *const *text, size_t n, double size,
	double width, const char **out);

#endif
