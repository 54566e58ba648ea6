/* SPDX-License-Identifier: Apache-2.0 */
/* Low support: a figure rests on too few rows of a subgroup. A gap pools rates of subgroups (class x
 * group, and x fold in a mean over folds). If one of these rates rests on at least one but fewer than
 * `min_support` rows of the kind that the metric uses (core_metric.basis), the figure is greyed. A
 * subgroup without such rows is left out of the gap and reported elsewhere. */
#ifndef CORE_REPORT_LOW_SUPPORT_H
#define CORE_REPORT_LOW_SUPPORT_H

#include <jansson.h>

#include "report/grid.h"

/* For a metric of an attribute, over one set of predictions. */
bool core_metric_has_low_support(
	const core_attribute_metrics *a, int32_t C, core_metric_id id, int64_t min_support);

/* For a column of a row: pooled, or the mean over folds. false without scores. */
bool core_column_has_low_support(
	const core_grid *grid, const core_grid_row *row, size_t column, bool pooled);

/* For a metric in the object of an attribute in metrics.json. */
bool core_json_has_low_support(const json_t *attribute, const char *metric, int64_t min_support);

/* Adds "low_support" to the gaps, group metrics and TPRs of a report made by eval/report_json.h, and
 * "min_support". */
void core_mark_low_support(json_t *report, int64_t min_support);

#endif
