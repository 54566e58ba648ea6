/* SPDX-License-Identifier: Apache-2.0 */
#include "report/effects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "eval/families.h"
#include "eval/swap.h"
#include "report/row_text.h"

enum { MOST_NAMES = 12 }; /* that a message lists */

/* Is it an axis of the loss or its groups? The reference may differ on these axes only. */
static bool is_objective_axis(const char *key)
{
	return !strncmp(key, "loss", 4) || !strncmp(key, "grouper", 7);
}

static bool have_same_axes(const core_run_facts *own, const core_run_facts *other)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)own->axes, key, value)
	{
		const json_t *theirs = json_object_get(other->axes, key);
		if (!is_objective_axis(key) && theirs && !json_equal(value, (json_t *)theirs))
			return false;
	}
	return true;
}

/* Were both trained with the same simulated bias? */
static bool have_same_bias(const core_run_facts *own, const core_run_facts *other)
{
	return own->bias == other->bias ||
	       (own->bias && other->bias && json_equal((json_t *)own->bias, (json_t *)other->bias));
}

/* Were both trained on the same features? Two configurations can share a results folder. */
static bool have_same_features(const core_grid_row *own, const core_grid_row *other)
{
	const json_t *a = core_run_features(own->variant->used[0]);
	const json_t *b = core_run_features(other->variant->used[0]);
	return !strcmp(own->facts->encoder, other->facts->encoder) &&
	       (!a || !b || json_equal((json_t *)a, (json_t *)b));
}

/* Has `other` no groups, or those of `own`? Training without debiasing may use groups to choose its
 * epoch, and then there is one such variant per grouper. */
static bool have_same_groups(const core_run_facts *own, const core_run_facts *other)
{
	return !other->n_groupers || json_equal((json_t *)other->grouping, (json_t *)own->grouping);
}

/* Finds the variant without debiasing that has the same axes, bias and features; -1: none. */
static int64_t find_reference(const core_grid *grid, size_t row)
{
	const core_run_facts *own = grid->row[row].facts;
	int64_t found = -1;
	if (!own || own->plain)
		return -1;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_run_facts *other = grid->row[i].facts;
		if (i == row || !other || !other->plain || grid->row[i].older ||
			!have_same_axes(own, other) || !have_same_bias(own, other) ||
			!have_same_features(&grid->row[row], &grid->row[i]))
			continue;
		if (have_same_groups(own, other))
			return (int64_t)i;
		found = found < 0 ? (int64_t)i : found;
	}
	return found;
}

/* Is it the label or the folder, or, of the newest build, the label without the build? */
static bool is_named(const core_grid_row *row, const char *name)
{
	return !strcmp(name, row->label) || !strcmp(name, row->variant->name) ||
	       (!row->older && !strcmp(name, row->variant->slug));
}

/* Refuses a name that several variants have, or none, with the names to choose from. */
static fv_status refuse_reference(fv_ctx *ctx, const core_grid *grid, const char *name, int found)
{
	const char **labels = core_alloc(ctx, grid->n_rows + 1, sizeof *labels);
	const char *list = "";
	for (size_t i = 0; i < grid->n_rows && labels && list; i++) {
		labels[i] = grid->row[i].label;
		const char *shown = found ? grid->row[i].variant->name : labels[i];
		if (i < MOST_NAMES)
			list = core_format(ctx, "%s%s%s", list, i ? ", " : "", shown);
	}
	if (!labels || !list)
		return FV_FAILED;
	if (grid->n_rows > MOST_NAMES)
		list = core_format(
			ctx, "%s and %zu more", list, (size_t)(grid->n_rows - MOST_NAMES));
	if (found)
		return fv_fail(ctx, FV_CONFIG,
			"--reference: several variants are named '%s': give the folder name, one "
			"of %s",
			name, list ? list : "");
	return fv_fail(ctx, FV_CONFIG, "--reference: no variant '%s'%s; there are %s", name,
		core_suggest_name(ctx, name, labels, grid->n_rows), list ? list : "");
}

static fv_status find_named_reference(
	fv_ctx *ctx, const core_results *results, const core_grid *grid, int64_t *out)
{
	const char *name = grid->options.reference;
	int found = 0;
	*out = -1;
	for (size_t i = 0; i < grid->n_rows; i++) {
		if (!is_named(&grid->row[i], name))
			continue;
		*out = (int64_t)i;
		found++;
	}
	fv_status status = found ? FV_OK : core_row_find(ctx, results, name, out, &found);
	return status || found == 1 ? status : refuse_reference(ctx, grid, name, found);
}

static bool are_equal(int32_t n, const int64_t *a, int32_t m, const int64_t *b)
{
	return n == m && !memcmp(a, b, (size_t)n * sizeof *a);
}

const char *core_effect_reason(const core_grid *grid, size_t a, size_t b)
{
	const core_variant_predictions *x = &grid->tests.variant[a], *y = &grid->tests.variant[b];
	const core_variant_result *p = grid->row[a].variant, *q = grid->row[b].variant;
	if (x->reason || y->reason)
		return x->reason ? x->reason : y->reason;
	if (grid->row[a].on_test || grid->row[b].on_test)
		return "chosen on test: not compared";
	if (grid->row[a].older || grid->row[b].older)
		return "an older build: not compared";
	if (!are_equal(p->n_folds, p->fold, q->n_folds, q->fold))
		return "different folds";
	if (!are_equal(p->n_seeds, p->seed, q->n_seeds, q->seed))
		return "different seeds";
	return x->test == y->test ? NULL : "different test rows or labels";
}

static core_estimate find_difference(const core_comparison *c, const core_grid_column *column)
{
	if (!column->attribute)
		return c->metric[column->id];
	for (int32_t a = 0; a < c->n_attributes; a++)
		if (!strcmp(c->attribute[a].name, column->attribute))
			return c->attribute[a].metric[column->id];
	return core_estimate_of(NAN);
}

/* Is any column of the attribute compared? NULL: any over all rows. */
static bool is_compared(const core_grid *grid, const char *attribute)
{
	for (size_t j = 0; j < grid->n_columns; j++) {
		const char *own = grid->column[j].attribute;
		if (grid->column[j].compared &&
			(attribute && own ? !strcmp(attribute, own) : attribute == own))
			return true;
	}
	return false;
}

/* Lists the attributes of a test set that are compared, with the position of each. */
static int32_t list_compared(const core_grid *grid, const core_test_set *t,
	core_eval_attribute *attribute, int32_t *index)
{
	int32_t n = 0;
	for (int32_t a = 0; a < t->n_attributes; a++)
		if (is_compared(grid, t->attribute[a].name)) {
			attribute[n] = t->attribute[a];
			index[n++] = a;
		}
	return n;
}

static fv_status compare_with_reference(
	fv_ctx *ctx, const core_grid *grid, size_t row, core_effect *v)
{
	const core_variant_predictions *own = &grid->tests.variant[row];
	const core_variant_predictions *other = &grid->tests.variant[v->reference];
	const core_test_set *t = &grid->tests.set[own->test];
	size_t attributes = (size_t)t->n_attributes + 1;
	core_comparison c;
	core_eval_attribute *compared = core_alloc(ctx, attributes, sizeof *compared);
	int32_t *index = core_alloc(ctx, attributes, sizeof *index);
	v->levelling = core_alloc(ctx, attributes, sizeof *v->levelling);
	if (!compared || !index || !v->levelling)
		return FV_FAILED;
	int32_t n = list_compared(grid, t, compared, index);
	core_draws draws = grid->options.draws;
	draws.no_overall = !is_compared(grid, NULL);
	draws.family = grid->comparisons;
	fv_status status = core_compare(ctx, own->n_seeds, own->set, other->set, &t->rows,
		t->classes, n, compared, &draws, &c);
	if (status)
		return status;
	for (int32_t a = 0; a < n; a++)
		v->levelling[index[a]] = c.attribute[a].levelling;
	for (size_t j = 0; j < grid->n_columns; j++)
		if (grid->column[j].compared)
			v->diff[j] = find_difference(&c, &grid->column[j]);
	return FV_OK;
}

static fv_status adjust_column(fv_ctx *ctx, core_grid *grid, size_t column, double *p)
{
	int32_t n = (int32_t)grid->n_rows;
	for (int32_t i = 0; i < n; i++)
		p[i] = grid->row[i].effect.diff[column].p;
	fv_status status = (int64_t)column == grid->family ? core_holm(ctx, n, p, p)
							   : core_benjamini_hochberg(ctx, n, p, p);
	for (int32_t i = 0; i < n && !status; i++)
		grid->row[i].effect.adjusted[column] = p[i];
	return status;
}

static fv_status clear_effect(fv_ctx *ctx, const core_grid *grid, core_effect *v)
{
	*v = (core_effect){.reference = -1, .reason = "no reference"};
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

/* Finds the reference of a row, and why the row is not compared with it. */
static fv_status open_row(fv_ctx *ctx, core_grid *grid, size_t row, int64_t named)
{
	core_effect *v = &grid->row[row].effect;
	fv_status status = clear_effect(ctx, grid, v);
	if (status)
		return status;
	v->reference = grid->options.reference ? named : find_reference(grid, row);
	if (v->reference < 0 || v->reference == (int64_t)row || !grid->options.compare) {
		v->reference = -1;
		return FV_OK;
	}
	v->reason = core_effect_reason(grid, row, (size_t)v->reference);
	return FV_OK;
}

static bool is_row_compared(const core_grid_row *row)
{
	return row->effect.reference >= 0 && !row->effect.reason;
}

/* Counts the comparisons of a column, which are adjusted together. */
static int32_t count_comparisons(const core_grid *grid)
{
	int32_t n = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		n += is_row_compared(&grid->row[i]);
	return n;
}

bool core_effects_only_plain(const core_grid *grid)
{
	bool any = false;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_run_facts *facts = grid->row[i].facts;
		if (facts && !facts->plain)
			return false;
		any |= facts != NULL;
	}
	return any;
}

fv_status core_effects_fill(fv_ctx *ctx, const core_results *results, core_grid *grid)
{
	int64_t named = -1;
	fv_status status = FV_OK;
	if (grid->options.reference)
		status = find_named_reference(ctx, results, grid, &named);
	for (size_t i = 0; i < grid->n_rows && !status; i++)
		status = open_row(ctx, grid, i, named);
	if (status)
		return status;
	grid->comparisons = count_comparisons(grid);
	for (size_t i = 0; i < grid->n_rows && !status; i++)
		if (is_row_compared(&grid->row[i]))
			status = compare_with_reference(ctx, grid, i, &grid->row[i].effect);
	double *p = core_alloc(ctx, grid->n_rows, sizeof *p);
	if (!p)
		return FV_FAILED;
	for (size_t j = 0; j < grid->n_columns && !status; j++)
		status = adjust_column(ctx, grid, j, p);
	return status;
}

fv_status core_note_floor(
	fv_ctx *ctx, const core_grid *grid, size_t column, core_document *document)
{
	int64_t n = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		n += grid->row[i].effect.diff[column].at_floor;
	if (!n)
		return FV_OK;
	return core_document_note(ctx, document,
		"%s: %lld p-value%s ended at the limit of %d draws: over %d comparisons the "
		"smallest "
		"adjusted p is %.2g, so the true one%s may be smaller",
		grid->column[column].title, (long long)n, n == 1 ? "" : "s", CORE_DRAWS_MAX,
		(int)grid->comparisons, (double)grid->comparisons / (CORE_DRAWS_MAX + 1),
		n == 1 ? "" : "s");
}
