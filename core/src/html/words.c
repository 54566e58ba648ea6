/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a report: names of variants and metrics, paths, counts. */
#include <math.h>
#include <string.h>

#include "base/path.h"
#include "html/page.h"
#include "report/decimal.h"

/* Does an absolute path begin here? Its slash follows nothing that belongs to a word. */
static bool begins_path(const char *text, const char *at)
{
	return *at == '/' && (at == text || strchr(" '\"(=:,", at[-1])) && at[1] && at[1] != ' ';
}

const char *core_html_shorten_paths(fv_ctx *ctx, const char *text)
{
	core_text out = {0};
	core_text_add(&out, "%s", "");
	for (const char *at = text; *at;) {
		if (!begins_path(text, at)) {
			core_text_put(&out, at++, 1);
			continue;
		}
		size_t n = strcspn(at, " '\":,)"), last = n;
		while (last && at[last - 1] != '/')
			last--;
		core_text_put(&out, at + last, n - last);
		at += n;
	}
	return core_text_move(ctx, &out);
}

const char *core_html_name_row(const core_html_page *page, size_t row)
{
	if (row >= page->grid->n_rows)
		return core_grid_row_at(page->grid, row)->label;
	return page->names.row[row].label;
}

const char *core_html_name_column(const core_html_page *page, size_t column)
{
	const core_grid_column *c = &page->grid->column[column];
	return c->id == CORE_F1 ? "macro F1" : c->title;
}

void core_html_put_p(core_text *out, double p)
{
	core_text text = {0};
	if (isnan(p))
		return;
	core_put_p(&text, p);
	core_text_add(out, ", ");
	for (const char *c = text.data; c && *c; c++) /* p and its number stay on one line */
		core_text_put(out, *c == ' ' ? "\xc2\xa0" : c, *c == ' ' ? 2 : 1);
	out->failed |= text.failed;
	core_text_free(&text);
}

int64_t core_html_count_speakers(const core_html_page *page, const core_test_set *test)
{
	core_speakers speakers;
	if (page->grid->no_speakers)
		return 0;
	fv_ctx *own = core_ctx_aside(page->ctx);
	int64_t n = own && !core_speakers_make(own, &test->rows, &speakers) ? speakers.S : 0;
	core_ctx_free(own);
	return n;
}
