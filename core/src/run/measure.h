/* SPDX-License-Identifier: Apache-2.0 */
/* Computes the metrics of a run from its predictions: the content of metrics.json, which `verify`
 * recomputes. */
#ifndef CORE_RUN_MEASURE_H
#define CORE_RUN_MEASURE_H

#include "config/spec.h"
#include "eval/predictions.h"

typedef struct core_measured {
	int64_t fold, seed;
	int32_t selected_epoch;
} core_measured;

/* Returns metrics.json as text, with the null of each gap and intervals over speakers. Errors: FV_CONFIG
 * for an attribute that the predictions lack. */
FV_NODISCARD fv_status core_measure_predictions(fv_ctx *ctx, const core_predictions *predictions,
	const core_strings *attributes, const core_measured *run, char **json);

#endif
