/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of one attribute, and parts that other reports have too. */
#ifndef CORE_EVAL_REPORT_ATTRIBUTE_H
#define CORE_EVAL_REPORT_ATTRIBUTE_H

#include "eval/bootstrap.h"
#include "eval/json_maker.h"

json_t *core_attribute_json(
	core_json_maker *j, const core_metrics *metrics, const core_attribute_metrics *attribute);
json_t *core_threshold_free_json(
	core_json_maker *j, const core_metrics *metrics, const core_threshold_free_metrics *values);

/* count [C, C]: true class x predicted class */
json_t *core_confusion_json(core_json_maker *j, const core_metrics *metrics, const int64_t *count);

/* difference [n], of groups [G] */
json_t *core_differences_json(core_json_maker *j, int32_t C, const char *const *classes,
	const char *const *group, int32_t n, const core_tpr_difference *difference);

#endif
