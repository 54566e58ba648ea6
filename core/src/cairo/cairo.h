/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a canvas as PDF or PNG with cairo. The same canvas gives the same bytes: the creation date is
 * fixed, and text is neither hinted nor fitted to pixels.
 *
 * This part is a separate module, libfairvox-cairo.so, which the program loads only for these formats,
 * because cairo pulls in two dozen libraries. */
#ifndef CORE_CAIRO_CAIRO_H
#define CORE_CAIRO_CAIRO_H

#include "base/text.h"
#include "plot/canvas.h"

#define CORE_CAIRO_MODULE "libfairvox-cairo.so"
#define CORE_CAIRO_ENTRY "core_cairo_entry"

typedef struct core_cairo_module {
	size_t size;
	const char *version; /* version of fairvox; both sides must be of the same build */
	/* Append the file to `out`. Warn once of text that no installed font has. */
	fv_status (*write_pdf)(fv_ctx *ctx, const core_canvas *canvas, core_text *out);
	fv_status (*write_png)(
		fv_ctx *ctx, const core_canvas *canvas, double dots_per_inch, core_text *out);
} core_cairo_module;

#endif
