/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters: the share of each group of people in each inferred group of one fold, one panel a grouper. The
 * groups of people come from the predictions of all folds, because groups.csv also has training rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "eval/predictions.h"
#include "plot/drawing.h"
#include "plot/figures.h"

#define HEIGHT 80.0
#define GUTTER 26.0

enum { GROUPS_MAX = 12, PANELS_MAX = 6 };

/* The value of the attribute of a recording. */
struct person {
	const char *file, *value;
};

struct people {
	size_t n, capacity;
	struct person *person; /* sorted by file once complete */
};

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
	const char *attribute;
	const core_eval_attribute *groups;
	size_t n;
	struct grouping grouping[PANELS_MAX];
	int64_t fold;
	core_layout layout;
};

/* --- reading ---------------------------------------------------------------------------------- */

static int compare_people(const void *a, const void *b)
{
	return strcmp(((const struct person *)a)->file, ((const struct person *)b)->file);
}

static fv_status add_people(
	fv_ctx *ctx, const core_run_result *run, const char *attribute, struct people *people)
{
	core_csv csv;
	char *path = core_path_join(ctx, run->dir, "predictions.csv");
	fv_status status = path ? core_csv_read(ctx, path, &csv) : FV_FAILED;
	if (status)
		return status;
	int64_t file = core_csv_column(&csv, "FileName"), value = core_csv_column(&csv, attribute);
	size_t rows = (size_t)csv.n_rows;
	if (people->n + rows > people->capacity) {
		size_t capacity = 2 * (people->n + rows);
		struct person *grown = core_alloc(ctx, capacity, sizeof *grown);
		if (!grown)
			return FV_FAILED;
		if (people->n)
			memcpy(grown, people->person, people->n * sizeof *grown);
		people->person = grown;
		people->capacity = capacity;
	}
	for (int64_t i = 0; i < csv.n_rows && file >= 0 && value >= 0; i++)
		people->person[people->n++] = (struct person){
			core_csv_cell(&csv, i, file), core_csv_cell(&csv, i, value)};
	return FV_OK;
}

/* Reads the attribute of the recordings that any fold of the variant predicted. */
static fv_status read_people(
	struct clusters *c, const core_variant_result *variant, struct people *people)
{
	fv_status status = FV_OK;
	*people = (struct people){0};
	for (int32_t f = 0; f < variant->n_folds && !status; f++)
		status = add_people(
			c->d.ctx, variant->used[f * variant->n_seeds], c->attribute, people);
	if (!status && people->n)
		qsort(people->person, people->n, sizeof *people->person, compare_people);
	return status;
}

/* Returns the group of people of a recording; -1: unknown. */
static int32_t find_group(const struct clusters *c, const struct people *people, const char *file)
{
	const struct person key = {file, NULL};
	const struct person *found =
		people->n ? bsearch(&key, people->person, people->n, sizeof key, compare_people)
			  : NULL;
	for (int32_t g = 0; found && g < c->groups->G; g++)
		if (!strcmp(c->groups->group[g], found->value))
			return g;
	return -1;
}

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

static fv_status count_rows(struct clusters *c, const core_csv *csv, const struct people *people,
	struct grouping *grouping)
{
	int64_t file = core_csv_column(csv, "FileName"), group = core_csv_column(csv, "group");
	grouping->cluster =
		core_alloc(c->d.ctx, (size_t)csv->n_rows + 1, sizeof *grouping->cluster);
	grouping->total = core_alloc(c->d.ctx, (size_t)c->groups->G, sizeof *grouping->total);
	if (!grouping->cluster || !grouping->total)
		return FV_FAILED;
	for (int64_t i = 0; i < csv->n_rows && file >= 0 && group >= 0; i++) {
		const char *name = core_csv_cell(csv, i, group);
		int32_t g = find_group(c, people, core_csv_cell(csv, i, file));
		if (g < 0) {
			grouping->unknown++;
			continue;
		}
		struct cluster *own = find_cluster(c, grouping, *name ? name : "none");
		if (!own)
			return FV_FAILED;
		own->n++;
		own->count[g]++;
		grouping->total[g]++;
	}
	if (grouping->n)
		qsort(grouping->cluster, grouping->n, sizeof *grouping->cluster, compare_clusters);
	return FV_OK;
}

/* Returns the run of the fold with the first seed; NULL: there is none. */
static const core_run_result *find_run(const struct clusters *c, const core_variant_result *variant)
{
	for (int32_t f = 0; f < variant->n_folds; f++)
		if (c->fold < 0 || variant->fold[f] == c->fold)
			return variant->used[f * variant->n_seeds];
	return NULL;
}

static fv_status add_grouping(struct clusters *c, size_t row)
{
	core_csv csv;
	struct people people;
	const core_variant_result *variant = c->d.grid->row[row].variant;
	const core_run_result *run = find_run(c, variant);
	char *path = run ? core_path_join(c->d.ctx, run->dir, "groups.csv") : NULL;
	if (!path || !core_file_exists(path))
		return FV_OK;
	struct grouping *own = &c->grouping[c->n];
	*own = (struct grouping){.row = row};
	c->fold = run->fold;
	fv_status status = core_csv_read(c->d.ctx, path, &csv);
	if (!status)
		status = read_people(c, variant, &people);
	if (!status)
		status = count_rows(c, &csv, &people, own);
	c->n += !status && own->n;
	return status;
}

/* Is there a panel of the same groups already? */
static bool has_groups_of(const struct clusters *c, size_t row)
{
	const core_run_facts *own = c->d.grid->row[row].facts;
	for (size_t k = 0; k < c->n; k++) {
		const core_run_facts *other = c->d.grid->row[c->grouping[k].row].facts;
		if (json_equal((json_t *)own->grouping, (json_t *)other->grouping))
			return true;
	}
	return false;
}

/* Groups made of true labels are shown if they were selected, or if there are no others (`all`). */
static fv_status collect_groupings(struct clusters *c, bool all)
{
	core_drawing *d = &c->d;
	fv_status status = FV_OK;
	for (size_t i = 0; i < d->grid->n_rows && !status; i++) {
		const core_grid_row *row = &d->grid->row[i];
		if (!row->facts || !row->facts->n_groupers || has_groups_of(c, i) ||
			(row->facts->uses_group_labels && !d->options->selected && !all))
			continue;
		if (c->n == PANELS_MAX)
			return fv_fail(d->ctx, FV_CONFIG,
				"clusters: shows at most %d groupers: select fewer with --rows",
				(int)PANELS_MAX);
		status = add_grouping(c, i);
	}
	if (status || c->n)
		return status;
	if (!all)
		return collect_groupings(c, true);
	if (c->fold >= 0)
		return fv_fail(d->ctx, FV_CONFIG, "--fold: no run of fold %lld has groups",
			(long long)c->fold);
	return fv_fail(d->ctx, FV_DATA,
		"clusters: no variant has inferred groups whose people are known by '%s'",
		c->attribute);
}

static fv_status find_groups(struct clusters *c)
{
	core_drawing *d = &c->d;
	fv_status status = core_find_attribute(d, &c->attribute);
	for (int32_t t = 0; t < d->grid->tests.n_sets && !status && !c->groups; t++)
		for (int32_t a = 0; a < d->grid->tests.set[t].n_attributes; a++)
			if (!strcmp(d->grid->tests.set[t].attribute[a].name, c->attribute))
				c->groups = &d->grid->tests.set[t].attribute[a];
	if (status)
		return status;
	if (!c->groups)
		return fv_fail(d->ctx, FV_DATA,
			"clusters: the folds of no variant form one test set with '%s'",
			c->attribute);
	if (c->groups->G > GROUPS_MAX)
		return fv_fail(d->ctx, FV_DATA,
			"clusters: '%s' has %d groups, more than the %d that can be told apart: "
			"choose another --attribute",
			c->attribute, (int)c->groups->G, (int)GROUPS_MAX);
	return FV_OK;
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

/* Writes name and number of rows below a bar; the number is turned where it is wider than the bar. */
static void draw_name(
	struct clusters *c, const struct cluster *own, double x, double y, double step, bool turned)
{
	core_text_style style = core_text_of(CORE_COLOR_MUTED, turned ? CORE_END : CORE_MIDDLE);
	const char *name =
		core_fit_text(c->d.ctx, own->name, CORE_FONT, false, step < 14 ? 14 : step);
	const char *n = core_format(c->d.ctx, "%lld", (long long)own->n);
	c->d.canvas->failed |= !name || !n;
	if (!name || !n)
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
	core_draw_title(
		d->canvas, a.x, a.y - 5, *name->groups ? name->groups : name->label, a.width);
	for (size_t i = 0; i < grouping->n; i++)
		draw_share(c, &panel, grouping, i, a.x + step * ((double)i + 0.5), width);
	draw_total(c, &panel, grouping);
	core_draw_y_axis(d->canvas, &panel, NULL, true);
	core_draw_line(d->canvas, a.x, a.y + a.height, a.x + a.width, a.y + a.height,
		core_line_style(core_color_of(CORE_COLOR_INK), 0.6, CORE_SOLID));
	for (size_t i = 0; i < grouping->n && step >= 9; i++)
		draw_name(c, &grouping->cluster[i], a.x + step * ((double)i + 0.5), a.y + a.height,
			step, !do_numbers_fit(grouping, step));
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
				  (long long)unknown, c->attribute)
			: "";
	return left_out ? core_format(c->d.ctx,
				  "Groups of fold %lld, all splits, sorted by share; below: group "
				  "and "
				  "number of rows.%s%s",
				  (long long)c->fold,
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
	struct clusters c = {.fold = options->fold};
	fv_status status = core_drawing_open(
		ctx, core_figure_find("clusters"), input, options, CORE_WIDE, &c.d);
	if (!status)
		status = find_groups(&c);
	if (!status)
		status = collect_groupings(&c, false);
	return status ? status : draw_all(&c, out);
}
