/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters: the share of each group of people in each inferred group of one fold, one panel a grouper. */
#include <stdlib.h>
#include <string.h>

#include "plot/figures.h"
#include "plot/fit_texts.h"
#include "plot/groupings.h"

#define HEIGHT 80.0
#define GUTTER 26.0

/* An inferred group: its rows by group of people. */
struct cluster {
	const char *name;
	int64_t n;      /* rows whose group of people is known */
	int64_t *count; /* [G] */
};

struct grouping {
	size_t row; /* of the grid */
	size_t n;
	struct cluster *cluster; /* by the share of the first group */
	int64_t unknown, *total; /* rows without the attribute; [G] */
};

struct clusters {
	core_drawing d;
	core_groupings read;
	const core_eval_attribute *groups;
	size_t n;
	struct grouping grouping[CORE_GROUPINGS_MAX];
	core_layout layout;
};

/* --- counting --------------------------------------------------------------------------------- */

static struct cluster *find_cluster(struct clusters *c, struct grouping *grouping, const char *name)
{
	for (size_t k = 0; k < grouping->n; k++)
		if (!strcmp(grouping->cluster[k].name, name))
			return &grouping->cluster[k];
	struct cluster *own = &grouping->cluster[grouping->n++];
	*own = (struct cluster){.name = name,
		.count = core_alloc(c->d.ctx, (size_t)c->groups->G, sizeof *own->count)};
	return own->count ? own : NULL;
}

static double share_of(const struct cluster *cluster, int32_t g)
{
	return cluster->n ? (double)cluster->count[g] / (double)cluster->n : 0;
}

/* By the share of the first group, then by the number of rows, then by name. */
static int compare_clusters(const void *a, const void *b)
{
	const struct cluster *x = a, *y = b;
	double p = share_of(x, 0), q = share_of(y, 0);
	if (p != q)
		return p < q ? -1 : 1;
	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->name, y->name);
}

static fv_status count_rows(struct clusters *c, const core_grouping *rows, struct grouping *out)
{
	*out = (struct grouping){.row = rows->row,
		.cluster = core_alloc(c->d.ctx, rows->n + 1, sizeof *out->cluster),
		.total = core_alloc(c->d.ctx, (size_t)c->groups->G, sizeof *out->total)};
	if (!out->cluster || !out->total)
		return FV_FAILED;
	for (size_t i = 0; i < rows->n; i++) {
		int32_t g = rows->people[i];
		if (g < 0) {
			out->unknown++;
			continue;
		}
		struct cluster *own = find_cluster(c, out, rows->cluster[i]);
		if (!own)
			return FV_FAILED;
		own->n++;
		own->count[g]++;
		out->total[g]++;
	}
	if (out->n)
		qsort(out->cluster, out->n, sizeof *out->cluster, compare_clusters);
	return FV_OK;
}

static fv_status count_all(struct clusters *c)
{
	fv_status status = core_groupings_read(&c->d, &c->read);
	c->groups = c->read.people;
	for (size_t k = 0; k < c->read.n && !status; k++)
		status = count_rows(c, &c->read.grouping[k], &c->grouping[c->n++]);
	return status;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static void draw_share(struct clusters *c, const core_panel *panel, const struct grouping *grouping,
	size_t k, double x, double width)
{
	core_drawing *d = &c->d;
	const struct cluster *own = &grouping->cluster[k];
	double from = 0;
	for (int32_t g = 0; g < c->groups->G; g++) {
		double share = share_of(own, g);
		if (share <= 0)
			continue;
		double top = core_scale_at(&panel->y.scale, from + share);
		double bottom = core_scale_at(&panel->y.scale, from);
		core_open_group(d->canvas, "fv-mark",
			core_format(d->ctx, "group %s: %.1f%% %s, %lld of %lld rows", own->name,
				100 * share, c->groups->group[g], (long long)own->count[g],
				(long long)own->n));
		core_add_datum(d->canvas, "variant", d->grid->row[grouping->row].variant->name);
		core_add_datum(d->canvas, "cluster", own->name);
		core_add_datum(d->canvas, "group", c->groups->group[g]);
		core_add_number(d->canvas, "value", share);
		core_add_number(d->canvas, "n", (double)own->count[g]);
		core_draw_rect(d->canvas, (core_rect){x - width / 2, top, width, bottom - top},
			core_area_style((core_color){CORE_COLOR_GROUP, g, 0}, 1));
		core_close_group(d->canvas);
		from += share;
	}
}

/* Returns the names of the clusters as they fit below the bars. NULL: out of memory. */
static const char **fit_names(struct clusters *c, const struct grouping *grouping, double step)
{
	const char **name = core_alloc(c->d.ctx, grouping->n + 1, sizeof *name);
	const char **fitted = core_alloc(c->d.ctx, grouping->n + 1, sizeof *fitted);
	for (size_t i = 0; i < grouping->n && name; i++)
		name[i] = grouping->cluster[i].name;
	if (!name || !fitted ||
		core_fit_texts(
			c->d.ctx, name, grouping->n, CORE_FONT, step < 14 ? 14 : step, fitted))
		return NULL;
	return fitted;
}

/* Writes name and number of rows below a bar; the number is turned where it is wider than the bar. */
static void draw_name(struct clusters *c, const struct cluster *own, const char *name, double x,
	double y, bool turned)
{
	core_text_style style = core_text_of(CORE_COLOR_MUTED, turned ? CORE_END : CORE_MIDDLE);
	const char *n = core_format(c->d.ctx, "%lld", (long long)own->n);
	c->d.canvas->failed |= !n;
	if (!n)
		return;
	style.rotation = turned ? -90 : 0;
	core_draw_text(c->d.canvas, x, y + 9, name, core_text_of(CORE_COLOR_INK, CORE_MIDDLE));
	core_draw_text(c->d.canvas, turned ? x + 2.5 : x, turned ? y + 12 : y + 18, n, style);
}

static bool do_numbers_fit(const struct grouping *grouping, double step)
{
	int64_t most = 0;
	for (size_t k = 0; k < grouping->n; k++)
		most = grouping->cluster[k].n > most ? grouping->cluster[k].n : most;
	return step >= (most < 10 ? 7 : most < 100 ? 11 : most < 1000 ? 16 : 24);
}

/* A dashed line: the share of the first group in all rows, if there are two. */
static void draw_total(struct clusters *c, const core_panel *panel, const struct grouping *grouping)
{
	core_rect a = panel->area;
	int64_t all = grouping->total[0] + (c->groups->G > 1 ? grouping->total[1] : 0);
	if (c->groups->G != 2 || !all)
		return;
	double y = core_scale_at(&panel->y.scale, (double)grouping->total[0] / (double)all);
	core_draw_line(c->d.canvas, a.x, y, a.x + a.width, y,
		core_line_style(core_color_of(CORE_COLOR_INK), 0.8, CORE_DASHED));
}

static fv_status draw_panel(struct clusters *c, size_t k)
{
	core_drawing *d = &c->d;
	const struct grouping *grouping = &c->grouping[k];
	core_panel panel = {.area = core_layout_area(&c->layout, k)};
	core_rect a = panel.area;
	const core_row_name_parts *name = &d->names.row[grouping->row];
	fv_status status = core_axis_make(d->ctx, (core_range){0, 1, true}, 2, &panel.y);
	if (status)
		return status;
	panel.x.scale = (core_scale){.low = 0, .high = 1};
	core_panel_fit(&panel);
	double step = a.width / (double)grouping->n, width = step < 40 ? 0.86 * step : step - 6;
	width = width < 46 ? width : 46;
	const char **fitted = fit_names(c, grouping, step);
	if (!fitted)
		return FV_FAILED;
	core_draw_title(
		d->canvas, a.x, a.y - 5, *name->groups ? name->groups : name->label, a.width);
	for (size_t i = 0; i < grouping->n; i++)
		draw_share(c, &panel, grouping, i, a.x + step * ((double)i + 0.5), width);
	draw_total(c, &panel, grouping);
	core_draw_y_axis(d->canvas, &panel, NULL, true);
	core_draw_line(d->canvas, a.x, a.y + a.height, a.x + a.width, a.y + a.height,
		core_line_style(core_color_of(CORE_COLOR_INK), 0.6, CORE_SOLID));
	for (size_t i = 0; i < grouping->n && step >= 9; i++)
		draw_name(c, &grouping->cluster[i], fitted[i], a.x + step * ((double)i + 0.5),
			a.y + a.height, !do_numbers_fit(grouping, step));
	return FV_OK;
}

static const char *make_note(struct clusters *c)
{
	int64_t unknown = 0;
	for (size_t k = 0; k < c->n; k++)
		unknown = c->grouping[k].unknown > unknown ? c->grouping[k].unknown : unknown;
	const char *left_out =
		unknown ? core_format(c->d.ctx,
				  " Left out: %lld rows whose %s no prediction tells.",
				  (long long)unknown, c->read.attribute)
			: "";
	return left_out ? core_format(c->d.ctx,
				  "Groups of fold %lld, all splits, sorted by share; below: group "
				  "and "
				  "number of rows.%s%s",
				  (long long)c->read.fold,
				  c->groups->G == 2 ? " Dashed: share in all rows." : "", left_out)
			: NULL;
}

static fv_status draw_all(struct clusters *c, core_canvas **out)
{
	core_drawing *d = &c->d;
	core_legend_entry *entry = core_make_group_legend(d, c->groups);
	const char *note = make_note(c);
	if (!entry || !note)
		return FV_FAILED;
	for (int32_t g = 0; g < c->groups->G; g++) {
		entry[g].has_marker = false;
		entry[g].has_area = true;
	}
	size_t most = d->width > 4.5 * 72 ? 2 : 1;
	c->layout = (core_layout){.n = c->n,
		.across = c->n < most ? c->n : most,
		.width = d->width,
		.left = 24,
		.top = core_draw_legend(d, 24, 1, d->width - 24, (size_t)c->groups->G, entry) + 16,
		.height = core_drawing_height(d, note, HEIGHT),
		.gutter = GUTTER,
		.below = 48};
	fv_status status = FV_OK;
	for (size_t k = 0; k < c->n && !status; k++)
		status = draw_panel(c, k);
	return status ? status
		      : core_drawing_close(d, core_layout_bottom(&c->layout) + 27, note, out);
}

fv_status core_draw_clusters(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out)
{
	struct clusters c = {0};
	fv_status status = core_drawing_open(
		ctx, core_figure_find("clusters"), input, options, CORE_WIDE, &c.d);
	if (!status)
		status = count_all(&c);
	return status ? status : draw_all(&c, out);
}
