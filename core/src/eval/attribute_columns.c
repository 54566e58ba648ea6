/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/attribute_columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

/* Copies a text without the blanks around it. */
static const char *copy_trimmed(fv_ctx *ctx, const char *text, size_t size)
{
	while (size && *text == ' ') {
		text++;
		size--;
	}
	while (size && text[size - 1] == ' ')
		size--;
	return core_strndup(ctx, text, size);
}

int32_t core_attribute_factors(fv_ctx *ctx, const char *name, const char ***factor)
{
	int32_t n = 0;
	*factor = core_alloc(ctx, strlen(name) + 1, sizeof **factor);
	for (const char *at = name; *factor && at; n++) {
		size_t size = strcspn(at, "*");
		(*factor)[n] = copy_trimmed(ctx, at, size);
		if (!(*factor)[n])
			return 0;
		at = at[size] ? at + size + 1 : NULL;
	}
	return n;
}

fv_status core_attribute_is_known(
	fv_ctx *ctx, const core_predictions *p, const char *name, bool *known)
{
	const char **factor;
	*known = core_predictions_column(p, name) != NULL;
	if (*known)
		return FV_OK;
	int32_t n = core_attribute_factors(ctx, name, &factor);
	*known = n > 1;
	for (int32_t k = 0; k < n; k++)
		*known = *known && core_predictions_column(p, factor[k]);
	return n ? FV_OK : FV_FAILED;
}

int32_t core_attribute_columns(fv_ctx *ctx, const core_predictions *p, const char *option,
	const char *name, const core_text_column ***out)
{
	const char **factor;
	const core_text_column *whole = core_predictions_column(p, name);
	int32_t n = whole ? 1 : core_attribute_factors(ctx, name, &factor);
	*out = n ? core_alloc(ctx, (size_t)n, sizeof **out) : NULL;
	if (!*out)
		return 0;
	(*out)[0] = whole;
	for (int32_t k = 0; k < n && !whole; k++)
		if (core_predictions_need(ctx, p, option, factor[k], &(*out)[k]))
			return 0;
	return n;
}

/* Joins the values of a row with '*'; "" if one is unknown. */
static const char *join_values(
	fv_ctx *ctx, const core_text_column *const *column, int32_t n, int64_t row)
{
	const char *joined = column[0]->value[row];
	for (int32_t k = 1; k < n && joined; k++) {
		const char *next = column[k]->value[row];
		if (!*joined || !*next)
			return "";
		joined = core_format(ctx, "%s*%s", joined, next);
	}
	return joined;
}

/* Removes groups with fewer than min_support rows. */
static fv_status leave_out_small(
	fv_ctx *ctx, int64_t n, int64_t min_support, core_eval_attribute *a)
{
	size_t G = (size_t)a->G;
	int64_t *rows = core_alloc(ctx, 2 * G + 1, sizeof *rows);
	const char **group = core_alloc(ctx, 2 * G + 1, sizeof *group);
	int32_t *now = core_alloc(ctx, G + 1, sizeof *now);
	int32_t *id = core_alloc(ctx, (size_t)n + 1, sizeof *id);
	if (!rows || !group || !now || !id)
		return FV_FAILED;
	int64_t *small_rows = rows + G;
	const char **small = group + G;
	for (int64_t i = 0; i < n; i++)
		if (a->id[i] >= 0)
			rows[a->id[i]]++;
	int32_t kept = 0, left_out = 0;
	for (int32_t g = 0; g < a->G; g++) {
		bool keep = rows[g] >= min_support;
		now[g] = keep ? kept : -1;
		if (keep) {
			group[kept++] = a->group[g];
			continue;
		}
		small[left_out] = a->group[g];
		small_rows[left_out++] = rows[g];
	}
	for (int64_t i = 0; i < n; i++)
		id[i] = a->id[i] < 0 ? -1 : now[a->id[i]];
	*a = (core_eval_attribute){a->name, kept, group, id, left_out, small, small_rows};
	return FV_OK;
}

fv_status core_attribute_from_columns(fv_ctx *ctx, const core_predictions *p, const char *option,
	const char *name, int64_t min_support, core_eval_attribute *out)
{
	const core_text_column **column;
	int32_t n = core_attribute_columns(ctx, p, option, name, &column);
	if (!n)
		return core_error_status(ctx);
	if (n == 1)
		return core_eval_attribute_make(ctx, name, p->n, column[0]->value, NULL, 0, out);
	const char **value = core_alloc(ctx, (size_t)p->n + 1, sizeof *value);
	for (int64_t i = 0; i < p->n && value; i++) {
		value[i] = join_values(ctx, column, n, i);
		if (!value[i])
			return FV_FAILED;
	}
	fv_status status =
		value ? core_eval_attribute_make(ctx, name, p->n, value, NULL, 0, out) : FV_FAILED;
	return status ? status : leave_out_small(ctx, p->n, min_support, out);
}

fv_status core_number_from_column(fv_ctx *ctx, const core_predictions *p, const char *option,
	const char *name, double **value)
{
	const core_text_column *column;
	fv_status status = core_predictions_need(ctx, p, option, name, &column);
	*value = core_alloc(ctx, (size_t)p->n + 1, sizeof **value);
	if (status || !*value)
		return status ? status : FV_FAILED;
	for (int64_t i = 0; i < p->n; i++) {
		(*value)[i] = NAN;
		if (!*column->value[i] || core_parse_double(column->value[i], &(*value)[i]))
			continue;
		const char *text =
			core_format(ctx, "%s is '%s', no number", name, column->value[i]);
		status = p->path && p->line ? core_fail_at(ctx, FV_DATA, p->path, (int)p->line[i],
						      0, "%s", text ? text : name)
					    : fv_fail(ctx, FV_DATA, "%s", text ? text : name);
	}
	return status;
}

bool core_attribute_is_raw_number(int32_t n_values, const char *const *value)
{
	double number;
	for (int32_t i = 0; i < n_values; i++)
		if (!core_parse_double(value[i], &number))
			return false;
	return n_values > CORE_EVAL_VALUES_MAX;
}
