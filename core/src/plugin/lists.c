/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/lists.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/readable.h"

#define OUTPUT_MIN (offsetof(fv_output, has_frames) + sizeof(int32_t))

/* Where memory lies that ended with an op; NULL: not known. */
static const char *find_ended(const fv_ctx *ctx, const void *memory)
{
	if (core_scratch_holds(ctx, memory))
		return "memory of fv_scratch";
	return core_is_on_stack(memory) ? "a local variable of an op" : NULL;
}

static fv_status refuse_ended(fv_ctx *ctx, const char *list, const char *where)
{
	return fv_fail(ctx, FV_FAILED,
		"%s is in %s, which ends when the op returns: get it with fv_alloc", list, where);
}

fv_status core_list_check(
	fv_ctx *ctx, const char *list, const char *count, const void *data, int64_t n, size_t size)
{
	if (n <= 0 || !size ||
		((uint64_t)n <= SIZE_MAX / size && core_is_readable(data, (size_t)n * size)))
		return FV_OK;
	const char *ended = find_ended(ctx, data);
	if (ended)
		return refuse_ended(ctx, list, ended);
	return fv_fail(
		ctx, FV_FAILED, "%s has fewer than %s (%lld) elements", list, count, (long long)n);
}

/* Tells why name i cannot be used: its memory, or that of the list, has ended, or there are fewer names than counted. */
static fv_status refuse_name(fv_ctx *ctx, const char *list, const char *count,
	const char *const *name, int32_t n, int32_t i)
{
	const char *wrong = "no text", *ended = find_ended(ctx, name);
	bool there = core_is_readable(name + i, sizeof *name);
	if (ended)
		return refuse_ended(ctx, list, ended);
	ended = there ? find_ended(ctx, name[i]) : NULL;
	if (ended) {
		char which[CORE_NAME_MAX + 64];
		snprintf(which, sizeof which, "%s: name %d", list, (int)i);
		return refuse_ended(ctx, which, ended);
	}
	if (!there)
		wrong = "not there";
	else if (!name[i])
		wrong = "NULL";
	else if (core_is_readable(name[i], 1) && !*name[i])
		wrong = "empty";
	return fv_fail(ctx, FV_FAILED, "%s has fewer than %s (%d) names: name %d is %s", list,
		count, (int)n, (int)i, wrong);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

fv_status core_names_check(
	fv_ctx *ctx, const char *list, const char *count, const char *const *name, int32_t n)
{
	for (int32_t i = 0; i < n; i++)
		if (!core_is_readable(name + i, sizeof *name) ||
			!core_is_readable_text(name[i], CORE_NAME_MAX) ||
			core_scratch_holds(ctx, name[i]))
			return refuse_name(ctx, list, count, name, n, i);
	return FV_OK;
}

fv_status core_names_check_distinct(
	fv_ctx *ctx, const char *list, const char *const *name, int32_t n)
{
	fv_status status = FV_OK;
	const char **sorted = core_alloc(ctx, (size_t)n, sizeof *sorted);
	if (!sorted)
		return FV_FAILED;
	memcpy(sorted, name, (size_t)n * sizeof *sorted);
	qsort(sorted, (size_t)n, sizeof *sorted, compare_names);
	for (int32_t i = 1; i < n && !status; i++)
		if (!strcmp(sorted[i - 1], sorted[i]))
			status = fv_fail(ctx, FV_FAILED, "%s has '%s' twice", list, sorted[i]);
	return status;
}

static fv_status check_roles(fv_ctx *ctx, const char *list, const fv_output *o)
{
	fv_status status = core_list_check(ctx, list, "dims", o->roles, o->dims, sizeof *o->roles);
	for (int32_t d = 0; d < o->dims && !status; d++)
		if ((int)o->roles[d] < FV_COL_FEATURE || o->roles[d] > FV_COL_VALUE)
			status = fv_fail(ctx, FV_FAILED,
				"%s has fewer than dims (%d) roles: role %d is %d, which is none",
				list, (int)o->dims, (int)d, (int)o->roles[d]);
	return status;
}

static fv_status check_lists(fv_ctx *ctx, const fv_output *o, int32_t index)
{
	char list[CORE_NAME_MAX + 32];
	if (o->name && *o->name && !core_is_readable_text(o->name, CORE_NAME_MAX))
		return fv_fail(ctx, FV_FAILED, "the name of output %d is no text", (int)index);
	fv_status status = FV_OK;
	if (!o->name || o->dims < 1)
		return FV_OK; /* whoever asked for the outputs refuses that */
	snprintf(list, sizeof list, "output '%s': columns", o->name);
	if (o->columns)
		status = core_names_check(ctx, list, "dims", o->columns, o->dims);
	if (o->columns && !status)
		status = core_names_check_distinct(ctx, list, o->columns, o->dims);
	snprintf(list, sizeof list, "output '%s': roles", o->name);
	if (!status && o->roles)
		status = check_roles(ctx, list, o);
	return status;
}

static uint32_t read_size(const char *output)
{
	uint32_t size;
	memcpy(&size, output, sizeof size);
	return size;
}

fv_status core_outputs_copy(fv_ctx *ctx, fv_encoder_info *info)
{
	const char *from = (const char *)info->outputs;
	int32_t n = from && info->n_outputs > 0 ? info->n_outputs : 0;
	uint32_t size = n && core_is_readable(from, sizeof size) ? read_size(from) : 0;
	if (n && size < OUTPUT_MIN)
		return fv_fail(ctx, FV_FAILED,
			"outputs of %u bytes, at least %zu expected: use FV_OUTPUT, which sets "
			".size",
			size, OUTPUT_MIN);
	fv_status status = core_list_check(ctx, "outputs", "n_outputs", from, n, size);
	if (status)
		return status;
	fv_output *copy = core_alloc(ctx, (size_t)n, sizeof *copy);
	if (!copy)
		return FV_FAILED;
	for (int32_t i = 0; i < n; i++, from += size) {
		if (read_size(from) != size)
			return fv_fail(ctx, FV_FAILED,
				"output %d has size %u, the first one %u: all need the same .size, "
				"and "
				"n_outputs (%d) must not count more than there are",
				(int)i, read_size(from), size, (int)n);
		memcpy(&copy[i], from, size < sizeof *copy ? size : sizeof *copy);
		status = check_lists(ctx, &copy[i], i);
		if (status)
			return status;
	}
	info->outputs = n ? copy : NULL;
	return FV_OK;
}
