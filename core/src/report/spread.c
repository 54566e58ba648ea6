/* SPDX-License-Identifier: Apache-2.0 */
#include "report/spread.h"

#include <math.h>
#include <string.h>

const char *core_source_name(core_source source)
{
	static const char *const names[] = {"folds", "training seed", "grouping seed", "bias draw"};
	return names[source];
}

/* --- replicates ------------------------------------------------------------------------------- */

/* Replicates on a grid, with their levels of grouping and of draw. */
struct members {
	const core_grid *grid;
	const core_replicates *replicates;
	int32_t *level[CORE_SOURCES]; /* [n] for grouping and draw; NULL for the others */
};

static const core_variant_result *variant_of(const struct members *m, size_t i)
{
	return m->grid->row[m->replicates->row[i]].variant;
}

/* Numbers the levels of the members: equal texts are one level. */
static fv_status number_levels(fv_ctx *ctx, struct members *m, core_replicates *replicates,
	core_source source, const char *(*seed)(fv_ctx *, const core_run_facts *))
{
	const char **text = core_alloc(ctx, replicates->n, sizeof *text);
	m->level[source] = core_alloc(ctx, replicates->n, sizeof *m->level[source]);
	if (!text || !m->level[source])
		return FV_FAILED;
	for (size_t i = 0; i < replicates->n; i++) {
		const char *own = seed(ctx, m->grid->row[replicates->row[i]].facts);
		int32_t k = 0;
		if (!own)
			return FV_FAILED;
		while (k < replicates->levels[source] && strcmp(text[k], own) != 0)
			k++;
		if (k == replicates->levels[source])
			text[replicates->levels[source]++] = own;
		m->level[source][i] = k;
	}
	return FV_OK;
}

/* Returns why the levels are not crossed: members lack the same folds and seeds, or a pair of levels
 * has no member. NULL: they are. */
static const char *explain_not_crossed(const struct members *m)
{
	const core_replicates *f = m->replicates;
	const core_variant_result *first = variant_of(m, 0);
	for (size_t i = 1; i < f->n; i++) {
		const core_variant_result *own = variant_of(m, i);
		if (own->n_folds != first->n_folds || own->n_seeds != first->n_seeds ||
			memcmp(own->fold, first->fold, (size_t)own->n_folds * sizeof *own->fold) !=
				0 ||
			memcmp(own->seed, first->seed, (size_t)own->n_seeds * sizeof *own->seed) !=
				0)
			return "its variants do not have the same folds and seeds done";
	}
	if (f->n != (size_t)f->levels[CORE_SOURCE_GROUPING] * (size_t)f->levels[CORE_SOURCE_DRAW])
		return "its seeds of groupers and bias are not crossed";
	return NULL;
}

/* Returns the mean of a column over the runs at one level of a source; NaN: no run has the value. */
static double average_level(
	const struct members *m, core_source source, int32_t level, const core_grid_column *column)
{
	double sum = 0;
	int64_t n = 0;
	for (size_t i = 0; i < m->replicates->n; i++) {
		const core_variant_result *variant = variant_of(m, i);
		const core_variant_predictions *p = &m->grid->tests.variant[m->replicates->row[i]];
		if (m->level[source] && m->level[source][i] != level)
			continue;
		for (int32_t k = 0; k < variant->n_folds * variant->n_seeds; k++) {
			int32_t fold = k / variant->n_seeds, seed = k % variant->n_seeds;
			int32_t own = source == CORE_SOURCE_FOLDS ? fold : seed;
			if (!m->level[source] && own != level)
				continue;
			double value = core_run_values(&m->grid->tests, p, fold, seed,
				column->attribute_index)[column->id];
			sum += isnan(value) ? 0 : value;
			n += !isnan(value);
		}
	}
	return n ? sum / (double)n : NAN;
}

static double compute_sd(
	const struct members *m, core_source source, const core_grid_column *column)
{
	double mean = 0, square = 0;
	int32_t n = 0;
	for (int32_t k = 0; k < m->replicates->levels[source]; k++) {
		double value = average_level(m, source, k, column);
		if (isnan(value))
			continue;
		double before = mean; /* Welford's algorithm */
		n++;
		mean += (value - before) / n;
		square += (value - before) * (value - mean);
	}
	return n > 1 ? sqrt(square / (n - 1)) : NAN;
}

/* Names what the run's seed decides: the bias draw too, unless the bias has its own seed. */
static const char *name_training_source(const core_run_facts *facts)
{
	return facts->biased && !facts->has_bias_seed ? "training seed, with the bias draw"
						      : "training seed";
}

static fv_status compute_spread(fv_ctx *ctx, const core_grid *grid, core_replicates *f)
{
	struct members m = {.grid = grid, .replicates = f};
	const core_grid_row *first = &grid->row[f->row[0]];
	fv_status status = number_levels(ctx, &m, f, CORE_SOURCE_GROUPING, core_grouping_seeds);
	if (!status)
		status = number_levels(ctx, &m, f, CORE_SOURCE_DRAW, core_bias_seed);
	if (status)
		return status;
	f->reason = explain_not_crossed(&m);
	f->levels[CORE_SOURCE_FOLDS] = first->variant->n_folds;
	f->levels[CORE_SOURCE_TRAINING] = first->variant->n_seeds;
	f->training = name_training_source(first->facts);
	f->label = f->n == 1 ? first->label
			     : core_format(ctx, "%s and %zu like it", first->label, f->n - 1);
	for (int s = 0; s < CORE_SOURCES; s++) {
		f->sd[s] = core_alloc(ctx, grid->n_columns, sizeof *f->sd[s]);
		if (!f->sd[s])
			return FV_FAILED;
		for (size_t j = 0; j < grid->n_columns; j++)
			f->sd[s][j] =
				f->reason ? NAN : compute_sd(&m, (core_source)s, &grid->column[j]);
	}
	return f->label ? FV_OK : FV_FAILED;
}

/* Finds the replicates of a row, or makes new ones. A row without a recorded identity stands alone. */
static core_replicates *find_replicates(const core_grid *grid, core_spread *all, size_t row)
{
	const char *name = grid->row[row].facts->replicates;
	for (size_t i = 0; i < all->n && *name; i++) {
		const core_grid_row *first = &grid->row[all->replicates[i].row[0]];
		if (!strcmp(first->facts->replicates, name) &&
			first->on_test == grid->row[row].on_test)
			return &all->replicates[i];
	}
	return &all->replicates[all->n++];
}

fv_status core_spread_make(fv_ctx *ctx, const core_grid *grid, core_spread *out)
{
	*out = (core_spread){
		.replicates = core_alloc(ctx, grid->n_rows + 1, sizeof *out->replicates)};
	if (!out->replicates)
		return FV_FAILED;
	for (size_t i = 0; i < grid->n_rows; i++) {
		if (!grid->row[i].facts)
			continue;
		core_replicates *f = find_replicates(grid, out, i);
		if (!f->row)
			f->row = core_alloc(ctx, grid->n_rows, sizeof *f->row);
		if (!f->row)
			return FV_FAILED;
		f->row[f->n++] = i;
	}
	for (size_t i = 0; i < out->n; i++) {
		fv_status status = compute_spread(ctx, grid, &out->replicates[i]);
		if (status)
			return status;
	}
	return FV_OK;
}
