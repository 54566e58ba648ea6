/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a canvas as SVG. Text stays text; ids begin with the canvas's id. Title and description are
 * there for readers who do not see the drawing; groups have titles, shown where the mouse points. */
#ifndef CORE_PLOT_WRITE_SVG_H
#define CORE_PLOT_WRITE_SVG_H

#include "base/text.h"
#include "plot/canvas.h"

/* An SVG element. It stands in an HTML page as it is; `standalone` adds what a file needs.
 *
 * Colours are presentation attributes, which any style sheet overrides. What is stroked has the class
 * fv-line, what is filled fv-area, text fv-text, and each one that says what its colour is for: fv-ink,
 * fv-muted, fv-faint, fv-null, fv-paper, fv-s0 to fv-s6 (series), fv-g0 to fv-g6 (groups). fv-hollow: filled
 * with the colour of the paper. */
void core_canvas_write_svg(const core_canvas *canvas, bool standalone, core_text *out);

#endif
