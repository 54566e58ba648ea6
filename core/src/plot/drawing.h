/* SPDX-License-Identifier: Apache-2.0 */
/* What the figures share: the drawing with its names, columns, legend and notes. */
#ifndef CORE_PLOT_DRAWING_H
#define CORE_PLOT_DRAWING_H

#include "plot/figure.h"
#include "plot/names.h"
#include "plot/scale.h"

#define CORE_WIDE 6.75      /* inches: two columns of a paper */
#define CORE_NARROW 3.25    /* one column */
#define CORE_MARKS_MAX 2000 /* above, marks are drawn together, without one title each */

typedef struct core_drawing {
	fv_ctx *ctx;
	const core_figure_kind *kind;
	const core_figure_input *input;
	const core_grid *grid;
	const core_figure_options *options;
	core_row_names names;
	core_canvas *canvas;
	double width; /* points */
} core_drawing;

/* Opens a drawing `width` inches wide unless the options say another width. */
FV_NODISCARD fv_status core_drawing_open(fv_ctx *ctx, const core_figure_kind *kind,
	const core_figure_input *input, const core_figure_options *options, double width,
	core_drawing *out);

/* Ends it: adds a note below everything, from y on, with "Synthetic speech" where it applies, sets the
 * height, and returns the canvas. */
FV_NODISCARD fv_status core_drawing_close(
	core_drawing *d, double y, const char *note, core_canvas **out);
/* The height of the note that core_drawing_close adds, in points. */
double core_note_height(const core_drawing *d, const char *note);

/* Returns the height for what is above the note: the one asked for, less the note, or `own`. */
double core_drawing_height(const core_drawing *d, const char *note, double own);

/* Returns the column of the grid for a metric; -1: there is none. attribute NULL: over all rows. */
int64_t core_find_column(const core_grid *grid, const char *attribute, const char *metric);
/* Finds the attribute that the figure is about. Errors: FV_DATA if the study has none, FV_CONFIG for a name
 * that it does not have. */
FV_NODISCARD fv_status core_find_attribute(core_drawing *d, const char **out);
/* Finds the columns of options.metrics, or of `own` [n_own]: metrics of the attribute if they are gaps.
 * `attribute` may be NULL. At most CORE_COLUMNS_MAX. Errors: FV_CONFIG for an unknown name. */
enum { CORE_COLUMNS_MAX = 4 };
FV_NODISCARD fv_status core_find_columns(core_drawing *d, const char *attribute,
	const char *const *own, size_t n_own, const core_grid_column **column, size_t *n);

/* Returns the name of the metric as people read it: "gender TPR gap", "macro F1"; NULL: out of memory. */
const char *core_column_title(core_drawing *d, const core_grid_column *column);
/* Returns "lower is fairer" or the like for a column's axis, with an arrow. NULL: out of memory. */
const char *core_axis_title(core_drawing *d, const core_grid_column *column, bool vertical);

/* The reference: training without debiasing, with the planted bias; -1: there is none. `panel`: of that
 * setting; -1: any. */
int64_t core_find_reference(const core_drawing *d, int32_t panel);
/* The same trained without the planted bias. */
int64_t core_find_unbiased(const core_drawing *d, int32_t panel);

core_marker core_series_marker(int32_t series); /* -1: that of the reference */
core_color core_row_color(const core_drawing *d, size_t row);
/* Draws the marker of a row: that of its objective; the reference is a black square. */
void core_draw_row_marker(
	core_drawing *d, size_t row, double x, double y, double size, bool hollow);

/* The variants that figures of a few variants show: those selected, else the reference and the variant that
 * is best by the metric of eval.compare on development rows. `note`: how the best was chosen; "": it was
 * not. */
enum { CORE_SHOWN_MAX = 6 };
typedef struct core_shown {
	size_t n, row[CORE_SHOWN_MAX];
	const char *note;
} core_shown;
FV_NODISCARD fv_status core_find_shown(core_drawing *d, const char *attribute, core_shown *out);

/* Where the i-th of n panels is, `across` in a row, below `top`: each `height` high, with `left` points for
 * the labels of the first in a row, `gutter` between, and `below` points below each row. */
typedef struct core_layout {
	size_t n, across;
	double width, left, top, height, gutter, below;
} core_layout;
core_rect core_layout_area(const core_layout *layout, size_t i);
/* Returns the y below all panels. */
double core_layout_bottom(const core_layout *layout);

/* An entry of a legend. */
typedef struct core_legend_entry {
	const char *text;
	core_marker marker;
	core_color color;
	core_dash dash;
	bool has_marker, hollow, has_line, has_area;
} core_legend_entry;
/* Draws entries in rows from (x, y), the top, and returns the y below them. */
double core_draw_legend(core_drawing *d, double x, double y, double width, size_t n,
	const core_legend_entry *entry);
/* Makes entries for the objectives, [n_series]. NULL: out of memory. */
core_legend_entry *core_make_legend(core_drawing *d);

/* Returns the names that --labels gives to n classes or groups, or their own. NULL: out of memory. */
const char **core_find_given_names(core_drawing *d, const char *const *name, size_t n);
double core_measure_widest(const char *const *text, size_t n);
/* Returns the given names, cut so that each fits into `width` and no two look alike. NULL: out of memory. */
const char **core_fit_given_names(core_drawing *d, const char *const *name, size_t n, double width);

/* The index of a group's colour; its marker follows. */
core_marker core_group_marker(int32_t group);
/* Makes entries for the groups of an attribute. NULL: out of memory. */
core_legend_entry *core_make_group_legend(core_drawing *d, const core_eval_attribute *attribute);

/* "5 folds, 3 seeds, 24 speakers": what every note says. NULL: out of memory. */
const char *core_describe_data(core_drawing *d);
/* "gender TPR gap of RW, k=16: 0.208 [0.137, 0.301]". NULL: out of memory. */
const char *core_describe_mark(core_drawing *d, const char *what, const char *of,
	const core_estimate *e, bool sign, const char *more);

#endif
