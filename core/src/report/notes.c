/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/plural.h"
#include "report/effects.h"
#include "report/failures.h"
#include "report/notes.h"
#include "report/tuning.h"

static fv_status add_method_notes(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	fv_status status = FV_OK;
	if (grid->tests.n_sets && grid->options.scores && grid->options.draws.n)
		status = core_document_note(ctx, d,
			"Gaps: lower is better, but noise alone causes a gap. Null: groups "
			"permuted over speakers within folds, %lld draw%s; excess = gap - null "
			"mean.",
			(long long)grid->options.draws.n, core_plural(grid->options.draws.n));
	if (!status && grid->seeds > 1)
		status = core_document_note(
			ctx, d, "%lld seeds, averaged within a fold.", (long long)grid->seeds);
	bool compared = false;
	for (size_t i = 0; i < grid->n_rows; i++)
		compared |= grid->row[i].effect.reference >= 0;
	if (!status && !compared && grid->options.compare && grid->n_rows > 1)
		status = core_document_note(ctx, d,
			"No variant without debiasing to compare with: name a reference with "
			"--reference.");
	if (status || !compared || !grid->options.draws.n)
		return status;
	for (size_t j = 0; j < grid->n_columns && !status; j++)
		status = core_note_floor(ctx, grid, j, d);
	if (status)
		return status;
	if (grid->family >= 0)
		return core_document_note(ctx, d,
			"Comparison family declared in the configuration: %s against the "
			"reference, p adjusted by Holm; every other p is exploratory "
			"(Benjamini-Hochberg within its column).",
			grid->column[grid->family].title);
	return core_document_note(ctx, d,
		"No comparison family is declared (eval.compare): every p against the "
		"reference is exploratory (Benjamini-Hochberg within its column).");
}

static fv_status add_row_notes(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	fv_status status = FV_OK;
	bool transductive = false, labels = false, on_test = false, on_dev = false, tuned = false;
	for (size_t i = 0; i < grid->n_rows && !status; i++) {
		const core_grid_row *row = &grid->row[i];
		transductive |= row->transductive;
		on_test |= row->on_test;
		on_dev |= !row->on_test;
		tuned |= row->facts && row->facts->tune;
		labels |= row->facts && row->facts->uses_group_labels;
		if (row->variant->n_folds && row->reason)
			status = core_document_note(ctx, d,
				"%s: no pooled figures, nulls or comparisons: %s", row->label,
				row->reason);
		if (!status && row->unbiased)
			status = core_document_note(ctx, d,
				"%s was trained without the simulated bias of the others: not "
				"ranked.",
				row->label);
	}
	if (!status && on_dev)
		status = core_document_note(ctx, d,
			"Models were chosen on the development split, by the rule given, among "
			"the epochs of one training; %s on test. Seeds are averaged, never "
			"chosen.",
			on_test ? "those marked ‡" : "none");
	if (!status && tuned)
		status = core_document_note(ctx, d,
			"Tuned variants are one row, and every trial counts among their trials: "
			"each "
			"fold takes the trial that was best on development rows.");
	if (!status && on_test)
		status = core_document_note(ctx, d,
			"‡ chosen on test: an upper bound on what selection could gain, not a "
			"result; not ranked or compared with the others, and its p is that of a "
			"selected model.");
	if (!status && labels)
		status = core_document_note(ctx, d,
			"Variants with \"true labels\" were trained with the true group labels "
			"of the training speakers.");
	if (!status && transductive)
		status = core_document_note(ctx, d,
			"† uses test speakers' recordings (transductive): not ranked with the "
			"others.");
	return status;
}

/* Names variants whose predictions lack an attribute, which show a dash in its columns. */
static fv_status add_attribute_notes(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	fv_status status = FV_OK;
	for (int32_t a = 0; a < grid->tests.n_attributes; a++)
		for (size_t i = 0; i < grid->n_rows && !status; i++)
			if (grid->row[i].variant->n_folds && !grid->tests.variant[i].has[a])
				status = core_document_note(ctx, d,
					"%s: no attribute '%s' in its predictions (—).",
					grid->row[i].label, grid->tests.attribute[a]);
	return status;
}

static bool is_finished(const core_grid_row *row)
{
	return row->runs == (int64_t)row->variant->n_folds * row->variant->n_seeds;
}

fv_status core_note_left_out(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	fv_status status = FV_OK;
	for (int32_t t = 0; t < grid->tests.n_sets; t++)
		for (int32_t a = 0; a < grid->tests.set[t].n_attributes; a++) {
			const core_eval_attribute *own = &grid->tests.set[t].attribute[a];
			core_text names = {0};
			for (int32_t k = 0; k < own->n_small; k++)
				core_text_add(&names, "%s'%s' (%lld)", k ? ", " : "", own->small[k],
					(long long)own->small_rows[k]);
			if (own->n_small && !status)
				status = core_document_note(ctx, d,
					"%s: left out with fewer than %d rows: %s", own->name,
					CORE_MIN_SUPPORT, names.failed ? "?" : names.data);
			core_text_free(&names);
		}
	return status;
}

fv_status core_grid_notes(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	fv_status status = add_method_notes(ctx, grid, d);
	bool open = false;
	for (size_t i = 0; i < grid->n_rows; i++)
		open |= !is_finished(&grid->row[i]);
	if (!status && open)
		status = core_document_note(ctx, d,
			"For a variant with unfinished runs, the largest complete block of folds "
			"x seeds counts.");
	if (!status)
		status = core_note_missing_runs(ctx, grid, d);
	if (!status)
		status = core_failure_notes(ctx, grid, "Missing", SIZE_MAX, d);
	if (!status)
		status = add_row_notes(ctx, grid, d);
	if (!status && grid->n_trials)
		status = core_document_note(ctx, d,
			"Trials of tuned variants are left out (%zu variant%s): --trials shows "
			"them.",
			grid->n_trials, core_plural((int64_t)grid->n_trials));
	if (!status)
		status = core_note_identical(ctx, grid, d);
	if (!status)
		status = core_note_builds(ctx, grid, d);
	if (!status)
		status = core_note_devices(ctx, grid, d);
	if (!status)
		status = core_note_kept_epochs(ctx, grid, d);
	if (!status)
		status = add_attribute_notes(ctx, grid, d);
	if (!status)
		status = core_support_notes(ctx, grid, d);
	if (!status)
		status = core_note_left_out(ctx, grid, d);
	if (!status && grid->shared_speakers)
		status = core_document_note(
			ctx, d, "Splits of this corpus share speakers (declared).");
	if (!status && grid->no_speakers)
		status = core_document_note(ctx, d,
			"This corpus names no speakers: every recording counts as one of its own "
			"(declared).");
	if (!status && grid->synthetic)
		status = core_document_note(
			ctx, d, "Synthetic speech: these numbers say nothing about people.");
	return status;
}
