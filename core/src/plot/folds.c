/* SPDX-License-Identifier: Apache-2.0 */
/* Folds: the value of each fold as a dot, their mean as a marker, and the mean of the null as a bar, by the
 * groups that a variant used; --paper: means as bars with the sd over folds, as in Figure 2 of the paper. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot/drawing.h"
#include "plot/figures.h"

#define HEIGHT 150.0
#define GUTTER 46.0
#define PLACES_MAX 40
#define PLACE_MAX 90.0 /* width of a slanted name */

/* Variants in one place of the axis: those of the same groups and setting. */
struct folds {
	core_drawing d;
	const char *attribute;
	const core_grid_column *column[CORE_COLUMNS_MAX];
	size_t n_columns;
	int32_t n_places;
	const char **place; /* names: "k=16" */
	int32_t *of_row;    /* [rows] its place; -1: not drawn, or a line across */
	core_layout layout;
};

static size_t column_index(const struct folds *f, size_t k)
{
	return (size_t)(f->column[k] - f->d.grid->column);
}

static const char *name_place(struct folds *f, size_t row)
{
	const core_row_name_parts *own = &f->d.names.row[row];
	if (*own->groups && *own->setting)
		return core_format(f->d.ctx, "%s, %s", own->groups, own->setting);
	return *own->groups ? own->groups : own->setting;
}

/* Training without debiasing is a line across unless settings differ or nothing else is there. */
static bool is_line(const struct folds *f, size_t row)
{
	return f->d.names.row[row].series < 0 && f->d.names.n_panels == 1 && f->d.names.n_series;
}

static fv_status find_places(struct folds *f)
{
	core_drawing *d = &f->d;
	f->place = core_alloc(d->ctx, d->grid->n_rows, sizeof *f->place);
	f->of_row = core_alloc(d->ctx, d->grid->n_rows, sizeof *f->of_row);
	if (!f->place || !f->of_row)
		return FV_FAILED;
	for (size_t i = 0; i < d->grid->n_rows; i++) {
		const char *name = name_place(f, i);
		int32_t at = 0;
		f->of_row[i] = -1;
		if (!name)
			return FV_FAILED;
		if (!d->grid->row[i].variant->n_folds || is_line(f, i))
			continue;
		while (at < f->n_places && strcmp(f->place[at], name) != 0)
			at++;
		if (at == f->n_places)
			f->place[f->n_places++] = name;
		f->of_row[i] = at;
	}
	if (f->n_places > PLACES_MAX)
		return fv_fail(d->ctx, FV_DATA,
			"folds: %d groups and settings are more than the %d that fit on an axis: "
			"select variants with --rows",
			(int)f->n_places, PLACES_MAX);
	return f->n_places ? FV_OK
			   : fv_fail(d->ctx, FV_DATA,
				     "folds: no variant has a finished run: see 'fairvox status'");
}

/* Returns where a row is among the rows of its place, from 0, and how many there are. */
static size_t find_slot(const struct folds *f, size_t row, size_t *n)
{
	size_t slot = 0;
	*n = 0;
	for (size_t i = 0; i < f->d.grid->n_rows; i++) {
		if (f->of_row[i] != f->of_row[row])
			continue;
		slot += i < row;
		++*n;
	}
	return slot;
}

/* Returns the widest place, in rows. */
static size_t count_slots(const struct folds *f)
{
	size_t most = 1, n;
	for (size_t i = 0; i < f->d.grid->n_rows; i++)
		if (f->of_row[i] >= 0) {
			(void)find_slot(f, i, &n);
			most = n > most ? n : most;
		}
	return most;
}

static double place_row(const struct folds *f, core_rect area, size_t row, double *step)
{
	size_t n, slot = find_slot(f, row, &n);
	double width = area.width / f->n_places;
	*step = 0.78 * width / (double)count_slots(f);
	*step = *step < 16 ? *step : 16;
	return area.x + width * (f->of_row[row] + 0.5) +
	       *step * ((double)slot - ((double)n - 1) / 2);
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void draw_null(
	struct folds *f, const core_panel *panel, size_t row, size_t k, double x, double width)
{
	core_drawing *d = &f->d;
	double null = d->grid->row[row].value[column_index(f, k)].fold_mean.null_mean;
	double y = core_scale_at(&panel->y.scale, null);
	core_style under = core_line_style(core_color_of(CORE_COLOR_PAPER), 2.4, CORE_SOLID);
	if (d->options->paper)
		core_draw_line(d->canvas, x - width / 2, y, x + width / 2, y, under);
	core_draw_line(d->canvas, x - width / 2, y, x + width / 2, y,
		core_line_style(core_color_of(CORE_COLOR_INK), 1, CORE_SOLID));
}

static void draw_bar(
	struct folds *f, const core_panel *panel, size_t row, size_t k, double x, double width)
{
	core_drawing *d = &f->d;
	const core_mean *m = &d->grid->row[row].value[column_index(f, k)];
	double base = panel->y.scale.low > 0 ? panel->y.scale.low : 0;
	double top = core_scale_at(&panel->y.scale, m->mean);
	double bottom = core_scale_at(&panel->y.scale, base);
	core_draw_rect(d->canvas, (core_rect){x - width / 2, top, width, bottom - top},
		core_area_style(core_row_color(d, row), 1));
	draw_null(f, panel, row, k, x, width);
	core_draw_line(d->canvas, x, core_scale_at(&panel->y.scale, m->mean - m->sd), x,
		core_scale_at(&panel->y.scale, m->mean + m->sd),
		core_line_style(core_color_of(CORE_COLOR_INK), 0.8, CORE_SOLID));
}

static void draw_dots(
	struct folds *f, const core_panel *panel, size_t row, size_t k, double x, double width)
{
	core_drawing *d = &f->d;
	const core_variant_result *variant = d->grid->row[row].variant;
	size_t j = column_index(f, k);
	core_style style = core_area_style(core_row_color(d, row), 0.45);
	for (int32_t v = 0; v < variant->n_folds; v++) {
		double value = core_fold_value(d->grid, row, v, j);
		const core_point dot = {x, core_scale_at(&panel->y.scale, value)};
		if (!isnan(value))
			core_draw_dots(d->canvas, 1, &dot, 2.6, style);
	}
	draw_null(f, panel, row, k, x, width);
	const core_mean *m = &d->grid->row[row].value[j];
	core_draw_row_marker(
		d, row, x, core_scale_at(&panel->y.scale, m->mean), 5, d->grid->row[row].unbiased);
}

static void draw_row(struct folds *f, const core_panel *panel, size_t row, size_t k)
{
	core_drawing *d = &f->d;
	const core_mean *m = &d->grid->row[row].value[column_index(f, k)];
	double step, x = place_row(f, panel->area, row, &step);
	const char *title = core_format(d->ctx, "%s: %s %.3f, sd %.3f over %lld folds%s",
		d->names.row[row].label, f->column[k]->title, m->mean, m->sd, (long long)m->folds,
		isnan(m->fold_mean.null_mean)
			? ""
			: core_format(d->ctx, "; by chance %.3f", m->fold_mean.null_mean));
	if (isnan(m->mean))
		return;
	core_open_group(d->canvas, "fv-mark", title);
	core_add_datum(d->canvas, "variant", d->grid->row[row].variant->name);
	core_add_datum(d->canvas, "metric", f->column[k]->metric);
	core_add_number(d->canvas, "value", m->mean);
	core_add_number(d->canvas, "sd", m->sd);
	core_add_number(d->canvas, "null", m->fold_mean.null_mean);
	if (d->options->paper)
		draw_bar(f, panel, row, k, x, 0.92 * step);
	else
		draw_dots(f, panel, row, k, x, 0.8 * step < 11 ? 0.8 * step : 11);
	core_close_group(d->canvas);
}

/* Draws training without debiasing as a line across. */
static void draw_line(struct folds *f, const core_panel *panel, size_t row, size_t k)
{
	core_drawing *d = &f->d;
	core_rect a = panel->area;
	bool unbiased = d->grid->row[row].unbiased;
	double value = d->grid->row[row].value[column_index(f, k)].mean;
	double y = core_scale_at(&panel->y.scale, value);
	core_color color = core_color_of(unbiased ? CORE_COLOR_MUTED : CORE_COLOR_INK);
	if (isnan(value))
		return;
	core_open_group(d->canvas, "fv-mark",
		core_format(d->ctx, "%s: %s %.3f", d->names.row[row].label, f->column[k]->title,
			value));
	core_add_datum(d->canvas, "variant", d->grid->row[row].variant->name);
	core_add_datum(d->canvas, "metric", f->column[k]->metric);
	core_add_number(d->canvas, "value", value);
	core_draw_line(d->canvas, a.x, y, a.x + a.width, y,
		core_line_style(color, 0.8, unbiased ? CORE_DOTTED : CORE_DASHED));
	core_close_group(d->canvas);
}

static fv_status make_axis(struct folds *f, size_t k, core_axis *axis)
{
	core_range range = {0};
	size_t j = column_index(f, k);
	const core_grid *grid = f->d.grid;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_mean *m = &grid->row[i].value[j];
		core_range_add(&range, m->mean);
		core_range_add(&range, m->fold_mean.null_mean);
		if (f->d.options->paper)
			core_range_add(&range, m->mean + m->sd);
		for (int32_t v = 0; v < grid->row[i].variant->n_folds && !f->d.options->paper; v++)
			core_range_add(&range, core_fold_value(grid, i, v, j));
	}
	core_range_pad(&range, 0.06);
	if (core_column_is_gap(f->column[k]) || f->d.options->paper)
		range.low = range.low < 0 ? range.low : 0; /* a bar begins at 0 */
	return core_axis_make(f->d.ctx, range, 6, axis);
}

/* How the places are written below the axis. */
enum writing { ONE_LINE, TWO_LINES, SLANTED };

/* Returns the space nearest to the middle of a text, where it is broken into two lines; NULL: none. */
static const char *find_break(const char *text)
{
	const char *best = NULL, *middle = text + strlen(text) / 2;
	for (const char *p = text; *p; p++)
		if (*p == ' ' && (!best || labs(p - middle) < labs(best - middle)))
			best = p;
	return best;
}

/* Returns the width of the widest place, in one or two lines. */
static double measure_places(struct folds *f, bool two_lines)
{
	double widest = 0;
	for (int32_t p = 0; p < f->n_places; p++) {
		const char *text = f->place[p], *at = two_lines ? find_break(text) : NULL;
		const char *first = at ? core_strndup(f->d.ctx, text, (size_t)(at - text)) : text;
		double own = first ? core_measure_text(first, CORE_FONT, false) : 0;
		double other = at ? core_measure_text(at + 1, CORE_FONT, false) : 0;
		own = own > other ? own : other;
		widest = own > widest ? own : widest;
	}
	return widest;
}

static enum writing choose_writing(struct folds *f, double width)
{
	if (measure_places(f, false) + 4 <= width)
		return ONE_LINE;
	return measure_places(f, true) + 4 <= width ? TWO_LINES : SLANTED;
}

static void draw_place(struct folds *f, const char *place, double x, double y, enum writing writing)
{
	core_drawing *d = &f->d;
	core_text_style style =
		core_text_of(CORE_COLOR_INK, writing == SLANTED ? CORE_END : CORE_MIDDLE);
	const char *at = writing == TWO_LINES ? find_break(place) : NULL;
	const char *first = at ? core_strndup(d->ctx, place, (size_t)(at - place))
			       : core_fit_text(d->ctx, place, CORE_FONT, false, PLACE_MAX);
	d->canvas->failed |= !first;
	if (!first)
		return;
	style.rotation = writing == SLANTED ? -40 : 0;
	core_draw_text(d->canvas, x + (writing == SLANTED ? 3 : 0), y, first, style);
	if (at)
		core_draw_text(d->canvas, x, y + 8, at + 1, style);
}

static void draw_places(struct folds *f, core_rect area, enum writing writing)
{
	double width = area.width / f->n_places, bottom = area.y + area.height;
	for (int32_t p = 0; p < f->n_places; p++) {
		double x = area.x + width * (p + 0.5);
		core_draw_line(f->d.canvas, x, bottom, x, bottom + CORE_TICK,
			core_line_style(core_color_of(CORE_COLOR_INK), 0.6, CORE_SOLID));
		draw_place(f, f->place[p], x, bottom + 10, writing);
	}
}

static fv_status draw_panel(struct folds *f, size_t k, enum writing writing)
{
	core_drawing *d = &f->d;
	core_panel panel = {.area = core_layout_area(&f->layout, k)};
	const char *title = core_axis_title(d, f->column[k], true);
	fv_status status = make_axis(f, k, &panel.y);
	if (status || !title)
		return status ? status : FV_FAILED;
	panel.x.scale = (core_scale){.low = 0, .high = 1};
	core_panel_fit(&panel);
	core_draw_y_axis(d->canvas, &panel, title, true);
	core_draw_x_axis(d->canvas, &panel, NULL);
	draw_places(f, panel.area, writing);
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < d->grid->n_rows; i++)
			if (!pass && f->of_row[i] >= 0)
				draw_row(f, &panel, i, k);
			else if (pass && f->of_row[i] < 0 && d->grid->row[i].variant->n_folds)
				draw_line(f, &panel, i, k);
	return FV_OK;
}

static core_legend_entry *make_legend(struct folds *f, size_t *n)
{
	core_drawing *d = &f->d;
	core_legend_entry *entry = core_make_legend(d);
	*n = (size_t)d->names.n_series;
	for (size_t s = 0; s < *n && entry && d->options->paper; s++) {
		entry[s].has_marker = false;
		entry[s].has_area = true;
	}
	for (size_t i = 0; i < d->grid->n_rows && entry; i++)
		if (f->of_row[i] >= 0 && d->names.row[i].series < 0) {
			entry[(*n)++] = (core_legend_entry){.text = d->names.row[i].objective,
				.marker = CORE_MARKER_SQUARE,
				.color = core_color_of(CORE_COLOR_INK),
				.has_marker = !d->options->paper,
				.has_area = d->options->paper};
			break;
		}
	int64_t line[] = {core_find_reference(d, -1), core_find_unbiased(d, -1)};
	for (int k = 0; k < 2 && entry; k++)
		if (line[k] >= 0 && is_line(f, (size_t)line[k]))
			entry[(*n)++] = (core_legend_entry){.text = d->names.row[line[k]].objective,
				.color = core_color_of(k ? CORE_COLOR_MUTED : CORE_COLOR_INK),
				.dash = k ? CORE_DOTTED : CORE_DASHED,
				.has_line = true};
	if (entry)
		entry[(*n)++] = (core_legend_entry){.text = "by chance (mean of the null)",
			.color = core_color_of(CORE_COLOR_INK),
			.has_line = true};
	return entry;
}

static fv_status draw_all(struct folds *f, core_canvas **out)
{
	core_drawing *d = &f->d;
	size_t n;
	core_legend_entry *entry = make_legend(f, &n);
	const char *data = core_describe_data(d);
	if (!entry || !data)
		return FV_FAILED;
	size_t most = d->width > 4.5 * 72 ? 2 : 1;
	f->layout = (core_layout){.n = f->n_columns,
		.across = f->n_columns < most ? f->n_columns : most,
		.width = d->width,
		.left = 42,
		.height = core_drawing_height(d, "", HEIGHT),
		.gutter = GUTTER};
	enum writing writing =
		choose_writing(f, core_layout_area(&f->layout, 0).width / f->n_places);
	double widest = measure_places(f, false);
	widest = widest < PLACE_MAX ? widest : PLACE_MAX;
	double below = writing == SLANTED ? 12 + 0.65 * widest : writing == TWO_LINES ? 20 : 12;
	f->layout.below = below + 14;
	f->layout.top = core_draw_legend(d, 42, 1, d->width - 42, n, entry) + 6;
	fv_status status = FV_OK;
	for (size_t k = 0; k < f->n_columns && !status; k++)
		status = draw_panel(f, k, writing);
	const char *note = core_format(d->ctx,
		d->options->paper
			? "Bars: means over folds (%s); lines: sd over folds."
			: "Dots: values of the folds, seeds averaged; markers: means (%s).",
		data);
	if (status || !note)
		return status ? status : FV_FAILED;
	return core_drawing_close(d, core_layout_bottom(&f->layout) + below, note, out);
}

fv_status core_draw_folds(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out)
{
	static const char *const gaps[] = {"tpr_gap", "dp_gap"};
	static const char *const f1[] = {"f1"};
	struct folds f = {0};
	core_drawing *d = &f.d;
	fv_status status =
		core_drawing_open(ctx, core_figure_find("folds"), input, options, CORE_WIDE, d);
	bool groups = !status && d->grid->tests.n_attributes > 0;
	if (groups)
		status = core_find_attribute(d, &f.attribute);
	if (!status)
		status = core_find_columns(d, f.attribute, groups ? gaps : f1,
			groups && options->paper ? 2 : 1, f.column, &f.n_columns);
	if (!status)
		status = find_places(&f);
	return status ? status : draw_all(&f, out);
}
