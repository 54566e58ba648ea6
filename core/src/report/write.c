/* SPDX-License-Identifier: Apache-2.0 */
#include "report/write.h"

const char *core_table_format_name(core_table_format format)
{
	static const char *const names[CORE_TABLE_FORMATS] = {"text", "md", "tex", "csv", "json"};
	return names[format];
}

static bool table_has_low_support(const core_result_table *t)
{
	for (size_t i = 0; i < t->n_rows; i++)
		for (size_t j = 0; j < t->n_columns; j++)
			if (core_row_is_for(t, i, CORE_FOR_PEOPLE) &&
				core_column_is_for(t, j, CORE_FOR_PEOPLE) &&
				t->value[i * t->n_columns + j].low_support)
				return true;
	return false;
}

bool core_document_has_low_support(const core_document *document)
{
	for (size_t k = 0; k < document->n_tables; k++)
		if ((document->table[k]->audience & CORE_FOR_PEOPLE) &&
			table_has_low_support(document->table[k]))
			return true;
	return false;
}

fv_status core_document_write(
	fv_ctx *ctx, const core_document *document, core_table_format format, core_text *out)
{
	return core_document_write_styled(ctx, document, format, NULL, out);
}

fv_status core_document_write_styled(fv_ctx *ctx, const core_document *document,
	core_table_format format, const core_write_style *style, core_text *out)
{
	static const core_write_style unlimited = {0};
	fv_status status = FV_OK;
	style = style ? style : &unlimited;
	switch (format) {
	case CORE_TABLE_TEXT:
		core_write_text(document, style, out);
		break;
	case CORE_TABLE_MD:
		core_write_md(document, style, out);
		break;
	case CORE_TABLE_TEX:
		core_write_tex(document, style, out);
		break;
	case CORE_TABLE_CSV:
		status = core_write_csv(ctx, document, out);
		break;
	case CORE_TABLE_JSON:
	case CORE_TABLE_FORMATS:
		status = core_write_json(ctx, document, out);
		break;
	}
	if (!status && out->failed)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	return status;
}
