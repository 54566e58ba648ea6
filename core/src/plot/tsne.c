/* SPDX-License-Identifier: Apache-2.0 */
/* t-SNE: a map of the recordings of one fold by the features that a grouper sees, coloured by groups of people
 * and by inferred groups, one panel each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sort.h"
#include "plot/figures.h"
#include "plot/groupings.h"
#include "plot/place.h"

#define GUTTER 12.0
#define DOT 1.7

enum {
	CLUSTERS_MAX = 8
}; /* more are shown only if they were selected, and in the paper's figure */
enum { PANELS_MAX = CORE_GROUPINGS_MAX + 1 };

/* The colour class of every point in one panel; -1: grey. */
struct panel {
	const char *title;
	int32_t n_classes;
	const char **name; /* [n_classes]; NULL: no numbers */
	int32_t *of_point; /* [map->n] */
};

struct tsne {
	core_drawing d;
	const core_map *map;
	core_groupings read;
	size_t n;
	struct panel panel[PANELS_MAX];
	core_layout layout;
};

/* --- classes ---------------------------------------------------------------------------------- */

struct known {
	const char *file;
	size_t at;
};

static int compare_known(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->file, ((const struct known *)b)->file);
}

/* Finds the row of groups.csv of every point -> row [map->n]; -1: it has none. */
static fv_status match_points(struct tsne *t, const core_grouping *grouping, int64_t *row)
{
	struct known *known = core_alloc(t->d.ctx, grouping->n + 1, sizeof *known);
	if (!known)
		return FV_FAILED;
	for (size_t i = 0; i < grouping->n; i++)
		known[i] = (struct known){grouping->file[i], i};
	if (grouping->n)
		qsort(known, grouping->n, sizeof *known, compare_known);
	for (int64_t p = 0; p < t->map->n; p++) {
		const struct known key = {t->map->id[p], 0};
		const struct known *found =
			grouping->n ? bsearch(&key, known, grouping->n, sizeof key, compare_known)
				    : NULL;
		row[p] = found ? (int64_t)found->at : -1;
	}
	return FV_OK;
}

static fv_status alloc_panel(struct tsne *t, struct panel *panel, size_t classes)
{
	panel->of_point = core_alloc(t->d.ctx, (size_t)t->map->n + 1, sizeof *panel->of_point);
	panel->name = core_alloc(t->d.ctx, classes + 1, sizeof *panel->name);
	return panel->of_point && panel->name ? FV_OK : FV_FAILED;
}

static fv_status make_people_panel(
	struct tsne *t, const core_grouping *grouping, const int64_t *row)
{
	struct panel *panel = &t->panel[t->n++];
	*panel = (struct panel){.title = t->read.attribute, .n_classes = t->read.people->G};
	fv_status status = alloc_panel(t, panel, 0);
	panel->name = NULL;
	for (int64_t p = 0; p < t->map->n && !status; p++)
		panel->of_point[p] = row[p] < 0 ? -1 : grouping->people[row[p]];
	return status;
}

static int compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	size_t n = strlen(*x), m = strlen(*y);
	/* numbers by value */
	return n != m ? (n < m ? -1 : 1) : strcmp(*x, *y);
}

/* Lists the inferred groups by name; returns how many there are. */
static int32_t list_clusters(const core_grouping *grouping, const char **name)
{
	int32_t n = 0;
	for (size_t i = 0; i < grouping->n; i++) {
		int32_t k = 0;
		while (k < n && strcmp(name[k], grouping->cluster[i]) != 0)
			k++;
		if (k == n && strcmp(grouping->cluster[i], "none") != 0)
			name[n++] = grouping->cluster[i];
	}
	if (n)
		qsort(name, (size_t)n, sizeof *name, compare_names);
	return n;
}

static fv_status add_cluster_panel(
	struct tsne *t, const core_grouping *grouping, const int64_t *row)
{
	const core_row_name_parts *name = &t->d.names.row[grouping->row];
	struct panel panel = {.title = *name->groups ? name->groups : name->label};
	fv_status status = alloc_panel(t, &panel, grouping->n);
	if (status)
		return status;
	panel.n_classes = list_clusters(grouping, panel.name);
	bool all = t->d.options->selected || t->d.options->paper;
	if (panel.n_classes > CLUSTERS_MAX && !all)
		return FV_OK;
	for (int64_t p = 0; p < t->map->n; p++) {
		panel.of_point[p] = -1;
		for (int32_t k = 0; k < panel.n_classes && row[p] >= 0; k++)
			if (!strcmp(panel.name[k], grouping->cluster[row[p]]))
				panel.of_point[p] = k;
	}
	t->panel[t->n++] = panel;
	return FV_OK;
}

static fv_status make_panels(struct tsne *t)
{
	fv_status status = core_groupings_read(&t->d, &t->read);
	int64_t *row = core_alloc(t->d.ctx, (size_t)t->map->n + 1, sizeof *row);
	if (!status && !row)
		return FV_FAILED;
	for (size_t k = 0; k < t->read.n && !status; k++) {
		status = match_points(t, &t->read.grouping[k], row);
		if (!status && !k)
			status = make_people_panel(t, &t->read.grouping[k], row);
		if (!status)
			status = add_cluster_panel(t, &t->read.grouping[k], row);
	}
	return status;
}

/* --- drawing ---------------------------------------------------------------------------------- */

static core_color class_color(const struct panel *panel, int32_t k)
{
	if (k < 0)
		return core_color_of(CORE_COLOR_FAINT);
	return panel->name ? core_series_color(k) : (core_color){CORE_COLOR_GROUP, k, 0};
}

/* The extent of the map on both axes. */
static void measure_map(const core_map *map, core_range *x, core_range *y)
{
	*x = *y = (core_range){0};
	for (int64_t p = 0; p < map->n; p++) {
		core_range_add(x, map->xy[2 * p]);
		core_range_add(y, map->xy[2 * p + 1]);
	}
}

/* Places the points of the map in the area, with the same scale on both axes -> at [map->n]. */
static void scale_points(const struct tsne *t, core_rect area, core_point *at)
{
	core_range x, y;
	measure_map(t->map, &x, &y);
	double across = x.high > x.low ? (area.width - 2 * DOT) / (x.high - x.low) : 1;
	double down = y.high > y.low ? (area.height - 2 * DOT) / (y.high - y.low) : 1;
	double scale = across < down ? across : down;
	for (int64_t p = 0; p < t->map->n; p++)
		at[p] = (core_point){area.x + area.width / 2 +
					     scale * (t->map->xy[2 * p] - (x.low + x.high) / 2),
			area.y + area.height / 2 -
				scale * (t->map->xy[2 * p + 1] - (y.low + y.high) / 2)};
}

/* Returns the height of a panel: that of the map, within limits. */
static double choose_height(const struct tsne *t, double width)
{
	core_range x, y;
	measure_map(t->map, &x, &y);
	double ratio = x.high > x.low ? (y.high - y.low) / (x.high - x.low) : 1;
	ratio = ratio < 0.4 ? 0.4 : ratio > 1.2 ? 1.2 : ratio;
	return ratio * (width < 200 ? width : 200);
}

/* Returns the median of x and y over the points of a class; `value` [n] is scratch. */
static core_point find_median(
	const struct panel *panel, int32_t k, int64_t n, const core_point *at, double *value)
{
	double median[2] = {NAN, NAN};
	for (int axis = 0; axis < 2; axis++) {
		size_t count = 0;
		for (int64_t p = 0; p < n; p++)
			if (panel->of_point[p] == k)
				value[count++] = axis ? at[p].y : at[p].x;
		if (!count)
			break;
		core_sort_doubles(value, count);
		median[axis] = value[count / 2];
	}
	return (core_point){median[0], median[1]};
}

/* Writes the name of every inferred group at the median of its points. */
static fv_status draw_names(
	struct tsne *t, const struct panel *panel, core_rect area, const core_point *at)
{
	core_placer placer;
	core_text_style style = core_text_of(CORE_COLOR_INK, CORE_START);
	style.bold = true;
	double *value = core_alloc(t->d.ctx, (size_t)t->map->n + 1, sizeof *value);
	fv_status status = core_placer_open(t->d.ctx, area, (size_t)panel->n_classes + 1, &placer);
	if (status || !value)
		return status ? status : FV_FAILED;
	for (int32_t k = 0; k < panel->n_classes; k++) {
		core_point own = find_median(panel, k, t->map->n, at, value), place;
		double width = core_measure_text(panel->name[k], CORE_FONT, true);
		if (isnan(own.y) || !core_place_label(&placer, own.x - width / 2 - 4, own.y, width,
					    CORE_FONT, &place))
			continue;
		core_draw_rect(t->d.canvas, (core_rect){place.x - 1, place.y - 6.2, width + 2, 7.4},
			core_area_style(core_color_of(CORE_COLOR_PAPER), 0.75));
		core_draw_text(t->d.canvas, place.x, place.y, panel->name[k], style);
	}
	return FV_OK;
}

static fv_status draw_panel(struct tsne *t, size_t i)
{
	const struct panel *panel = &t->panel[i];
	core_rect area = core_layout_area(&t->layout, i);
	size_t n = (size_t)t->map->n;
	core_point *at = core_alloc(t->d.ctx, n + 1, sizeof *at);
	core_point *dot = core_alloc(t->d.ctx, n + 1, sizeof *dot);
	if (!at || !dot)
		return FV_FAILED;
	scale_points(t, area, at);
	core_draw_title(t->d.canvas, area.x, area.y - 4, panel->title, area.width);
	for (int32_t k = -1; k < panel->n_classes; k++) {
		size_t count = 0;
		for (size_t p = 0; p < n; p++)
			if (panel->of_point[p] == k)
				dot[count++] = at[p];
		const char *name = k < 0         ? "unknown"
				   : panel->name ? panel->name[k]
						 : t->read.people->group[k];
		if (!count)
			continue;
		core_open_group(t->d.canvas, "fv-mark",
			core_format(t->d.ctx, "%s: %zu recordings", name, count));
		core_add_datum(t->d.canvas, "panel", panel->title);
		core_add_datum(t->d.canvas, "group", name);
		core_add_number(t->d.canvas, "n", (double)count);
		core_draw_dots(
			t->d.canvas, count, dot, DOT, core_area_style(class_color(panel, k), 0.75));
		core_close_group(t->d.canvas);
	}
	return panel->name ? draw_names(t, panel, area, at) : FV_OK;
}

static fv_status draw_all(struct tsne *t, core_canvas **out)
{
	core_drawing *d = &t->d;
	core_legend_entry *entry = core_make_group_legend(d, t->read.people);
	if (!entry)
		return FV_FAILED;
	for (int32_t g = 0; g < t->read.people->G; g++)
		entry[g].marker = CORE_MARKER_CIRCLE;
	size_t most = d->width > 4.5 * 72 ? 4 : 2;
	size_t across = t->n == 5 || t->n == 6 ? 3 : t->n < most ? t->n : most;
	t->layout = (core_layout){.n = t->n,
		.across = across < most ? across : most,
		.width = d->width,
		.left = 2,
		.top = core_draw_legend(d, 2, 1, d->width - 2, (size_t)t->read.people->G, entry) +
		       14,
		.gutter = GUTTER,
		.below = 22};
	t->layout.height = choose_height(t, core_layout_area(&t->layout, 0).width);
	fv_status status = FV_OK;
	for (size_t k = 0; k < t->n && !status; k++)
		status = draw_panel(t, k);
	const char *note = core_format(d->ctx,
		"t-SNE (perplexity %g) of the %s features that the grouper sees, fold %lld: %lld "
		"recordings after exclusion and bias.",
		t->map->perplexity, t->map->features, (long long)t->read.fold,
		(long long)t->map->n);
	if (status || !note)
		return status ? status : FV_FAILED;
	return core_drawing_close(d, core_layout_bottom(&t->layout), note, out);
}

fv_status core_draw_tsne(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out)
{
	struct tsne t = {.map = input->map};
	if (!input->map)
		return fv_fail(ctx, FV_DATA, "tsne: there is no map of the recordings");
	fv_status status =
		core_drawing_open(ctx, core_figure_find("tsne"), input, options, CORE_WIDE, &t.d);
	if (!status)
		status = make_panels(&t);
	return status ? status : draw_all(&t, out);
}
