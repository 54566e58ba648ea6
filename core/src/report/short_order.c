/* SPDX-License-Identifier: Apache-2.0 */
#include "report/short_order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

bool core_row_is_reference(const core_grid *grid, size_t row)
{
	if (grid->row[row].effect.reference >= 0)
		return false;
	for (size_t i = 0; i < grid->n_rows; i++)
		if (grid->row[i].effect.reference == (int64_t)row)
			return true;
	return false;
}

bool core_short_is_pooled(const core_grid *grid)
{
	for (size_t i = 0; i < grid->n_rows; i++)
		if (grid->row[i].scores.test)
			return true;
	return false;
}

int64_t core_grid_find_column(const core_grid *grid, const core_column_request *what)
{
	for (size_t j = 0; j < grid->n_columns; j++) {
		const core_grid_column *c = &grid->column[j];
		bool same = what->attribute && c->attribute ? !strcmp(what->attribute, c->attribute)
							    : what->attribute == c->attribute;
		if (same && c->id == what->id)
			return (int64_t)j;
	}
	return -1;
}

double core_short_number(const core_grid *grid, size_t row, const core_pick *pick)
{
	int64_t j = core_grid_find_column(grid, &pick->what);
	const core_grid_row *r = core_grid_row_at(grid, row);
	if (j < 0 || pick->kind != CORE_PICK_FIGURE)
		return NAN;
	bool pooled = core_short_is_pooled(grid), compared = r->effect.diff && !r->effect.reason;
	const core_mean *m = &r->value[j];
	const core_estimate *e = pooled ? &m->pooled : &m->fold_mean;
	switch (pick->part) {
	case CORE_PART_VALUE:
		return pooled ? e->value : m->mean;
	case CORE_PART_NULL:
		return e->null_mean;
	case CORE_PART_EXCESS:
		return e->excess;
	case CORE_PART_P:
		return e->p;
	case CORE_PART_CHANGE:
	case CORE_PART_INTERVAL:
		return compared ? r->effect.diff[j].value : NAN;
	case CORE_PART_CHANGE_P:
		return compared ? r->effect.adjusted[j] : NAN;
	case CORE_PARTS:
		break;
	}
	return NAN;
}

/* --- sorting ---------------------------------------------------------------------------------- */

struct entry {
	size_t row;
	bool apart;       /* below the line */
	double number;    /* NaN: sorted by text */
	const char *text; /* NULL: sorted last */
};

static bool is_missing(const struct entry *e)
{
	return isnan(e->number) && !e->text;
}

/* Missing ones last, then numbers before texts; of equal ones the first stays first. */
static int compare_ascending(const struct entry *x, const struct entry *y)
{
	if (isnan(x->number) != isnan(y->number))
		return isnan(x->number) ? 1 : -1;
	if (isnan(x->number))
		return strcmp(x->text, y->text);
	return (x->number > y->number) - (x->number < y->number);
}

static int compare_entries(const struct entry *x, const struct entry *y, bool descending)
{
	if (x->apart != y->apart)
		return x->apart ? 1 : -1;
	int order = is_missing(x) || is_missing(y)
			    ? is_missing(x) - is_missing(y)
			    : compare_ascending(x, y) * (descending ? -1 : 1);
	return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int compare_up(const void *a, const void *b)
{
	return compare_entries(a, b, false);
}

static int compare_down(const void *a, const void *b)
{
	return compare_entries(a, b, true);
}

static void set_key(const core_grid *grid, const core_variant_axes *axes, const core_pick *by,
	size_t row, struct entry *e)
{
	e->number = NAN;
	if (by->kind == CORE_PICK_FIGURE)
		e->number = core_short_number(grid, row, by);
	else if (by->kind == CORE_PICK_RUNS)
		e->number = (double)grid->row[row].done;
	else
		e->text = by->kind == CORE_PICK_AXIS ? axes->axis[by->axis].text[row]
						     : grid->row[row].label;
	if (e->text && !core_parse_double(e->text, &e->number))
		e->number = NAN;
}

/* Stands the row below the line? */
static bool stands_apart(const core_grid *grid, size_t row)
{
	return core_row_unranked(&grid->row[row]) || core_row_is_reference(grid, row);
}

fv_status core_short_order_make(fv_ctx *ctx, const core_grid *grid, const core_variant_axes *axes,
	const core_short_choice *choice, core_short_order *out)
{
	core_pick by = {.kind = CORE_PICK_FIGURE, .what = choice->main};
	bool down = core_metric_at(choice->main.id)->higher_is_better;
	struct entry *entry = core_alloc(ctx, grid->n_rows + 1, sizeof *entry);
	*out = (core_short_order){.row = core_alloc(ctx, grid->n_rows + 1, sizeof *out->row)};
	if (!entry || !out->row)
		return FV_FAILED;
	if (choice->sorts) {
		by = choice->sort;
		down = choice->descending;
	}
	for (size_t i = 0; i < grid->n_rows; i++) {
		if (!grid->row[i].variant->n_folds)
			continue;
		struct entry *e = &entry[out->n++];
		*e = (struct entry){.row = i, .apart = stands_apart(grid, i)};
		out->ranked += !e->apart;
		set_key(grid, axes, &by, i, e);
	}
	if (!out->ranked) { /* nothing to stand apart from */
		for (size_t i = 0; i < out->n; i++)
			entry[i].apart = false;
		out->ranked = out->n;
	}
	qsort(entry, out->n, sizeof *entry, down ? compare_down : compare_up);
	for (size_t i = 0; i < out->n; i++)
		out->row[i] = entry[i].row;
	return FV_OK;
}
