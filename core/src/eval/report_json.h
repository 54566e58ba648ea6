/* SPDX-License-Identifier: Apache-2.0 */
/* Writes metrics.json and `fairvox audit --json`: one object with schema_version 2 and keys in a fixed
 * order.
 *
 * R = {"value": x} and, if computed, low, high, level (rates and differences), null_mean, null_p95, p,
 * excess (gaps) or p (differences). An undefined value is null and has an entry in "undefined". */
#ifndef CORE_EVAL_REPORT_JSON_H
#define CORE_EVAL_REPORT_JSON_H

#include <jansson.h>

#include "eval/assess.h"
#include "eval/predictions.h"

/* Return a new object, or NULL with a message if memory runs out. The caller may add keys (fold, seed,
 * selected_epoch, comparison) and releases the object with json_decref. */
json_t *core_report_metrics(fv_ctx *ctx, const core_metrics *metrics);
json_t *core_report_comparison(fv_ctx *ctx, const core_comparison *comparison);

/* Reads from metrics.json how the predictions are evaluated and sets it in them: the thresholds of the
 * probabilities, if they differ from that of the labels, and whether the argmax reading leaves out rows
 * without a majority. Errors: FV_DATA if a class has no threshold. */
FV_NODISCARD fv_status core_report_read_options(
	fv_ctx *ctx, const json_t *metrics, core_predictions *predictions);

/* Returns indented text with a final newline and numbers of 17 digits, which lives as long as the context.
 * Releases `report`. Returns NULL with a message if memory runs out or report is NULL. */
char *core_report_dump(fv_ctx *ctx, json_t *report);

#endif
