/* SPDX-License-Identifier: Apache-2.0 */
/* The named arrays of a context. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/context_private.h"
#include "base/fence.h"

size_t core_type_size(fv_type type)
{
	switch (type) {
	case FV_F32:
	case FV_I32:
		return 4;
	case FV_F64:
	case FV_I64:
		return 8;
	case FV_U8:
		return 1;
	}
	return 0;
}

#define SCOPE "stage%d."

const char *core_array_label(const fv_ctx *ctx, const core_array *array)
{
	int scope, used = 0;
	if (sscanf(array->name, SCOPE "%n", &scope, &used) != 1 || !used)
		return array->name;
	return scope == ctx->scope ? array->name + used : NULL;
}

static core_array *find_array(fv_ctx *ctx, const char *name)
{
	for (size_t i = 0; i < ctx->n_arrays; i++)
		if (!strcmp(ctx->arrays[i].name, name))
			return &ctx->arrays[i];
	return NULL;
}

static const char *name_type(fv_type type)
{
	switch (type) {
	case FV_F32:
		return "FV_F32";
	case FV_F64:
		return "FV_F64";
	case FV_I32:
		return "FV_I32";
	case FV_I64:
		return "FV_I64";
	case FV_U8:
		return "FV_U8";
	}
	return "no type";
}

void *core_array_make(
	fv_ctx *ctx, const char *lead, const char *name, fv_type type, int64_t n0, int64_t n1)
{
	const core_array *found = find_array(ctx, name);
	if (found) {
		if (found->type == type && found->n0 == n0 && found->n1 == n1)
			return found->data;
		(void)fv_fail(ctx, FV_FAILED,
			"%sarray '%s' is %s [%lld, %lld] and requested again as %s [%lld, %lld]: "
			"an array keeps its type and shape",
			lead, name, name_type(found->type), (long long)found->n0,
			(long long)found->n1, name_type(type), (long long)n0, (long long)n1);
		return NULL;
	}
	size_t bytes = core_type_size(type);
	if (n0 < 0 || n1 < 0 || !bytes || (n1 && (uint64_t)n0 > SIZE_MAX / bytes / (uint64_t)n1)) {
		(void)fv_fail(ctx, FV_FAILED, "%sarray '%s': bad shape", lead, name);
		return NULL;
	}
	if (ctx->n_arrays == CORE_ARRAYS_MAX) {
		(void)fv_fail(ctx, FV_FAILED, "%sarray '%s': more than %d arrays", lead, name,
			CORE_ARRAYS_MAX);
		return NULL;
	}
	char shown[CORE_FENCE_NAME];
	snprintf(shown, sizeof shown, "array '%s'", name);
	core_array array = {core_strdup(ctx, name), type, n0, n1, NULL};
	array.data = core_alloc_named(ctx, (size_t)n0 * (size_t)n1, bytes, shown);
	if (!array.name || !array.data)
		return NULL;
	ctx->arrays[ctx->n_arrays++] = array;
	return array.data;
}

void core_array_name(const fv_ctx *ctx, const char *label, char *name, size_t size)
{
	int used = ctx->scope ? snprintf(name, size, SCOPE, (int)ctx->scope) : 0;
	snprintf(name + used, size - (size_t)used, "%s", label);
}

size_t core_array_count(const fv_ctx *ctx)
{
	return ctx->n_arrays;
}

const core_array *core_array_at(const fv_ctx *ctx, size_t index)
{
	return &ctx->arrays[index];
}
