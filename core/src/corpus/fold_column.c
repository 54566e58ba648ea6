/* SPDX-License-Identifier: Apache-2.0 */
/* Folds told by a column: leave one session, corpus or speaker out. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "corpus/corpus_private.h"

static int by_number(const void *a, const void *b)
{
	double x, y;
	const char *s = *(const char *const *)a, *t = *(const char *const *)b;
	if (!core_parse_double(s, &x) || !core_parse_double(t, &y) || x == y)
		return strcmp(s, t);
	return x < y ? -1 : 1;
}

static bool are_numbers(const char *const *value, int32_t n)
{
	double number;
	for (int32_t v = 0; v < n; v++)
		if (!core_parse_double(value[v], &number))
			return false;
	return true;
}

/* Sorts values as numbers and renumbers the rows. */
static fv_status sort_numbers(
	fv_ctx *ctx, const char **value, int32_t n, int32_t *id, int64_t n_rows)
{
	const char **sorted = core_alloc(ctx, (size_t)n, sizeof *sorted);
	int32_t *place = core_alloc(ctx, (size_t)n, sizeof *place);
	if (!sorted || !place)
		return FV_FAILED;
	memcpy(sorted, value, (size_t)n * sizeof *sorted);
	qsort(sorted, (size_t)n, sizeof *sorted, by_number);
	for (int32_t v = 0; v < n; v++)
		for (int32_t k = 0; k < n; k++)
			if (sorted[k] == value[v])
				place[v] = k;
	for (int64_t r = 0; r < n_rows; r++)
		if (id[r] >= 0)
			id[r] = place[id[r]];
	memcpy(value, sorted, (size_t)n * sizeof *sorted);
	return FV_OK;
}

/* The values of corpus.fold_by: a column, or an attribute or role that the configuration names. */
static fv_status read_values(fv_ctx *ctx, core_label_file *f, const char *const **out)
{
	const char *name = f->spec->fold_by;
	return core_row_values(ctx, f, "fold_by", name, out);
}

fv_status core_fold_values(
	fv_ctx *ctx, core_label_file *f, int32_t *id, const char ***value, int32_t *n)
{
	int64_t rows = f->table.csv.n_rows;
	const char *const *cell;
	const char **used = core_alloc(ctx, (size_t)rows, sizeof *used);
	fv_status status = used ? read_values(ctx, f, &cell) : FV_FAILED;
	for (int64_t r = 0; r < rows && status != FV_CONFIG && status != FV_FAILED; r++) {
		if (!core_row_stays(f, r))
			continue;
		used[r] = cell[r];
		if (!cell[r])
			status = CORE_ROW_FAIL(
				ctx, f, r, "no %s: corpus.folds.by needs one", f->spec->fold_by);
	}
	if (!status)
		status = core_names_index(ctx, used, rows, id, value, n);
	if (!status && are_numbers(*value, *n))
		status = sort_numbers(ctx, *value, *n, id, rows);
	return status;
}
