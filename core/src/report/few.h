/* SPDX-License-Identifier: Apache-2.0 */
/* Does a figure rest on a cell of too few? A gap pools rates; each is one of a class, a group, and
 * in a mean over folds a fold. Where one of them stands on fewer than `least` recordings, but on
 * some, the figure is greyed: positives for a TPR, negatives for an FPR, rows for a rate of
 * prediction. A cell of none is left out of the gap and reported elsewhere. */
#ifndef CORE_REPORT_FEW_H
#define CORE_REPORT_FEW_H

#include <jansson.h>

#include "report/table.h"

/* Of a gap of one attribute of one set of predictions. */
bool core_few_gap(const core_attribute_metrics *a, int32_t C, core_metric_id stat, int64_t least);

/* Of a column of a row: pooled, or the mean over folds. false without scores. */
bool core_few_column(const core_grid *grid, const core_grid_row *row, size_t column, bool pooled);

/* Of a metric ("tpr_gap", "worst_group_f1") of one attribute in a metrics.json. */
bool core_few_metric(const json_t *attribute, const char *metric, int64_t least);

/* Marks a report of eval/report_json.h: "few" of its gaps and TPRs, and "min_support". */
void core_few_mark(json_t *report, int64_t least);

#endif
