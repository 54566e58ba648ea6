/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "report/grid_tables.h"
#include "report/low_support.h"
#include "report/notes.h"
#include "report/pairs.h"

enum { LABEL, A, B, REASON, FIRST };

static fv_status fill_row(
	fv_ctx *ctx, const core_grid *grid, const core_pair *pair, core_result_table *t, size_t i)
{
	const core_grid_row *a = &grid->row[pair->a], *b = &grid->row[pair->b];
	const char *label = core_pair_label(ctx, a, b);
	*core_table_at(t, i, LABEL) = core_value_text(label);
	*core_table_at(t, i, A) = core_value_text(core_row_name(a));
	*core_table_at(t, i, B) = core_value_text(core_row_name(b));
	*core_table_at(t, i, REASON) = core_value_text(pair->reason);
	for (size_t j = 0; j < grid->n_columns; j++) {
		core_figure f = core_figure_of(core_estimate_of(pair->diff[j]));
		f.e.p = pair->p[j];
		f.p_holm = pair->holm[j];
		f.p_bh = pair->bh[j];
		core_table_value *v = core_table_at(t, i, FIRST + j);
		*v = core_value_figure(f);
		v->low_support = !pair->reason && core_column_has_low_support(grid, a, j, true);
	}
	if (pair->reason) /* shown to people instead of the first figure */
		core_table_at(t, i, FIRST)->mark = core_format(ctx, " %s", pair->reason);
	return label ? FV_OK : FV_FAILED;
}

static fv_status add_pairs(fv_ctx *ctx, const core_pairs *pairs, core_document *document)
{
	const core_grid *grid = pairs->grid;
	core_result_table *t = core_document_add(ctx, document, "pairs",
		"Every pair of variants, pooled: difference, p of the paired permutation "
		"test over speakers (exploratory, Benjamini-Hochberg within a column)",
		pairs->n, FIRST + grid->n_columns);
	if (!t)
		return FV_FAILED;
	t->audience = CORE_FOR_ALL;
	t->column[LABEL] = core_plain_column("label", "pair", CORE_FOR_PEOPLE);
	t->column[A] = core_plain_column("a", "a", CORE_FOR_JSON | CORE_FOR_CSV);
	t->column[B] = core_plain_column("b", "b", CORE_FOR_JSON | CORE_FOR_CSV);
	t->column[REASON] = core_plain_column("reason", "reason", CORE_FOR_JSON | CORE_FOR_CSV);
	for (size_t j = 0; j < grid->n_columns; j++) {
		t->column[FIRST + j] = core_grid_figures(grid, j, CORE_SHOW_BH);
		t->column[FIRST + j].format = CORE_SIGNED;
	}
	fv_status status = FV_OK;
	for (size_t i = 0; i < pairs->n && !status; i++)
		status = fill_row(ctx, grid, &pairs->pair[i], t, i);
	return status;
}

fv_status core_pairs_tables(fv_ctx *ctx, const core_pairs *pairs, core_document *document)
{
	const core_grid *grid = pairs->grid;
	json_t *head = json_pack("{s:i, s:s, s:I, s:b}", "schema_version", 2, "layout", "pairs",
		"draws", (json_int_t)grid->options.draws.n, "synthetic", grid->synthetic);
	int failed = head ? json_object_update(document->head, head) : -1;
	json_decref(head);
	if (failed)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	fv_status status = add_pairs(ctx, pairs, document);
	double floor = (double)pairs->n / (double)(grid->options.draws.n + 1);
	if (!status && floor >= 0.005)
		status = core_document_note(ctx, document,
			"%zu pairs and %lld draws: an adjusted p can be %.2g at the smallest if "
			"one "
			"pair alone differs; --draws N makes it smaller.",
			pairs->n, (long long)grid->options.draws.n, fmin(floor, 1));
	if (!status)
		status = core_add_variants(ctx, grid, false, document);
	return status ? status : core_grid_notes(ctx, grid, document);
}
