/* SPDX-License-Identifier: Apache-2.0 */
/* The section on groups of people: confusion, calibration, and metrics within each group. */
#include <math.h>

#include "html/figures.h"
#include "report/within_groups.h"

enum {
	VARIANT,
	GROUP,
	SPEAKERS,
	ROWS,
	UAR,
	SPREAD,
	AUC,
	AP,
	ECE,
	ECE_NULL,
	BRIER,
	LABELS,
	TRUE_LABELS,
	COLUMNS
};

/* The reference, the best, or the first variant with scores. */
static size_t list_shown(const core_html_page *page, size_t row[2])
{
	const int64_t wanted[] = {page->reference, page->best};
	size_t n = 0;
	for (int k = 0; k < 2; k++)
		if (wanted[k] >= 0 && page->grid->row[wanted[k]].scores.test)
			row[n++] = (size_t)wanted[k];
	for (size_t i = 0; i < page->grid->n_rows && !n; i++)
		if (page->grid->row[i].scores.test)
			row[n++] = i;
	return n;
}

/* Counts the lines of a variant: one for all recordings, one for each group. */
static size_t count_lines(const core_html_page *page, size_t row)
{
	const core_test_set *test = page->grid->row[row].scores.test;
	size_t n = 1;
	for (int32_t a = 0; a < test->n_attributes; a++)
		n += (size_t)test->attribute[a].G;
	return n;
}

static void fill_line(const core_within *w, int64_t speakers, core_table_value *line)
{
	const double value[] = {w->uar, w->speaker_spread, w->auc, w->ap, w->ece, w->ece_null,
		w->brier, w->labels_predicted, w->labels_true};
	if (speakers)
		line[SPEAKERS] = core_value_count(speakers);
	line[ROWS] = core_value_count(w->rows);
	for (int k = UAR; k < COLUMNS; k++)
		line[k] = core_value_number(value[k - UAR]);
}

static fv_status fill_variant(core_html_page *page, size_t row, core_result_table *t, size_t *at)
{
	const core_test_set *test = page->grid->row[row].scores.test;
	const char *name = core_html_name_row(page, row);
	core_within_groups within;
	fv_status status = core_within_groups_make(page->ctx, test, &page->grid->tests.variant[row],
		!page->grid->no_speakers, &within);
	if (status)
		return status;
	*core_table_at(t, *at, VARIANT) = core_value_text(name);
	*core_table_at(t, *at, GROUP) = core_value_text("all");
	fill_line(&within.all, core_html_count_speakers(page, test), core_table_at(t, *at, 0));
	++*at;
	for (int32_t a = 0; a < test->n_attributes; a++)
		for (int32_t g = 0; g < test->attribute[a].G; g++) {
			const char *group = core_format(page->ctx, "%s: %s",
				test->attribute[a].name, test->attribute[a].group[g]);
			if (!group)
				return FV_FAILED;
			*core_table_at(t, *at, VARIANT) = core_value_text(name);
			*core_table_at(t, *at, GROUP) = core_value_text(group);
			fill_line(&within.group[a][g], test->speakers[a][g],
				core_table_at(t, *at, 0));
			++*at;
		}
	return FV_OK;
}

static fv_status add_group_table(core_html_page *page)
{
	static const char *const titles[COLUMNS] = {"variant", "group", "speakers", "n", "UAR",
		"± sd", "AUC", "AP", "ECE", "null", "Brier", "labels", "true"};
	size_t row[2], n = list_shown(page, row), lines = 0, at = 0;
	for (size_t k = 0; k < n; k++)
		lines += count_lines(page, row[k]);
	if (!lines)
		return FV_OK;
	const char *title = core_format(page->ctx,
		"Metrics within each group, all folds pooled, means over seeds and classes. ± sd: "
		"of "
		"the UAR of speakers with at least %d recordings; null: ECE that a calibrated "
		"variant would have on n recordings (%d draws); labels, true: classes per "
		"recording that are predicted, and labelled",
		CORE_MIN_SUPPORT, CORE_WITHIN_DRAWS);
	core_result_table *t = title ? core_document_add_titled(page->ctx, page->report->details,
					       "per_group", title, titles, COLUMNS, lines)
				     : NULL;
	fv_status status = t ? FV_OK : FV_FAILED;
	for (size_t k = 0; k < n && !status; k++) {
		t->line[at] = at > 0;
		status = fill_variant(page, row[k], t, &at);
	}
	if (!status)
		core_html_table(page->out, t);
	return status;
}

fv_status core_html_per_group(core_html_page *page)
{
	fv_status status = core_html_figure_add(page, "confusion", NULL);
	return status ? status : add_group_table(page);
}
