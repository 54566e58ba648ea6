/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of a study. Each is drawn from the same grid as the result tables (report/grid.h), so that a
 * figure and a table never differ. core/docs/figures.md shows all of them. */
#ifndef CORE_PLOT_FIGURE_H
#define CORE_PLOT_FIGURE_H

#include "plot/canvas.h"
#include "report/grid.h"

typedef struct core_figure_options {
	const char *id;        /* of the SVG; NULL: "fv-" and the figure's name */
	double width, height;  /* inches; 0: the figure's own */
	const char *attribute; /* NULL: that of eval.compare, else the first */
	const char *metrics;   /* names, separated by commas; NULL: the figure's own */
	const char *x;         /* lines: the axis; NULL: the first numeric one */
	const char *labels;    /* "OLD=NEW,...": names to use instead; NULL: none */
	int64_t fold;          /* for figures of one fold; -1: the first */
	bool selected;         /* the variants were selected: draw all of them */
	bool paper;            /* as in the paper */
} core_figure_options;
core_figure_options core_figure_default(void);

/* A map of the recordings of one fold in two dimensions. */
typedef struct core_map {
	int64_t n;
	const char *const *id; /* [n] recordings, as in groups.csv */
	const float *xy;       /* [n, 2] */
	const char *features;  /* of which: "functionals" */
	double perplexity;
} core_map;

/* What a figure is drawn from. */
typedef struct core_figure_input {
	const core_results *results;
	const core_grid *grid; /* made with the options of core_figure_grid_options */
	const core_map *map;   /* for tsne; NULL: none */
} core_figure_input;

typedef struct core_figure_kind {
	const char *name, *summary;
	bool scores, compare, baselines; /* what it needs of the grid */
	bool paper;                      /* has a form as in the paper */
	bool map;                        /* needs a map */
	fv_status (*draw)(fv_ctx *ctx, const core_figure_input *input,
		const core_figure_options *options, core_canvas **out);
} core_figure_kind;

/* NULL past the last. */
const core_figure_kind *core_figure_kind_at(size_t index);
/* NULL: there is no figure of that name. */
const core_figure_kind *core_figure_find(const char *name);

/* Returns the options of the grid that a figure needs, from those of a table. */
core_table_options core_figure_grid_options(
	const core_figure_kind *kind, const core_figure_options *options, core_table_options table);

/* Draws a figure. Errors: FV_DATA, one line, if the study lacks what it shows; FV_CONFIG for options that
 * do not fit the figure or the study. */
FV_NODISCARD fv_status core_figure_draw(fv_ctx *ctx, const core_figure_kind *kind,
	const core_figure_input *input, const core_figure_options *options, core_canvas **out);

#endif
