/* SPDX-License-Identifier: Apache-2.0 */
#include "report/grid_private.h"

static fv_status write_document(
	fv_ctx *ctx, const core_grid *grid, core_table_format format, core_text *out)
{
	core_document *document = core_alloc(ctx, 1, sizeof *document);
	fv_status status = document ? core_grid_sheets(ctx, grid, document) : FV_FAILED;
	if (!status)
		status = core_grid_notes(ctx, grid, document);
	if (!status && format == CORE_TABLE_MD)
		core_document_md(document, out);
	else if (!status)
		core_document_tex(document, out);
	return status;
}

fv_status core_grid_write(fv_ctx *ctx, const core_results *results, const core_grid *grid,
	core_table_format format, core_text *out)
{
	fv_status status = FV_OK;
	if (format == CORE_TABLE_CSV)
		core_grid_csv(ctx, results, grid->options.min_support, out);
	else if (format == CORE_TABLE_JSON)
		status = core_grid_json(ctx, grid, out);
	else
		status = write_document(ctx, grid, format, out);
	if (!status && out->failed)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	return status;
}
