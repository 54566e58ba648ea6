/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "report/decimal.h"
#include "report/spread.h"

static const char *name_of(const core_family *f, core_source source)
{
	return source == CORE_SOURCE_TRAINING ? f->training : core_source_name(source);
}

static fv_status spread_row(fv_ctx *ctx, const core_grid *grid, const core_family *f,
	core_source source, core_sheet *sheet, size_t at)
{
	core_sheet_at(sheet, at, 0)->value = f->label;
	core_sheet_at(sheet, at, 1)->value = name_of(f, source);
	core_sheet_at(sheet, at, 2)->value = core_format(ctx, "%d", (int)f->levels[source]);
	if (!core_sheet_at(sheet, at, 2)->value)
		return FV_FAILED;
	for (size_t j = 0; j < grid->n_columns; j++) {
		core_text text = {0};
		if (isnan(f->sd[source][j]))
			core_text_add(&text, "—");
		else
			core_put_value(&text, f->sd[source][j]);
		core_sheet_at(sheet, at, j + 3)->value = core_text_take(ctx, &text);
		if (!core_sheet_at(sheet, at, j + 3)->value)
			return FV_FAILED;
	}
	return FV_OK;
}

static fv_status fill(
	fv_ctx *ctx, const core_grid *grid, const core_spread *spread, core_sheet *sheet)
{
	size_t at = 0;
	fv_status status = FV_OK;
	for (size_t i = 0; i < spread->n; i++) {
		sheet->line[at] = at > 0;
		for (int s = 0; s < CORE_SOURCES && !status; s++)
			if (spread->family[i].levels[s] > 1)
				status = spread_row(
					ctx, grid, &spread->family[i], (core_source)s, sheet, at++);
	}
	return status;
}

static fv_status notes(fv_ctx *ctx, const core_spread *spread, core_document *document)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < spread->n && !status; i++)
		if (spread->family[i].reason)
			status = core_note(ctx, document, "%s: no spread by source, %s.",
				spread->family[i].label, spread->family[i].reason);
	return status;
}

fv_status core_spread_sheet(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	core_spread spread;
	size_t rows = 0;
	fv_status status = core_spread_make(ctx, grid, &spread);
	for (size_t i = 0; i < spread.n && !status; i++)
		for (int s = 0; s < CORE_SOURCES; s++)
			rows += spread.family[i].levels[s] > 1;
	if (status || !rows)
		return status;
	core_sheet *sheet = core_sheet_add(ctx, document,
		"Spread by source: sd (n-1) over the levels of one source, everything else "
		"averaged",
		rows, grid->n_columns + 3);
	if (!sheet)
		return FV_FAILED;
	sheet->head[0] = "cell";
	sheet->head[1] = "source";
	sheet->head[2] = "levels";
	for (size_t j = 0; j < grid->n_columns; j++)
		sheet->head[j + 3] = grid->column[j].title;
	status = fill(ctx, grid, &spread, sheet);
	return status ? status : notes(ctx, &spread, document);
}

static json_t *source_json(const core_grid *grid, const core_family *f, core_source source)
{
	json_t *list = json_array();
	for (size_t j = 0; j < grid->n_columns; j++) {
		const core_grid_column *c = &grid->column[j];
		double sd = f->sd[source][j];
		json_array_append_new(
			list, json_pack("{s:s?, s:s, s:o}", "attribute", c->attribute, "metric",
				      c->metric, "sd", isnan(sd) ? json_null() : json_real(sd)));
	}
	return json_pack("{s:s, s:i, s:o}", "source", name_of(f, source), "levels",
		(int)f->levels[source], "metrics", list);
}

fv_status core_spread_json(fv_ctx *ctx, const core_grid *grid, json_t **out)
{
	core_spread spread;
	fv_status status = core_spread_make(ctx, grid, &spread);
	if (status)
		return status;
	*out = json_array();
	for (size_t i = 0; i < spread.n; i++) {
		const core_family *f = &spread.family[i];
		json_t *cells = json_array(), *sources = json_array();
		for (size_t k = 0; k < f->n; k++)
			json_array_append_new(cells, json_string(grid->row[f->row[k]].cell->name));
		for (int s = 0; s < CORE_SOURCES; s++)
			if (f->levels[s] > 1)
				json_array_append_new(
					sources, source_json(grid, f, (core_source)s));
		json_array_append_new(*out, json_pack("{s:o, s:o, s:s?}", "cells", cells, "sources",
						    sources, "reason", f->reason));
	}
	return FV_OK;
}
