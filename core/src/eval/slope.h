/* SPDX-License-Identifier: Apache-2.0 */
/* An attribute that is a number, such as an age in years: does the recall of a speaker rise or fall with it?
 *
 * The slope of the least-squares line of the speakers' UAR (argmax reading) on the number. Interval:
 * bootstrap over speakers. p: two-sided, against numbers permuted over the speakers of each fold. Speakers
 * without a number, and with fewer than min_support rows, are left out. */
#ifndef CORE_EVAL_SLOPE_H
#define CORE_EVAL_SLOPE_H

#include "eval/assess.h"

#define CORE_SLOPE_NAME "recall_slope" /* in JSON and CSV */

typedef struct core_numeric_attribute {
	const char *name;
	const double *value; /* [n rows]; NaN: unknown */
} core_numeric_attribute;

typedef struct core_slope {
	const char *name;
	int32_t speakers;     /* that count */
	int64_t unknown_rows; /* without a number */
	double low, high;     /* range of the numbers of these speakers; NaN: none */
	core_estimate
		slope; /* per unit of the number; NaN: fewer than three speakers, or one number */
} core_slope;

/* sets [n_seeds]: the same rows; a speaker's UAR is the mean over the seeds. No interval with fewer than
 * options->min_speakers. Errors: FV_DATA for a speaker with two numbers, and those of
 * core_speakers_make. */
FV_NODISCARD fv_status core_slope_compute(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets,
	const core_eval_rows *rows, const core_numeric_attribute *attribute,
	const core_assess_options *options, core_slope *out);

/* Computes the slopes of one set of predictions, all rows as one block, and gives them to its metrics. */
FV_NODISCARD fv_status core_slopes_add(fv_ctx *ctx, const core_eval_set *set,
	const core_eval_rows *rows, int32_t n, const core_numeric_attribute *attributes,
	const core_assess_options *options, core_metrics *metrics);

#endif
