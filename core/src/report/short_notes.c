/* SPDX-License-Identifier: Apache-2.0 */
/* The notes of the short table: only what changes how it is read. */
#include <string.h>

#include "report/effects.h"
#include "report/failures.h"
#include "report/notes.h"
#include "report/short_table.h"

enum { MOST_REASONS = 3 };

struct noting {
	fv_ctx *ctx;
	const core_grid *grid;
	const core_short_choice *choice;
	core_document *document;
};

static const char *format_plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static bool has_part(const struct noting *o, core_pick_part part)
{
	for (size_t i = 0; i < o->choice->n; i++)
		if (o->choice->pick[i].kind == CORE_PICK_FIGURE && o->choice->pick[i].part == part)
			return true;
	return false;
}

/* --- nulls and changes ------------------------------------------------------------------------ */

static fv_status note_nulls(const struct noting *o)
{
	const core_grid *grid = o->grid;
	bool shown = has_part(o, CORE_PART_NULL) || has_part(o, CORE_PART_P) ||
		     has_part(o, CORE_PART_EXCESS);
	if (!grid->tests.n_sets || !grid->options.draws.n || !shown)
		return FV_OK;
	return core_document_note(o->ctx, o->document,
		"null: mean gap if groups had no effect (%lld permutations of speakers within "
		"folds); p: of a gap at least as large",
		(long long)grid->options.draws.n);
}

/* Counts rows with a change, and the different references. */
static size_t count_compared(const core_grid *grid, size_t *references, int64_t *first)
{
	size_t n = 0;
	*references = 0;
	*first = -1;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_effect *effect = &grid->row[i].effect;
		n += effect->reference >= 0 && !effect->reason;
		if (!core_row_is_reference(grid, i))
			continue;
		*first = *first < 0 ? (int64_t)i : *first;
		++*references;
	}
	return n;
}

static fv_status note_changes(const struct noting *o)
{
	const core_grid *grid = o->grid;
	size_t references;
	int64_t first, main = core_grid_find_column(grid, &o->choice->main);
	size_t n = count_compared(grid, &references, &first);
	if (!has_part(o, CORE_PART_CHANGE) && !has_part(o, CORE_PART_CHANGE_P))
		return FV_OK;
	if (!references && grid->n_rows < 2)
		return FV_OK;
	if (!references && core_effects_only_plain(grid))
		return core_document_note(o->ctx, o->document,
			"no change: every variant with finished runs is without debiasing; "
			"--reference VARIANT compares with one of them");
	if (!references)
		return core_document_note(o->ctx, o->document,
			"no variant without debiasing to compare with: --reference VARIANT names "
			"one");
	const char *against = references == 1
				      ? grid->row[first].label
				      : "the row 'ref' with the same values on the other axes";
	bool declared = main >= 0 && main == grid->family;
	fv_status status = core_document_note(o->ctx, o->document,
		"change: against %s; [95%%]: over speakers; p (%s): paired permutation test, %zu "
		"comparison%s%s",
		against, declared ? "Holm" : "BH", n, format_plural(n),
		declared ? "" : ", exploratory (none is declared in eval.compare)");
	return status || main < 0 ? status
				  : core_note_floor(o->ctx, grid, (size_t)main, o->document);
}

/* Returns why a row with finished runs is not compared with its reference; NULL: it is, has none, or is an older
 * build, of which another note tells. */
static const char *find_reason(const core_grid *grid, size_t row)
{
	const core_grid_row *r = &grid->row[row];
	bool told = !r->variant->n_folds || r->effect.reference < 0 || r->older;
	return told ? NULL : r->effect.reason;
}

static bool have_same_reason(const core_grid *grid, size_t a, size_t b)
{
	const char *x = find_reason(grid, a), *y = find_reason(grid, b);
	return x && y && !strcmp(x, y);
}

/* Says why rows have no change: each of the first reasons once. */
static fv_status note_not_compared(const struct noting *o)
{
	const core_grid *grid = o->grid;
	fv_status status = FV_OK;
	int reasons = 0;
	if (!core_short_is_pooled(grid) || !has_part(o, CORE_PART_CHANGE))
		return FV_OK;
	for (size_t i = 0; i < grid->n_rows && !status && reasons < MOST_REASONS; i++) {
		const char *reason = find_reason(grid, i);
		size_t n = 0;
		bool told = !reason;
		for (size_t k = 0; k < i && !told; k++)
			told = have_same_reason(grid, i, k);
		for (size_t k = i; k < grid->n_rows && !told; k++)
			n += have_same_reason(grid, i, k);
		if (told)
			continue;
		status = core_document_note(o->ctx, o->document,
			"no change for %zu variant%s (%s%s): %s", n, format_plural(n),
			n > 1 ? "first " : "", grid->row[i].label, reason);
		reasons++;
	}
	return status;
}

/* --- rows ------------------------------------------------------------------------------------- */

static fv_status note_unfinished(const struct noting *o)
{
	size_t open = 0;
	for (size_t i = 0; i < o->grid->n_rows; i++) {
		const core_grid_row *row = &o->grid->row[i];
		int64_t used = (int64_t)row->variant->n_folds * row->variant->n_seeds;
		open += used && used < row->runs;
	}
	fv_status status = FV_OK;
	if (open)
		status = core_document_note(o->ctx, o->document,
			"%zu variant%s unfinished: the largest complete block of folds x seeds "
			"counts",
			open, open == 1 ? " is" : "s are");
	return status ? status : core_note_missing_runs(o->ctx, o->grid, o->document);
}

static fv_status note_failures(const struct noting *o)
{
	return core_failure_notes(o->ctx, o->grid, "missing", MOST_REASONS, o->document);
}

static fv_status note_row_kinds(const struct noting *o)
{
	bool on_test = false, transductive = false, unbiased = false;
	fv_status status = FV_OK;
	for (size_t i = 0; i < o->grid->n_rows; i++) {
		on_test |= o->grid->row[i].on_test;
		transductive |= o->grid->row[i].transductive;
		unbiased |= o->grid->row[i].unbiased;
	}
	if (on_test)
		status = core_document_note(o->ctx, o->document,
			"‡ chosen on test: an upper bound, not a result; not ranked or compared");
	if (!status && transductive)
		status = core_document_note(o->ctx, o->document,
			"† uses test speakers' recordings (transductive): not ranked");
	if (!status && unbiased)
		status = core_document_note(
			o->ctx, o->document, "no bias: trained without the bias, not ranked");
	if (!status && o->grid->n_trials)
		status = core_document_note(o->ctx, o->document,
			"%zu trial%s of tuned variants left out: --trials shows them",
			o->grid->n_trials, format_plural(o->grid->n_trials));
	return status;
}

static fv_status note_identical(const struct noting *o)
{
	return core_note_identical(o->ctx, o->grid, o->document);
}

static fv_status note_builds(const struct noting *o)
{
	return core_note_builds(o->ctx, o->grid, o->document);
}

static fv_status note_devices(const struct noting *o)
{
	return core_note_devices(o->ctx, o->grid, o->document);
}

static fv_status note_left_out(const struct noting *o)
{
	return core_note_left_out(o->ctx, o->grid, o->document);
}

/* Names attributes that some variants lack. */
static fv_status note_missing_attributes(const struct noting *o)
{
	const core_grid *grid = o->grid;
	fv_status status = FV_OK;
	for (int32_t a = 0; a < grid->tests.n_attributes && !status; a++) {
		size_t n = 0;
		const char *first = NULL;
		for (size_t i = 0; i < grid->n_rows; i++) {
			if (!grid->row[i].variant->n_folds || grid->tests.variant[i].has[a])
				continue;
			first = n++ ? first : grid->row[i].label;
		}
		if (n)
			status = core_document_note(o->ctx, o->document,
				"— %zu variant%s no attribute '%s' (%s)", n,
				n == 1 ? " has" : "s have", grid->tests.attribute[a], first);
	}
	return status;
}

/* --- support and corpus ----------------------------------------------------------------------- */

static fv_status note_corpus(const struct noting *o)
{
	const core_grid *grid = o->grid;
	fv_status status = FV_OK;
	if (grid->tests.n_sets > 1)
		status = core_document_note(o->ctx, o->document,
			"variants were tested on %d different sets of recordings: compare only "
			"within one "
			"(--rows)",
			grid->tests.n_sets);
	if (!status && core_document_has_low_support(o->document))
		status = core_document_note(o->ctx, o->document,
			"* rests on fewer than %lld positives of some class and group",
			(long long)grid->options.min_support);
	for (size_t j = 0; j < grid->n_columns && !status; j++)
		if (grid->column[j].few_speakers &&
			(int64_t)j == core_grid_find_column(grid, &o->choice->main))
			status = core_document_note(o->ctx, o->document,
				"%s: a group has fewer than 10 speakers",
				grid->column[j].attribute);
	for (size_t i = 0; i < grid->n_rows && !status && !core_short_is_pooled(grid); i++) {
		const core_grid_row *row = &grid->row[i];
		if (!row->variant->n_folds || !row->reason)
			continue;
		status = core_document_note(o->ctx, o->document,
			"no pooled figures, nulls or changes: %s", row->reason);
		break;
	}
	if (!status && grid->shared_speakers)
		status = core_document_note(
			o->ctx, o->document, "splits of this corpus share speakers (declared)");
	if (!status && grid->no_speakers)
		status = core_document_note(o->ctx, o->document,
			"the corpus names no speakers: every recording counts as one of its own");
	if (!status && grid->synthetic)
		status = core_document_note(o->ctx, o->document,
			"synthetic speech: these numbers say nothing about people");
	return status;
}

fv_status core_short_notes(fv_ctx *ctx, const core_grid *grid, const core_short_choice *choice,
	core_document *document)
{
	static fv_status (*const notes[])(const struct noting *) = {note_nulls, note_changes,
		note_not_compared, note_identical, note_builds, note_devices, note_unfinished,
		note_failures, note_row_kinds, note_missing_attributes, note_left_out, note_corpus};
	struct noting o = {ctx, grid, choice, document};
	fv_status status = FV_OK;
	for (size_t k = 0; k < sizeof notes / sizeof *notes && !status; k++)
		status = notes[k](&o);
	return status;
}
