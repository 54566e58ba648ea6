/* SPDX-License-Identifier: Apache-2.0 */
/* Table 1, and the caveats that apply to the study. */
#include "base/markup.h"
#include "html/page.h"
#include "report/notes.h"
#include "report/short_table.h"
#include "report/write.h"

enum { NOTES = 40 };

/* What all variants have in common, and what their figures rest on. */
static void put_heading(core_html_page *page, const char *heading)
{
	const core_test_sets *tests = &page->grid->tests;
	core_text_add(page->out, "<p class=muted>Of all variants: ");
	core_text_markup(page->out, heading);
	if (tests->n_sets == 1) {
		int64_t speakers = core_html_count_speakers(page, &tests->set[0]);
		core_text_add(page->out, "; n = %lld test recordings", (long long)tests->set[0].n);
		if (speakers)
			core_text_add(page->out, " of %lld speakers", (long long)speakers);
	}
	core_text_add(page->out, ".</p>\n");
}

fv_status core_html_main_table(core_html_page *page)
{
	core_document *document = page->report->main;
	fv_status status =
		core_add_short(page->ctx, page->grid, page->axes, page->choice, document);
	core_table_options options = page->options->table;
	options.details = false;
	options.request = page->choice->request;
	options.n_requests = page->choice->n_requests;
	if (!status)
		status = core_add_short_tests(
			page->ctx, page->results, &options, page->axes, page->choice, document);
	if (!status)
		status = core_short_notes(page->ctx, page->grid, page->choice, document);
	if (status)
		return status;
	put_heading(page, document->heading);
	core_html_tables(page->out, document, 0);
	core_html_notes(page->out, document, 0, NOTES);
	return FV_OK;
}

fv_status core_html_caveats(core_html_page *page)
{
	core_document *document = page->report->details;
	size_t before = document->n_notes;
	fv_status status = core_grid_notes(page->ctx, page->grid, document);
	if (!status)
		core_html_notes(page->out, document, before, NOTES);
	return status;
}
