/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of names, names of segments, and the texts of errors and suggestions. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "config/place.h"
#include "corpus/corpus_private.h"

fv_status core_corpus_check_file(
	fv_ctx *ctx, const core_corpus_spec *spec, const char *key, const char *path)
{
	if (core_file_exists(path))
		return FV_OK;
	return core_fail_key(ctx, FV_DATA, (core_key_ref){spec->block, key, NULL},
		"corpus.%s: %s: %s", key, path, strerror(errno));
}

char *core_segment_name(fv_ctx *ctx, const char *recording, double start, double end)
{
	if (isfinite(end))
		return core_format(ctx, "%s@%.9g-%.9g", recording, start, end);
	return start > 0 ? core_format(ctx, "%s@%.9g-", recording, start)
			 : core_strdup(ctx, recording);
}

static int by_name(const void *a, const void *b, void *names)
{
	const char *const *name = names;
	return strcmp(name[*(const int64_t *)a], name[*(const int64_t *)b]);
}

fv_status core_names_index(fv_ctx *ctx, const char *const *name, int64_t n, int32_t *id,
	const char ***distinct, int32_t *n_distinct)
{
	int64_t *order = malloc((size_t)(n + 1) * sizeof *order), known = 0;
	if (!order)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (int64_t i = 0; i < n; i++) {
		id[i] = -1;
		if (name[i])
			order[known++] = i;
	}
	qsort_r(order, (size_t)known, sizeof *order, by_name, (void *)name);
	int32_t count = 0;
	for (int64_t i = 0; i < known; i++) {
		if (i && strcmp(name[order[i]], name[order[i - 1]]))
			count++;
		id[order[i]] = count;
	}
	*n_distinct = known ? count + 1 : 0;
	*distinct = core_alloc(ctx, (size_t)*n_distinct, sizeof **distinct);
	for (int64_t i = 0; *distinct && i < known; i++)
		(*distinct)[id[order[i]]] = name[order[i]];
	free(order);
	return *distinct ? FV_OK : FV_FAILED;
}

int32_t core_names_find(const char *const *names, int32_t n, const char *name)
{
	int32_t low = 0, high = n;
	while (low < high) {
		int32_t middle = low + (high - low) / 2;
		if (strcmp(names[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && !strcmp(names[low], name) ? low : -1;
}
