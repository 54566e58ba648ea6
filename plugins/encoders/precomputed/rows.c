/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a file of features, and finding the one of a recording. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "precomputed.h"

fv_status precomputed_add_row(precomputed_state *s, fv_ctx *ctx, feature_row row)
{
	if (s->n == s->room) {
		int64_t room = s->room ? 2 * s->room : 1024;
		feature_row *grown = realloc(s->row, (size_t)room * sizeof *grown);
		if (!grown)
			return fv_fail(ctx, FV_FAILED, "%s: out of memory", s->file);
		s->row = grown;
		s->room = room;
	}
	row.id = fv_path_id(ctx, row.name);
	if (!row.id)
		return FV_FAILED;
	const char *slash = strrchr(row.id, '/');
	row.stem = slash ? slash + 1 : row.id;
	s->row[s->n++] = row;
	return FV_OK;
}

static int compare_rows(const void *a, const void *b)
{
	const feature_row *s = a, *t = b;
	int order = strcmp(s->stem, t->stem);
	if (!order)
		order = strcmp(s->id, t->id);
	if (!order)
		order = strcmp(s->name, t->name);
	return order ? order : (s->line > t->line) - (s->line < t->line);
}

fv_status precomputed_sort_rows(precomputed_state *s, fv_ctx *ctx)
{
	fv_status status = FV_OK;
	if (!s->n)
		return fv_fail(ctx, FV_DATA, "%s: holds no recordings", s->file);
	qsort(s->row, (size_t)s->n, sizeof *s->row, compare_rows);
	for (int64_t i = 1; i < s->n; i++) {
		const feature_row *first = &s->row[i - 1], *again = &s->row[i];
		if (strcmp(first->id, again->id) != 0)
			continue;
		if (again->line)
			status = fv_fail(ctx, FV_DATA,
				"%s:%lld: a second row for '%s', the first is on line %lld",
				s->file, (long long)again->line, again->id, (long long)first->line);
		else
			status = fv_fail(ctx, FV_DATA, "%s: '%s' and '%s' are the same recording",
				s->file, first->name, again->name);
	}
	return status;
}

/* How many parts, counted from the end, two paths have in common. */
static int32_t count_shared(const char *a, const char *b)
{
	size_t i = strlen(a), j = strlen(b);
	int32_t shared = 0;
	while (i && j && a[i - 1] == b[j - 1]) {
		i--;
		j--;
		shared += a[i] == '/'; /* a whole part ended behind this slash */
	}
	bool whole = (!i || a[i - 1] == '/') && (!j || b[j - 1] == '/');
	return shared + (whole && a[i] != '/');
}

/* Index of the first row whose stem is not below. */
static int64_t find_first(const precomputed_state *s, const char *stem)
{
	int64_t low = 0, high = s->n;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		if (strcmp(s->row[middle].stem, stem) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const feature_row *precomputed_find_row(
	const precomputed_state *s, fv_ctx *ctx, const char *id, int32_t parts)
{
	const char *slash = strrchr(id, '/'), *stem = slash ? slash + 1 : id;
	const feature_row *best = NULL, *rival = NULL;
	int32_t most = 0;
	for (int64_t i = find_first(s, stem); i < s->n && !strcmp(s->row[i].stem, stem); i++) {
		int32_t shared = count_shared(s->row[i].id, id);
		rival = shared == most ? &s->row[i] : shared > most ? NULL : rival;
		best = shared > most ? &s->row[i] : best;
		most = shared > most ? shared : most;
	}
	/* the whole path, where it has a folder, wins over longer ones that end with it */
	for (int64_t i = find_first(s, stem); rival && slash && i < s->n; i++) {
		if (strcmp(s->row[i].stem, stem) != 0)
			break;
		if (!strcmp(s->row[i].id, id))
			return &s->row[i];
	}
	if (best && !rival && most >= parts)
		return best;
	if (!best)
		(void)fv_fail(ctx, FV_DATA, "%s: no features of '%s'", s->file, id);
	else if (most < parts)
		(void)fv_fail(ctx, FV_DATA, "%s: no features of '%s': '%s' lies in another folder",
			s->file, id, best->name);
	else
		(void)fv_fail(ctx, FV_DATA,
			"%s: '%s' and '%s' both have the name '%s': write enough of the path into "
			"the label file to tell them apart",
			s->file, best->name, rival->name, id);
	return NULL;
}
