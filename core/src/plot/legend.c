/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/drawing.h"
#include "plot/fit_texts.h"

#define SYMBOL 16.0 /* points for the symbol, with the space behind it */
#define GAP 12.0    /* between entries */
#define ROW 11.0

/* Returns the texts of the entries as they fit into a row; NULL: out of memory. */
static const char **fit_entries(fv_ctx *ctx, size_t n, const core_legend_entry *entry, double width)
{
	const char **text = core_alloc(ctx, n + 1, sizeof *text);
	const char **fitted = core_alloc(ctx, n + 1, sizeof *fitted);
	for (size_t i = 0; i < n && text; i++)
		text[i] = entry[i].text;
	if (!text || !fitted || core_fit_texts(ctx, text, n, CORE_FONT, width - SYMBOL, fitted))
		return NULL;
	return fitted;
}

static void draw_symbol(core_canvas *c, const core_legend_entry *entry, double x, double y)
{
	if (entry->has_area)
		core_draw_rect(c, (core_rect){x, y - 3, 12, 6}, core_area_style(entry->color, 1));
	if (entry->has_line)
		core_draw_line(c, x, y, x + 12, y, core_line_style(entry->color, 1, entry->dash));
	if (entry->has_marker)
		core_draw_marker(c, entry->marker, x + 6, y, 5, entry->color, entry->hollow);
}

/* Returns the y below the entries. */
static double draw_entries(core_canvas *c, double left, double y, double width, size_t n,
	const core_legend_entry *entry)
{
	double x = left;
	const char **fitted = fit_entries(c->ctx, n, entry, width);
	c->failed |= !fitted;
	for (size_t i = 0; i < n && fitted; i++) {
		const char *text = fitted[i];
		double own = SYMBOL + core_measure_text(text, CORE_FONT, false) + GAP;
		if (x > left && x + own - GAP > left + width) {
			x = left;
			y += ROW;
		}
		draw_symbol(c, &entry[i], x, y + ROW / 2);
		core_draw_text(c, x + SYMBOL, y + ROW / 2 + 2.5, text,
			core_text_of(CORE_COLOR_INK, CORE_START));
		x += own;
	}
	return n ? y + ROW : y;
}

double core_draw_legend(
	core_drawing *d, double x, double y, double width, size_t n, const core_legend_entry *entry)
{
	core_open_group(d->canvas, "fv-legend", NULL);
	y = draw_entries(d->canvas, x, y, width, n, entry);
	core_close_group(d->canvas);
	return y;
}

core_legend_entry *core_make_legend(core_drawing *d)
{
	core_legend_entry *entry = core_alloc(d->ctx, (size_t)d->names.n_series + 4, sizeof *entry);
	for (int32_t s = 0; s < d->names.n_series && entry; s++)
		entry[s] = (core_legend_entry){.text = d->names.series[s],
			.marker = core_series_marker(s),
			.color = core_series_color(s),
			.has_marker = true};
	return entry;
}

core_marker core_group_marker(int32_t group)
{
	static const core_marker order[] = {CORE_MARKER_CIRCLE, CORE_MARKER_SQUARE,
		CORE_MARKER_TRIANGLE, CORE_MARKER_DIAMOND, CORE_MARKER_DOWN, CORE_MARKER_PENTAGON};
	return order[(group + group / CORE_SERIES_COLORS) % 6];
}

core_legend_entry *core_make_group_legend(core_drawing *d, const core_eval_attribute *attribute)
{
	core_legend_entry *entry = core_alloc(d->ctx, (size_t)attribute->G + 1, sizeof *entry);
	for (int32_t g = 0; g < attribute->G && entry; g++) {
		const char *name =
			core_find_given_name(d->ctx, d->options->labels, attribute->group[g]);
		if (!name)
			return NULL;
		entry[g] = (core_legend_entry){.text = name,
			.marker = core_group_marker(g),
			.color = {CORE_COLOR_GROUP, g, 0},
			.has_marker = true};
	}
	return entry;
}
