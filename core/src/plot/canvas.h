/* SPDX-License-Identifier: Apache-2.0 */
/* A drawing as a list of items: lines, areas, markers and text, in groups. A figure is drawn once, on a
 * canvas; a writer for each format then writes the canvas: SVG here (write_svg.c), PDF and PNG in the
 * module of core/src/cairo.
 *
 * Coordinates are points (1/72 inch), y downwards. Drawing functions return nothing: memory that runs out
 * is remembered, and core_canvas_status says so. Everything lives as long as the context. */
#ifndef CORE_PLOT_CANVAS_H
#define CORE_PLOT_CANVAS_H

#include <stdbool.h>

#include "base/context.h"
#include "plot/text_metrics.h"

/* What a colour is for. SVG writes the name as a class, so that a page can restyle it. */
typedef enum core_color_role {
	CORE_COLOR_NONE,
	CORE_COLOR_INK,      /* axes, text, the reference */
	CORE_COLOR_MUTED,    /* text and lines of less weight */
	CORE_COLOR_FAINT,    /* connecting bars */
	CORE_COLOR_NULL,     /* what chance alone gives */
	CORE_COLOR_PAPER,    /* the background, inside hollow markers */
	CORE_COLOR_SHADE,    /* a share from white to blue: core_color.shade */
	CORE_COLOR_ON_SHADE, /* text on such a share, dark or white */
	CORE_COLOR_SERIES,   /* core_color.index: Okabe and Ito's colours */
	CORE_COLOR_GROUP,    /* core_color.index: the groups of an attribute */
} core_color_role;

typedef struct core_color {
	core_color_role role;
	int32_t index;
	double shade;
} core_color;

typedef struct core_rgb {
	unsigned char red, green, blue;
} core_rgb;
core_rgb core_color_rgb(core_color color);
#define CORE_SERIES_COLORS 7 /* further ones repeat */

typedef enum core_dash { CORE_SOLID, CORE_DASHED, CORE_DOTTED } core_dash;

typedef struct core_style {
	core_color stroke, fill;
	double width, opacity; /* opacity 0 is taken as 1 */
	core_dash dash;
} core_style;

typedef enum core_marker {
	CORE_MARKER_CIRCLE,
	CORE_MARKER_TRIANGLE,
	CORE_MARKER_DIAMOND,
	CORE_MARKER_SQUARE,
	CORE_MARKER_DOWN, /* triangle, tip down */
	CORE_MARKER_PENTAGON,
	CORE_MARKER_CROSS,
	CORE_MARKERS,
} core_marker;

typedef enum core_anchor { CORE_START, CORE_MIDDLE, CORE_END } core_anchor;

typedef struct core_text_style {
	double size;
	bool bold;
	core_anchor anchor;
	double rotation; /* degrees, clockwise */
	core_color color;
} core_text_style;

typedef struct core_point {
	double x, y;
} core_point;

typedef struct core_rect {
	double x, y, width, height;
} core_rect;

typedef enum core_item_kind {
	CORE_ITEM_PATH,  /* point[n]: one line through all; closed if `closed` */
	CORE_ITEM_DOTS,  /* a disc of diameter `size` at each point */
	CORE_ITEM_TEXT,  /* at point[0], baseline */
	CORE_ITEM_OPEN,  /* begins a group */
	CORE_ITEM_DATUM, /* of the group that begins before it: name and text */
	CORE_ITEM_CLIP,  /* begins a group that shows only what is inside rect */
	CORE_ITEM_CLOSE,
} core_item_kind;

typedef struct core_item {
	core_item_kind kind;
	size_t n;
	const core_point *point;
	bool closed;
	double size;
	core_style style;
	core_text_style text_style;
	core_rect rect;
	const char *text; /* of TEXT; of OPEN its title, NULL: none */
	const char *name; /* of OPEN: its class; of DATUM */
} core_item;

typedef struct core_canvas {
	fv_ctx *ctx;
	const char *id; /* begins every id, so that several drawings can stand in one page */
	const char *title, *description;
	double width, height;
	size_t n, capacity;
	core_item *item;
	int32_t depth; /* open groups */
	bool failed;
} core_canvas;

/* Returns NULL if memory runs out. The height can be set later. */
core_canvas *core_canvas_new(fv_ctx *ctx, const char *id, double width, double height);
/* FV_FAILED (memory) or FV_OK. */
FV_NODISCARD fv_status core_canvas_status(const core_canvas *canvas);

static inline core_color core_color_of(core_color_role role)
{
	return (core_color){role, 0, 0};
}
static inline core_color core_series_color(int32_t index)
{
	return (core_color){CORE_COLOR_SERIES, index, 0};
}
core_style core_line_style(core_color color, double width, core_dash dash);
core_style core_area_style(core_color color, double opacity);

void core_draw_line(core_canvas *c, double x1, double y1, double x2, double y2, core_style style);
/* Points that are not finite interrupt the line. */
void core_draw_polyline(core_canvas *c, size_t n, const core_point *point, core_style style);
void core_draw_polygon(core_canvas *c, size_t n, const core_point *point, core_style style);
void core_draw_rect(core_canvas *c, core_rect rect, core_style style);
void core_draw_dots(
	core_canvas *c, size_t n, const core_point *point, double size, core_style style);
/* A hollow marker is filled with the colour of the paper. `size`: its diameter. */
void core_draw_marker(core_canvas *c, core_marker marker, double x, double y, double size,
	core_color color, bool hollow);
void core_draw_text(core_canvas *c, double x, double y, const char *text, core_text_style style);

/* Groups. `title` is what a reader sees who points at it; NULL: none. Numbers and names that programs may
 * read are added right after opening. */
void core_open_group(core_canvas *c, const char *name, const char *title);
void core_add_datum(core_canvas *c, const char *key, const char *text);
void core_add_number(core_canvas *c, const char *key, double value); /* NaN: nothing is added */
void core_open_clip(core_canvas *c, core_rect rect);
void core_close_group(core_canvas *c);

#endif
