/* SPDX-License-Identifier: Apache-2.0 */
/* Trade-off: a metric against a gap, a point for each variant, one panel a setting, with the Pareto front and
 * the area below the gap that chance alone gives. */
#include <math.h>
#include <string.h>

#include "plot/drawing.h"
#include "plot/figures.h"
#include "plot/fit_texts.h"
#include "plot/place.h"

#define HEIGHT 190.0
#define GUTTER 34.0
#define MARKER 5.0
#define PANELS_MAX 6
enum { NAMED_MAX = 15 }; /* points of the figure; more are numbered */
enum { NUMBERED_MAX = 60 };
enum { WHISKERS_MAX = 30 };
enum { SMALL_ABOVE = 150 }; /* points; more have small markers */

struct tradeoff {
	core_drawing d;
	const char *attribute;
	const core_grid_column *x, *y;
	size_t jx, jy, n; /* n: points */
	int32_t panels;   /* 1: all settings in one */
	bool numbered;
	int32_t *number; /* [rows] of a point; 0: the row has none */
	core_layout layout;
};

static core_point value_at(const struct tradeoff *t, size_t row)
{
	const core_mean *value = t->d.grid->row[row].value;
	return (core_point){value[t->jx].mean, value[t->jy].mean};
}

static bool has_point(const struct tradeoff *t, size_t row)
{
	core_point p = value_at(t, row);
	return isfinite(p.x) && isfinite(p.y);
}

static bool is_in_panel(const struct tradeoff *t, size_t row, int32_t panel)
{
	return has_point(t, row) && (t->panels == 1 || t->d.names.row[row].panel == panel);
}

static size_t count_points(const struct tradeoff *t, int32_t panel)
{
	size_t n = 0;
	for (size_t i = 0; i < t->d.grid->n_rows; i++)
		n += is_in_panel(t, i, panel);
	return n;
}

static fv_status collect_points(struct tradeoff *t)
{
	core_drawing *d = &t->d;
	t->number = core_alloc(d->ctx, d->grid->n_rows, sizeof *t->number);
	if (!t->number)
		return FV_FAILED;
	for (size_t i = 0; i < d->grid->n_rows; i++)
		if (has_point(t, i))
			t->number[i] = (int32_t)++t->n;
	t->numbered = t->n > NAMED_MAX && t->n <= NUMBERED_MAX;
	t->panels = d->names.n_panels <= PANELS_MAX ? d->names.n_panels : 1;
	if (t->n)
		return FV_OK;
	return fv_fail(d->ctx, FV_DATA, "tradeoff: no variant has both %s and %s", t->x->title,
		t->y->title);
}

/* --- one panel -------------------------------------------------------------------------------- */

/* Is a better than b in one of the two, and not worse in the other? */
static bool is_dominating(const struct tradeoff *t, size_t a, size_t b)
{
	double sx = core_metric_at(t->x->id)->higher_is_better ? 1 : -1;
	double sy = core_metric_at(t->y->id)->higher_is_better ? 1 : -1;
	core_point p = value_at(t, a), q = value_at(t, b);
	double dx = sx * (p.x - q.x), dy = sy * (p.y - q.y);
	return dx >= 0 && dy >= 0 && (dx > 0 || dy > 0);
}

static bool is_on_front(const struct tradeoff *t, size_t row, int32_t panel)
{
	if (!is_in_panel(t, row, panel) || core_row_unranked(&t->d.grid->row[row]))
		return false;
	for (size_t i = 0; i < t->d.grid->n_rows; i++)
		if (is_in_panel(t, i, panel) && !core_row_unranked(&t->d.grid->row[i]) &&
			is_dominating(t, i, row))
			return false;
	return true;
}

/* Draws the Pareto front as steps from point to point. */
static fv_status draw_front(struct tradeoff *t, const core_panel *panel, int32_t which)
{
	core_drawing *d = &t->d;
	size_t n = 0;
	core_point *front = core_alloc(d->ctx, d->grid->n_rows + 1, sizeof *front);
	core_point *step = core_alloc(d->ctx, 2 * d->grid->n_rows + 1, sizeof *step);
	if (!front || !step)
		return FV_FAILED;
	for (size_t i = 0; i < d->grid->n_rows; i++) {
		if (!is_on_front(t, i, which))
			continue;
		core_point p = value_at(t, i);
		size_t at = n++;
		for (; at && front[at - 1].x > p.x; at--)
			front[at] = front[at - 1];
		front[at] = p;
	}
	size_t steps = 0;
	for (size_t k = 0; k < n; k++) {
		double x = core_scale_at(&panel->x.scale, front[k].x);
		double y = core_scale_at(&panel->y.scale, front[k].y);
		if (k) {
			step[steps] = (core_point){x, step[steps - 1].y};
			steps++;
		}
		step[steps++] = (core_point){x, y};
	}
	core_draw_polyline(d->canvas, steps, step,
		core_line_style(core_color_of(CORE_COLOR_INK), 0.8, CORE_SOLID));
	return FV_OK;
}

/* Shades the gaps below the mean of the null of the reference, or of the first point without one. */
static void draw_null(struct tradeoff *t, const core_panel *panel, int32_t which)
{
	core_drawing *d = &t->d;
	int64_t of = core_find_reference(d, t->panels == 1 ? -1 : which);
	for (size_t i = 0; i < d->grid->n_rows && of < 0; i++)
		of = is_in_panel(t, i, which) ? (int64_t)i : -1;
	if (of < 0 || !core_column_is_gap(t->x))
		return;
	double null = d->grid->row[of].value[t->jx].fold_mean.null_mean;
	double x = core_scale_at(&panel->x.scale, null);
	core_rect a = panel->area;
	if (isnan(null) || x <= a.x)
		return;
	x = x < a.x + a.width ? x : a.x + a.width;
	const char *title =
		core_format(d->ctx, "mean gap of %s by chance: %.3f", d->names.row[of].label, null);
	core_open_group(d->canvas, "fv-mark", title);
	core_add_number(d->canvas, "null", null);
	core_draw_rect(d->canvas, (core_rect){a.x, a.y, x - a.x, a.height},
		core_area_style(core_color_of(CORE_COLOR_NULL), 1));
	core_close_group(d->canvas);
	const char *words = "by chance";
	if (core_measure_text(words, CORE_FONT, false) + 6 < x - a.x)
		core_draw_text(d->canvas, x - 3, a.y + a.height - 4, words,
			core_text_of(CORE_COLOR_MUTED, CORE_END));
}

static void draw_whiskers(struct tradeoff *t, const core_panel *panel, size_t row)
{
	const core_mean *value = t->d.grid->row[row].value;
	core_point p = value_at(t, row);
	const core_scale *x = &panel->x.scale, *y = &panel->y.scale;
	core_style style = core_line_style(core_row_color(&t->d, row), 0.6, CORE_SOLID);
	style.opacity = 0.3;
	double sx = value[t->jx].sd, sy = value[t->jy].sd;
	core_draw_line(t->d.canvas, core_scale_at(x, p.x - sx), core_scale_at(y, p.y),
		core_scale_at(x, p.x + sx), core_scale_at(y, p.y), style);
	core_draw_line(t->d.canvas, core_scale_at(x, p.x), core_scale_at(y, p.y - sy),
		core_scale_at(x, p.x), core_scale_at(y, p.y + sy), style);
}

static void draw_point(struct tradeoff *t, const core_panel *panel, size_t row)
{
	core_drawing *d = &t->d;
	const core_grid_row *own = &d->grid->row[row];
	core_point p = value_at(t, row);
	const char *title = core_format(d->ctx, "%s: %s %.3f, %s %.3f", d->names.row[row].label,
		t->x->title, p.x, t->y->title, p.y);
	core_open_group(d->canvas, "fv-mark", title);
	core_add_datum(d->canvas, "variant", own->variant->name);
	core_add_number(d->canvas, "x", p.x);
	core_add_number(d->canvas, "y", p.y);
	core_draw_row_marker(d, row, core_scale_at(&panel->x.scale, p.x),
		core_scale_at(&panel->y.scale, p.y), t->n > SMALL_ABOVE ? 3 : MARKER,
		own->unbiased);
	core_close_group(d->canvas);
}

/* Draws the points of each objective as dots, without a title each. */
static fv_status draw_dots(struct tradeoff *t, const core_panel *panel, int32_t which)
{
	core_drawing *d = &t->d;
	core_point *dot = core_alloc(d->ctx, d->grid->n_rows, sizeof *dot);
	for (int32_t s = -1; s < d->names.n_series && dot; s++) {
		size_t n = 0, last = 0;
		for (size_t i = 0; i < d->grid->n_rows; i++) {
			core_point p = value_at(t, i);
			if (!is_in_panel(t, i, which) || d->names.row[i].series != s)
				continue;
			last = i;
			dot[n++] = (core_point){core_scale_at(&panel->x.scale, p.x),
				core_scale_at(&panel->y.scale, p.y)};
		}
		core_draw_dots(d->canvas, n, dot, 2, core_area_style(core_row_color(d, last), 0.5));
	}
	return dot ? FV_OK : FV_FAILED;
}

/* --- labels ----------------------------------------------------------------------------------- */

/* The label beside a point: what the legend does not say. */
static const char *label_point(struct tradeoff *t, size_t row)
{
	const core_row_name_parts *own = &t->d.names.row[row];
	if (t->numbered)
		return core_format(t->d.ctx, "%d", (int)t->number[row]);
	const char *setting = t->panels == 1 && t->d.names.n_panels > 1 ? own->setting : "";
	if (own->series < 0)
		return own->objective;
	return *own->groups && *setting ? core_format(t->d.ctx, "%s, %s", own->groups, setting)
	       : *own->groups           ? own->groups
					: setting;
}

static fv_status draw_labels(struct tradeoff *t, const core_panel *panel, int32_t which)
{
	core_drawing *d = &t->d;
	core_placer placer;
	core_rect area = panel->area;
	area.width += 4;
	fv_status status = core_placer_open(d->ctx, area, 2 * count_points(t, which) + 2, &placer);
	for (int pass = 0; pass < 2 && !status; pass++)
		for (size_t i = 0; i < d->grid->n_rows; i++) {
			core_point p = value_at(t, i), at;
			double x = core_scale_at(&panel->x.scale, p.x);
			double y = core_scale_at(&panel->y.scale, p.y);
			const char *label = pass ? label_point(t, i) : "";
			if (!label)
				return FV_FAILED;
			if (!is_in_panel(t, i, which))
				continue;
			if (!pass)
				core_take_place(&placer, (core_rect){x - MARKER / 2, y - MARKER / 2,
								 MARKER, MARKER});
			else if (core_place_label(&placer, x, y,
					 core_measure_text(label, CORE_FONT, false), CORE_FONT,
					 &at))
				core_draw_text(d->canvas, at.x, at.y, label,
					core_text_of(CORE_COLOR_INK, CORE_START));
		}
	return status;
}

/* --- the figure ------------------------------------------------------------------------------- */

static fv_status make_axes(struct tradeoff *t, int32_t which, core_panel *panel)
{
	core_range x = {0}, y = {0};
	bool whiskers = count_points(t, which) <= WHISKERS_MAX;
	for (size_t i = 0; i < t->d.grid->n_rows; i++) {
		const core_mean *value = t->d.grid->row[i].value;
		core_point p = value_at(t, i);
		if (!is_in_panel(t, i, which))
			continue;
		double sx = whiskers && value[t->jx].sd > 0 ? value[t->jx].sd : 0;
		double sy = whiskers && value[t->jy].sd > 0 ? value[t->jy].sd : 0;
		core_range_add(&x, p.x - sx);
		core_range_add(&x, p.x + sx);
		core_range_add(&y, p.y - sy);
		core_range_add(&y, p.y + sy);
		if (core_column_is_gap(t->x))
			core_range_add(&x, value[t->jx].fold_mean.null_mean);
	}
	core_range_pad(&x, 0.06);
	core_range_pad(&y, 0.06);
	fv_status status = core_axis_make(t->d.ctx, x,
		panel->area.width < 100 ? 3 : (int)(panel->area.width / 44), &panel->x);
	return status ? status : core_axis_make(t->d.ctx, y, 6, &panel->y);
}

static fv_status draw_panel(struct tradeoff *t, int32_t which)
{
	core_drawing *d = &t->d;
	core_panel panel = {.area = core_layout_area(&t->layout, (size_t)which)};
	size_t n = count_points(t, which);
	const char *x = core_axis_title(d, t->x, false), *y = core_axis_title(d, t->y, true);
	fv_status status = make_axes(t, which, &panel);
	if (status || !x || !y)
		return status ? status : FV_FAILED;
	core_panel_fit(&panel);
	draw_null(t, &panel, which);
	if (t->panels > 1)
		core_draw_title(d->canvas, panel.area.x, panel.area.y - 5, d->names.panel[which],
			panel.area.width);
	core_draw_x_axis(d->canvas, &panel, x);
	bool first = (size_t)which % t->layout.across == 0;
	core_draw_y_axis(d->canvas, &panel, first ? y : NULL, true);
	core_open_clip(d->canvas, panel.area);
	for (size_t i = 0; i < d->grid->n_rows && n <= WHISKERS_MAX; i++)
		if (is_in_panel(t, i, which))
			draw_whiskers(t, &panel, i);
	core_close_group(d->canvas);
	status = draw_front(t, &panel, which);
	if (!status && t->n > CORE_MARKS_MAX)
		status = draw_dots(t, &panel, which);
	for (size_t i = 0; i < d->grid->n_rows && t->n <= CORE_MARKS_MAX; i++)
		if (is_in_panel(t, i, which))
			draw_point(t, &panel, i);
	if (!status && t->n <= NUMBERED_MAX)
		status = draw_labels(t, &panel, which);
	return status;
}

/* Fits the names of the numbers, by number; NULL: out of memory. */
static const char **fit_labels(struct tradeoff *t, double width)
{
	core_drawing *d = &t->d;
	const char **text = core_alloc(d->ctx, t->n + 1, sizeof *text);
	const char **fitted = core_alloc(d->ctx, t->n + 1, sizeof *fitted);
	for (size_t i = 0; i < d->grid->n_rows && text; i++)
		if (t->number[i])
			text[t->number[i] - 1] = d->names.row[i].label;
	if (!text || !fitted || core_fit_texts(d->ctx, text, t->n, CORE_FONT, width, fitted))
		return NULL;
	return fitted;
}

/* Draws the names of the numbers in columns, and returns the y below them. */
static double draw_key(struct tradeoff *t, double y)
{
	core_drawing *d = &t->d;
	double widest = 0;
	for (size_t i = 0; i < d->grid->n_rows; i++) {
		double own = core_measure_text(d->names.row[i].label, CORE_FONT, false);
		widest = t->number[i] && own > widest ? own : widest;
	}
	double left = 2, number = 23, step = widest + number + 12;
	double most = d->width - left - 2;
	size_t columns = step < most ? (size_t)(most / step) : 1;
	columns = columns < t->n ? columns : t->n;
	size_t rows = (t->n + columns - 1) / columns;
	const char **fitted = fit_labels(t, most / (double)columns - number);
	d->canvas->failed |= !fitted;
	if (!fitted)
		return y;
	for (size_t i = 0; i < d->grid->n_rows; i++) {
		if (!t->number[i])
			continue;
		size_t k = (size_t)t->number[i] - 1;
		size_t column = k / rows, line = k % rows;
		double x = left + (double)column * (most / (double)columns);
		double own = y + (double)line * CORE_LINE_HEIGHT + 7;
		const char *text = core_format(d->ctx, "%d", (int)t->number[i]);
		d->canvas->failed |= !text;
		if (!text)
			return y;
		core_draw_row_marker(d, i, x + 4, own - 2.6, MARKER, d->grid->row[i].unbiased);
		core_draw_text(d->canvas, x + number - 4, own, text,
			core_text_of(CORE_COLOR_INK, CORE_END));
		core_draw_text(d->canvas, x + number, own, fitted[k],
			core_text_of(CORE_COLOR_INK, CORE_START));
	}
	return y + (double)rows * CORE_LINE_HEIGHT;
}

static core_legend_entry *make_legend(struct tradeoff *t, size_t *n)
{
	core_drawing *d = &t->d;
	int64_t reference = core_find_reference(d, -1), unbiased = core_find_unbiased(d, -1);
	core_legend_entry *entry = core_make_legend(d);
	*n = (size_t)d->names.n_series;
	const core_color ink = core_color_of(CORE_COLOR_INK);
	if (entry && reference >= 0)
		entry[(*n)++] = (core_legend_entry){.text = d->names.row[reference].objective,
			.marker = CORE_MARKER_SQUARE,
			.color = ink,
			.has_marker = true};
	if (entry && unbiased >= 0)
		entry[(*n)++] = (core_legend_entry){.text = d->names.row[unbiased].objective,
			.marker = CORE_MARKER_SQUARE,
			.color = ink,
			.hollow = true,
			.has_marker = true};
	if (entry)
		entry[(*n)++] =
			(core_legend_entry){.text = "Pareto front", .color = ink, .has_line = true};
	return entry;
}

static void lay_out(struct tradeoff *t)
{
	const core_drawing *d = &t->d;
	size_t n = (size_t)t->panels, most = d->width > 4.5 * 72 ? (n == 3 ? 3 : 2) : 1;
	t->layout = (core_layout){.n = n,
		.across = n < most ? n : most,
		.width = d->width,
		.left = 42,
		.height = core_drawing_height(d, "", HEIGHT),
		.gutter = GUTTER,
		.below = 42};
}

static fv_status draw_all(struct tradeoff *t, core_canvas **out)
{
	core_drawing *d = &t->d;
	size_t n;
	core_legend_entry *entry = make_legend(t, &n);
	const char *data = core_describe_data(d);
	if (!entry || !data)
		return FV_FAILED;
	lay_out(t);
	double width = d->width - t->layout.left;
	t->layout.top =
		core_draw_legend(d, t->layout.left, 1, width, n, entry) + (t->panels > 1 ? 16 : 6);
	fv_status status = FV_OK;
	for (int32_t p = 0; p < t->panels && !status; p++)
		status = draw_panel(t, p);
	double y = core_layout_bottom(&t->layout) + 26;
	if (t->numbered)
		y = draw_key(t, y + 4);
	const char *note = core_format(d->ctx,
		"Means over folds (%s)%s. Shaded: gaps below the mean that chance alone gives.%s",
		data, t->n <= WHISKERS_MAX ? ", thin lines: sd over folds" : "",
		t->n > NUMBERED_MAX ? " Select fewer variants with --rows to name them." : "");
	if (status || !note)
		return status ? status : FV_FAILED;
	return core_drawing_close(d, y, note, out);
}

fv_status core_draw_tradeoff(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out)
{
	static const char *const gap_and_f1[] = {"tpr_gap", "f1"};
	struct tradeoff t = {0};
	const core_grid_column *column[CORE_COLUMNS_MAX];
	size_t n;
	fv_status status = core_drawing_open(
		ctx, core_figure_find("tradeoff"), input, options, CORE_WIDE, &t.d);
	if (!status)
		status = core_find_attribute(&t.d, &t.attribute);
	if (!status)
		status = core_find_columns(&t.d, t.attribute, gap_and_f1, 2, column, &n);
	if (!status && n != 2)
		status = fv_fail(ctx, FV_CONFIG, "tradeoff: --metric takes two metrics, x and y");
	if (status)
		return status;
	t.x = column[0];
	t.y = column[1];
	t.jx = (size_t)(t.x - input->grid->column);
	t.jy = (size_t)(t.y - input->grid->column);
	status = collect_points(&t);
	return status ? status : draw_all(&t, out);
}
