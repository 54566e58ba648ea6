/* SPDX-License-Identifier: Apache-2.0 */
/* Low support: figures that rest on too few rows of a subgroup. A gap pools rates; each is one of a class,
 * a group, and in a mean over folds a fold. Where one of them stands on fewer than `min_support` rows of
 * the kind the metric rests on (core_metric.basis), but on some, the figure is greyed. A subgroup without
 * any is left out of the gap and reported elsewhere. */
#ifndef CORE_REPORT_LOW_SUPPORT_H
#define CORE_REPORT_LOW_SUPPORT_H

#include <jansson.h>

#include "report/grid.h"

/* Of a metric of one attribute of one set of predictions. */
bool core_metric_has_low_support(
	const core_attribute_metrics *a, int32_t C, core_metric_id id, int64_t min_support);

/* Of a column of a row: pooled, or the mean over folds. false without scores. */
bool core_column_has_low_support(
	const core_grid *grid, const core_grid_row *row, size_t column, bool pooled);

/* Of a metric of one attribute's object in a metrics.json. */
bool core_json_has_low_support(const json_t *attribute, const char *metric, int64_t min_support);

/* Marks a report of eval/report_json.h: "low_support" of its gaps, group metrics and TPRs, and
 * "min_support". */
void core_mark_low_support(json_t *report, int64_t min_support);

#endif
