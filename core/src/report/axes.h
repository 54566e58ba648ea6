/* SPDX-License-Identifier: Apache-2.0 */
/* The axes of a results folder: what its variants differ in, and the value of each variant. These are the
 * axes of the matrix, and what a variant has to say about objective, encoder, groups, bias, selection rule
 * and tuning where no axis does. */
#ifndef CORE_REPORT_AXES_H
#define CORE_REPORT_AXES_H

#include "report/results.h"

typedef struct core_variant_axis {
	const char *key;      /* "train.learning_rate" */
	const char *title;    /* for people: "lr" */
	bool is_block;        /* objective, groups or encoder */
	bool varies;          /* two variants with finished runs differ */
	const json_t **value; /* [variants] borrowed; NULL: the variant is not on this axis */
	/* [variants] for people: "NAME", "0.001"; of a block its name, and the keys in which blocks of that name
	 * differ: "NAME k=16". NULL: not on this axis. */
	const char **text;
} core_variant_axis;

typedef struct core_variant_axes {
	size_t n;
	core_variant_axis *axis;
	json_t *owned; /* values that are not in a run's env.json */
} core_variant_axes;

/* Finds the axes of the variants [results->n]. Everything but `owned` lives as long as the context and the
 * results. */
FV_NODISCARD fv_status core_axes_find(
	fv_ctx *ctx, const core_results *results, core_variant_axes *out);
void core_axes_free(core_variant_axes *axes);

/* Adds an axis with the values of the variants, an array [results->n] that is released with the axes; null: it is not
 * on this axis. */
FV_NODISCARD fv_status core_axes_add(fv_ctx *ctx, const core_results *results, const char *key,
	json_t *values, core_variant_axes *axes);

/* Finds an axis by its key or title. Returns its index; -1: none. */
int64_t core_axes_index(const core_variant_axes *axes, const char *name);

#endif
