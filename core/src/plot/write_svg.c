/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/write_svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/markup.h"

/* A coordinate with two decimals and without trailing zeros. */
static void put_number(core_text *out, double value)
{
	char text[48];
	double rounded = floor(value * 100 + 0.5) / 100;
	snprintf(text, sizeof text, "%.2f", rounded == 0 ? 0.0 : rounded);
	size_t n = strlen(text);
	while (text[n - 1] == '0')
		n--;
	if (text[n - 1] == '.')
		n--;
	core_text_put(out, text, n);
}

static void put_attribute(core_text *out, const char *name, double value)
{
	core_text_add(out, " %s=\"", name);
	put_number(out, value);
	core_text_add(out, "\"");
}

/* "fv-ink"; "" for a colour that is the same on every page. */
static void put_class(core_text *out, core_color color)
{
	static const char *const names[] = {[CORE_COLOR_INK] = "fv-ink",
		[CORE_COLOR_MUTED] = "fv-muted",
		[CORE_COLOR_FAINT] = "fv-faint",
		[CORE_COLOR_NULL] = "fv-null",
		[CORE_COLOR_PAPER] = "fv-paper",
		[CORE_COLOR_SHADE] = NULL,
		[CORE_COLOR_ON_SHADE] = NULL,
		[CORE_COLOR_SERIES] = "fv-s",
		[CORE_COLOR_GROUP] = "fv-g"};
	if (color.role == CORE_COLOR_SERIES || color.role == CORE_COLOR_GROUP)
		core_text_add(
			out, "%s%d", names[color.role], (int)(color.index % CORE_SERIES_COLORS));
	else if (names[color.role])
		core_text_add(out, "%s", names[color.role]);
}

static void put_color(core_text *out, const char *name, core_color color)
{
	core_rgb rgb = core_color_rgb(color);
	if (color.role == CORE_COLOR_NONE)
		core_text_add(out, " %s=\"none\"", name);
	else
		core_text_add(out, " %s=\"#%02X%02X%02X\"", name, rgb.red, rgb.green, rgb.blue);
}

static void put_classes(core_text *out, const core_style *style)
{
	core_text class = {0};
	bool strokes = style->stroke.role != CORE_COLOR_NONE;
	core_color main = strokes ? style->stroke : style->fill;
	put_class(&class, main);
	if (class.size) {
		bool fills = style->fill.role != CORE_COLOR_NONE;
		core_text_add(out, " class=\"%s%s %s%s\"", strokes ? "fv-line" : "",
			fills ? (strokes ? " fv-area" : "fv-area") : "", class.data,
			strokes && style->fill.role == CORE_COLOR_PAPER ? " fv-hollow" : "");
	}
	out->failed |= class.failed;
	core_text_free(&class);
}

static void put_style(core_text *out, const core_style *style)
{
	put_classes(out, style);
	put_color(out, "fill", style->fill);
	if (style->stroke.role != CORE_COLOR_NONE) {
		put_color(out, "stroke", style->stroke);
		put_attribute(out, "stroke-width", style->width);
		if (style->dash == CORE_DASHED)
			core_text_add(out, " stroke-dasharray=\"3.5 2\"");
		if (style->dash == CORE_DOTTED)
			core_text_add(out, " stroke-dasharray=\"1 1.6\"");
	}
	if (style->opacity > 0 && style->opacity < 1)
		put_attribute(out, "opacity", style->opacity);
}

static void put_points(core_text *out, const core_item *item)
{
	for (size_t i = 0; i < item->n; i++) {
		core_text_put(out, i ? "L" : "M", 1);
		put_number(out, item->point[i].x);
		core_text_put(out, " ", 1);
		put_number(out, item->point[i].y);
	}
	if (item->closed)
		core_text_put(out, "Z", 1);
}

static void write_path(core_text *out, const core_item *item)
{
	core_text_add(out, "<path d=\"");
	put_points(out, item);
	core_text_add(out, "\"");
	put_style(out, &item->style);
	core_text_add(out, "/>\n");
}

static void write_circle(core_text *out, const core_item *item)
{
	core_text_add(out, "<circle");
	put_attribute(out, "cx", item->point[0].x);
	put_attribute(out, "cy", item->point[0].y);
	put_attribute(out, "r", item->size / 2);
	put_style(out, &item->style);
	core_text_add(out, "/>\n");
}

/* Many dots are one path of lines of no length with round ends. */
static void write_dots(core_text *out, const core_item *item)
{
	if (item->n == 1) {
		write_circle(out, item);
		return;
	}
	core_style style = {.stroke = item->style.fill, .width = item->size};
	core_text_add(out, "<path d=\"");
	for (size_t i = 0; i < item->n; i++) {
		core_text_put(out, "M", 1);
		put_number(out, item->point[i].x);
		core_text_put(out, " ", 1);
		put_number(out, item->point[i].y);
		core_text_put(out, "h0", 2);
	}
	core_text_add(out, "\" stroke-linecap=\"round\"");
	put_style(out, &style);
	if (item->style.opacity > 0 && item->style.opacity < 1)
		put_attribute(out, "stroke-opacity", item->style.opacity);
	core_text_add(out, "/>\n");
}

static void write_text(core_text *out, const core_item *item)
{
	const core_text_style *style = &item->text_style;
	core_text class = {0};
	core_text_add(out, "<text");
	put_attribute(out, "x", item->point[0].x);
	put_attribute(out, "y", item->point[0].y);
	put_attribute(out, "font-size", style->size);
	if (style->bold)
		core_text_add(out, " font-weight=\"bold\"");
	if (style->anchor != CORE_START)
		core_text_add(out, " text-anchor=\"%s\"",
			style->anchor == CORE_MIDDLE ? "middle" : "end");
	put_class(&class, style->color);
	if (class.size)
		core_text_add(out, " class=\"fv-text %s\"", class.data);
	out->failed |= class.failed;
	core_text_free(&class);
	put_color(out, "fill", style->color);
	if (style->rotation != 0) {
		core_text_add(out, " transform=\"rotate(");
		put_number(out, style->rotation);
		core_text_put(out, " ", 1);
		put_number(out, item->point[0].x);
		core_text_put(out, " ", 1);
		put_number(out, item->point[0].y);
		core_text_add(out, ")\"");
	}
	core_text_put(out, ">", 1);
	core_text_markup(out, item->text);
	core_text_add(out, "</text>\n");
}

static void write_clip(core_text *out, const core_canvas *canvas, size_t index)
{
	const core_item *item = &canvas->item[index];
	core_text_add(out, "<clipPath id=\"");
	core_text_markup(out, canvas->id);
	core_text_add(out, "-clip%zu\"><rect", index);
	put_attribute(out, "x", item->rect.x);
	put_attribute(out, "y", item->rect.y);
	put_attribute(out, "width", item->rect.width);
	put_attribute(out, "height", item->rect.height);
	core_text_add(out, "/></clipPath>\n<g clip-path=\"url(#");
	core_text_markup(out, canvas->id);
	core_text_add(out, "-clip%zu)\">\n", index);
}

static void write_group(core_text *out, const core_canvas *canvas, size_t index)
{
	const core_item *item = &canvas->item[index];
	core_text_add(out, "<g");
	if (item->name)
		core_text_add(out, " class=\"%s\"", item->name);
	for (size_t i = index + 1; i < canvas->n && canvas->item[i].kind == CORE_ITEM_DATUM; i++) {
		core_text_add(out, " data-%s=\"", canvas->item[i].name);
		core_text_markup(out, canvas->item[i].text);
		core_text_add(out, "\"");
	}
	core_text_put(out, ">", 1);
	if (item->text) {
		core_text_add(out, "<title>");
		core_text_markup(out, item->text);
		core_text_add(out, "</title>");
	}
	core_text_put(out, "\n", 1);
}

static void write_item(core_text *out, const core_canvas *canvas, size_t index)
{
	const core_item *item = &canvas->item[index];
	switch (item->kind) {
	case CORE_ITEM_PATH:
		write_path(out, item);
		return;
	case CORE_ITEM_DOTS:
		write_dots(out, item);
		return;
	case CORE_ITEM_TEXT:
		write_text(out, item);
		return;
	case CORE_ITEM_OPEN:
		write_group(out, canvas, index);
		return;
	case CORE_ITEM_DATUM:
		return;
	case CORE_ITEM_CLIP:
		write_clip(out, canvas, index);
		return;
	case CORE_ITEM_CLOSE:
		core_text_add(out, "</g>\n");
	}
}

/* The root element, with what the drawing is in words. */
static void write_head(core_text *out, const core_canvas *canvas, bool standalone)
{
	core_text_add(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"");
	core_text_markup(out, canvas->id);
	core_text_add(out, "\" class=\"fv-figure\" role=\"img\" aria-labelledby=\"");
	core_text_markup(out, canvas->id);
	core_text_add(out, "-title ");
	core_text_markup(out, canvas->id);
	core_text_add(out, "-desc\" width=\"");
	put_number(out, canvas->width);
	core_text_add(out, "pt\" height=\"");
	put_number(out, canvas->height);
	core_text_add(out, "pt\" viewBox=\"0 0 ");
	put_number(out, canvas->width);
	core_text_put(out, " ", 1);
	put_number(out, canvas->height);
	core_text_add(out, "\" font-family=\"'DejaVu Sans',Verdana,sans-serif\" "
			   "stroke-linejoin=\"round\">\n<title id=\"");
	core_text_markup(out, canvas->id);
	core_text_add(out, "-title\">");
	core_text_markup(out, canvas->title);
	core_text_add(out, "</title>\n<desc id=\"");
	core_text_markup(out, canvas->id);
	core_text_add(out, "-desc\">");
	core_text_markup(out, canvas->description);
	core_text_add(out, "</desc>\n");
	if (standalone) {
		core_text_add(out, "<rect");
		put_attribute(out, "width", canvas->width);
		put_attribute(out, "height", canvas->height);
		core_text_add(out, " fill=\"#FFFFFF\"/>\n");
	}
}

void core_canvas_write_svg(const core_canvas *canvas, bool standalone, core_text *out)
{
	if (standalone)
		core_text_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	write_head(out, canvas, standalone);
	for (size_t i = 0; i < canvas->n; i++)
		write_item(out, canvas, i);
	core_text_add(out, "</svg>\n");
}
