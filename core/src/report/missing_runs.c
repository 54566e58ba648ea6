/* SPDX-License-Identifier: Apache-2.0 */
/* Notes the variants without a finished run by name, and why a study's variant has none that it had before. */
#include <string.h>

#include "report/notes.h"

enum { MOST_NOTES = 3, MOST_NAMES = 4 };

static bool is_missing(const core_grid_row *row)
{
	return !row->variant->n_folds;
}

static bool have_same_cause(const core_grid_row *a, const core_grid_row *b)
{
	const char *x = a->variant->rebuilt, *y = b->variant->rebuilt;
	return x && y ? !strcmp(x, y) : x == y;
}

/* Lists rows from `first` on that lack runs for its cause. NULL: out of memory. */
static const char *list_rows(fv_ctx *ctx, const core_grid *grid, size_t first)
{
	const char *names = "";
	size_t n = 0;
	for (size_t i = first; i < grid->n_rows && names; i++) {
		const core_grid_row *row = &grid->row[i];
		if (is_missing(row) && have_same_cause(row, &grid->row[first]) && n++ < MOST_NAMES)
			names = core_format(ctx, "%s%s%s", names, *names ? ", " : "", row->label);
	}
	return names && n > MOST_NAMES ? core_format(ctx, "%s and %zu more", names, n - MOST_NAMES)
				       : names;
}

fv_status core_note_missing_runs(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	fv_status status = FV_OK;
	int notes = 0;
	for (size_t i = 0; i < grid->n_rows && !status && notes < MOST_NOTES; i++) {
		const core_grid_row *row = &grid->row[i];
		bool told = !is_missing(row);
		for (size_t k = 0; k < i && !told; k++)
			told = is_missing(&grid->row[k]) && have_same_cause(&grid->row[k], row);
		const char *names = told ? "" : list_rows(ctx, grid, i);
		if (!names)
			return FV_FAILED;
		if (told)
			continue;
		notes++;
		if (!row->variant->rebuilt)
			status = core_document_note(ctx, d, "no finished run: %s", names);
		else
			status = core_document_note(ctx, d,
				"no finished run: %s, since plugin %s was built anew: 'fairvox "
				"run' of this configuration computes them, 'fairvox table RESULTS' "
				"shows those of another build",
				names, row->variant->rebuilt);
	}
	return status;
}
