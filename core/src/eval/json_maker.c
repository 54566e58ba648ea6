/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/json_maker.h"

#include <math.h>

#include "base/json.h"

void core_json_set(core_json_maker *j, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		j->failed = true;
}

void core_json_append(core_json_maker *j, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		j->failed = true;
}

/* Adds the key only if the value was computed. */
static void set_known(core_json_maker *j, json_t *object, const char *key, double value)
{
	if (!isnan(value))
		core_json_set(j, object, key, json_real(value));
}

json_t *core_estimate_json(core_json_maker *j, const core_estimate *e)
{
	json_t *r = json_object();
	core_json_set(j, r, "value", core_json_number(e->value));
	set_known(j, r, "null_mean", e->null_mean);
	set_known(j, r, "null_p95", e->null_p95);
	set_known(j, r, "null_p05", e->null_p05);
	set_known(j, r, "p", e->p);
	set_known(j, r, "excess", e->excess);
	set_known(j, r, "low", e->low);
	set_known(j, r, "high", e->high);
	set_known(j, r, "level", e->level);
	return r;
}

void core_json_set_metrics(
	core_json_maker *j, json_t *object, unsigned kinds, const core_estimate *metric)
{
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *m = core_metric_at((core_metric_id)k);
		if (m->kind & kinds)
			core_json_set(j, object, m->name, core_estimate_json(j, &metric[k]));
	}
}

json_t *core_json_name(const char *text)
{
	return text ? json_string(text) : json_null();
}
