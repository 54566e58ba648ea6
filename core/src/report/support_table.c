/* SPDX-License-Identifier: Apache-2.0 */
/* The table of support, for programs: speakers, rows and positives of each subgroup and fold. */
#include "report/grid_tables.h"

enum { TEST_SET, ATTRIBUTE, GROUP, FOLD, SPEAKERS, ROWS, CLASS, POSITIVES, COLUMNS };

/* Finds the scores of any variant on a test set: all have the same support. NULL: none has scores. */
static const core_variant_scores *find_scores(const core_grid *grid, const core_test_set *test)
{
	for (size_t i = 0; i < grid->n_rows; i++)
		if (grid->row[i].scores.test == test)
			return &grid->row[i].scores;
	return NULL;
}

static void fill_row(const core_test_set *test, int64_t number, int32_t a, const core_scores *s,
	const int32_t at[3], core_result_table *t, size_t i)
{
	int32_t g = at[0], f = at[1], c = at[2];
	*core_table_at(t, i, TEST_SET) = core_value_count(number);
	*core_table_at(t, i, ATTRIBUTE) = core_value_text(test->attribute[a].name);
	*core_table_at(t, i, GROUP) = core_value_text(s->group[g]);
	*core_table_at(t, i, FOLD) = core_value_count(s->fold_name[f]);
	*core_table_at(t, i, SPEAKERS) = core_value_count(s->speakers[g * s->n_folds + f]);
	*core_table_at(t, i, ROWS) = core_value_count(s->rows[g * s->n_folds + f]);
	*core_table_at(t, i, CLASS) = core_value_text(test->classes[c]);
	*core_table_at(t, i, POSITIVES) =
		core_value_count(s->positives[(c * s->G + g) * s->n_folds + f]);
}

static void fill_test_set(const core_grid *grid, int32_t number, core_result_table *t, size_t *row)
{
	const core_test_set *test = &grid->tests.set[number];
	const core_variant_scores *scores = find_scores(grid, test);
	for (int32_t a = 0; scores && a < test->n_attributes; a++) {
		const core_scores *s = &scores->attribute[a];
		for (int32_t g = 0; g < s->G; g++)
			for (int32_t f = 0; f < s->n_folds; f++)
				for (int32_t c = 0; c < test->C; c++)
					fill_row(test, number + 1, a, s, (int32_t[]){g, f, c}, t,
						(*row)++);
	}
}

fv_status core_add_support(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	static const char *const keys[COLUMNS] = {
		"test_set", "attribute", "group", "fold", "speakers", "rows", "class", "positives"};
	size_t rows = 0, at = 0;
	for (int32_t k = 0; k < grid->tests.n_sets; k++) {
		const core_test_set *test = &grid->tests.set[k];
		const core_variant_scores *scores = find_scores(grid, test);
		for (int32_t a = 0; scores && a < test->n_attributes; a++)
			rows += (size_t)scores->attribute[a].G *
				(size_t)scores->attribute[a].n_folds * (size_t)test->C;
	}
	core_result_table *t =
		core_document_add_json(ctx, document, "support", keys, COLUMNS, rows);
	if (!t)
		return FV_FAILED;
	for (int32_t k = 0; k < grid->tests.n_sets; k++)
		fill_test_set(grid, k, t, &at);
	return FV_OK;
}
