/* SPDX-License-Identifier: Apache-2.0 */
#include "report/spread.h"

#include <math.h>
#include <string.h>

static const json_t *cell_of(const core_grid_row *row)
{
	return row->cell->n_folds ? json_object_get(row->cell->used[0]->env, "cell") : NULL;
}

const char *core_source_name(core_source source)
{
	static const char *const names[] = {"folds", "training seed", "grouping seed", "bias draw"};
	return names[source];
}

const char *core_grouping_seed(fv_ctx *ctx, const json_t *cell)
{
	const json_t *list = json_object_get(cell, "grouping");
	core_text text = {0};
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i), *seed = json_object_get(one, "seed");
		if (!json_is_integer(seed))
			seed = json_object_get(json_object_get(one, "params"), "seed");
		if (json_is_integer(seed))
			core_text_add(&text, "%s%lld", text.size ? " " : "",
				(long long)json_integer_value(seed));
	}
	return core_text_take(ctx, &text);
}

const char *core_draw_seed(fv_ctx *ctx, const json_t *cell)
{
	const json_t *seed = json_object_get(json_object_get(cell, "bias"), "seed");
	return json_is_integer(seed) ? core_format(ctx, "%lld", (long long)json_integer_value(seed))
				     : "";
}

/* --- families -------------------------------------------------------------------------------- */

/* The members of a family on a grid of their own: level of grouping and of draw of each. */
struct members {
	const core_grid *grid;
	const core_family *family;
	int32_t *level[CORE_SOURCES]; /* [n] of grouping and draw; the others NULL */
};

static const core_result_cell *member(const struct members *m, size_t i)
{
	return m->grid->row[m->family->row[i]].cell;
}

/* The level of each member: the place of its text among those that differ. */
static fv_status number_levels(fv_ctx *ctx, struct members *m, core_family *family,
	core_source source, const char *(*seed)(fv_ctx *, const json_t *))
{
	const char **text = core_alloc(ctx, family->n, sizeof *text);
	m->level[source] = core_alloc(ctx, family->n, sizeof *m->level[source]);
	if (!text || !m->level[source])
		return FV_FAILED;
	for (size_t i = 0; i < family->n; i++) {
		const char *own = seed(ctx, cell_of(&m->grid->row[family->row[i]]));
		int32_t k = 0;
		if (!own)
			return FV_FAILED;
		while (k < family->levels[source] && strcmp(text[k], own) != 0)
			k++;
		if (k == family->levels[source])
			text[family->levels[source]++] = own;
		m->level[source][i] = k;
	}
	return FV_OK;
}

/* Are all members tested in the same folds and seeds, and is there one for each pair of levels? */
static const char *not_crossed(const struct members *m)
{
	const core_family *f = m->family;
	const core_result_cell *first = member(m, 0);
	for (size_t i = 1; i < f->n; i++) {
		const core_result_cell *own = member(m, i);
		if (own->n_folds != first->n_folds || own->n_seeds != first->n_seeds ||
			memcmp(own->fold, first->fold, (size_t)own->n_folds * sizeof *own->fold) !=
				0 ||
			memcmp(own->seed, first->seed, (size_t)own->n_seeds * sizeof *own->seed) !=
				0)
			return "its cells have not the same folds and seeds done";
	}
	if (f->n != (size_t)f->levels[CORE_SOURCE_GROUPING] * (size_t)f->levels[CORE_SOURCE_DRAW])
		return "its seeds of grouping and bias are not crossed";
	return NULL;
}

/* Mean of a column over the runs at one level of a source; NaN where none has the value. */
static double level_mean(
	const struct members *m, core_source source, int32_t level, const core_grid_column *column)
{
	double sum = 0;
	int64_t n = 0;
	for (size_t i = 0; i < m->family->n; i++) {
		const core_result_cell *cell = member(m, i);
		if (m->level[source] && m->level[source][i] != level)
			continue;
		for (int32_t k = 0; k < cell->n_folds * cell->n_seeds; k++) {
			int32_t own =
				source == CORE_SOURCE_FOLDS ? k / cell->n_seeds : k % cell->n_seeds;
			if (!m->level[source] && own != level)
				continue;
			double value =
				core_result_value(cell->used[k], column->attribute, column->metric);
			sum += isnan(value) ? 0 : value;
			n += !isnan(value);
		}
	}
	return n ? sum / (double)n : NAN;
}

static double spread_of(const struct members *m, core_source source, const core_grid_column *column)
{
	double mean = 0, square = 0;
	int32_t n = 0;
	for (int32_t k = 0; k < m->family->levels[source]; k++) {
		double value = level_mean(m, source, k, column);
		if (isnan(value))
			continue;
		double before = mean; /* Welford */
		n++;
		mean += (value - before) / n;
		square += (value - before) * (value - mean);
	}
	return n > 1 ? sqrt(square / (n - 1)) : NAN;
}

/* What else a run's seed decides, where it is not said by a seed of its own. */
static const char *training_of(const json_t *cell)
{
	const json_t *bias = json_object_get(cell, "bias");
	bool draw = json_is_object(bias) && !json_is_integer(json_object_get(bias, "seed"));
	return draw ? "training seed, with the bias draw" : "training seed";
}

static fv_status finish(fv_ctx *ctx, const core_grid *grid, core_family *f)
{
	struct members m = {.grid = grid, .family = f};
	const core_grid_row *first = &grid->row[f->row[0]];
	fv_status status = number_levels(ctx, &m, f, CORE_SOURCE_GROUPING, core_grouping_seed);
	if (!status)
		status = number_levels(ctx, &m, f, CORE_SOURCE_DRAW, core_draw_seed);
	if (status)
		return status;
	f->reason = not_crossed(&m);
	f->levels[CORE_SOURCE_FOLDS] = first->cell->n_folds;
	f->levels[CORE_SOURCE_TRAINING] = first->cell->n_seeds;
	f->training = training_of(cell_of(first));
	f->label = f->n == 1 ? first->label
			     : core_format(ctx, "%s and %zu like it", first->label, f->n - 1);
	for (int s = 0; s < CORE_SOURCES; s++) {
		f->sd[s] = core_alloc(ctx, grid->n_columns, sizeof *f->sd[s]);
		if (!f->sd[s])
			return FV_FAILED;
		for (size_t j = 0; j < grid->n_columns; j++)
			f->sd[s][j] =
				f->reason ? NAN : spread_of(&m, (core_source)s, &grid->column[j]);
	}
	return f->label ? FV_OK : FV_FAILED;
}

/* The family with that name, or a new one; cells of files that name none stand alone. */
static core_family *find_family(
	const core_grid *grid, core_spread *all, const char *name, size_t row)
{
	for (size_t i = 0; i < all->n && name; i++) {
		const json_t *own = cell_of(&grid->row[all->family[i].row[0]]);
		const char *theirs = json_string_value(json_object_get(own, "family"));
		if (theirs && !strcmp(theirs, name) &&
			grid->row[all->family[i].row[0]].on_test == grid->row[row].on_test)
			return &all->family[i];
	}
	return &all->family[all->n++];
}

fv_status core_spread_make(fv_ctx *ctx, const core_grid *grid, core_spread *out)
{
	*out = (core_spread){.family = core_alloc(ctx, grid->n_rows + 1, sizeof *out->family)};
	if (!out->family)
		return FV_FAILED;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const json_t *cell = cell_of(&grid->row[i]);
		if (!cell)
			continue;
		core_family *f = find_family(
			grid, out, json_string_value(json_object_get(cell, "family")), i);
		if (!f->row)
			f->row = core_alloc(ctx, grid->n_rows, sizeof *f->row);
		if (!f->row)
			return FV_FAILED;
		f->row[f->n++] = i;
	}
	for (size_t i = 0; i < out->n; i++) {
		fv_status status = finish(ctx, grid, &out->family[i]);
		if (status)
			return status;
	}
	return FV_OK;
}
