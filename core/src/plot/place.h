/* SPDX-License-Identifier: Apache-2.0 */
/* Places labels beside their points so that they cover neither each other nor a point. */
#ifndef CORE_PLOT_PLACE_H
#define CORE_PLOT_PLACE_H

#include "plot/canvas.h"

typedef struct core_placer {
	core_rect area; /* labels stay inside */
	size_t n, capacity;
	core_rect *taken;
} core_placer;

/* capacity: points and labels together. */
FV_NODISCARD fv_status core_placer_open(
	fv_ctx *ctx, core_rect area, size_t capacity, core_placer *out);

/* Takes the place of a point's marker. Do this for all points before any label is placed. */
void core_take_place(core_placer *placer, core_rect rect);

/* Finds the free place nearest to (x, y) for a label of this width and takes it: *at is where the text
 * begins, on its baseline. False: there is none near. */
bool core_place_label(
	core_placer *placer, double x, double y, double width, double size, core_point *at);

#endif
