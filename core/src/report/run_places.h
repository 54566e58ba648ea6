/* SPDX-License-Identifier: Apache-2.0 */
/* Where the figures of a metrics.json are. */
#ifndef CORE_REPORT_RUN_PLACES_H
#define CORE_REPORT_RUN_PLACES_H

#include <jansson.h>

#include "base/context.h"

/* NULL: does not apply. With a class: a rate. With a group alone: an overall metric of that group. */
typedef struct core_run_place {
	const char *attribute, *metric, *class_name, *group;
} core_run_place;

typedef struct core_run_places {
	fv_ctx *ctx;
	size_t n, capacity, next;
	core_run_place *place;
	bool failed; /* memory ran out */
} core_run_places;

/* Adds the places of one metrics.json that are not listed yet. They borrow its keys. */
void core_run_places_add(core_run_places *places, const json_t *metrics);

/* Returns R or a number; NULL: this metrics.json has no such figure. */
const json_t *core_run_place_read(const json_t *metrics, const core_run_place *place);

#endif
