/* SPDX-License-Identifier: Apache-2.0 */
/* The section on claims: those that the study can answer. */
#include "report/claims.h"

#include "base/plural.h"
#include "html/page.h"

enum { LISTED = 60 };

/* Names of the rows as in the figures. NULL: out of memory. */
static const char **list_names(const core_html_page *page)
{
	const char **name = core_alloc(page->ctx, page->grid->n_rows + 1, sizeof *name);
	for (size_t i = 0; i < page->grid->n_rows && name; i++)
		name[i] = core_html_name_row(page, i);
	return name;
}

/* The claims that are left out, folded up: a study rarely has the rows of all. */
static fv_status put_left_out(
	core_html_page *page, const core_claim_results *all, core_document *document)
{
	size_t n = all->count[CORE_CLAIM_LEFT_OUT], before = document->n_notes;
	fv_status status = core_note_claims_left_out(page->ctx, all, document);
	if (status || !n)
		return status;
	core_text_add(page->out, "<details><summary>%zu claim%s left out</summary>\n", n,
		core_plural((int64_t)n));
	core_html_notes(page->out, document, before, LISTED);
	core_text_add(page->out, "</details>\n");
	return FV_OK;
}

static fv_status put_claims(
	core_html_page *page, const core_claim_results *all, core_document *document)
{
	const char **name = list_names(page);
	fv_status status =
		name ? core_add_claims(page->ctx, page->grid, all, name, document) : FV_FAILED;
	if (status)
		return status;
	core_html_element(page->out, "p", NULL, document->heading);
	core_html_tables(page->out, document, 0);
	core_html_notes(page->out, document, 0, LISTED);
	return put_left_out(page, all, document);
}

/* Adds the answers to the tables beside the page, where lines are short. */
static fv_status keep_claims(core_html_page *page, const core_claim_results *all)
{
	core_document *kept = page->report->claims;
	fv_status status = core_add_claims(page->ctx, page->grid, all, NULL, kept);
	return status ? status : core_note_claims_left_out(page->ctx, all, kept);
}

fv_status core_html_claims(core_html_page *page)
{
	const core_html_options *options = page->options;
	core_claim_results all = {0};
	if (!options->claims)
		return FV_OK;
	fv_status status = core_claims_answer(
		page->ctx, page->grid, options->claims, &options->table.draws, &all);
	if (status)
		return status;
	if (all.count[CORE_CLAIM_LEFT_OUT] == all.claims->n && !options->all_claims)
		return FV_OK;
	core_document *shown = core_document_new(page->ctx);
	status = shown ? put_claims(page, &all, shown) : FV_FAILED;
	core_document_free(shown);
	return status ? status : keep_claims(page, &all);
}
