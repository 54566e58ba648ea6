/* SPDX-License-Identifier: Apache-2.0 */
#include "cairo/cairo.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "cairo/fonts.h"

#define CREATION_DATE "2000-01-01T00:00:00Z"
#define PI 3.14159265358979323846

struct drawing {
	cairo_t *cr;
	core_fonts fonts;
};

static void set_color(cairo_t *cr, core_color color, double opacity)
{
	core_rgb rgb = core_color_rgb(color);
	cairo_set_source_rgba(cr, rgb.red / 255.0, rgb.green / 255.0, rgb.blue / 255.0,
		opacity > 0 ? opacity : 1);
}

static void set_dash(cairo_t *cr, core_dash dash)
{
	static const double dashes[] = {3.5, 2}, dots[] = {1, 1.6};
	cairo_set_dash(cr, dash == CORE_DASHED ? dashes : dots, dash == CORE_SOLID ? 0 : 2, 0);
}

/* Fills and strokes the current path. */
static void paint_path(cairo_t *cr, const core_style *style)
{
	if (style->fill.role != CORE_COLOR_NONE) {
		set_color(cr, style->fill, style->opacity);
		cairo_fill_preserve(cr);
	}
	if (style->stroke.role != CORE_COLOR_NONE) {
		set_color(cr, style->stroke, style->opacity);
		set_dash(cr, style->dash);
		cairo_set_line_width(cr, style->width);
		cairo_stroke_preserve(cr);
	}
	cairo_new_path(cr);
}

static void draw_path(cairo_t *cr, const core_item *item)
{
	cairo_new_path(cr); /* text leaves its end as the current point */
	for (size_t i = 0; i < item->n; i++)
		cairo_line_to(cr, item->point[i].x, item->point[i].y);
	if (item->closed)
		cairo_close_path(cr);
	paint_path(cr, &item->style);
}

static void draw_dots(cairo_t *cr, const core_item *item)
{
	for (size_t i = 0; i < item->n; i++) {
		cairo_new_path(cr);
		cairo_arc(cr, item->point[i].x, item->point[i].y, item->size / 2, 0, 2 * PI);
		paint_path(cr, &item->style);
	}
}

/* --- text ------------------------------------------------------------------------------------- */

/* A stretch of text in one font. */
struct stretch {
	cairo_font_face_t *face;
	size_t from, n;
};

/* Finds the stretch that begins at `from`. */
static struct stretch find_stretch(core_fonts *fonts, const char *text, size_t from, bool bold)
{
	struct stretch s = {NULL, from, 0};
	size_t left = strlen(text + from);
	while (s.n < left) {
		utf8proc_int32_t character = 0;
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + from + s.n,
			(utf8proc_ssize_t)(left - s.n), &character);
		cairo_font_face_t *face = core_fonts_find(fonts, character, bold);
		if (s.face && face != s.face)
			break;
		s.face = face;
		s.n += n > 0 ? (size_t)n : 1;
	}
	return s;
}

/* Draws the text, or only measures it; returns its width. */
static double draw_stretches(fv_ctx *ctx, struct drawing *d, const core_item *item, bool draw)
{
	double width = 0;
	size_t size = strlen(item->text);
	for (size_t at = 0; at < size;) {
		struct stretch s = find_stretch(&d->fonts, item->text, at, item->text_style.bold);
		const char *part = core_strndup(ctx, item->text + at, s.n);
		cairo_text_extents_t extents;
		if (!part)
			return width;
		cairo_set_font_face(d->cr, s.face);
		cairo_text_extents(d->cr, part, &extents);
		if (draw)
			cairo_show_text(d->cr, part);
		width += extents.x_advance;
		at += s.n;
	}
	return width;
}

static void draw_text(fv_ctx *ctx, struct drawing *d, const core_item *item)
{
	const core_text_style *style = &item->text_style;
	cairo_save(d->cr);
	cairo_translate(d->cr, item->point[0].x, item->point[0].y);
	cairo_rotate(d->cr, style->rotation * PI / 180);
	cairo_set_font_size(d->cr, style->size);
	set_color(d->cr, style->color, 1);
	double width = draw_stretches(ctx, d, item, false);
	cairo_move_to(d->cr,
		style->anchor == CORE_START ? 0
		: style->anchor == CORE_END ? -width
					    : -width / 2,
		0);
	draw_stretches(ctx, d, item, true);
	cairo_restore(d->cr);
}

/* --- the canvas ------------------------------------------------------------------------------- */

static void draw_item(fv_ctx *ctx, struct drawing *d, const core_item *item)
{
	switch (item->kind) {
	case CORE_ITEM_PATH:
		draw_path(d->cr, item);
		return;
	case CORE_ITEM_DOTS:
		draw_dots(d->cr, item);
		return;
	case CORE_ITEM_TEXT:
		draw_text(ctx, d, item);
		return;
	case CORE_ITEM_OPEN:
		cairo_save(d->cr);
		return;
	case CORE_ITEM_DATUM:
		return;
	case CORE_ITEM_CLIP:
		cairo_save(d->cr);
		cairo_rectangle(
			d->cr, item->rect.x, item->rect.y, item->rect.width, item->rect.height);
		cairo_clip(d->cr);
		return;
	case CORE_ITEM_CLOSE:
		cairo_restore(d->cr);
	}
}

static void warn_missing(fv_ctx *ctx, int32_t character)
{
	utf8proc_uint8_t text[5] = {0};
	if (!character || utf8proc_encode_char(character, text) <= 0)
		return;
	fv_warn(ctx,
		"no installed font has '%s' (U+%04X): install one that has it, such as "
		"fonts-noto-core "
		"or fonts-noto-cjk, or write .svg",
		(const char *)text, (unsigned)character);
}

static fv_status draw_canvas(
	fv_ctx *ctx, cairo_surface_t *surface, double scale, const core_canvas *canvas)
{
	struct drawing d = {0};
	errno = 0;
	fv_status status = core_fonts_open(ctx, &d.fonts);
	if (status)
		return status;
	d.cr = cairo_create(surface);
	cairo_font_options_t *options = cairo_font_options_create();
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
	cairo_set_font_options(d.cr, options);
	cairo_font_options_destroy(options);
	cairo_scale(d.cr, scale, scale);
	cairo_set_line_join(d.cr, CAIRO_LINE_JOIN_ROUND);
	for (size_t i = 0; i < canvas->n; i++)
		draw_item(ctx, &d, &canvas->item[i]);
	cairo_status_t drawn = cairo_status(d.cr);
	cairo_destroy(d.cr);
	warn_missing(ctx, d.fonts.missing);
	core_fonts_free(&d.fonts);
	if (drawn)
		return fv_fail(ctx, FV_FAILED, "cairo: %s", cairo_status_to_string(drawn));
	return FV_OK;
}

static cairo_status_t append_bytes(void *to, const unsigned char *data, unsigned int n)
{
	core_text *out = to;
	core_text_put(out, (const char *)data, n);
	return out->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

/* Ends a surface; reports what went wrong on it unless something did before. */
static fv_status finish_surface(fv_ctx *ctx, cairo_surface_t *surface, fv_status status)
{
	cairo_surface_finish(surface);
	(void)core_memory_note_errno(); /* cairo leaves fonts out without a word */
	cairo_status_t written = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	if (!status && written)
		return fv_fail(ctx, FV_FAILED, "cairo: %s", cairo_status_to_string(written));
	return status;
}

static fv_status write_pdf(fv_ctx *ctx, const core_canvas *canvas, core_text *out)
{
	cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(
		append_bytes, out, canvas->width, canvas->height);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, canvas->title);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_SUBJECT, canvas->description);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "fairvox");
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, CREATION_DATE);
	return finish_surface(ctx, surface, draw_canvas(ctx, surface, 1, canvas));
}

static fv_status write_png(
	fv_ctx *ctx, const core_canvas *canvas, double dots_per_inch, core_text *out)
{
	double scale = dots_per_inch / 72;
	cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24,
		(int)ceil(canvas->width * scale - 1e-6), (int)ceil(canvas->height * scale - 1e-6));
	cairo_t *cr = cairo_create(surface);
	cairo_set_source_rgb(cr, 1, 1, 1);
	cairo_paint(cr);
	cairo_destroy(cr);
	fv_status status = draw_canvas(ctx, surface, scale, canvas);
	if (!status && cairo_surface_write_to_png_stream(surface, append_bytes, out))
		status = fv_fail(ctx, FV_FAILED, "cairo: the PNG file could not be made");
	return finish_surface(ctx, surface, status);
}

extern const core_cairo_module core_cairo_entry;
__attribute__((visibility("default"))) const core_cairo_module core_cairo_entry = {
	sizeof(core_cairo_module), FAIRVOX_VERSION, write_pdf, write_png};
