/* SPDX-License-Identifier: Apache-2.0 */
/* What the sections of a report share: the study, and the page that they write to. */
#ifndef CORE_HTML_PAGE_H
#define CORE_HTML_PAGE_H

#include "config/yaml.h"
#include "html/report.h"
#include "plot/names.h"
#include "report/short_choice.h"

typedef struct core_html_page {
	fv_ctx *ctx;
	const core_results *results;
	const core_grid *grid;
	const core_variant_axes *axes;
	const core_short_choice *choice;
	const core_html_options *options;
	int64_t column;          /* of the grid: what variants are judged by; -1: none */
	core_row_names names;    /* as in the figures */
	int64_t reference, best; /* rows; best: on development rows; -1: none */
	const core_yaml *
		*settings; /* [results->n] config.yaml of the first run that counts; NULL: none */
	core_html_report *report;
	core_text *out; /* what the section writes */
} core_html_page;

/* The sections, in order. Each writes what is between its heading and the next one, or nothing if it has
 * nothing to show. */
FV_NODISCARD fv_status core_html_answer(core_html_page *page);
FV_NODISCARD fv_status core_html_main_table(core_html_page *page);
FV_NODISCARD fv_status core_html_effects(core_html_page *page);
FV_NODISCARD fv_status core_html_tradeoff(core_html_page *page);
FV_NODISCARD fv_status core_html_groups(core_html_page *page);
FV_NODISCARD fv_status core_html_per_group(core_html_page *page);
FV_NODISCARD fv_status core_html_training(core_html_page *page);
FV_NODISCARD fv_status core_html_data(core_html_page *page);
FV_NODISCARD fv_status core_html_methods(core_html_page *page);
FV_NODISCARD fv_status core_html_claims(core_html_page *page);
FV_NODISCARD fv_status core_html_caveats(core_html_page *page);

/* --- markup ----------------------------------------------------------------------------------- */

/* Writes a table below its title. */
void core_html_table(core_text *out, const core_result_table *table);
/* Writes the tables of a document from the `first` on. */
void core_html_tables(core_text *out, const core_document *document, size_t first);
/* Writes a list of notes, at most `most`, and how many there are more. */
void core_html_notes(core_text *out, const core_document *document, size_t first, size_t most);
/* Writes <TAG CLASS>text</TAG>; class NULL: none. */
void core_html_element(core_text *out, const char *tag, const char *class, const char *text);

/* --- words ------------------------------------------------------------------------------------ */

/* Returns a text with the folders of absolute paths left out. NULL: out of memory. */
const char *core_html_shorten_paths(fv_ctx *ctx, const char *text);
/* Returns the name of a variant as in the figures: "RW, k=4"; of a baseline its own. */
const char *core_html_name_row(const core_html_page *page, size_t row);
/* Returns "gender TPR gap", "macro F1". */
const char *core_html_name_column(const core_html_page *page, size_t column);
/* Adds ", p .031" or the like. */
void core_html_put_p(core_text *out, double p);
/* Returns the number of speakers of a test set; 0: not known. */
int64_t core_html_count_speakers(const core_html_page *page, const core_test_set *test);

/* --- settings --------------------------------------------------------------------------------- */

/* Returns the values of a key over all variants: "0.0001", or "0.001 or 0.0001"; NULL: none has it. */
const char *core_html_setting(const core_html_page *page, const char *block, const char *key);

#endif
