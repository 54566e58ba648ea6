/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/drawing.h"

#include <math.h>
#include <string.h>

#include "base/nearest.h"

#define MARGIN 2.0

fv_status core_drawing_open(fv_ctx *ctx, const core_figure_kind *kind,
	const core_figure_input *input, const core_figure_options *options, double width,
	core_drawing *d)
{
	double inches = options->width > 0 ? options->width : width;
	const char *id = options->id ? options->id : core_format(ctx, "fv-%s", kind->name);
	*d = (core_drawing){.ctx = ctx,
		.kind = kind,
		.input = input,
		.grid = input->grid,
		.options = options,
		.width = inches * 72};
	d->canvas = id ? core_canvas_new(ctx, id, d->width, 0) : NULL;
	if (!d->canvas)
		return FV_FAILED;
	d->canvas->title = kind->summary;
	return core_row_names_make(ctx, input->grid, options->labels, NULL, &d->names);
}

static const char *complete_note(core_drawing *d, const char *note)
{
	return d->grid->synthetic ? core_format(d->ctx, "Synthetic speech. %s", note) : note;
}

double core_note_height(const core_drawing *d, const char *note)
{
	/* "Synthetic speech." can need one more line */
	double lines = (double)core_count_lines(note, d->width - 2 * MARGIN) + d->grid->synthetic;
	return 8 + lines * CORE_LINE_HEIGHT;
}

double core_drawing_height(const core_drawing *d, const char *note, double own)
{
	double asked = d->options->height * 72 - core_note_height(d, note);
	return d->options->height > 0 && asked > 60 ? asked : own;
}

fv_status core_drawing_close(core_drawing *d, double y, const char *note, core_canvas **out)
{
	const char *text = complete_note(d, note);
	if (!text)
		return FV_FAILED;
	y = core_draw_note(d->canvas, MARGIN, y + 8, d->width - 2 * MARGIN, text);
	d->canvas->description = text;
	d->canvas->height = y + 3;
	*out = d->canvas;
	return core_canvas_status(d->canvas);
}

/* --- what is drawn ---------------------------------------------------------------------------- */

int64_t core_find_column(const core_grid *grid, const char *attribute, const char *metric)
{
	for (size_t j = 0; j < grid->n_columns; j++) {
		const core_grid_column *c = &grid->column[j];
		bool own = c->attribute && attribute ? !strcmp(c->attribute, attribute)
						     : !c->attribute && !attribute;
		if (own && !strcmp(c->metric, metric))
			return (int64_t)j;
	}
	return -1;
}

fv_status core_find_attribute(core_drawing *d, const char **out)
{
	const core_test_sets *tests = &d->grid->tests;
	const char *wanted = d->options->attribute;
	if (!tests->n_attributes)
		return fv_fail(d->ctx, FV_DATA,
			"%s: needs groups of people, and no run was evaluated by an attribute: "
			"declare eval.attributes",
			d->kind->name);
	if (!wanted && d->grid->family >= 0)
		wanted = d->grid->column[d->grid->family].attribute;
	*out = wanted ? wanted : tests->attribute[0];
	for (int32_t a = 0; a < tests->n_attributes; a++)
		if (!strcmp(tests->attribute[a], *out))
			return FV_OK;
	return fv_fail(d->ctx, FV_CONFIG, "--attribute: no run was evaluated by '%s'%s", *out,
		core_suggest_name(d->ctx, *out, tests->attribute, (size_t)tests->n_attributes));
}

static fv_status fail_metric(core_drawing *d, const char *name)
{
	const char *names[CORE_METRICS];
	for (int k = 0; k < CORE_METRICS; k++)
		names[k] = core_metric_at((core_metric_id)k)->name;
	return fv_fail(d->ctx, FV_CONFIG, "--metric: there is no metric '%s'%s", name,
		core_suggest_name(d->ctx, name, names, CORE_METRICS));
}

static fv_status add_column(core_drawing *d, const char *attribute, const char *name,
	const core_grid_column **column, size_t *n)
{
	core_metric_id id;
	if (!core_metric_find(name, &id))
		return fail_metric(d, name);
	bool overall = core_metric_is_overall(id);
	if (!overall && !attribute)
		return fv_fail(d->ctx, FV_DATA,
			"%s: '%s' is a metric of groups, and no run was evaluated by an attribute: "
			"declare eval.attributes, or name another --metric",
			d->kind->name, name);
	int64_t found = core_find_column(d->grid, overall ? NULL : attribute, name);
	if (found < 0)
		return fv_fail(
			d->ctx, FV_DATA, "%s: the results do not have '%s'", d->kind->name, name);
	if (*n == CORE_COLUMNS_MAX)
		return fv_fail(
			d->ctx, FV_CONFIG, "--metric: more than %d metrics", (int)CORE_COLUMNS_MAX);
	column[(*n)++] = &d->grid->column[found];
	return FV_OK;
}

fv_status core_find_columns(core_drawing *d, const char *attribute, const char *const *own,
	size_t n_own, const core_grid_column **column, size_t *n)
{
	*n = 0;
	fv_status status = FV_OK;
	if (!d->options->metrics) {
		for (size_t i = 0; i < n_own && !status; i++)
			status = add_column(d, attribute, own[i], column, n);
		return status;
	}
	for (const char *at = d->options->metrics; *at && !status;) {
		size_t length = strcspn(at, ",");
		const char *name = core_strndup(d->ctx, at, length);
		if (!name)
			return FV_FAILED;
		status = add_column(d, attribute, name, column, n);
		at += length + (at[length] == ',');
	}
	return status;
}

const char *core_column_title(core_drawing *d, const core_grid_column *column)
{
	const char *title = core_find_given_name(d->ctx, d->options->labels, column->title);
	return title == column->title && column->id == CORE_F1 ? "macro F1" : title;
}

const char *core_axis_title(core_drawing *d, const core_grid_column *column, bool vertical)
{
	const char *title = core_column_title(d, column);
	bool higher = core_metric_at(column->id)->higher_is_better;
	const char *word = core_column_is_gap(column) ? "fairer" : "better";
	if (!title)
		return NULL;
	if (vertical)
		return core_format(d->ctx, "%s  (%s %s)", title, word,
			higher ? "\xe2\x86\x91" : "\xe2\x86\x93");
	return higher ? core_format(d->ctx, "%s  (%s \xe2\x86\x92)", title, word)
		      : core_format(d->ctx, "%s  (\xe2\x86\x90 %s)", title, word);
}

/* Returns the first variant without debiasing in the panel; biased or not, as asked. */
static int64_t find_plain(const core_drawing *d, int32_t panel, bool unbiased)
{
	for (size_t i = 0; i < d->grid->n_rows; i++) {
		const core_grid_row *row = &d->grid->row[i];
		bool here = panel < 0 || d->names.row[i].panel == panel;
		if (core_row_is_plain(row, unbiased) && here)
			return (int64_t)i;
	}
	return -1;
}

int64_t core_find_reference(const core_drawing *d, int32_t panel)
{
	return find_plain(d, panel, false);
}

int64_t core_find_unbiased(const core_drawing *d, int32_t panel)
{
	return find_plain(d, panel, true);
}

/* --- marks ------------------------------------------------------------------------------------ */

core_marker core_series_marker(int32_t series)
{
	static const core_marker order[] = {CORE_MARKER_CIRCLE, CORE_MARKER_TRIANGLE,
		CORE_MARKER_DIAMOND, CORE_MARKER_DOWN, CORE_MARKER_PENTAGON, CORE_MARKER_CROSS};
	/* further objectives repeat colours with another marker */
	return series < 0 ? CORE_MARKER_SQUARE : order[(series + series / CORE_SERIES_COLORS) % 6];
}

core_color core_row_color(const core_drawing *d, size_t row)
{
	int32_t series = d->names.row[row].series;
	return series < 0 ? core_color_of(CORE_COLOR_INK) : core_series_color(series);
}

void core_draw_row_marker(core_drawing *d, size_t row, double x, double y, double size, bool hollow)
{
	core_draw_marker(d->canvas, core_series_marker(d->names.row[row].series), x, y, size,
		core_row_color(d, row), hollow);
}

/* --- words ------------------------------------------------------------------------------------ */

/* Returns the number of speakers of the only test set; 0: not known. */
static int64_t count_speakers(core_drawing *d)
{
	core_speakers speakers;
	const core_test_sets *tests = &d->grid->tests;
	if (tests->n_sets != 1 || d->grid->no_speakers ||
		core_speakers_make(d->ctx, &tests->set[0].rows, &speakers))
		return 0;
	return speakers.S;
}

static void put_count(core_text *out, int64_t n, const char *what)
{
	if (n > 1)
		core_text_add(out, "%s%lld %s", out->size ? ", " : "", (long long)n, what);
}

const char *core_describe_data(core_drawing *d)
{
	core_text out = {0};
	put_count(&out, d->grid->folds, "folds");
	put_count(&out, d->grid->seeds, "seeds");
	put_count(&out, count_speakers(d), "speakers");
	return core_text_move(d->ctx, &out);
}

const char *core_describe_mark(core_drawing *d, const char *what, const char *of,
	const core_estimate *e, bool sign, const char *more)
{
	const char *value = core_format_number(d->ctx, e->value, 3, sign);
	const char *low = core_format_number(d->ctx, e->low, 3, sign);
	const char *high = core_format_number(d->ctx, e->high, 3, sign);
	if (!value || !low || !high)
		return NULL;
	if (isnan(e->low))
		return core_format(d->ctx, "%s: %s %s%s", of, what, value, more);
	return core_format(d->ctx, "%s: %s %s [%s, %s]%s", of, what, value, low, high, more);
}
