/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/canvas.h"

#include <math.h>
#include <string.h>

core_canvas *core_canvas_new(fv_ctx *ctx, const char *id, double width, double height)
{
	core_canvas *c = core_alloc(ctx, 1, sizeof *c);
	if (c)
		*c = (core_canvas){.ctx = ctx,
			.id = id,
			.title = "",
			.description = "",
			.width = width,
			.height = height};
	return c;
}

fv_status core_canvas_status(const core_canvas *canvas)
{
	return canvas->failed ? FV_FAILED : FV_OK;
}

/* --- colours ---------------------------------------------------------------------------------- */

/* M. Okabe, K. Ito, "Color Universal Design", 2008, without black and yellow, which is too light for a
 * line on white; the last is a dark grey. */
static const core_rgb series[CORE_SERIES_COLORS] = {{0x00, 0x72, 0xB2}, {0xE6, 0x9F, 0x00},
	{0x00, 0x9E, 0x73}, {0xCC, 0x79, 0xA7}, {0xD5, 0x5E, 0x00}, {0x56, 0xB4, 0xE9},
	{0x60, 0x60, 0x60}};
/* Two groups are vermillion and blue. */
static const core_rgb groups[CORE_SERIES_COLORS] = {{0xD5, 0x5E, 0x00}, {0x00, 0x72, 0xB2},
	{0xE6, 0x9F, 0x00}, {0x00, 0x9E, 0x73}, {0xCC, 0x79, 0xA7}, {0x56, 0xB4, 0xE9},
	{0x60, 0x60, 0x60}};

/* From white to the blue of a sequential map. */
static core_rgb mix_shade(double share)
{
	const double from[] = {255, 255, 255}, to[] = {0x08, 0x51, 0x9C};
	double s = share < 0 ? 0 : share > 1 ? 1 : share, mixed[3];
	for (int k = 0; k < 3; k++)
		mixed[k] = from[k] + s * (to[k] - from[k]) + 0.5;
	return (core_rgb){
		(unsigned char)mixed[0], (unsigned char)mixed[1], (unsigned char)mixed[2]};
}

core_rgb core_color_rgb(core_color color)
{
	switch (color.role) {
	case CORE_COLOR_NONE:
	case CORE_COLOR_INK:
		break;
	case CORE_COLOR_MUTED:
		return (core_rgb){0x59, 0x59, 0x59};
	case CORE_COLOR_FAINT:
		return (core_rgb){0xBB, 0xBB, 0xBB};
	case CORE_COLOR_NULL:
		return (core_rgb){0xE9, 0xE9, 0xE9};
	case CORE_COLOR_PAPER:
		return (core_rgb){0xFF, 0xFF, 0xFF};
	case CORE_COLOR_SHADE:
		return mix_shade(color.shade);
	case CORE_COLOR_ON_SHADE: /* contrast at least 4.5 : 1 */
		return color.shade > 0.78 ? (core_rgb){0xFF, 0xFF, 0xFF} : (core_rgb){0, 0, 0};
	case CORE_COLOR_SERIES:
		return series[color.index % CORE_SERIES_COLORS];
	case CORE_COLOR_GROUP:
		return groups[color.index % CORE_SERIES_COLORS];
	}
	return (core_rgb){0, 0, 0};
}

core_style core_line_style(core_color color, double width, core_dash dash)
{
	return (core_style){.stroke = color, .width = width, .dash = dash, .opacity = 1};
}

core_style core_area_style(core_color color, double opacity)
{
	return (core_style){.fill = color, .opacity = opacity};
}

/* --- items ------------------------------------------------------------------------------------ */

static core_item *add_item(core_canvas *c, core_item item)
{
	if (c->n == c->capacity) {
		size_t capacity = c->capacity ? 2 * c->capacity : 256;
		core_item *grown = core_alloc(c->ctx, capacity, sizeof *grown);
		c->failed |= !grown;
		if (!grown)
			return NULL;
		if (c->n)
			memcpy(grown, c->item, c->n * sizeof *grown);
		c->item = grown;
		c->capacity = capacity;
	}
	c->item[c->n] = item;
	return &c->item[c->n++];
}

static void add_points(core_canvas *c, size_t n, const core_point *point, core_item item)
{
	core_point *copy = core_alloc(c->ctx, n, sizeof *copy);
	c->failed |= !copy;
	if (!copy)
		return;
	memcpy(copy, point, n * sizeof *copy);
	item.n = n;
	item.point = copy;
	add_item(c, item);
}

static bool is_finite_point(core_point p)
{
	return isfinite(p.x) && isfinite(p.y);
}

void core_draw_polyline(core_canvas *c, size_t n, const core_point *point, core_style style)
{
	for (size_t from = 0, to; from < n; from = to + 1) {
		for (to = from; to < n && is_finite_point(point[to]);)
			to++;
		if (to - from > 1)
			add_points(c, to - from, point + from,
				(core_item){.kind = CORE_ITEM_PATH, .style = style});
	}
}

void core_draw_line(core_canvas *c, double x1, double y1, double x2, double y2, core_style style)
{
	const core_point point[] = {{x1, y1}, {x2, y2}};
	core_draw_polyline(c, 2, point, style);
}

void core_draw_polygon(core_canvas *c, size_t n, const core_point *point, core_style style)
{
	for (size_t i = 0; i < n; i++)
		if (!is_finite_point(point[i]))
			return;
	if (n)
		add_points(c, n, point,
			(core_item){.kind = CORE_ITEM_PATH, .closed = true, .style = style});
}

void core_draw_rect(core_canvas *c, core_rect r, core_style style)
{
	const core_point corner[] = {{r.x, r.y}, {r.x + r.width, r.y},
		{r.x + r.width, r.y + r.height}, {r.x, r.y + r.height}};
	core_draw_polygon(c, 4, corner, style);
}

void core_draw_dots(
	core_canvas *c, size_t n, const core_point *point, double size, core_style style)
{
	if (n)
		add_points(c, n, point,
			(core_item){.kind = CORE_ITEM_DOTS, .size = size, .style = style});
}

/* --- markers ---------------------------------------------------------------------------------- */

#define MARKER_CORNERS 12
#define PI 3.14159265358979323846

/* Fills the corners of a regular polygon; returns their number. */
static size_t make_polygon(int corners, double turn, double radius, core_point *out)
{
	for (int k = 0; k < corners; k++) {
		double angle = turn + 2 * PI * k / corners;
		out[k].x = radius * cos(angle);
		out[k].y = radius * sin(angle);
	}
	return (size_t)corners;
}

/* A plus turned by 45 degrees. */
static size_t make_cross(double radius, core_point *out)
{
	static const double x[] = {-1, -.3, -.3, .3, .3, 1, 1, .3, .3, -.3, -.3, -1};
	static const double y[] = {-.3, -.3, -1, -1, -.3, -.3, .3, .3, 1, 1, .3, .3};
	for (int k = 0; k < MARKER_CORNERS; k++)
		out[k] = (core_point){
			radius * (x[k] - y[k]) / sqrt(2), radius * (x[k] + y[k]) / sqrt(2)};
	return MARKER_CORNERS;
}

/* The corners around (0, 0), with areas near that of the circle; 0: a circle. */
static size_t make_marker(core_marker marker, double radius, core_point *out)
{
	switch (marker) {
	case CORE_MARKER_TRIANGLE:
		return make_polygon(3, -PI / 2, 1.25 * radius, out);
	case CORE_MARKER_DIAMOND:
		return make_polygon(4, 0, 1.2 * radius, out);
	case CORE_MARKER_SQUARE:
		return make_polygon(4, PI / 4, 1.25 * radius, out);
	case CORE_MARKER_DOWN:
		return make_polygon(3, PI / 2, 1.25 * radius, out);
	case CORE_MARKER_PENTAGON:
		return make_polygon(5, -PI / 2, 1.1 * radius, out);
	case CORE_MARKER_CROSS:
		return make_cross(1.05 * radius, out);
	case CORE_MARKER_CIRCLE:
	case CORE_MARKERS:
		break;
	}
	return 0;
}

void core_draw_marker(core_canvas *c, core_marker marker, double x, double y, double size,
	core_color color, bool hollow)
{
	core_point corner[MARKER_CORNERS], center = {x, y};
	core_style style = {.stroke = color,
		.fill = hollow ? core_color_of(CORE_COLOR_PAPER) : color,
		.width = 0.8,
		.opacity = 1};
	if (!is_finite_point(center))
		return;
	size_t n = make_marker(marker, size / 2, corner);
	for (size_t k = 0; k < n; k++)
		corner[k] = (core_point){x + corner[k].x, y + corner[k].y};
	if (n)
		core_draw_polygon(c, n, corner, style);
	else
		core_draw_dots(c, 1, &center, size, style);
}

/* --- text and groups -------------------------------------------------------------------------- */

void core_draw_text(core_canvas *c, double x, double y, const char *text, core_text_style style)
{
	const core_point at = {x, y};
	const char *clean = core_clean_text(c->ctx, text);
	c->failed |= !clean;
	if (clean && *clean && is_finite_point(at))
		add_points(c, 1, &at,
			(core_item){.kind = CORE_ITEM_TEXT, .text_style = style, .text = clean});
}

void core_open_group(core_canvas *c, const char *name, const char *title)
{
	const char *clean = title ? core_clean_text(c->ctx, title) : NULL;
	c->failed |= title && !clean;
	add_item(c, (core_item){.kind = CORE_ITEM_OPEN, .name = name, .text = clean});
	c->depth++;
}

void core_add_datum(core_canvas *c, const char *key, const char *text)
{
	const char *clean = core_clean_text(c->ctx, text);
	c->failed |= !clean;
	add_item(c, (core_item){.kind = CORE_ITEM_DATUM, .name = key, .text = clean ? clean : ""});
}

void core_add_number(core_canvas *c, const char *key, double value)
{
	const char *text = isnan(value) ? NULL : core_format(c->ctx, "%.9g", value);
	if (text)
		core_add_datum(c, key, text);
	c->failed |= !text && !isnan(value);
}

void core_open_clip(core_canvas *c, core_rect rect)
{
	add_item(c, (core_item){.kind = CORE_ITEM_CLIP, .rect = rect});
	c->depth++;
}

void core_close_group(core_canvas *c)
{
	add_item(c, (core_item){.kind = CORE_ITEM_CLOSE});
	c->depth--;
}
