/* SPDX-License-Identifier: Apache-2.0 */
/* Short names of the variants of a grid for figures, made from the axes on which they differ: objective
 * "RW", groups "truth gender" or "k=16", setting "lr=0.001". */
#ifndef CORE_PLOT_NAMES_H
#define CORE_PLOT_NAMES_H

#include "report/grid.h"

typedef struct core_row_name_parts {
	const char *objective; /* "RW", "RW@3f2a91c"; with its parameters where they vary */
	const char *groups;    /* "k=16"; "": none, or the same in all variants */
	const char *setting;   /* the other axes; "": they are the same in all variants */
	const char *label;     /* all of them: "RW, k=16, lr=0.001" */
	int32_t series;        /* number of the objective; -1: training without debiasing */
	int32_t panel;         /* number of the setting */
} core_row_name_parts;

typedef struct core_row_names {
	core_row_name_parts *row; /* [grid->n_rows] */
	int32_t n_series, n_panels;
	const char **series; /* [n_series] objectives, in order of appearance */
	const char **panel;  /* [n_panels] settings, in order of appearance */
} core_row_names;

/* `given`: "OLD=NEW,..." names to use instead of those made; NULL: none. `without`: an axis, "grouper.k" or
 * "train.batch", that names leave out; NULL: none. Errors: FV_CONFIG for a list that is not of this form. */
FV_NODISCARD fv_status core_row_names_make(fv_ctx *ctx, const core_grid *grid, const char *given,
	const char *without, core_row_names *out);

/* A numeric axis of the matrix: "grouper.k". */
typedef struct core_numeric_axis {
	const char *key;
	double *value;    /* [n_rows]; NaN: the row does not have it */
	size_t n;         /* distinct values */
	double *distinct; /* [n] ascending */
} core_numeric_axis;
/* Finds the axis of that name, "grouper.k" or "k"; NULL: the one with the most values. out->n is 0 if there
 * is none with two values. */
FV_NODISCARD fv_status core_find_numeric_axis(
	fv_ctx *ctx, const core_grid *grid, const char *name, core_numeric_axis *out);

/* Returns the name given for a name, or the name itself. NULL: out of memory. */
const char *core_find_given_name(fv_ctx *ctx, const char *given, const char *name);

/* Returns "k=16", "truth gender": the value of an axis as it differs from `other` [n], the values of all
 * variants; `without`, a member of a block or NULL, is ignored. Of a loss only its parameters: "eta=0.1", or "". NULL: out of memory. */
const char *core_describe_axis(fv_ctx *ctx, const char *key, const json_t *value, size_t n,
	const json_t *const *other, const char *without);

#endif
