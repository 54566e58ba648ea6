/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the JSON of a report. The maker remembers a failure, so that a key that does not fit in memory
 * or is not UTF-8 is never silently missing. */
#ifndef CORE_EVAL_JSON_MAKER_H
#define CORE_EVAL_JSON_MAKER_H

#include <jansson.h>

#include "eval/metrics.h"

typedef struct core_json_maker {
	bool failed;
} core_json_maker;

/* Both give `value` to the object or array. */
void core_json_set(core_json_maker *j, json_t *object, const char *key, json_t *value);
void core_json_append(core_json_maker *j, json_t *array, json_t *value);

json_t *core_json_name(const char *text); /* NULL: null */

/* R: {"value": x} and what was computed besides. */
json_t *core_estimate_json(core_json_maker *j, const core_estimate *estimate);

/* Adds the metrics of these kinds, each under its name. */
void core_json_set_metrics(
	core_json_maker *j, json_t *object, unsigned kinds, const core_estimate *metric);

#endif
