/* SPDX-License-Identifier: Apache-2.0 */
/* The section on the data: recordings by split and fold, and support on the test recordings. */
#include <string.h>

#include "html/page.h"

/* --- splits ----------------------------------------------------------------------------------- */

enum { VARIANT, FOLD, TRAIN, USED, DEV, TEST, COLUMNS };

static int64_t read_rows(const core_run_result *run, const char *split)
{
	return json_integer_value(json_object_get(json_object_get(run->env, "rows"), split));
}

/* Lists variants that differ in their training rows: the reference, and one trained without the bias. */
static size_t list_variants(const core_html_page *page, size_t row[2])
{
	size_t n = 0;
	if (page->reference >= 0)
		row[n++] = (size_t)page->reference;
	for (size_t i = 0; i < page->grid->n_rows && !n; i++)
		if (page->grid->row[i].variant->n_folds)
			row[n++] = i;
	for (size_t i = 0; i < page->grid->n_rows && n == 1; i++)
		if (page->grid->row[i].unbiased && page->grid->row[i].variant->n_folds)
			row[n++] = i;
	return n;
}

static void fill_split(
	core_html_page *page, size_t row, int32_t fold, core_result_table *t, size_t at)
{
	const core_variant_result *v = page->grid->row[row].variant;
	const core_run_result *run = v->used[fold * v->n_seeds];
	*core_table_at(t, at, VARIANT) = core_value_text(core_html_name_row(page, row));
	*core_table_at(t, at, FOLD) = core_value_count(run->fold);
	*core_table_at(t, at, TRAIN) = core_value_count(read_rows(run, "train"));
	*core_table_at(t, at, USED) = core_value_count(read_rows(run, "subsample"));
	*core_table_at(t, at, DEV) = core_value_count(read_rows(run, "dev"));
	*core_table_at(t, at, TEST) = core_value_count(read_rows(run, "test"));
}

static fv_status add_splits(core_html_page *page)
{
	static const char *const titles[COLUMNS] = {
		"variant", "fold", "training", "used", "development", "test"};
	size_t row[2], n = list_variants(page, row), rows = 0, at = 0;
	for (size_t k = 0; k < n; k++)
		rows += (size_t)page->grid->row[row[k]].variant->n_folds;
	if (!rows)
		return FV_OK;
	core_result_table *t = core_document_add_titled(page->ctx, page->report->details, "splits",
		"Recordings of each split and fold after exclusions and the simulated bias; used: "
		"those that the objective trains on",
		titles, COLUMNS, rows);
	if (!t)
		return FV_FAILED;
	for (size_t k = 0; k < n; k++) {
		t->line[at] = at > 0;
		for (int32_t f = 0; f < page->grid->row[row[k]].variant->n_folds; f++)
			fill_split(page, row[k], f, t, at++);
	}
	core_html_table(page->out, t);
	return FV_OK;
}

/* --- support ---------------------------------------------------------------------------------- */

static const core_variant_scores *find_scores(const core_grid *grid, const core_test_set *test)
{
	for (size_t i = 0; i < grid->n_rows; i++)
		if (grid->row[i].scores.test == test)
			return &grid->row[i].scores;
	return NULL;
}

static int64_t sum_folds(const int64_t *count, int32_t n_folds)
{
	int64_t sum = 0;
	for (int32_t f = 0; f < n_folds; f++)
		sum += count[f];
	return sum;
}

static void fill_support(core_html_page *page, const core_test_set *test, const core_scores *s,
	int32_t a, core_result_table *t)
{
	for (int32_t g = 0; g < s->G; g++) {
		*core_table_at(t, (size_t)g, 0) = core_value_text(s->group[g]);
		*core_table_at(t, (size_t)g, 1) = core_value_count(test->speakers[a][g]);
		*core_table_at(t, (size_t)g, 2) =
			core_value_count(sum_folds(&s->rows[g * s->n_folds], s->n_folds));
		for (int32_t c = 0; c < test->C; c++) {
			core_table_value *v = core_table_at(t, (size_t)g, 3 + (size_t)c);
			*v = core_value_count(
				sum_folds(&s->positives[(c * s->G + g) * s->n_folds], s->n_folds));
			v->low_support = v->count < page->grid->options.min_support;
		}
	}
}

static fv_status add_support(core_html_page *page, const core_test_set *test, int32_t a)
{
	const core_variant_scores *scores = find_scores(page->grid, test);
	const char *name = test->attribute[a].name;
	const char *key = core_format(page->ctx, "support_%s", name);
	const char *title = core_format(page->ctx,
		"Test recordings by %s and class, all folds: positive labels; * fewer than %lld",
		name, (long long)page->grid->options.min_support);
	if (!scores || !scores->attribute[a].rows)
		return FV_OK;
	const core_scores *s = &scores->attribute[a];
	core_result_table *t = key && title ? core_document_add(page->ctx, page->report->details,
						      key, title, (size_t)s->G, 3 + (size_t)test->C)
					    : NULL;
	if (!t)
		return FV_FAILED;
	t->column[0] = core_plain_column(name, name, CORE_FOR_PEOPLE);
	t->column[1] = core_plain_column("speakers", "speakers", CORE_FOR_PEOPLE);
	t->column[2] = core_plain_column("recordings", "recordings", CORE_FOR_PEOPLE);
	for (int32_t c = 0; c < test->C; c++)
		t->column[3 + c] =
			core_plain_column(test->classes[c], test->classes[c], CORE_FOR_PEOPLE);
	fill_support(page, test, s, a, t);
	core_html_table(page->out, t);
	return FV_OK;
}

fv_status core_html_data(core_html_page *page)
{
	const core_test_sets *tests = &page->grid->tests;
	fv_status status = add_splits(page);
	for (int32_t k = 0; k < tests->n_sets; k++)
		for (int32_t a = 0; a < tests->set[k].n_attributes && !status; a++)
			status = add_support(page, &tests->set[k], a);
	return status;
}
