/* SPDX-License-Identifier: Apache-2.0 */
/* Lines: metrics against a numeric axis of the matrix, a line for each objective, a panel for each metric;
 * training without debiasing as a dashed line with a band of one sd over folds, and the area of what chance
 * alone gives. */
#include <math.h>
#include <string.h>

#include "config/config.h"
#include "plot/drawing.h"
#include "plot/figures.h"

#define HEIGHT 120.0
#define GUTTER 40.0
enum {
	SERIES_MAX = 14,
	POINTS_MAX = 400
}; /* lines; points of a panel, above which lines have none */

struct lines {
	core_drawing d;
	const char *attribute;
	const core_grid_column *column[CORE_COLUMNS_MAX];
	size_t n_columns;
	core_numeric_axis x;
	core_row_names names; /* without the axis */
	int32_t n_series;     /* lines besides the reference */
	const char **series;  /* their names */
	int32_t *of_row;      /* [rows]; -1: not on a line */
	bool log, has_majority[CORE_COLUMNS_MAX];
	core_layout layout;
};

static size_t column_index(const struct lines *l, size_t k)
{
	return (size_t)(l->column[k] - l->d.grid->column);
}

/* Is the row training without debiasing at no value of the axis? */
static bool is_level(const struct lines *l, size_t row)
{
	const core_grid_row *own = &l->d.grid->row[row];
	return core_row_is_plain(own, false) && isnan(l->x.value[row]);
}

/* Numbers the lines: rows that differ in nothing but the axis are one. */
static fv_status find_series(struct lines *l)
{
	core_drawing *d = &l->d;
	l->series = core_alloc(d->ctx, d->grid->n_rows, sizeof *l->series);
	l->of_row = core_alloc(d->ctx, d->grid->n_rows, sizeof *l->of_row);
	if (!l->series || !l->of_row)
		return FV_FAILED;
	for (size_t i = 0; i < d->grid->n_rows; i++) {
		const char *label = l->names.row[i].label;
		int32_t at = 0;
		l->of_row[i] = -1;
		if (isnan(l->x.value[i]) || !d->grid->row[i].variant->n_folds)
			continue;
		while (at < l->n_series && strcmp(l->series[at], label) != 0)
			at++;
		if (at == l->n_series)
			l->series[l->n_series++] = label;
		l->of_row[i] = at;
	}
	if (l->n_series > SERIES_MAX)
		return fv_fail(d->ctx, FV_DATA,
			"lines: %d lines are more than the %d that can be told apart: select "
			"variants "
			"with --rows",
			(int)l->n_series, (int)SERIES_MAX);
	return FV_OK;
}

/* Uses the objective as a line's name where no two lines have the same. */
static void shorten_series(struct lines *l)
{
	const char *objective[SERIES_MAX];
	for (int32_t s = 0; s < l->n_series; s++) {
		for (size_t i = l->d.grid->n_rows; i-- > 0;)
			if (l->of_row[i] == s)
				objective[s] = l->names.row[i].objective;
		for (int32_t t = 0; t < s; t++)
			if (!strcmp(objective[t], objective[s]))
				return;
	}
	for (int32_t s = 0; s < l->n_series; s++)
		l->series[s] = objective[s];
}

static fv_status find_axis(struct lines *l)
{
	core_drawing *d = &l->d;
	const char *name = d->options->x;
	fv_status status = core_find_numeric_axis(d->ctx, d->grid, name, &l->x);
	if (status)
		return status;
	if (!l->x.n && name)
		return fv_fail(d->ctx, FV_CONFIG,
			"--x: the matrix has no axis '%s' with two numbers", name);
	if (!l->x.n)
		return fv_fail(d->ctx, FV_DATA,
			"lines: the matrix has no numeric axis with two values, such as grouper.k");
	l->log = l->x.distinct[0] > 0 && l->x.distinct[l->x.n - 1] / l->x.distinct[0] >= 5;
	status = core_row_names_make(d->ctx, d->grid, d->options->labels, l->x.key, &l->names);
	if (!status)
		status = find_series(l);
	if (!status)
		shorten_series(l);
	return status;
}

/* The colour and marker of a line; training without debiasing is black. */
static bool is_reference_line(const struct lines *l, int32_t series)
{
	for (size_t i = 0; i < l->d.grid->n_rows; i++)
		if (l->of_row[i] == series)
			return l->names.row[i].series < 0;
	return false;
}

static int32_t find_look(const struct lines *l, int32_t series)
{
	int32_t look = 0;
	if (is_reference_line(l, series))
		return -1;
	for (int32_t s = 0; s < series; s++)
		look += !is_reference_line(l, s);
	return look;
}

static core_color find_color(const struct lines *l, int32_t series)
{
	int32_t look = find_look(l, series);
	return look < 0 ? core_color_of(CORE_COLOR_INK) : core_series_color(look);
}

/* --- drawing ---------------------------------------------------------------------------------- */

/* Returns the baseline that predicts the majority class, if the metric of it lies in the panel. */
static const core_grid_row *find_majority(const struct lines *l)
{
	for (size_t i = 0; i < l->d.grid->n_baselines; i++)
		if (!strcmp(l->d.grid->baseline[i].label, "majority_only"))
			return &l->d.grid->baseline[i];
	return NULL;
}

static void draw_band(struct lines *l, const core_panel *panel, size_t k)
{
	core_canvas *c = l->d.canvas;
	core_rect a = panel->area;
	for (size_t i = 0; i < l->d.grid->n_rows; i++) {
		const core_mean *m = &l->d.grid->row[i].value[column_index(l, k)];
		if (!is_level(l, i) || isnan(m->mean))
			continue;
		double high = core_scale_at(&panel->y.scale, m->mean + m->sd);
		double low = core_scale_at(&panel->y.scale, m->mean - m->sd);
		core_open_clip(c, a);
		if (!isnan(m->sd))
			core_draw_rect(c, (core_rect){a.x, high, a.width, low - high},
				core_area_style(core_color_of(CORE_COLOR_NULL), 0.6));
		core_close_group(c);
		double y = core_scale_at(&panel->y.scale, m->mean);
		core_open_group(c, "fv-mark",
			core_format(l->d.ctx, "%s: %s %.3f", l->names.row[i].label,
				l->column[k]->title, m->mean));
		core_add_datum(c, "variant", l->d.grid->row[i].variant->name);
		core_add_datum(c, "metric", l->column[k]->metric);
		core_add_number(c, "value", m->mean);
		core_draw_line(c, a.x, y, a.x + a.width, y,
			core_line_style(core_color_of(CORE_COLOR_INK), 0.9, CORE_DASHED));
		core_close_group(c);
		return;
	}
}

/* Shades what chance alone gives at each value: the mean over the lines of the means of their nulls. */
static fv_status draw_null(struct lines *l, const core_panel *panel, size_t k)
{
	core_drawing *d = &l->d;
	size_t n = 0;
	core_point *point = core_alloc(d->ctx, l->x.n + 2, sizeof *point);
	if (!point)
		return FV_FAILED;
	for (size_t v = 0; v < l->x.n; v++) {
		double sum = 0;
		int64_t count = 0;
		for (size_t i = 0; i < d->grid->n_rows; i++) {
			double null = d->grid->row[i].value[column_index(l, k)].fold_mean.null_mean;
			if (l->of_row[i] < 0 || l->x.value[i] != l->x.distinct[v] || isnan(null))
				continue;
			sum += null;
			count++;
		}
		if (count)
			point[n++] = (core_point){core_scale_at(&panel->x.scale, l->x.distinct[v]),
				core_scale_at(&panel->y.scale, sum / (double)count)};
	}
	if (n < 2)
		return FV_OK;
	double bottom = panel->area.y + panel->area.height;
	point[n] = (core_point){point[n - 1].x, bottom};
	point[n + 1] = (core_point){point[0].x, bottom};
	core_draw_polygon(
		d->canvas, n + 2, point, core_area_style(core_color_of(CORE_COLOR_NULL), 1));
	if (bottom - point[0].y > 12)
		core_draw_text(d->canvas, point[0].x + 3, bottom - 4, "by chance",
			core_text_of(CORE_COLOR_MUTED, CORE_START));
	return FV_OK;
}

static void draw_majority(struct lines *l, const core_panel *panel, size_t k)
{
	const core_grid_row *row = find_majority(l);
	double value = row ? row->value[column_index(l, k)].mean : NAN;
	core_rect a = panel->area;
	if (isnan(value) || value < panel->y.scale.low || value > panel->y.scale.high ||
		core_column_is_gap(l->column[k]))
		return;
	l->has_majority[k] = true;
	double y = core_scale_at(&panel->y.scale, value);
	core_open_group(l->d.canvas, "fv-mark",
		core_format(l->d.ctx, "always the majority class: %s %.3f", l->column[k]->title,
			value));
	core_add_datum(l->d.canvas, "variant", row->label);
	core_add_datum(l->d.canvas, "metric", l->column[k]->metric);
	core_add_number(l->d.canvas, "value", value);
	core_draw_line(l->d.canvas, a.x, y, a.x + a.width, y,
		core_line_style(core_color_of(CORE_COLOR_MUTED), 0.9, CORE_DOTTED));
	core_close_group(l->d.canvas);
}

static void draw_point(
	struct lines *l, const core_panel *panel, size_t k, size_t row, core_point at)
{
	core_drawing *d = &l->d;
	const core_mean *m = &d->grid->row[row].value[column_index(l, k)];
	int32_t series = l->of_row[row], look = find_look(l, series);
	core_color color = find_color(l, series);
	core_open_group(d->canvas, "fv-mark",
		core_format(d->ctx, "%s, %s=%g: %s %.3f, sd %.3f over %lld folds",
			l->series[series], core_shorten_key(l->x.key), l->x.value[row],
			l->column[k]->title, m->mean, m->sd, (long long)m->folds));
	core_add_datum(d->canvas, "variant", d->grid->row[row].variant->name);
	core_add_datum(d->canvas, "metric", l->column[k]->metric);
	core_add_number(d->canvas, "x", l->x.value[row]);
	core_add_number(d->canvas, "value", m->mean);
	core_draw_line(d->canvas, at.x, core_scale_at(&panel->y.scale, m->mean - m->sd), at.x,
		core_scale_at(&panel->y.scale, m->mean + m->sd),
		core_line_style(color, 0.8, CORE_SOLID));
	core_draw_marker(d->canvas, core_series_marker(look), at.x, at.y, 4.4, color, false);
	core_close_group(d->canvas);
}

/* Draws one line. Lines stand a little beside each other, so that their sd can be told apart. */
static fv_status draw_series(struct lines *l, const core_panel *panel, size_t k, int32_t series)
{
	core_drawing *d = &l->d;
	core_point *point = core_alloc(d->ctx, l->x.n, sizeof *point);
	if (!point)
		return FV_FAILED;
	bool points = l->x.n * (size_t)l->n_series <= POINTS_MAX;
	double aside = points ? 1.6 * (series - (l->n_series - 1) / 2.0) : 0;
	for (size_t v = 0; v < l->x.n; v++) {
		double x = core_scale_at(&panel->x.scale, l->x.distinct[v]) + aside;
		point[v] = (core_point){x, NAN};
		for (size_t i = 0; i < d->grid->n_rows; i++)
			if (l->of_row[i] == series && l->x.value[i] == l->x.distinct[v])
				point[v].y = core_scale_at(&panel->y.scale,
					d->grid->row[i].value[column_index(l, k)].mean);
	}
	core_draw_polyline(d->canvas, l->x.n, point,
		core_line_style(find_color(l, series), 1.1,
			is_reference_line(l, series) ? CORE_DASHED : CORE_SOLID));
	for (size_t i = 0; i < d->grid->n_rows && points; i++) {
		double x = core_scale_at(&panel->x.scale, l->x.value[i]) + aside;
		double y = core_scale_at(
			&panel->y.scale, d->grid->row[i].value[column_index(l, k)].mean);
		if (l->of_row[i] == series && !isnan(y))
			draw_point(l, panel, k, i, (core_point){x, y});
	}
	return FV_OK;
}

static fv_status make_axes(struct lines *l, size_t k, core_panel *panel)
{
	core_range y = {0};
	bool gap = core_column_is_gap(l->column[k]);
	for (size_t i = 0; i < l->d.grid->n_rows; i++) {
		const core_mean *m = &l->d.grid->row[i].value[column_index(l, k)];
		if (l->of_row[i] < 0 && !is_level(l, i))
			continue;
		core_range_add(&y, m->mean);
		core_range_add(&y, m->mean - m->sd);
		core_range_add(&y, m->mean + m->sd);
	}
	core_range_pad(&y, 0.05);
	y.low = gap && y.low > 0 ? 0 : y.low;
	fv_status status = core_axis_make(l->d.ctx, y, 5, &panel->y);
	return status ? status
		      : core_axis_make_values(l->d.ctx, l->x.n, l->x.distinct, l->log, &panel->x);
}

static fv_status draw_panel(struct lines *l, size_t k)
{
	core_drawing *d = &l->d;
	core_panel panel = {.area = core_layout_area(&l->layout, k)};
	const char *title = core_axis_title(d, l->column[k], true);
	fv_status status = make_axes(l, k, &panel);
	if (status || !title)
		return status ? status : FV_FAILED;
	core_panel_fit(&panel);
	draw_band(l, &panel, k);
	if (core_column_is_gap(l->column[k]))
		status = draw_null(l, &panel, k);
	draw_majority(l, &panel, k);
	core_draw_x_axis(d->canvas, &panel,
		core_find_given_name(d->ctx, d->options->labels, core_shorten_key(l->x.key)));
	core_draw_y_axis(d->canvas, &panel, title, true);
	for (int32_t s = 0; s < l->n_series && !status; s++)
		status = draw_series(l, &panel, k, s);
	return status;
}

static core_legend_entry *make_legend(struct lines *l, size_t *n)
{
	core_drawing *d = &l->d;
	core_legend_entry *entry = core_alloc(d->ctx, (size_t)l->n_series + 2, sizeof *entry);
	*n = (size_t)l->n_series;
	for (int32_t s = 0; s < l->n_series && entry; s++)
		entry[s] = (core_legend_entry){.text = l->series[s],
			.marker = core_series_marker(find_look(l, s)),
			.color = find_color(l, s),
			.dash = is_reference_line(l, s) ? CORE_DASHED : CORE_SOLID,
			.has_marker = true,
			.has_line = true};
	for (size_t i = 0; i < d->grid->n_rows && entry; i++)
		if (is_level(l, i)) {
			entry[(*n)++] = (core_legend_entry){.text = l->names.row[i].objective,
				.color = core_color_of(CORE_COLOR_INK),
				.dash = CORE_DASHED,
				.has_line = true};
			break;
		}
	return entry;
}

static fv_status draw_all(struct lines *l, core_canvas **out)
{
	core_drawing *d = &l->d;
	size_t n;
	core_legend_entry *entry = make_legend(l, &n);
	const char *data = core_describe_data(d), *majority = "";
	bool band = n > (size_t)l->n_series;
	if (!entry || !data)
		return FV_FAILED;
	size_t most = d->width > 4.5 * 72 ? 3 : 1;
	l->layout = (core_layout){.n = l->n_columns,
		.across = l->n_columns < most ? l->n_columns : most,
		.width = d->width,
		.left = 42,
		.top = core_draw_legend(d, 42, 1, d->width - 42, n, entry) + 6,
		.height = core_drawing_height(d, "", HEIGHT),
		.gutter = GUTTER,
		.below = 36};
	fv_status status = FV_OK;
	for (size_t k = 0; k < l->n_columns && !status; k++)
		status = draw_panel(l, k);
	for (size_t k = 0; k < l->n_columns; k++)
		majority = l->has_majority[k] ? " Dotted: always the majority class." : majority;
	const char *note =
		core_format(d->ctx, "Means over folds (%s); vertical lines%s: sd over folds.%s",
			data, band ? " and the band" : "", majority);
	if (status || !note)
		return status ? status : FV_FAILED;
	return core_drawing_close(d, core_layout_bottom(&l->layout) + 24, note, out);
}

fv_status core_draw_lines(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out)
{
	static const char *const own[] = {"f1", "tpr_gap"}, *const paper[] = {
								    "acc", "f1", "tpr_gap"};
	struct lines l = {0};
	core_drawing *d = &l.d;
	fv_status status =
		core_drawing_open(ctx, core_figure_find("lines"), input, options, CORE_WIDE, d);
	if (status)
		return status;
	size_t n = (options->paper ? 2U : 1U) + (d->grid->tests.n_attributes > 0);
	if (d->grid->tests.n_attributes)
		status = core_find_attribute(d, &l.attribute);
	if (!status)
		status = core_find_columns(
			d, l.attribute, options->paper ? paper : own, n, l.column, &l.n_columns);
	if (!status)
		status = find_axis(&l);
	return status ? status : draw_all(&l, out);
}
