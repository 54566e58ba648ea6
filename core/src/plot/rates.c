/* SPDX-License-Identifier: Apache-2.0 */
/* Rates: the true positive rate of each class in each group, joined by a bar from the lowest to the highest
 * group, one panel a variant. */
#include <math.h>
#include <string.h>

#include "plot/drawing.h"
#include "plot/figures.h"

#define GUTTER 22.0
#define GROUPS_MAX 12

struct rates {
	core_drawing d;
	const char *attribute;
	core_shown shown;
	const core_eval_attribute *groups; /* of the first variant shown */
	const core_test_set *test;
	int32_t *order;              /* [C] classes from top to bottom */
	const char **name, **fitted; /* [C] of the classes, and what fits beside the panels */
	double row_height;
	core_layout layout;
};

/* Finds the attribute in a test set; -1: it does not have it. */
static int32_t find_groups(const core_test_set *test, const char *attribute)
{
	for (int32_t a = 0; test && a < test->n_attributes; a++)
		if (!strcmp(test->attribute[a].name, attribute))
			return a;
	return -1;
}

/* Returns the rates [C, G] of a variant; NULL: it has none. */
static const core_estimate *find_rates(const struct rates *r, size_t row)
{
	const core_variant_scores *scores = &r->d.grid->row[row].scores;
	int32_t a = scores->test == r->test ? find_groups(r->test, r->attribute) : -1;
	return a < 0 ? NULL : scores->rates[a].tpr;
}

/* Drops the variants without rates on the test set of the first one that has them. */
static fv_status keep_comparable(struct rates *r)
{
	size_t n = 0;
	for (size_t k = 0; k < r->shown.n; k++) {
		const core_grid_row *row = &r->d.grid->row[r->shown.row[k]];
		int32_t a = find_groups(row->scores.test, r->attribute);
		if (a < 0 || (r->test && row->scores.test != r->test))
			continue;
		r->test = row->scores.test;
		r->groups = &r->test->attribute[a];
		r->shown.row[n++] = r->shown.row[k];
	}
	r->shown.n = n;
	if (!n)
		return fv_fail(r->d.ctx, FV_DATA,
			"rates: no variant has rates by '%s': its folds form no single test set, "
			"or "
			"its runs are not done",
			r->attribute);
	if (r->groups->G > GROUPS_MAX)
		return fv_fail(r->d.ctx, FV_DATA,
			"rates: '%s' has %d groups, more than the %d that can be told apart: "
			"choose "
			"another --attribute",
			r->attribute, (int)r->groups->G, GROUPS_MAX);
	return FV_OK;
}

/* Returns how far apart the groups are: signed for two, else the range. */
static double measure_spread(const core_estimate *tpr, int32_t G)
{
	core_range range = {0};
	if (G == 2)
		return isnan(tpr[0].value - tpr[1].value) ? 0 : tpr[0].value - tpr[1].value;
	for (int32_t g = 0; g < G; g++)
		core_range_add(&range, tpr[g].value);
	return range.high - range.low;
}

/* Orders the classes by the spread in the first variant, largest first; ties stay as they are. */
static fv_status order_classes(struct rates *r)
{
	int32_t C = r->test->C, G = r->groups->G;
	const core_estimate *tpr = find_rates(r, r->shown.row[0]);
	r->order = core_alloc(r->d.ctx, (size_t)C, sizeof *r->order);
	if (!r->order)
		return FV_FAILED;
	for (int32_t c = 0; c < C; c++) {
		int32_t at = c;
		double own = measure_spread(&tpr[c * G], G);
		for (; at && measure_spread(&tpr[r->order[at - 1] * G], G) < own; at--)
			r->order[at] = r->order[at - 1];
		r->order[at] = c;
	}
	return FV_OK;
}

/* --- drawing ---------------------------------------------------------------------------------- */

/* Returns a title in a long form, with p, or a short one. */
static const char *title_panel(struct rates *r, size_t row, bool is_long)
{
	core_drawing *d = &r->d;
	int64_t j = core_find_column(d->grid, r->attribute, "tpr_gap");
	const char *label = d->names.row[row].label;
	const core_estimate *gap = j < 0 ? NULL : &d->grid->row[row].value[j].pooled;
	if (!gap || isnan(gap->value) || isnan(gap->null_mean))
		return label;
	const char *p = core_format_p(d->ctx, gap->p);
	if (!p || !is_long)
		return p ? core_format(d->ctx, "%s: gap %.2f, chance %.2f", label, gap->value,
				   gap->null_mean)
			 : NULL;
	return core_format(
		d->ctx, "%s: gap %.2f, by chance %.2f (%s)", label, gap->value, gap->null_mean, p);
}

/* Do the long titles of all panels fit? */
static bool do_titles_fit(struct rates *r, double width)
{
	bool fit = true;
	for (size_t k = 0; k < r->shown.n; k++) {
		const char *title = title_panel(r, r->shown.row[k], true);
		fit = fit && title && core_measure_text(title, CORE_TITLE_FONT, true) <= width;
	}
	return fit;
}

static void draw_rate(
	struct rates *r, const core_panel *panel, size_t row, int32_t c, int32_t g, double y)
{
	core_drawing *d = &r->d;
	const core_estimate *e = &find_rates(r, row)[c * r->groups->G + g];
	const core_scale *x = &panel->x.scale;
	core_color color = {CORE_COLOR_GROUP, g, 0};
	const char *of = core_format(d->ctx, "%s, %s, %s", d->names.row[row].label,
		r->test->classes[c], r->groups->group[g]);
	const char *title = of ? core_describe_mark(d, "TPR", of, e, false, "") : NULL;
	d->canvas->failed |= !title;
	if (!title || isnan(e->value))
		return;
	core_open_group(d->canvas, "fv-mark", title);
	core_add_datum(d->canvas, "variant", d->grid->row[row].variant->name);
	core_add_datum(d->canvas, "class", r->test->classes[c]);
	core_add_datum(d->canvas, "group", r->groups->group[g]);
	core_add_number(d->canvas, "value", e->value);
	core_add_number(d->canvas, "low", e->low);
	core_add_number(d->canvas, "high", e->high);
	core_draw_line(d->canvas, core_scale_at(x, e->low), y, core_scale_at(x, e->high), y,
		core_line_style(color, 1, CORE_SOLID));
	core_draw_marker(
		d->canvas, core_group_marker(g), core_scale_at(x, e->value), y, 4.6, color, false);
	core_close_group(d->canvas);
}

/* Draws a class: the bar between the lowest and the highest group, then the groups below each other. */
static void draw_class(struct rates *r, const core_panel *panel, size_t row, int32_t c, double y)
{
	core_range range = {0};
	int32_t G = r->groups->G;
	const core_estimate *tpr = &find_rates(r, row)[c * G];
	double step = G == 2 ? 4 : 3.2, first = y - step * (G - 1) / 2;
	for (int32_t g = 0; g < G; g++)
		core_range_add(&range, tpr[g].value);
	core_draw_line(r->d.canvas, panel->area.x - CORE_TICK, y, panel->area.x, y,
		core_line_style(core_color_of(CORE_COLOR_INK), 0.6, CORE_SOLID));
	if (range.any && range.high > range.low)
		core_draw_line(r->d.canvas, core_scale_at(&panel->x.scale, range.low), y,
			core_scale_at(&panel->x.scale, range.high), y,
			core_line_style(core_color_of(CORE_COLOR_FAINT), 2.6, CORE_SOLID));
	for (int32_t g = 0; g < G; g++)
		draw_rate(r, panel, row, c, g, first + step * g);
}

static fv_status draw_panel(struct rates *r, size_t k)
{
	core_drawing *d = &r->d;
	core_rect area = core_layout_area(&r->layout, k);
	core_panel panel = {.area = area};
	size_t row = r->shown.row[k];
	double width = area.width + 4;
	const char *title = title_panel(r, row, do_titles_fit(r, width));
	fv_status status = core_axis_make(d->ctx, (core_range){0, 1, true}, 5, &panel.x);
	if (status || !title)
		return status ? status : FV_FAILED;
	core_panel_fit(&panel);
	core_draw_title(d->canvas, area.x, area.y - 5, title, width);
	core_draw_x_axis(d->canvas, &panel, "true positive rate");
	core_draw_y_axis(d->canvas, &panel, NULL, false);
	for (int32_t i = 0; i < r->test->C; i++) {
		double y = area.y + r->row_height * (i + 0.5);
		draw_class(r, &panel, row, r->order[i], y);
		if (k % r->layout.across)
			continue;
		const char *name = r->name[r->order[i]], *label = r->fitted[r->order[i]];
		core_open_group(d->canvas, NULL, strcmp(label, name) ? name : NULL);
		core_draw_text(d->canvas, area.x - 6, y + 2.5, label,
			core_text_of(CORE_COLOR_INK, CORE_END));
		core_close_group(d->canvas);
	}
	return FV_OK;
}

static fv_status fit_class_names(struct rates *r)
{
	size_t C = (size_t)r->test->C;
	r->name = core_find_given_names(&r->d, r->test->classes, C);
	r->fitted = core_fit_given_names(&r->d, r->test->classes, C, 0.28 * r->d.width);
	return r->name && r->fitted ? FV_OK : FV_FAILED;
}

static void lay_out(struct rates *r)
{
	r->row_height = r->groups->G == 2 ? 14 : 6 + 3.2 * r->groups->G;
	bool two = r->shown.n > 1 && r->d.width > 4.5 * 72;
	r->layout = (core_layout){.n = r->shown.n,
		.across = two ? 2 : 1,
		.width = r->d.width,
		.left = core_measure_widest(r->fitted, (size_t)r->test->C) + 9,
		.height = r->row_height * r->test->C,
		.gutter = GUTTER,
		.below = 42};
}

static fv_status draw_all(struct rates *r, core_canvas **out)
{
	core_drawing *d = &r->d;
	const char *data = core_describe_data(d);
	core_legend_entry *entry = core_make_group_legend(d, r->groups);
	if (!data || !entry || fit_class_names(r))
		return FV_FAILED;
	lay_out(r);
	size_t G = (size_t)r->groups->G;
	double width = d->width - r->layout.left;
	r->layout.top = core_draw_legend(d, r->layout.left, 1, width, G, entry) + 15;
	fv_status status = FV_OK;
	for (size_t k = 0; k < r->shown.n && !status; k++)
		status = draw_panel(r, k);
	const char *note = core_format(d->ctx,
		"Pooled (%s), 95%% intervals over speakers. By chance: mean gap when groups are "
		"permuted over speakers.%s",
		data, r->shown.note);
	if (status || !note)
		return status ? status : FV_FAILED;
	return core_drawing_close(d, core_layout_bottom(&r->layout) + 24, note, out);
}

fv_status core_draw_rates(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out)
{
	struct rates r = {0};
	fv_status status =
		core_drawing_open(ctx, core_figure_find("rates"), input, options, CORE_WIDE, &r.d);
	if (!status)
		status = core_find_attribute(&r.d, &r.attribute);
	if (!status)
		status = core_find_shown(&r.d, r.attribute, &r.shown);
	if (!status)
		status = keep_comparable(&r);
	if (!status)
		status = order_classes(&r);
	return status ? status : draw_all(&r, out);
}
