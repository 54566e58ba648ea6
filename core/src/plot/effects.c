/* SPDX-License-Identifier: Apache-2.0 */
/* Effects: the change of each metric against training without debiasing, one row a variant, one panel a
 * metric. The line at 0 is the reference; a dotted line is training without the planted bias. */
#include <math.h>
#include <string.h>

#include "eval/summary.h"
#include "plot/drawing.h"
#include "plot/figures.h"
#include "plot/fit_texts.h"
#include "report/effects.h"
#include "report/value_text.h"

#define ROW 10.0
#define BLOCK_GAP 6.0
#define HEAD 22.0
#define GUTTER 14.0
#define ROWS_MAX 80 /* above, each objective is one row of dots */

/* What stands in one row: a variant, or all of an objective and setting. */
struct row {
	const char *label;
	size_t first; /* a row of the grid that it shows */
	bool all;     /* every variant of that objective, and of that setting unless merged */
	double y;
};

struct effects {
	core_drawing d;
	const char *attribute;
	const core_grid_column *column[CORE_COLUMNS_MAX];
	size_t n_columns, n_rows;
	struct row *row;
	size_t n_heads; /* headings: settings */
	double *head_y;
	int32_t *head;
	bool merged; /* all settings are one */
	double label_width, top, bottom;
};

static bool is_shown(const core_drawing *d, size_t i)
{
	return d->grid->row[i].effect.reference >= 0;
}

static size_t column_index(const core_drawing *d, const core_grid_column *column)
{
	return (size_t)(column - d->grid->column);
}

static int32_t panel_of(const struct effects *e, size_t row)
{
	return e->merged ? 0 : e->d.names.row[row].panel;
}

/* Lists the rows by setting, then objective, then in the order of the grid, with their places. */
static void place_rows(struct effects *e, bool all)
{
	const core_drawing *d = &e->d;
	double y = e->top + ROW / 2;
	bool headed = d->names.n_panels > 1 && !e->merged;
	for (int32_t p = 0; p < (e->merged ? 1 : d->names.n_panels); p++) {
		size_t before = e->n_rows;
		e->head[e->n_heads] = p;
		e->head_y[e->n_heads] = y;
		y += headed ? ROW : 0;
		for (int32_t s = -1; s < d->names.n_series; s++) {
			size_t block = e->n_rows;
			for (size_t i = 0; i < d->grid->n_rows; i++) {
				const core_row_name_parts *own = &d->names.row[i];
				if (!is_shown(d, i) || panel_of(e, i) != p || own->series != s ||
					(all && e->n_rows > block))
					continue;
				const char *label = all ? own->objective : own->label;
				e->row[e->n_rows++] = (struct row){label, i, all, y};
				y += ROW;
			}
			y += e->n_rows > block ? BLOCK_GAP : 0;
		}
		if (headed && e->n_rows > before)
			e->n_heads++;
		else if (headed)
			y -= ROW;
	}
	e->bottom = y - BLOCK_GAP;
}

/* Removes the setting from labels that stand below a heading with it. */
static fv_status shorten_labels(struct effects *e)
{
	core_drawing *d = &e->d;
	for (size_t k = 0; k < e->n_rows && d->names.n_panels > 1 && !e->row[k].all; k++) {
		const core_row_name_parts *own = &d->names.row[e->row[k].first];
		e->row[k].label =
			*own->groups ? core_format(d->ctx, "%s, %s", own->objective, own->groups)
				     : own->objective;
		if (!e->row[k].label)
			return FV_FAILED;
	}
	return FV_OK;
}

static fv_status collect_rows(struct effects *e)
{
	core_drawing *d = &e->d;
	size_t shown = 0, panels = (size_t)d->names.n_panels;
	for (size_t i = 0; i < d->grid->n_rows; i++)
		shown += is_shown(d, i);
	if (!shown && core_effects_only_plain(d->grid))
		return fv_fail(d->ctx, FV_DATA,
			"effects: no variant to compare: every one with finished runs is without "
			"debiasing; --reference VARIANT compares with one of them");
	if (!shown)
		return fv_fail(d->ctx, FV_DATA,
			"effects: no variant to compare with: the study has no training without "
			"debiasing beside others: add one to loss.name, or name a variant with "
			"--reference");
	e->row = core_alloc(d->ctx, shown, sizeof *e->row);
	e->head_y = core_alloc(d->ctx, panels, sizeof *e->head_y);
	e->head = core_alloc(d->ctx, panels, sizeof *e->head);
	if (!e->row || !e->head_y || !e->head)
		return FV_FAILED;
	e->top = HEAD;
	e->merged = shown > ROWS_MAX && d->names.n_panels * d->names.n_series > ROWS_MAX / 2;
	place_rows(e, shown > ROWS_MAX);
	return shorten_labels(e);
}

/* Sets the x axis of one panel from the intervals of all rows. */
static fv_status make_axis(struct effects *e, size_t k, double width, core_axis *axis)
{
	const core_drawing *d = &e->d;
	size_t j = column_index(d, e->column[k]);
	core_range range = {0, 0, true};
	for (size_t i = 0; i < d->grid->n_rows; i++) {
		const core_estimate *own = &d->grid->row[i].effect.diff[j];
		if (!is_shown(d, i))
			continue;
		core_range_add(&range, own->value);
		core_range_add(&range, own->low);
		core_range_add(&range, own->high);
	}
	core_range_pad(&range, 0.06);
	return core_axis_make(d->ctx, range, width < 84 ? 3 : (int)(width / 28), axis);
}

/* --- drawing ---------------------------------------------------------------------------------- */

static const char *describe_effect(struct effects *e, size_t row, size_t j)
{
	core_drawing *d = &e->d;
	const core_effect *effect = &d->grid->row[row].effect;
	const char *title = core_column_title(d, &d->grid->column[j]);
	const char *what = title ? core_format(d->ctx, "change of %s", title) : NULL;
	const char *p = core_format_p(d->ctx, effect->adjusted[j]);
	const char *more = !p                           ? NULL
			   : isnan(effect->adjusted[j]) ? ""
							: core_format(d->ctx, ", adjusted %s", p);
	if (!what || !more)
		return NULL;
	return core_describe_mark(d, what, d->names.row[row].label, &effect->diff[j], true, more);
}

static void draw_effect(struct effects *e, const core_panel *panel, size_t row, size_t j, double y)
{
	core_drawing *d = &e->d;
	const core_grid_row *own = &d->grid->row[row];
	const core_estimate *v = &own->effect.diff[j];
	const core_scale *x = &panel->x.scale;
	const char *title = describe_effect(e, row, j);
	d->canvas->failed |= !title;
	if (!title || isnan(v->value))
		return;
	core_open_group(d->canvas, "fv-mark", title);
	core_add_datum(d->canvas, "variant", own->variant->name);
	core_add_datum(d->canvas, "metric", d->grid->column[j].metric);
	core_add_number(d->canvas, "value", v->value);
	core_add_number(d->canvas, "low", v->low);
	core_add_number(d->canvas, "high", v->high);
	core_add_number(d->canvas, "p", own->effect.adjusted[j]);
	core_draw_line(d->canvas, core_scale_at(x, v->low), y, core_scale_at(x, v->high), y,
		core_line_style(core_row_color(d, row), 1.1, CORE_SOLID));
	bool filled = own->effect.adjusted[j] <= CORE_SIGNIFICANT;
	core_draw_row_marker(d, row, core_scale_at(x, v->value), y, 5, !filled);
	core_close_group(d->canvas);
}

/* Draws all variants of an objective and setting as dots in one row, with a stroke at their median. */
static void draw_all(struct effects *e, const core_panel *panel, const struct row *row, size_t j)
{
	core_drawing *d = &e->d;
	const core_row_name_parts *own = &d->names.row[row->first];
	core_point *dot = core_alloc(d->ctx, d->grid->n_rows, sizeof *dot);
	double *value = core_alloc(d->ctx, d->grid->n_rows, sizeof *value);
	size_t n = 0;
	d->canvas->failed |= !dot || !value;
	for (size_t i = 0; i < d->grid->n_rows && dot && value; i++) {
		double v = d->grid->row[i].effect.diff[j].value;
		if (!is_shown(d, i) || d->names.row[i].series != own->series ||
			panel_of(e, i) != panel_of(e, row->first) || isnan(v))
			continue;
		double jitter = ((double)(n * 7 % 11) - 5) / 5 * 2.4;
		value[n] = v;
		dot[n++] = (core_point){core_scale_at(&panel->x.scale, v), row->y + jitter};
	}
	if (!n || d->canvas->failed)
		return;
	core_style style = core_area_style(core_row_color(d, row->first), 0.5);
	const char *title = core_format(d->ctx, "%s: %zu variants", row->label, n);
	n = (size_t)core_sorted_column(value, (int64_t)n, 1, 0, value);
	double x = core_scale_at(&panel->x.scale, core_quantile(value, (int64_t)n, 0.5));
	core_open_group(d->canvas, "fv-mark", title);
	core_draw_dots(d->canvas, n, dot, 2, style);
	core_draw_line(d->canvas, x, row->y - 4, x, row->y + 4,
		core_line_style(core_color_of(CORE_COLOR_INK), 1.2, CORE_SOLID));
	core_close_group(d->canvas);
}

/* Draws the line of training without the planted bias. Its change is a difference of pooled values. */
static void draw_unbiased(struct effects *e, const core_panel *panel, size_t j, bool named)
{
	core_drawing *d = &e->d;
	int64_t own = core_find_unbiased(d, -1), reference = core_find_reference(d, -1);
	if (own < 0 || reference < 0 || d->names.n_panels > 1)
		return;
	double change = d->grid->row[own].value[j].pooled.value -
			d->grid->row[reference].value[j].pooled.value;
	double x = core_scale_at(&panel->x.scale, change);
	core_rect a = panel->area;
	if (isnan(change) || x < a.x || x > a.x + a.width)
		return;
	core_open_group(d->canvas, "fv-mark", d->names.row[own].label);
	core_add_datum(d->canvas, "variant", d->grid->row[own].variant->name);
	core_add_datum(d->canvas, "metric", d->grid->column[j].metric);
	core_add_number(d->canvas, "value", change);
	core_draw_line(d->canvas, x, a.y, x, a.y + a.height,
		core_line_style(core_color_of(CORE_COLOR_MUTED), 0.8, CORE_DOTTED));
	core_close_group(d->canvas);
	double width = core_measure_text(d->names.row[own].label, CORE_FONT, false);
	double left = x + width > a.x + a.width ? a.x + a.width - width : x;
	if (named)
		core_draw_text(d->canvas, left < a.x ? a.x : left, a.y - 2.5,
			d->names.row[own].label, core_text_of(CORE_COLOR_MUTED, CORE_START));
}

/* Fits the labels of the rows; NULL: out of memory. */
static const char **fit_labels(struct effects *e)
{
	fv_ctx *ctx = e->d.ctx;
	const char **text = core_alloc(ctx, e->n_rows + 1, sizeof *text);
	const char **fitted = core_alloc(ctx, e->n_rows + 1, sizeof *fitted);
	for (size_t k = 0; k < e->n_rows && text; k++)
		text[k] = e->row[k].label;
	if (!text || !fitted ||
		core_fit_texts(ctx, text, e->n_rows, CORE_FONT, e->label_width, fitted))
		return NULL;
	return fitted;
}

static void draw_labels(struct effects *e, double right)
{
	core_drawing *d = &e->d;
	const char **fitted = fit_labels(e);
	d->canvas->failed |= !fitted;
	for (size_t k = 0; k < e->n_rows && fitted; k++) {
		const char *label = fitted[k];
		core_open_group(d->canvas, NULL, label == e->row[k].label ? NULL : e->row[k].label);
		core_draw_text(d->canvas, right, e->row[k].y + 2.5, label,
			core_text_of(CORE_COLOR_INK, CORE_END));
		core_close_group(d->canvas);
	}
	for (size_t k = 0; k < e->n_heads; k++) {
		core_text_style style = core_text_of(CORE_COLOR_INK, CORE_END);
		style.bold = true;
		const char *head = core_fit_text(
			d->ctx, d->names.panel[e->head[k]], CORE_FONT, true, e->label_width);
		d->canvas->failed |= !head;
		if (head)
			core_draw_text(d->canvas, right, e->head_y[k] + 2.5, head, style);
	}
}

/* Says in place of a mark why a variant was not compared. */
static void draw_reason(struct effects *e, const core_panel *panel, const struct row *row)
{
	core_drawing *d = &e->d;
	const char *reason = d->grid->row[row->first].effect.reason;
	const char *text =
		reason ? core_fit_text(d->ctx, reason, CORE_FONT, false, panel->area.width - 8)
		       : NULL;
	if (text && !row->all)
		core_draw_text(d->canvas, panel->area.x + 5, row->y + 2.5, text,
			core_text_of(CORE_COLOR_MUTED, CORE_START));
}

/* Titles a panel: "Change of gender TPR gap", or, where that is too long, what the axis does not say. */
static fv_status title_panel(
	struct effects *e, size_t k, double width, const char **title, const char **axis)
{
	core_drawing *d = &e->d;
	const char *metric = core_column_title(d, e->column[k]);
	const char *full = metric ? core_format(d->ctx, "Change of %s", metric) : NULL;
	bool higher = core_metric_at(e->column[k]->id)->higher_is_better;
	bool gap = core_column_is_gap(e->column[k]);
	if (!full)
		return FV_FAILED;
	*axis = higher ? "better \xe2\x86\x92"
		: gap  ? "\xe2\x86\x90 fairer"
		       : "\xe2\x86\x90 better";
	bool fits = core_measure_text(full, CORE_TITLE_FONT, true) <= width;
	bool named = core_measure_text(metric, CORE_TITLE_FONT, true) <= width;
	*title = fits ? full : named ? metric : core_metric_at(e->column[k]->id)->title;
	*axis = fits ? *axis : core_format(d->ctx, "change (%s)", *axis);
	return *axis ? FV_OK : FV_FAILED;
}

static fv_status draw_panel(struct effects *e, size_t k, core_rect area)
{
	core_drawing *d = &e->d;
	size_t j = column_index(d, e->column[k]);
	core_panel panel = {.area = area};
	const char *title, *axis;
	fv_status status = make_axis(e, k, area.width, &panel.x);
	if (!status)
		status = title_panel(e, k, area.width, &title, &axis);
	if (status)
		return status;
	core_panel_fit(&panel);
	for (size_t r = 0; r < e->n_rows; r++)
		core_draw_line(d->canvas, area.x - CORE_TICK, e->row[r].y, area.x, e->row[r].y,
			core_line_style(core_color_of(CORE_COLOR_INK), 0.6, CORE_SOLID));
	core_draw_title(d->canvas, area.x, 8.5, title, area.width);
	core_draw_x_axis(d->canvas, &panel, axis);
	core_draw_y_axis(d->canvas, &panel, NULL, false);
	double zero = core_scale_at(&panel.x.scale, 0);
	core_draw_line(d->canvas, zero, area.y, zero, area.y + area.height,
		core_line_style(core_color_of(CORE_COLOR_INK), 0.8, CORE_DASHED));
	draw_unbiased(e, &panel, j, k == 0);
	for (size_t r = 0; r < e->n_rows; r++) {
		if (d->grid->row[e->row[r].first].effect.reason && !k)
			draw_reason(e, &panel, &e->row[r]);
		if (e->row[r].all)
			draw_all(e, &panel, &e->row[r], j);
		else
			draw_effect(e, &panel, e->row[r].first, j, e->row[r].y);
	}
	return FV_OK;
}

static fv_status draw_panels(struct effects *e)
{
	core_drawing *d = &e->d;
	double widest = 0;
	for (size_t k = 0; k < e->n_rows; k++) {
		double own = core_measure_text(e->row[k].label, CORE_FONT, false);
		widest = own > widest ? own : widest;
	}
	for (size_t k = 0; k < e->n_heads; k++) {
		double own = core_measure_text(d->names.panel[e->head[k]], CORE_FONT, true);
		widest = own > widest ? own : widest;
	}
	e->label_width = widest < 0.38 * d->width ? widest : 0.38 * d->width;
	double left = 2 + e->label_width + 6, n = (double)e->n_columns;
	double width = (d->width - left - 6 - (n - 1) * GUTTER) / n;
	draw_labels(e, left - 6);
	fv_status status = FV_OK;
	for (size_t k = 0; k < e->n_columns && !status; k++)
		status = draw_panel(e, k,
			(core_rect){left + (double)k * (width + GUTTER), e->top, width,
				e->bottom - e->top});
	return status;
}

static const char *make_note(struct effects *e)
{
	core_drawing *d = &e->d;
	const char *data = core_describe_data(d);
	int64_t reference = core_find_reference(d, -1), compared = 0;
	for (size_t i = 0; i < d->grid->n_rows; i++)
		compared += is_shown(d, i) && !d->grid->row[i].effect.reason;
	const char *of = d->options->selected || reference < 0 ? "the reference"
							       : d->names.row[reference].objective;
	if (!data)
		return NULL;
	if (e->n_rows && e->row[0].all)
		return core_format(d->ctx,
			"Against %s, pooled (%s). Dots: %lld variants; strokes: medians. Fewer "
			"variants (--rows) are drawn with intervals.",
			of, data, (long long)compared);
	const char *family = d->grid->family >= 0
				     ? core_format(d->ctx,
					       "Holm for %s over %lld variant%s, others "
					       "Benjamini-Hochberg",
					       d->grid->column[d->grid->family].title,
					       (long long)compared, compared == 1 ? "" : "s")
				     : "Benjamini-Hochberg";
	return family ? core_format(d->ctx,
				"Against %s (line at 0), pooled (%s). Lines: 95%% intervals over "
				"speakers. Filled: adjusted p \xe2\x89\xa4 .05 (%s).",
				of, data, family)
		      : NULL;
}

fv_status core_draw_effects(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out)
{
	static const char *const gap_and_f1[] = {"tpr_gap", "f1"};
	struct effects e = {0};
	core_drawing *d = &e.d;
	fv_status status =
		core_drawing_open(ctx, core_figure_find("effects"), input, options, CORE_WIDE, d);
	if (status)
		return status;
	bool groups = d->grid->tests.n_attributes > 0;
	if (groups)
		status = core_find_attribute(d, &e.attribute);
	bool family = d->grid->family >= 0 && !options->attribute &&
		      core_column_is_gap(&d->grid->column[d->grid->family]);
	const char *own[] = {
		family ? d->grid->column[d->grid->family].metric : gap_and_f1[0], gap_and_f1[1]};
	if (!status)
		status = core_find_columns(d, e.attribute, groups ? own : own + 1, groups ? 2 : 1,
			e.column, &e.n_columns);
	if (!status)
		status = collect_rows(&e);
	if (!status)
		status = draw_panels(&e);
	const char *note = status ? NULL : make_note(&e);
	if (status || !note)
		return status ? status : FV_FAILED;
	return core_drawing_close(d, e.bottom + 24, note, out);
}
