/* SPDX-License-Identifier: Apache-2.0 */
#include "report/grid_tables.h"

enum { LABEL, VARIANTS, SOURCE, LEVELS, REASON, FIRST };

static const char *source_name(const core_replicates *r, core_source source)
{
	return source == CORE_SOURCE_TRAINING ? r->training : core_source_name(source);
}

/* Returns the folders of the variants as a JSON list. */
static const json_t *names_of(
	fv_ctx *ctx, const core_grid *grid, const core_replicates *r, core_document *document)
{
	json_t *list = json_array();
	for (size_t k = 0; k < r->n; k++)
		json_array_append_new(list, json_string(grid->row[r->row[k]].variant->name));
	return core_document_own(ctx, document, list);
}

static void fill_row(const core_grid *grid, const core_replicates *r, core_source source,
	const json_t *names, core_result_table *t, size_t i)
{
	*core_table_at(t, i, LABEL) = core_value_text(r->label);
	*core_table_at(t, i, VARIANTS) = core_value_json(names);
	*core_table_at(t, i, SOURCE) = core_value_text(source_name(r, source));
	*core_table_at(t, i, LEVELS) = core_value_count(r->levels[source]);
	*core_table_at(t, i, REASON) = core_value_text(r->reason);
	for (size_t j = 0; j < grid->n_columns; j++)
		*core_table_at(t, i, FIRST + j) = core_value_number(r->sd[source][j]);
}

static void set_columns(const core_grid *grid, core_result_table *t)
{
	t->column[LABEL] = core_plain_column("label", "variant", CORE_FOR_PEOPLE | CORE_FOR_JSON);
	t->column[VARIANTS] = core_plain_column("variants", "variants", CORE_FOR_JSON);
	t->column[SOURCE] = core_plain_column("source", "source", CORE_FOR_PEOPLE | CORE_FOR_JSON);
	t->column[LEVELS] = core_plain_column("levels", "levels", CORE_FOR_PEOPLE | CORE_FOR_JSON);
	t->column[REASON] = core_plain_column("reason", "reason", CORE_FOR_JSON);
	for (size_t j = 0; j < grid->n_columns; j++) {
		t->column[FIRST + j] = core_grid_figures(grid, j, 0);
		t->column[FIRST + j].has_support = false;
	}
}

static fv_status fill_table(fv_ctx *ctx, const core_grid *grid, const core_spread *spread,
	core_result_table *t, core_document *document)
{
	size_t at = 0;
	for (size_t i = 0; i < spread->n; i++) {
		const core_replicates *r = &spread->replicates[i];
		const json_t *names = names_of(ctx, grid, r, document);
		if (!names)
			return FV_FAILED;
		size_t first = at;
		for (int s = 0; s < CORE_SOURCES; s++)
			if (r->levels[s] > 1)
				fill_row(grid, r, (core_source)s, names, t, at++);
		t->line[first] = first > 0 && at > first + 1;
	}
	return FV_OK;
}

static fv_status add_notes(fv_ctx *ctx, const core_spread *spread, core_document *document)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < spread->n && !status; i++)
		if (spread->replicates[i].reason)
			status = core_document_note(ctx, document, "%s: no spread by source, %s.",
				spread->replicates[i].label, spread->replicates[i].reason);
	return status;
}

fv_status core_add_spread(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	core_spread spread;
	size_t rows = 0;
	fv_status status = core_spread_make(ctx, grid, &spread);
	for (size_t i = 0; i < spread.n && !status; i++)
		for (int s = 0; s < CORE_SOURCES; s++)
			rows += spread.replicates[i].levels[s] > 1;
	if (status || !rows)
		return status;
	core_result_table *t = core_document_add(ctx, document, "spread",
		"Spread by source: sd (n-1) over the levels of one source, everything else "
		"averaged",
		rows, FIRST + grid->n_columns);
	if (!t)
		return FV_FAILED;
	set_columns(grid, t);
	status = fill_table(ctx, grid, &spread, t, document);
	return status ? status : add_notes(ctx, &spread, document);
}
