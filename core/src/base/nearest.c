/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <string.h>

#define NEAR_MAX 64

/* Edit distance that counts a swap of neighbours as one edit (optimal string alignment). */
static size_t measure_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), rows[3][NEAR_MAX + 1];
	if (n > NEAR_MAX || m > NEAR_MAX)
		return NEAR_MAX;
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= m; j++)
		last[j] = before[j] = j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		size_t *free_row = before;
		before = last;
		last = row;
		row = free_row;
	}
	return last[m];
}

const char *core_find_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t best_distance = 3;
	for (size_t i = 0; i < n; i++) {
		size_t d = measure_distance(word, names[i]), longest = strlen(names[i]);
		if (strlen(word) > longest)
			longest = strlen(word);
		if (d < best_distance && 2 * d < longest + 1) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}

const char *core_suggest_name(fv_ctx *ctx, const char *word, const char *const *names, size_t n)
{
	const char *nearest = core_find_nearest(word, names, n);
	const char *text = nearest ? core_format(ctx, ", did you mean '%s'?", nearest) : "";
	return text ? text : "";
}
