/* SPDX-License-Identifier: Apache-2.0 */
/* Writes tables as CSV for other programs, in their long form. */
#include "base/sheet.h"
#include "report/decimal.h"
#include "report/long_form.h"
#include "report/write.h"

struct writer {
	core_text *out;
	size_t n_columns;
};

static fv_status put_line(void *user, const core_cell *cell)
{
	const struct writer *w = user;
	for (size_t k = 0; k < w->n_columns; k++) {
		core_text_add(w->out, "%s", k ? "," : "");
		if (cell[k].kind == CORE_CELL_EMPTY)
			continue;
		if (cell[k].text)
			core_text_sheet(w->out, cell[k].text);
		else if (cell[k].kind == CORE_CELL_INTEGER)
			core_text_add(w->out, "%lld", (long long)cell[k].integer);
		else
			core_put_exact(w->out, cell[k].real);
	}
	core_text_add(w->out, "\n");
	return FV_OK;
}

static fv_status put_table(fv_ctx *ctx, const core_result_table *t, core_text *out)
{
	core_long_form form;
	fv_status status = core_long_form_make(ctx, t, &form);
	if (status)
		return status;
	for (size_t k = 0; k < form.n_columns; k++) {
		core_text_add(out, "%s", k ? "," : "");
		core_text_sheet(out, form.name[k]);
	}
	core_text_add(out, "\n");
	return core_long_form_each(&form, put_line, &(struct writer){out, form.n_columns});
}

fv_status core_write_csv(fv_ctx *ctx, const core_document *document, core_text *out)
{
	fv_status status = FV_OK;
	bool begun = false;
	for (size_t k = 0; k < document->n_tables && !status; k++) {
		const core_result_table *t = document->table[k];
		if (!(t->audience & CORE_FOR_CSV))
			continue;
		core_text_add(out, "%s", begun ? "\n" : "");
		begun = true;
		status = put_table(ctx, t, out);
	}
	return status;
}
