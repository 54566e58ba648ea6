/* SPDX-License-Identifier: Apache-2.0 */
/* Computes the metrics of a run from its predictions: the content of metrics.json, which `verify`
 * recomputes. */
#ifndef CORE_RUN_MEASURE_H
#define CORE_RUN_MEASURE_H

#include <jansson.h>

#include "config/spec.h"
#include "eval/predictions.h"

typedef struct core_measured {
	int64_t fold, seed;
	int32_t selected_epoch;
	/* epochs of the last training stage that it was chosen from; 0: it is the last by design */
	int32_t epochs;
} core_measured;

/* The same of a run whose metrics.json has been read. */
core_measured core_measured_read(int64_t fold, int64_t seed, const json_t *metrics);

/* Returns metrics.json as text, with the null of each gap and intervals over speakers. Errors: FV_CONFIG
 * for an attribute that the predictions lack. */
FV_NODISCARD fv_status core_measure_predictions(fv_ctx *ctx, const core_predictions *predictions,
	const core_strings *attributes, const core_measured *run, char **json);

#endif
