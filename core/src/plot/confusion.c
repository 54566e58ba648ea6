/* SPDX-License-Identifier: Apache-2.0 */
/* Confusion: the share of each true class that is predicted as each class, one matrix for each group of
 * people, pooled over folds, counts added over seeds; and the calibration of each variant. */
#include <math.h>
#include <string.h>

#include "eval/argmax.h"
#include "eval/reliability.h"
#include "plot/calibration.h"
#include "plot/drawing.h"
#include "plot/figures.h"

#define GUTTER 10.0
#define AXIS 30.0      /* what the labels of an axis need */
#define SIDE_MIN 100.0 /* of a square */
#define CELL_MAX 22.0
#define LABEL_MAX 74.0
#define COLUMN_MAX 46.0 /* height of the names below */
#define SHOWN 0.05      /* smaller shares are not written */

enum { GROUPS_MAX = 6 };

/* One matrix. */
struct matrix {
	size_t row;    /* of the grid */
	int32_t group; /* -1: all rows */
	double *share; /* [C, C] true class x predicted class; NaN: no rows of the class */
	int64_t n;     /* rows, one seed */
	double uar;    /* mean over seeds; NaN: no rows */
};

struct confusion {
	core_drawing d;
	core_shown shown;
	const char *attribute; /* NULL: none */
	const core_test_set *test;
	const core_eval_attribute *groups; /* NULL: all rows in one matrix */
	size_t n;
	struct matrix *matrix;
	const char **row_name, **column_name; /* [C] beside and below the matrices */
	core_layout layout;
};

/* --- counting --------------------------------------------------------------------------------- */

/* Returns the mean over the classes with rows of the share predicted right. */
static double mean_recall(int32_t C, const int64_t *count)
{
	double sum = 0;
	int32_t classes = 0;
	for (int32_t c = 0; c < C; c++) {
		int64_t rows = 0;
		for (int32_t k = 0; k < C; k++)
			rows += count[c * C + k];
		if (!rows)
			continue;
		sum += (double)count[c * C + c] / (double)rows;
		classes++;
	}
	return classes ? sum / classes : NAN;
}

static void set_shares(int32_t C, const int64_t *count, double *share)
{
	for (int32_t c = 0; c < C; c++) {
		int64_t rows = 0;
		for (int32_t k = 0; k < C; k++)
			rows += count[c * C + k];
		for (int32_t k = 0; k < C; k++)
			share[c * C + k] = rows ? (double)count[c * C + k] / (double)rows : NAN;
	}
}

static fv_status fill_matrix(struct confusion *f, size_t row, int32_t group, struct matrix *out)
{
	const core_variant_predictions *p = &f->d.grid->tests.variant[row];
	int32_t C = f->test->C;
	size_t cells = (size_t)C * (size_t)C;
	int64_t *all = core_alloc(f->d.ctx, cells, sizeof *all);
	int64_t *one = core_alloc(f->d.ctx, cells, sizeof *one);
	*out = (struct matrix){.row = row,
		.group = group,
		.share = core_alloc(f->d.ctx, cells, sizeof *out->share)};
	if (!all || !one || !out->share)
		return FV_FAILED;
	for (int32_t k = 0; k < p->n_seeds; k++) {
		memset(one, 0, cells * sizeof *one);
		core_confusion_count(&p->set[k], group < 0 ? NULL : f->groups->id, group, one);
		out->uar += mean_recall(C, one) / p->n_seeds;
		for (size_t i = 0; i < cells; i++) {
			all[i] += one[i];
			out->n += k ? 0 : one[i];
		}
	}
	set_shares(C, all, out->share);
	return FV_OK;
}

static fv_status find_groups(struct confusion *f)
{
	core_drawing *d = &f->d;
	const core_test_sets *tests = &d->grid->tests;
	for (size_t k = 0; k < f->shown.n && !f->test; k++) {
		const core_variant_predictions *p = &tests->variant[f->shown.row[k]];
		f->test = p->test < 0 ? NULL : &tests->set[p->test];
	}
	if (!f->test)
		return fv_fail(d->ctx, FV_DATA,
			"confusion: the folds of no variant form one test set, or no run is done");
	for (int32_t a = 0; f->attribute && a < f->test->n_attributes; a++)
		if (!strcmp(f->test->attribute[a].name, f->attribute) && f->test->attribute[a].G)
			f->groups = &f->test->attribute[a]; /* known of some row */
	if (f->groups && f->groups->G > GROUPS_MAX)
		return fv_fail(d->ctx, FV_DATA,
			"confusion: '%s' has %d groups, more than the %d matrices that fit: choose "
			"another --attribute",
			f->attribute, (int)f->groups->G, (int)GROUPS_MAX);
	return FV_OK;
}

static fv_status fill_all(struct confusion *f)
{
	core_drawing *d = &f->d;
	int32_t G = f->groups ? f->groups->G : 1;
	f->matrix = core_alloc(d->ctx, f->shown.n * (size_t)G, sizeof *f->matrix);
	fv_status status = f->matrix ? FV_OK : FV_FAILED;
	for (size_t k = 0; k < f->shown.n; k++) {
		int32_t test = d->grid->tests.variant[f->shown.row[k]].test;
		for (int32_t g = 0; g < G && !status; g++)
			if (test >= 0 && &d->grid->tests.set[test] == f->test)
				status = fill_matrix(
					f, f->shown.row[k], f->groups ? g : -1, &f->matrix[f->n++]);
	}
	return status;
}

/* --- drawing ---------------------------------------------------------------------------------- */

/* ".41", "1" */
static const char *format_share(fv_ctx *ctx, double share)
{
	const char *digits = core_format_number(ctx, share, 2, false);
	return digits && *digits == '0' ? digits + 1 : digits && share >= 0.995 ? "1" : digits;
}

static void draw_cell(
	struct confusion *f, const struct matrix *m, core_rect cell, int32_t c, int32_t k)
{
	core_drawing *d = &f->d;
	double share = m->share[c * f->test->C + k];
	core_color shade = {CORE_COLOR_SHADE, 0, share};
	const char *text = format_share(d->ctx, share);
	d->canvas->failed |= !text;
	if (!text || isnan(share))
		return;
	core_open_group(d->canvas, "fv-mark",
		core_format(d->ctx, "%s predicted as %s: %.3f", f->test->classes[c],
			f->test->classes[k], share));
	core_add_datum(d->canvas, "variant", d->grid->row[m->row].variant->name);
	core_add_datum(d->canvas, "group", m->group < 0 ? "" : f->groups->group[m->group]);
	core_add_datum(d->canvas, "class", f->test->classes[c]);
	core_add_datum(d->canvas, "predicted", f->test->classes[k]);
	core_add_number(d->canvas, "value", share);
	core_draw_rect(d->canvas, cell, core_area_style(shade, 1));
	core_text_style style = core_text_of(CORE_COLOR_NONE, CORE_MIDDLE);
	style.size = cell.width < 16 ? 5.5 : CORE_FONT - 1;
	style.color = (core_color){CORE_COLOR_ON_SHADE, 0, share};
	if (share >= SHOWN && cell.width >= 11)
		core_draw_text(d->canvas, cell.x + cell.width / 2, cell.y + cell.height / 2 + 2.2,
			text, style);
	core_close_group(d->canvas);
}

static void draw_class_names(struct confusion *f, core_rect area, double cell, bool first)
{
	core_drawing *d = &f->d;
	for (int32_t c = 0; c < f->test->C; c++) {
		core_text_style style = core_text_of(CORE_COLOR_INK, CORE_END);
		if (first)
			core_draw_text(d->canvas, area.x - 4, area.y + cell * (c + 0.5) + 2.5,
				f->row_name[c], style);
		style.rotation = -90;
		core_draw_text(d->canvas, area.x + cell * (c + 0.5) + 2.5, area.y + area.height + 4,
			f->column_name[c], style);
	}
}

/* Draws a matrix into a place of the layout. */
static fv_status draw_matrix(struct confusion *f, const struct matrix *m, size_t i)
{
	core_drawing *d = &f->d;
	core_rect area = core_layout_area(&f->layout, i);
	double cell = f->layout.height / f->test->C;
	area.width = area.height;
	const char *group = m->group < 0 ? "all"
					 : core_find_given_name(d->ctx, d->options->labels,
						   f->groups->group[m->group]);
	const char *of =
		f->shown.n > 1 ? core_format(d->ctx, "%s, ", d->names.row[m->row].label) : "";
	const char *uar = core_format_number(d->ctx, m->uar, 3, false);
	const char *title =
		group && of && uar ? core_format(d->ctx, "%s%s: UAR %s", of, group, uar) : NULL;
	if (!title)
		return FV_FAILED;
	core_draw_title(d->canvas, area.x, area.y - 5, title, area.width + GUTTER - 2);
	for (int32_t c = 0; c < f->test->C; c++)
		for (int32_t k = 0; k < f->test->C; k++)
			draw_cell(f, m,
				(core_rect){area.x + cell * k, area.y + cell * c, cell, cell}, c,
				k);
	core_draw_rect(
		d->canvas, area, core_line_style(core_color_of(CORE_COLOR_INK), 0.6, CORE_SOLID));
	draw_class_names(f, area, cell, i % f->layout.across == 0);
	return FV_OK;
}

/* Draws the calibration of a variant into a place, beside the matrices, which have the same height. */
static fv_status draw_calibration(struct confusion *f, size_t row, size_t i)
{
	core_drawing *d = &f->d;
	core_rect area = core_layout_area(&f->layout, i);
	const char *of = f->shown.n > 1
				 ? core_format(d->ctx, "%s, calibration", d->names.row[row].label)
				 : "calibration";
	if (!of)
		return FV_FAILED;
	area.x += AXIS;
	area.width = f->layout.height - AXIS;
	core_draw_title(d->canvas, area.x, area.y - 5, of, area.width + GUTTER - 2);
	return core_draw_calibration(d, row, f->groups, area);
}

static fv_status fit_class_names(struct confusion *f)
{
	size_t C = (size_t)f->test->C;
	f->row_name = core_fit_given_names(&f->d, f->test->classes, C, LABEL_MAX);
	f->column_name = core_fit_given_names(&f->d, f->test->classes, C, COLUMN_MAX);
	return f->row_name && f->column_name ? FV_OK : FV_FAILED;
}

/* Squares stand side by side, not spread over the width: the matrices of a variant, then its calibration. */
static void lay_out(struct confusion *f)
{
	const core_drawing *d = &f->d;
	size_t C = (size_t)f->test->C;
	size_t groups = f->groups ? (size_t)f->groups->G : 1;
	size_t places = groups + 1, most = d->width > 4.5 * 72 ? 3 : 2;
	size_t across = places < most ? places : most;
	f->layout = (core_layout){.n = f->n + f->n / groups,
		.across = across,
		.width = d->width,
		.left = core_measure_widest(f->row_name, C) + 8,
		.top = 14,
		.gutter = GUTTER,
		.below = core_measure_widest(f->column_name, C) + 24};
	f->layout.below = f->layout.below < 40 ? 40 : f->layout.below;
	double width = core_layout_area(&f->layout, 0).width, side = CELL_MAX * f->test->C;
	side = side < SIDE_MIN ? SIDE_MIN : side;
	f->layout.height = side < width ? side : width;
	f->layout.width = f->layout.left + 6 + (double)across * f->layout.height +
			  (double)(across - 1) * GUTTER;
}

static const char *make_note(struct confusion *f)
{
	core_drawing *d = &f->d;
	const char *data = core_describe_data(d);
	const char *variant = f->shown.n == 1 ? d->names.row[f->shown.row[0]].label : "";
	return data ? core_format(d->ctx,
			      "%s%sRows: true class; columns: predicted (largest probability), as "
			      "shares "
			      "of the true class; under %.2f not written. Calibration: labels "
			      "against "
			      "probabilities in %d bins of equal mass, means over classes. Pooled "
			      "(%s).",
			      variant, *variant ? ". " : "", SHOWN, (int)CORE_ECE_BINS, data)
		    : NULL;
}

static fv_status draw_all(struct confusion *f, core_canvas **out)
{
	size_t groups = f->groups ? (size_t)f->groups->G : 1, place = 0;
	fv_status status = fit_class_names(f);
	if (!status)
		lay_out(f);
	for (size_t i = 0; i < f->n && !status; i++) {
		status = draw_matrix(f, &f->matrix[i], place++);
		if (!status && (i + 1) % groups == 0)
			status = draw_calibration(f, f->matrix[i].row, place++);
	}
	const char *note = status ? NULL : make_note(f);
	if (status || !note)
		return status ? status : FV_FAILED;
	return core_drawing_close(
		&f->d, core_layout_bottom(&f->layout) + f->layout.below - 18, note, out);
}

/* Without a selection: the reference alone, or else the first variant. */
static fv_status find_shown(struct confusion *f)
{
	fv_status status = core_find_shown(&f->d, f->attribute, &f->shown);
	if (!status && !f->d.options->selected) {
		f->shown.n = f->shown.n ? 1 : 0;
		f->shown.note = "";
	}
	return status;
}

fv_status core_draw_confusion(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out)
{
	struct confusion f = {0};
	fv_status status = core_drawing_open(
		ctx, core_figure_find("confusion"), input, options, CORE_WIDE, &f.d);
	if (!status && (input->grid->tests.n_attributes || options->attribute))
		status = core_find_attribute(&f.d, &f.attribute);
	if (!status)
		status = find_shown(&f);
	if (!status)
		status = find_groups(&f);
	if (!status)
		status = fill_all(&f);
	return status ? status : draw_all(&f, out);
}
