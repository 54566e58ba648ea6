/* SPDX-License-Identifier: Apache-2.0 */
/* Curves: values of metrics.jsonl by epoch, as mean and range over the runs of a variant, and the epochs that
 * were kept as strokes below, one panel a variant. Of an objective in stages: those of the last stage. */
#include <math.h>
#include <string.h>

#include "plot/drawing.h"
#include "plot/figures.h"
#include "report/history.h"

#define HEIGHT 110.0
#define GUTTER 14.0
#define KEPT 6.0 /* length of the strokes */

enum { VALUES_MAX = 4 };

/* What is shown: a key of metrics.jsonl, and its words. */
static const struct value {
	const char *key, *title;
} values[] = {{"dev_loss", "development loss"}, {"value", "training objective"},
	{"dev_objective", "development objective"}, {"grad_norm", "norm of the gradient"}};
#define N_VALUES (sizeof values / sizeof *values)

/* A value of a variant by epoch: over the runs that have the epoch. */
struct curve {
	size_t n; /* epochs */
	double *sum, *low, *high;
	int64_t *count;
};

/* A variant. */
struct panel {
	size_t row;
	struct curve curve[VALUES_MAX];
	size_t n_kept;
	double *kept; /* epochs */
	size_t n_runs;
};

struct curves {
	core_drawing d;
	core_shown shown;
	struct panel panel[CORE_SHOWN_MAX];
	size_t n_values;
	const struct value *value[VALUES_MAX];
	core_axis x, y;
	core_layout layout;
};

/* --- reading ---------------------------------------------------------------------------------- */

static fv_status find_values(struct curves *c)
{
	const char *names[N_VALUES];
	const char *at = c->d.options->metrics ? c->d.options->metrics : "dev_loss,value";
	for (size_t k = 0; k < N_VALUES; k++)
		names[k] = values[k].key;
	while (*at) {
		size_t n = strcspn(at, ","), k = 0;
		while (k < N_VALUES && (strlen(names[k]) != n || strncmp(names[k], at, n) != 0))
			k++;
		if (k == N_VALUES)
			return fv_fail(c->d.ctx, FV_CONFIG,
				"--metric: curves show dev_loss, value, dev_objective or "
				"grad_norm, "
				"not '%.*s'",
				(int)n, at);
		if (c->n_values == VALUES_MAX)
			return fv_fail(
				c->d.ctx, FV_CONFIG, "--metric: more than %d", (int)VALUES_MAX);
		c->value[c->n_values++] = &values[k];
		at += n + (at[n] == ',');
	}
	return FV_OK;
}

static fv_status grow_curve(fv_ctx *ctx, struct curve *curve, size_t epochs)
{
	if (epochs <= curve->n)
		return FV_OK;
	struct curve grown = {epochs, core_alloc(ctx, epochs, sizeof(double)),
		core_alloc(ctx, epochs, sizeof(double)), core_alloc(ctx, epochs, sizeof(double)),
		core_alloc(ctx, epochs, sizeof(int64_t))};
	if (!grown.sum || !grown.low || !grown.high || !grown.count)
		return FV_FAILED;
	for (size_t i = 0; i < curve->n; i++) {
		grown.sum[i] = curve->sum[i];
		grown.low[i] = curve->low[i];
		grown.high[i] = curve->high[i];
		grown.count[i] = curve->count[i];
	}
	*curve = grown;
	return FV_OK;
}

static void add_value(struct curve *curve, size_t epoch, double value)
{
	if (!curve->count[epoch] || value < curve->low[epoch])
		curve->low[epoch] = value;
	if (!curve->count[epoch] || value > curve->high[epoch])
		curve->high[epoch] = value;
	curve->sum[epoch] += value;
	curve->count[epoch]++;
}

/* Adds an epoch to the curves. */
static fv_status add_epoch(fv_ctx *ctx, struct curves *c, const json_t *line, struct panel *p)
{
	json_int_t epoch = json_integer_value(json_object_get(line, "epoch"));
	fv_status status = FV_OK;
	for (size_t k = 0; k < c->n_values && epoch >= 1 && epoch <= 1000000 && !status; k++) {
		const json_t *value = json_object_get(line, c->value[k]->key);
		status = grow_curve(ctx, &p->curve[k], (size_t)epoch);
		if (!status && json_is_number(value))
			add_value(&p->curve[k], (size_t)epoch - 1, json_number_value(value));
	}
	return status;
}

static json_int_t get_stage(const json_t *line)
{
	return json_integer_value(json_object_get(line, "stage"));
}

/* Adds the last training stage of a run to the curves. */
static fv_status read_run(struct curves *c, const core_run_result *run, struct panel *p)
{
	json_t *epochs, *line;
	size_t i;
	fv_status status = core_history_read(c->d.ctx, run, &epochs);
	if (status)
		return status;
	json_int_t last = get_stage(json_array_get(epochs, json_array_size(epochs) - 1));
	json_array_foreach(epochs, i, line)
	{
		if (!status && get_stage(line) == last)
			status = add_epoch(c->d.ctx, c, line, p);
	}
	json_decref(epochs);
	const json_t *kept = json_object_get(run->metrics, "selected_epoch");
	if (json_is_integer(kept))
		p->kept[p->n_kept++] = (double)json_integer_value(kept);
	p->n_runs++;
	return status;
}

static fv_status read_panel(struct curves *c, size_t k)
{
	struct panel *p = &c->panel[k];
	const core_variant_result *variant = c->d.grid->row[c->shown.row[k]].variant;
	size_t runs = (size_t)variant->n_folds * (size_t)variant->n_seeds;
	*p = (struct panel){
		.row = c->shown.row[k], .kept = core_alloc(c->d.ctx, runs + 1, sizeof *p->kept)};
	fv_status status = p->kept ? FV_OK : FV_FAILED;
	for (size_t r = 0; r < runs && !status; r++)
		status = read_run(c, variant->used[r], p);
	return status;
}

/* Without a selection: the reference, and the first variant of each objective. */
static fv_status find_shown(struct curves *c)
{
	core_drawing *d = &c->d;
	if (d->options->selected)
		return core_find_shown(d, NULL, &c->shown);
	for (int32_t s = -1; s < d->names.n_series && c->shown.n < CORE_SHOWN_MAX; s++)
		for (size_t i = 0; i < d->grid->n_rows; i++) {
			const core_grid_row *row = &d->grid->row[i];
			if (d->names.row[i].series != s || row->unbiased || row->older ||
				!row->variant->n_folds)
				continue;
			c->shown.row[c->shown.n++] = i;
			break;
		}
	return FV_OK;
}

static fv_status read_all(struct curves *c)
{
	fv_status status = find_shown(c);
	size_t epochs = 0;
	for (size_t k = 0; k < c->shown.n && !status; k++) {
		status = read_panel(c, k);
		for (size_t v = 0; v < c->n_values && !status; v++)
			epochs += c->panel[k].curve[v].n;
	}
	if (!status && !epochs)
		status = fv_fail(c->d.ctx, FV_DATA,
			"curves: no run has a line in its metrics.jsonl with these values");
	return status;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static core_color value_color(size_t k)
{
	static const int32_t order[VALUES_MAX] = {0, 4, 2, 3};
	return core_series_color(order[k]);
}

static double mean_of(const struct curve *curve, size_t epoch)
{
	return curve->count[epoch] ? curve->sum[epoch] / (double)curve->count[epoch] : NAN;
}

static fv_status make_axes(struct curves *c)
{
	core_range x = {1, 1, true}, y = {0};
	for (size_t k = 0; k < c->shown.n; k++)
		for (size_t v = 0; v < c->n_values; v++) {
			const struct curve *curve = &c->panel[k].curve[v];
			core_range_add(&x, (double)curve->n);
			for (size_t e = 0; e < curve->n; e++) {
				core_range_add(&y, mean_of(curve, e));
				if (!v && curve->count[e]) {
					core_range_add(&y, curve->low[e]);
					core_range_add(&y, curve->high[e]);
				}
			}
		}
	x.low = 0;
	core_range_pad(&y, 0.05);
	y.low = y.low > 0 && y.low < 0.5 * y.high ? 0 : y.low;
	double width = core_layout_area(&c->layout, 0).width;
	fv_status status = core_axis_make(c->d.ctx, x, width < 90 ? 3 : (int)(width / 28), &c->x);
	return status ? status : core_axis_make(c->d.ctx, y, 6, &c->y);
}

/* Draws the range over the runs, and its mean. */
static fv_status draw_curve(
	struct curves *c, const core_panel *panel, const struct panel *p, size_t v)
{
	const struct curve *curve = &p->curve[v];
	core_point *mean = core_alloc(c->d.ctx, curve->n + 1, sizeof *mean);
	core_point *band = core_alloc(c->d.ctx, 2 * curve->n + 1, sizeof *band);
	size_t n = 0;
	if (!mean || !band)
		return FV_FAILED;
	for (size_t e = 0; e < curve->n; e++) {
		double x = core_scale_at(&panel->x.scale, (double)e + 1);
		mean[e] = (core_point){x, core_scale_at(&panel->y.scale, mean_of(curve, e))};
		if (curve->count[e])
			band[n++] = (core_point){x, core_scale_at(&panel->y.scale, curve->high[e])};
	}
	for (size_t e = curve->n; e-- > 0;)
		if (curve->count[e])
			band[n++] = (core_point){core_scale_at(&panel->x.scale, (double)e + 1),
				core_scale_at(&panel->y.scale, curve->low[e])};
	core_open_group(c->d.canvas, "fv-mark", c->value[v]->title);
	core_add_datum(c->d.canvas, "variant", c->d.grid->row[p->row].variant->name);
	core_add_datum(c->d.canvas, "metric", c->value[v]->key);
	if (curve->n)
		core_add_number(c->d.canvas, "last", mean_of(curve, curve->n - 1));
	if (!v && p->n_runs > 1)
		core_draw_polygon(c->d.canvas, n, band, core_area_style(value_color(v), 0.15));
	core_draw_polyline(c->d.canvas, curve->n, mean,
		core_line_style(value_color(v), v ? 0.9 : 1.2, v ? CORE_DOTTED : CORE_SOLID));
	core_close_group(c->d.canvas);
	return FV_OK;
}

/* Epochs that several runs kept are darker. */
static void draw_kept(struct curves *c, const core_panel *panel, const struct panel *p)
{
	core_rect a = panel->area;
	core_style style = core_line_style(core_color_of(CORE_COLOR_INK), 1, CORE_SOLID);
	style.opacity = 0.5;
	core_open_group(c->d.canvas, "fv-mark",
		core_format(c->d.ctx, "epochs kept by %zu runs", p->n_kept));
	for (size_t i = 0; i < p->n_kept; i++) {
		double x = core_scale_at(&panel->x.scale, p->kept[i]);
		core_draw_line(c->d.canvas, x, a.y + a.height - KEPT, x, a.y + a.height, style);
	}
	core_close_group(c->d.canvas);
}

static fv_status draw_panel(struct curves *c, size_t k)
{
	core_drawing *d = &c->d;
	core_panel panel = {.area = core_layout_area(&c->layout, k), .x = c->x, .y = c->y};
	fv_status status = FV_OK;
	core_panel_fit(&panel);
	core_draw_title(d->canvas, panel.area.x, panel.area.y - 5,
		d->names.row[c->panel[k].row].label, panel.area.width + GUTTER - 4);
	core_draw_x_axis(d->canvas, &panel, "epoch");
	core_draw_y_axis(d->canvas, &panel, NULL, k % c->layout.across == 0);
	for (size_t v = c->n_values; v-- > 0 && !status;)
		status = draw_curve(c, &panel, &c->panel[k], v);
	draw_kept(c, &panel, &c->panel[k]);
	return status;
}

static fv_status draw_all(struct curves *c, core_canvas **out)
{
	core_drawing *d = &c->d;
	core_legend_entry entry[VALUES_MAX + 1];
	size_t n = c->n_values, most = d->width > 4.5 * 72 ? 3 : 2;
	for (size_t k = 0; k < n; k++)
		entry[k] = (core_legend_entry){.text = c->value[k]->title,
			.color = value_color(k),
			.dash = k ? CORE_DOTTED : CORE_SOLID,
			.has_line = true};
	c->layout = (core_layout){.n = c->shown.n,
		.across = c->shown.n == 4     ? 2
			  : c->shown.n < most ? c->shown.n
					      : most,
		.width = d->width,
		.left = 30,
		.top = core_draw_legend(d, 30, 1, d->width - 30, n, entry) + 16,
		.height = core_drawing_height(d, "", HEIGHT),
		.gutter = GUTTER,
		.below = 40};
	fv_status status = make_axes(c);
	for (size_t k = 0; k < c->shown.n && !status; k++)
		status = draw_panel(c, k);
	const char *data = core_describe_data(d);
	const char *note =
		data ? core_format(d->ctx,
			       "Means over the runs of a variant (%s); band: their range. "
			       "Strokes on the axis: the epochs kept.",
			       data)
		     : NULL;
	if (status || !note)
		return status ? status : FV_FAILED;
	return core_drawing_close(d, core_layout_bottom(&c->layout) + 24, note, out);
}

fv_status core_draw_curves(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out)
{
	struct curves c = {0};
	fv_status status =
		core_drawing_open(ctx, core_figure_find("curves"), input, options, CORE_WIDE, &c.d);
	if (!status)
		status = find_values(&c);
	if (!status)
		status = read_all(&c);
	return status ? status : draw_all(&c, out);
}
