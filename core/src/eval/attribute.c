/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/attribute.h"

#include <stdlib.h>
#include <string.h>

static int compare_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts texts and removes duplicates and empty ones; returns how many are left. */
static int64_t sort_distinct(const char **name, int64_t n)
{
	int64_t kept = 0;
	qsort(name, (size_t)n, sizeof *name, compare_bytes);
	for (int64_t i = 0; i < n; i++)
		if (*name[i] && (!kept || strcmp(name[i], name[kept - 1])))
			name[kept++] = name[i];
	return kept;
}

fv_status core_eval_attribute_make(fv_ctx *ctx, const char *name, int64_t n,
	const char *const *value, const char *const *only, int32_t n_only, core_eval_attribute *out)
{
	int64_t given = n_only > 0 ? n_only : n;
	const char **names = malloc((size_t)(given + 1) * sizeof *names);
	if (!names)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	memcpy(names, n_only > 0 ? only : value, (size_t)given * sizeof *names);
	int64_t G = sort_distinct(names, given);
	const char **group = core_alloc(ctx, (size_t)G + 1, sizeof *group);
	int32_t *id = core_alloc(ctx, (size_t)n + 1, sizeof *id);
	if (group && id) {
		memcpy(group, names, (size_t)G * sizeof *group);
		for (int64_t i = 0; i < n; i++) {
			const char **found =
				bsearch(&value[i], group, (size_t)G, sizeof *group, compare_bytes);
			id[i] = found ? (int32_t)(found - group) : -1;
		}
	}
	free(names);
	*out = (core_eval_attribute){.name = name, .G = (int32_t)G, .group = group, .id = id};
	return group && id ? FV_OK : FV_FAILED;
}
