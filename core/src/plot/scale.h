/* SPDX-License-Identifier: Apache-2.0 */
/* Scales from values to points, ticks at round numbers, axes and panels. */
#ifndef CORE_PLOT_SCALE_H
#define CORE_PLOT_SCALE_H

#include "plot/canvas.h"

/* Sizes of text, in points. */
#define CORE_FONT 7.0
#define CORE_TITLE_FONT 8.0
#define CORE_LINE_HEIGHT 9.5
#define CORE_TICK 2.5 /* length */

typedef struct core_scale {
	double low, high;  /* values at both ends; low < high */
	double start, end; /* points */
	bool log;
} core_scale;
double core_scale_at(const core_scale *scale, double value);

enum { CORE_TICKS = 24, CORE_VALUES = 10 };
typedef struct core_axis {
	core_scale scale;
	size_t n;
	double tick[CORE_TICKS];
	const char *label[CORE_TICKS];
	double label_width; /* the widest label */
} core_axis;

/* A range of values that grows as values are added; NaN is ignored. */
typedef struct core_range {
	double low, high;
	bool any;
} core_range;
void core_range_add(core_range *range, double value);
/* Widens it by this share on both sides; a range without extent becomes 0.1 wide. An empty one is 0..1. */
void core_range_pad(core_range *range, double share);

/* Makes an axis with at most `most` ticks at round numbers inside the range. Its points are set later. */
FV_NODISCARD fv_status core_axis_make(fv_ctx *ctx, core_range range, int most, core_axis *out);
/* Makes an axis with a tick at each of these values; with more than CORE_VALUES, at some of them or at round
 * numbers. They are ascending, and > 0 if log. */
FV_NODISCARD fv_status core_axis_make_values(
	fv_ctx *ctx, size_t n, const double *value, bool log, core_axis *out);

/* "−0.25": with a minus sign of the width of a plus, and `decimals` decimals. NULL: out of memory. */
const char *core_format_number(fv_ctx *ctx, double value, int decimals, bool sign);
/* "p .031", "p <.001", as in tables. NULL: out of memory. */
const char *core_format_p(fv_ctx *ctx, double p);

/* Where a panel is, and its axes. */
typedef struct core_panel {
	core_rect area;
	core_axis x, y;
} core_panel;
/* Sets the points of both axes from the area. */
void core_panel_fit(core_panel *panel);

/* Draw axes at the bottom and on the left of the area. Ticks of a y axis without labels have none. */
void core_draw_x_axis(core_canvas *c, const core_panel *panel, const char *title);
void core_draw_y_axis(core_canvas *c, const core_panel *panel, const char *title, bool labels);
/* Draws a bold title above the area, shortened to the width given. */
void core_draw_title(core_canvas *c, double x, double y, const char *title, double width);

/* Draws text in lines of at most `width` points from (x, y), the top of the first line, and returns the
 * y below the last. */
double core_draw_note(core_canvas *c, double x, double y, double width, const char *text);
/* Returns the number of lines that core_draw_note needs. */
size_t core_count_lines(const char *text, double width);

core_text_style core_text_of(core_color_role role, core_anchor anchor);

#endif
