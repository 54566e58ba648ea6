/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns the short table has, and by which its rows are sorted: `--columns` and `--sort`, or the
 * usual ones.
 *
 * A column is an axis ("loss", "train.batch"), "variant", "runs", or a metric by its name, for one attribute
 * "race.tpr_gap" (without: that of eval.compare, or the first). After a colon one of its statistics:
 * null, excess, p, change (against the reference), interval, change_p. */
#ifndef CORE_REPORT_SHORT_CHOICE_H
#define CORE_REPORT_SHORT_CHOICE_H

#include "report/axes.h"
#include "report/grid.h"

typedef enum core_pick_kind {
	CORE_PICK_VARIANT, /* the label */
	CORE_PICK_RUNS,    /* "15", "3 of 15" */
	CORE_PICK_AXIS,
	CORE_PICK_FIGURE,
} core_pick_kind;

typedef enum core_pick_part {
	CORE_PART_VALUE,
	CORE_PART_NULL,   /* mean of the null */
	CORE_PART_EXCESS, /* of the value over it */
	CORE_PART_P,      /* of a gap at least as large */
	CORE_PART_CHANGE, /* against the reference */
	CORE_PART_INTERVAL,
	CORE_PART_CHANGE_P, /* adjusted */
	CORE_PARTS,
} core_pick_part;

typedef struct core_pick {
	core_pick_kind kind;
	size_t axis;              /* of AXIS */
	core_column_request what; /* of FIGURE */
	core_pick_part part;
	int importance; /* as in core_table_column */
} core_pick;

typedef struct core_short_choice {
	size_t n;
	core_pick *pick; /* [n] */
	bool usual;      /* no --columns: axes come before them */
	bool sorts;      /* --sort was given; else by the first gap, or metric, best first */
	core_pick sort;
	bool descending;
	core_column_request
		main; /* what variants are judged by: eval.compare, else a usual gap, else F1 */
	size_t n_requests;
	core_column_request *request; /* the metrics of all of them, for core_table_options */
} core_short_choice;

/* columns, sort: NULL for the usual ones. Errors: FV_CONFIG for an unknown name, with those that exist;
 * FV_DATA if no run is done. */
FV_NODISCARD fv_status core_short_choose(fv_ctx *ctx, const core_results *results,
	const core_variant_axes *axes, const char *columns, const char *sort,
	core_short_choice *out);

#endif
