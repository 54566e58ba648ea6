/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.json and `fairvox audit --json`: one object with schema_version 2, keys in a fixed order.
 *
 * R = {"value": x} and, where computed, low, high, level (rates and differences), null_mean,
 * null_p95, p, excess (gaps) or p (differences). An undefined value is null and has an entry in
 * "undefined". */
#ifndef CORE_EVAL_REPORT_JSON_H
#define CORE_EVAL_REPORT_JSON_H

#include <jansson.h>

#include "eval/assess.h"

/* New objects; NULL and a message when memory is out. The caller may add keys (fold, seed,
 * selected_epoch, comparison) and gives them back with json_decref. */
json_t *core_report_metrics(fv_ctx *ctx, const core_metrics *metrics);
json_t *core_report_comparison(fv_ctx *ctx, const core_comparison *comparison);

/* Indented text with a newline at its end, numbers with 17 digits; lives as long as the context.
 * Takes `report` over. NULL and a message when memory is out or report is NULL. */
char *core_report_dump(fv_ctx *ctx, json_t *report);

#endif
