/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/calibration.h"

#include <math.h>

#include "eval/calibration.h"
#include "eval/reliability.h"

#define MARKER 3.4

/* One line: its bins, and its ECE as a mean over seeds. */
struct line {
	core_point bin[CORE_ECE_BINS]; /* mean probability, mean label; NaN: no rows */
	double ece;
};

/* Adds one class and seed to the bins, with this weight. */
static void add_bins(const core_reliability *bins, double weight, struct line *line)
{
	double label[CORE_ECE_BINS];
	core_reliability_sum(bins, bins->label, label);
	for (int32_t b = 0; b < CORE_ECE_BINS; b++) {
		double rows = (double)core_reliability_rows(bins, b);
		line->bin[b].x += rows > 0 ? weight * bins->prob[b] / rows : NAN;
		line->bin[b].y += rows > 0 ? weight * label[b] / rows : NAN;
	}
}

static fv_status fill_line(core_drawing *d, const core_variant_predictions *p, const int32_t *id,
	int32_t group, struct line *line)
{
	core_mark mark = core_ctx_mark(d->ctx);
	int64_t *row = core_alloc(d->ctx, (size_t)p->set[0].n + 1, sizeof *row);
	fv_status status = row ? FV_OK : FV_FAILED;
	*line = (struct line){0};
	for (int32_t k = 0; k < p->n_seeds && !status; k++) {
		const core_eval_set *set = &p->set[k];
		core_reliability bins;
		double ece = 0;
		int64_t n = core_eval_select_rows(set, id, group, row);
		for (int32_t c = 0; c < set->C && !status; c++) {
			status = core_reliability_make(d->ctx, set, c, n, row, NULL, &bins);
			add_bins(&bins, 1.0 / set->C / p->n_seeds, line);
			ece += core_reliability_ece(&bins, bins.label) / set->C;
		}
		line->ece += ece / p->n_seeds;
	}
	core_ctx_release(d->ctx, mark);
	return status;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static core_color line_color(const core_eval_attribute *groups, int32_t g)
{
	return groups ? (core_color){CORE_COLOR_GROUP, g, 0} : core_color_of(CORE_COLOR_INK);
}

static const char *name_line(core_drawing *d, const core_eval_attribute *groups, int32_t g)
{
	return groups ? core_find_given_name(d->ctx, d->options->labels, groups->group[g]) : "all";
}

static void draw_line(core_drawing *d, size_t row, const core_panel *panel, const struct line *line,
	const core_eval_attribute *groups, int32_t g)
{
	core_point at[CORE_ECE_BINS];
	core_color color = line_color(groups, g);
	const char *name = name_line(d, groups, g);
	for (int32_t b = 0; b < CORE_ECE_BINS; b++)
		at[b] = (core_point){core_scale_at(&panel->x.scale, line->bin[b].x),
			core_scale_at(&panel->y.scale, line->bin[b].y)};
	d->canvas->failed |= !name;
	if (!name)
		return;
	core_open_group(d->canvas, "fv-mark", core_format(d->ctx, "%s: ECE %.3f", name, line->ece));
	core_add_datum(d->canvas, "variant", d->grid->row[row].variant->name);
	core_add_datum(d->canvas, "group", groups ? groups->group[g] : "");
	core_add_number(d->canvas, "ece", line->ece);
	core_draw_polyline(d->canvas, CORE_ECE_BINS, at, core_line_style(color, 1, CORE_SOLID));
	for (int32_t b = 0; b < CORE_ECE_BINS; b++)
		core_draw_marker(
			d->canvas, core_group_marker(g), at[b].x, at[b].y, MARKER, color, false);
	core_close_group(d->canvas);
}

/* Returns the entries of the key, with ECE if all of them fit into the width. NULL: out of memory. */
static const char **make_key(core_drawing *d, double width, const struct line *line, int32_t n,
	const core_eval_attribute *groups)
{
	const char **text = core_alloc(d->ctx, (size_t)n + 1, sizeof *text);
	bool fits = true;
	for (int32_t g = 0; g < n && text; g++) {
		const char *name = name_line(d, groups, g);
		text[g] = name ? core_format(d->ctx, "%s, ECE %.3f", name, line[g].ece) : NULL;
		if (!text[g])
			return NULL;
		fits = fits && core_measure_text(text[g], CORE_FONT, false) <= width;
	}
	if (text && !fits && groups)
		return core_fit_given_names(d, groups->group, (size_t)n, width);
	return text;
}

/* Writes the key into the upper left corner, which a calibrated model leaves free. */
static fv_status draw_key(core_drawing *d, core_rect area, const struct line *line, int32_t n,
	const core_eval_attribute *groups)
{
	const char **text = make_key(d, 0.72 * area.width - 12, line, n, groups);
	for (int32_t g = 0; g < n && text; g++) {
		double y = area.y + 6 + CORE_LINE_HEIGHT * g;
		core_draw_marker(d->canvas, core_group_marker(g), area.x + 6, y, MARKER,
			line_color(groups, g), false);
		core_draw_text(d->canvas, area.x + 11, y + 2.5, text[g],
			core_text_of(CORE_COLOR_INK, CORE_START));
	}
	return text ? FV_OK : FV_FAILED;
}

/* Makes both axes from 0 to the largest bin. */
static fv_status make_axes(core_drawing *d, const struct line *line, int32_t n, core_panel *panel)
{
	core_range range = {0, 0.2, true};
	for (int32_t g = 0; g < n; g++)
		for (int32_t b = 0; b < CORE_ECE_BINS; b++) {
			core_range_add(&range, line[g].bin[b].x);
			core_range_add(&range, line[g].bin[b].y);
		}
	range.high = range.high * 1.06 < 1 ? range.high * 1.06 : 1;
	fv_status status = core_axis_make(d->ctx, range, 4, &panel->x);
	panel->y = panel->x;
	core_panel_fit(panel);
	return status;
}

fv_status core_draw_calibration(
	core_drawing *d, size_t row, const core_eval_attribute *groups, core_rect area)
{
	int32_t n = groups ? groups->G : 1;
	core_panel panel = {.area = area};
	struct line *line = core_alloc(d->ctx, (size_t)n + 1, sizeof *line);
	fv_status status = line ? FV_OK : FV_FAILED;
	for (int32_t g = 0; g < n && !status; g++)
		status = fill_line(
			d, &d->grid->tests.variant[row], groups ? groups->id : NULL, g, &line[g]);
	if (!status)
		status = make_axes(d, line, n, &panel);
	if (status)
		return status;
	core_draw_x_axis(d->canvas, &panel, "probability");
	core_draw_y_axis(d->canvas, &panel, "label", true);
	core_draw_line(d->canvas, panel.x.scale.start, panel.y.scale.start, panel.x.scale.end,
		panel.y.scale.end,
		core_line_style(core_color_of(CORE_COLOR_INK), 0.8, CORE_DOTTED));
	for (int32_t g = 0; g < n; g++)
		draw_line(d, row, &panel, &line[g], groups, g);
	return draw_key(d, area, line, n, groups);
}
