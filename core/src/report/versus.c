/* SPDX-License-Identifier: Apache-2.0 */
#include "report/versus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "eval/families.h"

static const json_t *cell_env(const core_grid_row *row)
{
	if (!row->cell->n_folds)
		return NULL;
	return json_object_get(row->cell->used[0]->env, "cell");
}

/* Axes that say what was trained on, not how: those of the loss and its groups do not count. */
static bool is_own_axis(const char *key)
{
	return !strncmp(key, "loss", 4) || !strncmp(key, "grouper", 7);
}

static bool same_axes(const json_t *own, const json_t *other)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)json_object_get(own, "axes"), key, value)
	{
		const json_t *theirs = json_object_get(json_object_get(other, "axes"), key);
		if (!is_own_axis(key) && theirs && !json_equal(value, (json_t *)theirs))
			return false;
	}
	return true;
}

/* The reference was trained on the same rows, as far as their bias goes. */
static bool same_bias(const json_t *own, const json_t *other)
{
	const json_t *a = json_object_get(own, "bias"), *b = json_object_get(other, "bias");
	return a == b || (a && b && json_equal((json_t *)a, (json_t *)b));
}

/* Without groups, or with those of `own`: where training without debiasing has them for the choice
 * of its epoch, there may be one for each grouper. */
static bool same_groups(const json_t *own, const json_t *other)
{
	const json_t *theirs = json_object_get(other, "grouping");
	return !json_array_size(theirs) ||
	       json_equal((json_t *)theirs, json_object_get(own, "grouping"));
}

static int64_t find_reference(const core_grid *grid, size_t row)
{
	const json_t *own = cell_env(&grid->row[row]);
	int64_t found = -1;
	if (json_is_true(json_object_get(own, "plain")))
		return -1;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const json_t *other = cell_env(&grid->row[i]);
		if (i == row || !json_is_true(json_object_get(other, "plain")) ||
			!same_axes(own, other) || !same_bias(own, other))
			continue;
		if (same_groups(own, other))
			return (int64_t)i;
		found = found < 0 ? (int64_t)i : found;
	}
	return found;
}

static fv_status named_reference(fv_ctx *ctx, const core_grid *grid, int64_t *out)
{
	const char *name = grid->options.reference;
	const char **labels = core_alloc(ctx, grid->n_rows, sizeof *labels);
	int found = 0;
	*out = -1;
	for (size_t i = 0; i < grid->n_rows && labels; i++) {
		labels[i] = grid->row[i].label;
		if (strcmp(name, labels[i]) && strcmp(name, grid->row[i].cell->name))
			continue;
		*out = (int64_t)i;
		found++;
	}
	if (!found)
		return fv_fail(ctx, FV_CONFIG, "--reference: there is no cell '%s'%s", name,
			labels ? core_did_you_mean(ctx, name, labels, grid->n_rows) : "");
	if (found > 1)
		return fv_fail(ctx, FV_CONFIG,
			"--reference: several cells are called '%s'; give the folder's name", name);
	return FV_OK;
}

static bool same_numbers(int32_t n, const int64_t *a, int32_t m, const int64_t *b)
{
	return n == m && !memcmp(a, b, (size_t)n * sizeof *a);
}

const char *core_versus_reason(const core_grid *grid, size_t a, size_t b)
{
	const core_evidence *x = &grid->evidence.cell[a], *y = &grid->evidence.cell[b];
	const core_result_cell *p = grid->row[a].cell, *q = grid->row[b].cell;
	if (x->reason || y->reason)
		return x->reason ? x->reason : y->reason;
	if (grid->row[a].on_test || grid->row[b].on_test)
		return "chosen on test: not compared";
	if (!same_numbers(p->n_folds, p->fold, q->n_folds, q->fold))
		return "not the same folds";
	if (!same_numbers(p->n_seeds, p->seed, q->n_seeds, q->seed))
		return "not the same seeds";
	return x->test == y->test ? NULL : "not the same test rows or labels";
}

static core_estimate difference_of(const core_comparison *c, const core_grid_column *column)
{
	if (column->stat == CORE_F1)
		return c->f1;
	if (column->stat == CORE_ACC)
		return c->acc;
	for (int32_t a = 0; a < c->n_attributes; a++)
		if (!strcmp(c->attribute[a].name, column->attribute))
			return c->attribute[a].stat[column->stat];
	return core_estimate_of(NAN);
}

static fv_status compare(fv_ctx *ctx, const core_grid *grid, size_t row, core_versus *v)
{
	const core_evidence *own = &grid->evidence.cell[row];
	const core_evidence *other = &grid->evidence.cell[v->reference];
	const core_test_set *t = &grid->evidence.test[own->test];
	core_comparison c;
	fv_status status = core_compare(ctx, own->n_seeds, own->set, other->set, &t->rows,
		t->classes, t->n_attributes, t->attribute, &grid->options.draws, &c);
	v->levelling = core_alloc(ctx, (size_t)t->n_attributes + 1, sizeof *v->levelling);
	if (status || !v->levelling)
		return status ? status : FV_FAILED;
	for (int32_t a = 0; a < t->n_attributes; a++)
		v->levelling[a] = c.attribute[a].levelling;
	for (size_t j = 0; j < grid->n_columns; j++)
		v->diff[j] = difference_of(&c, &grid->column[j]);
	return FV_OK;
}

static fv_status adjust_column(fv_ctx *ctx, core_grid *grid, size_t column, double *p)
{
	int32_t n = (int32_t)grid->n_rows;
	for (int32_t i = 0; i < n; i++)
		p[i] = grid->row[i].versus.diff[column].p;
	fv_status status = (int64_t)column == grid->family ? core_holm(ctx, n, p, p)
							   : core_benjamini_hochberg(ctx, n, p, p);
	for (int32_t i = 0; i < n && !status; i++)
		grid->row[i].versus.adjusted[column] = p[i];
	return status;
}

static fv_status start(fv_ctx *ctx, const core_grid *grid, core_versus *v)
{
	*v = (core_versus){.reference = -1, .reason = "nothing to compare with"};
	v->diff = core_alloc(ctx, grid->n_columns, sizeof *v->diff);
	v->adjusted = core_alloc(ctx, grid->n_columns, sizeof *v->adjusted);
	if (!v->diff || !v->adjusted)
		return FV_FAILED;
	for (size_t j = 0; j < grid->n_columns; j++) {
		v->diff[j] = core_estimate_of(NAN);
		v->adjusted[j] = NAN;
	}
	return FV_OK;
}

static fv_status fill_row(fv_ctx *ctx, core_grid *grid, size_t row, int64_t named)
{
	core_versus *v = &grid->row[row].versus;
	fv_status status = start(ctx, grid, v);
	if (status)
		return status;
	v->reference = grid->options.reference ? named : find_reference(grid, row);
	if (v->reference < 0 || v->reference == (int64_t)row || !grid->options.compare) {
		v->reference = -1;
		return FV_OK;
	}
	v->reason = core_versus_reason(grid, row, (size_t)v->reference);
	return v->reason ? FV_OK : compare(ctx, grid, row, v);
}

fv_status core_versus_fill(fv_ctx *ctx, core_grid *grid)
{
	int64_t named = -1;
	fv_status status = FV_OK;
	if (grid->options.reference)
		status = named_reference(ctx, grid, &named);
	for (size_t i = 0; i < grid->n_rows && !status; i++)
		status = fill_row(ctx, grid, i, named);
	double *p = core_alloc(ctx, grid->n_rows, sizeof *p);
	if (!p)
		return FV_FAILED;
	for (size_t j = 0; j < grid->n_columns && !status; j++)
		status = adjust_column(ctx, grid, j, p);
	return status;
}
