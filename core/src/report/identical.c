/* SPDX-License-Identifier: Apache-2.0 */
/* Notes variants with exactly the same predictions: what they differ in had no effect, which often is
 * a mistake, such as an objective that does nothing. */
#include <string.h>

#include <xxhash.h>

#include "report/notes.h"

enum { MOST_NOTES = 3, MOST_NAMES = 4 };

/* Hashes the predictions of a row -> *out. False: it has none. */
static bool hash_predictions(const core_grid *grid, size_t row, uint64_t *out)
{
	const core_grid_row *r = &grid->row[row];
	if (!r->variant || !r->variant->n_folds)
		return false;
	const core_variant_predictions *p = &grid->tests.variant[row];
	if (p->test < 0 || p->n_seeds < 1)
		return false;
	*out = (uint64_t)p->test + 1;
	for (int32_t s = 0; s < p->n_seeds; s++) {
		const core_eval_set *set = &p->set[s];
		size_t size = (size_t)set->n * (size_t)set->C * sizeof *set->prob;
		*out = XXH3_64bits_withSeed(set->prob, size, *out);
	}
	return true;
}

/* Lists the rows from `first` on that have its hash, and sets their hash to 0. *n: how many. */
static const char *list_equal(
	fv_ctx *ctx, const core_grid *grid, uint64_t *hash, size_t first, size_t *n)
{
	const char *names = "";
	uint64_t wanted = hash[first];
	*n = 0;
	for (size_t i = first; i < grid->n_rows && names; i++) {
		if (hash[i] != wanted)
			continue;
		hash[i] = 0;
		if (++*n <= MOST_NAMES)
			names = core_format(
				ctx, "%s%s%s", names, *n > 1 ? ", " : "", grid->row[i].label);
	}
	if (names && *n > MOST_NAMES)
		names = core_format(ctx, "%s and %zu more", names, *n - MOST_NAMES);
	return names;
}

fv_status core_note_identical(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	uint64_t *hash = core_alloc(ctx, grid->n_rows, sizeof *hash);
	size_t n, notes = 0;
	fv_status status = hash ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < grid->n_rows && hash; i++)
		if (!hash_predictions(grid, i, &hash[i]))
			hash[i] = 0;
	for (size_t i = 0; i < grid->n_rows && !status && notes < MOST_NOTES; i++) {
		const char *names = hash[i] ? list_equal(ctx, grid, hash, i, &n) : "";
		if (!names)
			return FV_FAILED;
		if (!*names || n < 2)
			continue;
		notes++;
		status = core_document_note(ctx, d,
			"%s: exactly the same predictions, so what they differ in had no effect",
			names);
	}
	return status;
}
