/* SPDX-License-Identifier: Apache-2.0 */
/* Finds numeric axes of the matrix: keys whose values are numbers, and numbers inside blocks. */
#include <math.h>
#include <string.h>

#include "plot/names.h"

static const json_t *read_axes(const core_grid *grid, size_t row)
{
	const core_run_facts *facts = grid->row[row].facts;
	return facts ? facts->axes : NULL;
}

/* Returns the number at "train.batch" or "grouper.k"; NaN: there is none. */
static double read_number(const json_t *axes, const char *key)
{
	const char *axis;
	json_t *value;
	json_object_foreach((json_t *)axes, axis, value)
	{
		size_t n = strlen(axis);
		if (!strcmp(axis, key) && json_is_number(value))
			return json_number_value(value);
		if (!strncmp(axis, key, n) && key[n] == '.') {
			const json_t *member = json_object_get(value, key + n + 1);
			if (json_is_number(member))
				return json_number_value(member);
		}
	}
	return NAN;
}

static fv_status measure_axis(
	fv_ctx *ctx, const core_grid *grid, const char *key, core_numeric_axis *out)
{
	*out = (core_numeric_axis){.key = key,
		.value = core_alloc(ctx, grid->n_rows, sizeof *out->value),
		.distinct = core_alloc(ctx, grid->n_rows, sizeof *out->distinct)};
	if (!out->value || !out->distinct)
		return FV_FAILED;
	for (size_t i = 0; i < grid->n_rows; i++) {
		double own = read_number(read_axes(grid, i), key);
		out->value[i] = own;
		size_t at = 0;
		while (at < out->n && out->distinct[at] < own)
			at++;
		if (isnan(own) || (at < out->n && out->distinct[at] == own))
			continue;
		memmove(&out->distinct[at + 1], &out->distinct[at],
			(out->n - at) * sizeof *out->distinct);
		out->distinct[at] = own;
		out->n++;
	}
	return FV_OK;
}

static bool is_named(const char *key, const char *name)
{
	const char *dot = strrchr(key, '.');
	return !name || !strcmp(key, name) || (dot && !strcmp(dot + 1, name));
}

/* Takes the axis if it has more values than the one found so far. */
static fv_status consider_axis(fv_ctx *ctx, const core_grid *grid, const char *key,
	const char *name, core_numeric_axis *best)
{
	core_numeric_axis own;
	if (!is_named(key, name))
		return FV_OK;
	fv_status status = measure_axis(ctx, grid, key, &own);
	if (!status && own.n > 1 && own.n > best->n)
		*best = own;
	return status;
}

fv_status core_find_numeric_axis(
	fv_ctx *ctx, const core_grid *grid, const char *name, core_numeric_axis *out)
{
	const char *axis, *member;
	json_t *value, *inner;
	fv_status status = FV_OK;
	*out = (core_numeric_axis){0};
	for (size_t i = 0; i < grid->n_rows; i++)
		json_object_foreach((json_t *)read_axes(grid, i), axis, value)
		{
			if (json_is_number(value) && !status)
				status = consider_axis(ctx, grid, axis, name, out);
			json_object_foreach(json_is_object(value) ? value : NULL, member, inner)
			{
				const char *key = core_format(ctx, "%s.%s", axis, member);
				if (!key)
					return FV_FAILED;
				if (json_is_number(inner) && !status)
					status = consider_axis(ctx, grid, key, name, out);
			}
		}
	return status;
}
