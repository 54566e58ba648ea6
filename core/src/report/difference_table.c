/* SPDX-License-Identifier: Apache-2.0 */
/* Signed TPR differences between groups for each class, with intervals: the parts of a TPR gap. */
#include <string.h>

#include "report/grid_tables.h"

enum { PAIRS_SHOWN = 3 }; /* those of three groups; people see no more */
enum { LABEL, VARIANT, ATTRIBUTE, PAIR, GROUP, MINUS, FEW_SPEAKERS, ONE_SPEAKER, FIRST };

static int32_t count_pairs(const core_eval_attribute *attribute)
{
	return attribute->G * (attribute->G - 1) / 2;
}

/* Finds the attribute whose differences people see: that of the comparison family, or the first. */
static int32_t find_shown_attribute(const core_grid *grid, const core_test_set *t)
{
	const char *name = grid->family >= 0 ? grid->column[grid->family].attribute : NULL;
	int32_t shown = t->n_attributes && !name ? 0 : -1;
	for (int32_t a = 0; a < t->n_attributes && name; a++)
		if (!strcmp(t->attribute[a].name, name))
			shown = a;
	return shown >= 0 && count_pairs(&t->attribute[shown]) <= PAIRS_SHOWN ? shown : -1;
}

static fv_status fill_row(fv_ctx *ctx, const core_grid_row *row,
	const core_eval_attribute *attribute, const core_tpr_difference *d, core_result_table *t,
	size_t i)
{
	const char *own = attribute->group[d->g], *other = attribute->group[d->h];
	const char *pair = core_format(ctx, "%s - %s", own, other);
	core_name_row(t, i, LABEL, row);
	*core_table_at(t, i, ATTRIBUTE) = core_value_text(attribute->name);
	*core_table_at(t, i, PAIR) = core_value_text(pair);
	*core_table_at(t, i, GROUP) = core_value_text(own);
	*core_table_at(t, i, MINUS) = core_value_text(other);
	*core_table_at(t, i, FEW_SPEAKERS) = core_value_flag(d->few);
	*core_table_at(t, i, ONE_SPEAKER) = core_value_flag(d->one_speaker);
	for (int32_t c = 0; c < row->scores.test->C; c++) {
		core_table_value *v = core_table_at(t, i, FIRST + (size_t)c);
		*v = core_value_figure(core_figure_of(d->value[c]));
		v->mark = d->few ? " °" : NULL;
	}
	return pair ? FV_OK : FV_FAILED;
}

static void set_columns(const core_test_set *test, core_result_table *t)
{
	core_name_columns(t, LABEL, "variant");
	t->column[ATTRIBUTE] = core_plain_column("attribute", "attribute", CORE_FOR_JSON);
	t->column[PAIR] = core_plain_column("pair", "groups", CORE_FOR_PEOPLE);
	t->column[GROUP] = core_plain_column("group", "group", CORE_FOR_JSON);
	t->column[MINUS] = core_plain_column("minus", "minus", CORE_FOR_JSON);
	t->column[FEW_SPEAKERS] = core_plain_column("few_speakers", "few speakers", CORE_FOR_JSON);
	t->column[ONE_SPEAKER] = core_plain_column("one_speaker", "one speaker", CORE_FOR_JSON);
	for (int32_t c = 0; c < test->C; c++)
		t->column[FIRST + c] = (core_table_column){.path = {"classes", test->classes[c]},
			.title = test->classes[c],
			.audience = CORE_FOR_ALL,
			.metric = "tpr_difference",
			.class_name = test->classes[c],
			.format = CORE_SIGNED,
			.parts = CORE_SHOW_INTERVAL};
}

/* Counts the rows of one test set, whose classes are the columns. */
static size_t count_rows(const core_grid *grid, const core_test_set *test)
{
	size_t variants = 0, pairs = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		variants += grid->row[i].scores.test == test;
	for (int32_t a = 0; a < test->n_attributes; a++)
		pairs += (size_t)count_pairs(&test->attribute[a]);
	return variants * pairs;
}

static fv_status fill_table(
	fv_ctx *ctx, const core_grid *grid, const core_test_set *test, core_result_table *t)
{
	int32_t shown = find_shown_attribute(grid, test);
	size_t at = 0;
	fv_status status = FV_OK;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_grid_row *row = &grid->row[i];
		for (int32_t a = 0; row->scores.test == test && a < test->n_attributes; a++)
			for (int32_t k = 0; k < count_pairs(&test->attribute[a]) && !status; k++) {
				t->row_audience[at] =
					a == shown ? CORE_FOR_ALL : CORE_FOR_JSON | CORE_FOR_CSV;
				status = fill_row(ctx, row, &test->attribute[a],
					&row->scores.rates[a].difference[k], t, at++);
			}
	}
	return status;
}

fv_status core_add_tpr_differences(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	const core_test_set *test = grid->tests.n_sets ? &grid->tests.set[0] : NULL;
	if (!test || !grid->options.draws.n || !count_rows(grid, test))
		return FV_OK;
	int32_t shown = find_shown_attribute(grid, test);
	core_result_table *t = core_document_add(ctx, document, "tpr_differences",
		core_format(ctx,
			"Parts of the %s TPR gap: TPR of one group minus that of the other, by "
			"class, pooled [95%% interval over speakers]",
			shown < 0 ? "" : test->attribute[shown].name),
		count_rows(grid, test), FIRST + (size_t)test->C);
	if (!t)
		return FV_FAILED;
	if (shown < 0)
		t->audience = CORE_FOR_JSON;
	set_columns(test, t);
	return fill_table(ctx, grid, test, t);
}

/* --- rates, for programs ---------------------------------------------------------------------- */

static void fill_rates(const core_grid_row *row, core_result_table *t, size_t *at)
{
	const core_test_set *test = row->scores.test;
	for (int32_t a = 0; a < test->n_attributes; a++) {
		const core_eval_attribute *own = &test->attribute[a];
		for (int32_t k = 0; k < test->C * own->G; k++, ++*at) {
			*core_table_at(t, *at, 0) = core_value_text(core_row_name(row));
			*core_table_at(t, *at, 1) = core_value_text(own->name);
			*core_table_at(t, *at, 2) = core_value_text(test->classes[k / own->G]);
			*core_table_at(t, *at, 3) = core_value_text(own->group[k % own->G]);
			*core_table_at(t, *at, 4) =
				core_value_figure(core_figure_of(row->scores.rates[a].tpr[k]));
		}
	}
}

fv_status core_add_rates(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	static const char *const keys[] = {"variant", "attribute", "class", "group", "tpr"};
	size_t rows = 0, at = 0, all = grid->n_rows + grid->n_baselines;
	if (!grid->options.draws.n)
		return FV_OK;
	for (size_t i = 0; i < all; i++) {
		const core_test_set *test = core_grid_row_at(grid, i)->scores.test;
		for (int32_t a = 0; test && a < test->n_attributes; a++)
			rows += (size_t)test->C * (size_t)test->attribute[a].G;
	}
	core_result_table *t = core_document_add_json(ctx, document, "rates", keys, 5, rows);
	if (!t)
		return FV_FAILED;
	t->column[4].parts = CORE_SHOW_INTERVAL;
	for (size_t i = 0; i < all; i++)
		if (core_grid_row_at(grid, i)->scores.test)
			fill_rates(core_grid_row_at(grid, i), t, &at);
	return FV_OK;
}
