/* SPDX-License-Identifier: Apache-2.0 */
#include "report/confusion_table.h"

#include <string.h>

#include "base/json.h"
#include "eval/argmax.h"
#include "eval/rates.h"
#include "report/grid_tables.h"

static void fill_row(
	core_result_table *t, size_t row, int32_t C, const char *name, const int64_t *count)
{
	int64_t sum = 0;
	for (int32_t k = 0; k < C; k++)
		sum += count[k];
	*core_table_at(t, row, 0) = core_value_text(name);
	*core_table_at(t, row, 1) = core_value_count(sum);
	for (int32_t k = 0; k < C && sum; k++)
		*core_table_at(t, row, 2 + (size_t)k) =
			core_value_number(core_divide_counts(count[k], sum));
}

fv_status core_add_confusion(fv_ctx *ctx, int32_t C, const char *const *classes,
	const int64_t *count, const char *group, core_document *document)
{
	const char *title = core_format(ctx,
		"confusion, argmax%s%s: share of each true class that is predicted as",
		group ? ", " : "", group ? group : "");
	core_result_table *t =
		core_document_add(ctx, document, "confusion", title, (size_t)C, 2 + (size_t)C);
	if (!t || !title)
		return FV_FAILED;
	t->column[0] = core_plain_column("class", "true class", CORE_FOR_PEOPLE);
	t->column[1] = core_plain_column("rows", "rows", CORE_FOR_PEOPLE);
	for (int32_t k = 0; k < C; k++) {
		t->column[2 + k] = core_plain_column(classes[k], classes[k], CORE_FOR_PEOPLE);
		fill_row(t, (size_t)k, C, classes[k], count + (size_t)k * (size_t)C);
	}
	return FV_OK;
}

/* --- for programs ----------------------------------------------------------------------------- */

enum { VARIANT, ATTRIBUTE, GROUP, CLASS, ROWS, COUNTS, NORMALIZED, COLUMNS };

struct filling {
	fv_ctx *ctx;
	const core_grid *grid;
	core_document *document;
	core_result_table *table;
	size_t at;      /* next row of the table */
	int64_t *count; /* [C, C] */
	bool failed;    /* memory ran out, or a class name is not UTF-8 */
};

/* Makes {predicted class: number} of one true class; divisor -1: counts. */
static core_table_value make_cell(
	struct filling *f, const core_test_set *test, const int64_t *count, int64_t divisor)
{
	json_t *row = json_object();
	for (int32_t k = 0; k < test->C; k++) {
		json_t *number = divisor < 0
					 ? json_integer((json_int_t)count[k])
					 : core_json_number(core_divide_counts(count[k], divisor));
		f->failed |= json_object_set_new(row, test->classes[k], number) != 0;
	}
	const json_t *owned = core_document_own(f->ctx, f->document, row);
	f->failed |= !owned;
	return core_value_json(owned);
}

/* Adds a row for each true class of the counted matrix. */
static void fill_matrix(
	struct filling *f, const core_grid_row *row, const core_eval_attribute *a, int32_t group)
{
	const core_test_set *test = row->scores.test;
	core_result_table *t = f->table;
	for (int32_t c = 0; c < test->C; c++, f->at++) {
		const int64_t *own = f->count + (size_t)c * (size_t)test->C;
		int64_t sum = 0;
		for (int32_t k = 0; k < test->C; k++)
			sum += own[k];
		*core_table_at(t, f->at, VARIANT) = core_value_text(core_row_name(row));
		*core_table_at(t, f->at, ATTRIBUTE) = core_value_text(a ? a->name : NULL);
		*core_table_at(t, f->at, GROUP) = core_value_text(a ? a->group[group] : NULL);
		*core_table_at(t, f->at, CLASS) = core_value_text(test->classes[c]);
		*core_table_at(t, f->at, ROWS) = core_value_count(sum);
		*core_table_at(t, f->at, COUNTS) = make_cell(f, test, own, -1);
		*core_table_at(t, f->at, NORMALIZED) = make_cell(f, test, own, sum);
	}
}

/* Counts one matrix over all seeds and adds its rows. */
static void add_matrix(
	struct filling *f, size_t variant, const core_eval_attribute *a, int32_t group)
{
	const core_grid_row *row = &f->grid->row[variant];
	const core_variant_predictions *p = &f->grid->tests.variant[variant];
	size_t cells = (size_t)row->scores.test->C * (size_t)row->scores.test->C;
	memset(f->count, 0, cells * sizeof *f->count);
	for (int32_t k = 0; k < p->n_seeds; k++)
		core_confusion_count(&p->set[k], a ? a->id : NULL, group, f->count);
	fill_matrix(f, row, a, group);
}

static void add_variant(struct filling *f, size_t variant)
{
	const core_test_set *test = f->grid->row[variant].scores.test;
	add_matrix(f, variant, NULL, 0);
	for (int32_t a = 0; a < test->n_attributes; a++)
		for (int32_t g = 0; g < test->attribute[a].G; g++)
			add_matrix(f, variant, &test->attribute[a], g);
}

/* Counts the rows of one variant. */
static size_t count_rows(const core_test_set *test)
{
	size_t matrices = 1;
	for (int32_t a = 0; a < test->n_attributes; a++)
		matrices += (size_t)test->attribute[a].G;
	return matrices * (size_t)test->C;
}

fv_status core_add_confusions(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	static const char *const keys[COLUMNS] = {
		"variant", "attribute", "group", "class", "rows", "counts", "normalized"};
	size_t rows = 0, most = 0;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_test_set *test = grid->row[i].scores.test;
		if (!test)
			continue;
		most = (size_t)test->C > most ? (size_t)test->C : most;
		rows += count_rows(test);
	}
	struct filling f = {.ctx = ctx,
		.grid = grid,
		.document = document,
		.table = core_document_add_json(ctx, document, "confusion", keys, COLUMNS, rows),
		.count = core_alloc(ctx, most * most + 1, sizeof *f.count)};
	if (!f.table || !f.count)
		return FV_FAILED;
	for (size_t i = 0; i < grid->n_rows; i++)
		if (grid->row[i].scores.test)
			add_variant(&f, i);
	return f.failed ? fv_fail(ctx, FV_FAILED, "cannot build the confusion matrices") : FV_OK;
}
