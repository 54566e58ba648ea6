/* SPDX-License-Identifier: Apache-2.0 */
/* The second reading of runs with eval.threshold: dev, whose thresholds were chosen on development rows. Its
 * values are those of metrics.json; nulls and comparisons belong to the fixed thresholds alone. */
#include <math.h>

#include "report/grid_tables.h"

enum { NAMES = 2 }; /* columns before the figures */

/* Returns the reading of a run on the grid's test set; NULL: it has none. */
static const json_t *find_reading(const core_grid *grid, const core_run_result *run)
{
	const json_t *at = run->metrics;
	if (grid->options.set)
		at = json_object_get(json_object_get(at, "tests"), grid->options.set);
	return json_object_get(at, "dev_threshold");
}

static bool has_reading(const core_grid *grid, const core_grid_row *row)
{
	const core_variant_result *v = row->variant;
	return v->n_folds && find_reading(grid, v->used[0]);
}

static double read_value(
	const core_grid *grid, const core_run_result *run, const core_grid_column *column)
{
	const json_t *at = find_reading(grid, run);
	if (column->attribute)
		at = json_object_get(json_object_get(at, "attributes"), column->attribute);
	const json_t *value = json_object_get(json_object_get(at, column->metric), "value");
	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Computes the mean and sd over folds of the means over seeds, as core_mean has them. */
static core_figure average_runs(
	const core_grid *grid, const core_grid_row *row, const core_grid_column *column)
{
	const core_variant_result *v = row->variant;
	core_figure out = core_figure_of(core_estimate_of(NAN));
	double mean = 0, squares = 0;
	for (int32_t f = 0; f < v->n_folds; f++) {
		double sum = 0;
		int n = 0;
		for (int32_t s = 0; s < v->n_seeds; s++) {
			double value = read_value(grid, v->used[f * v->n_seeds + s], column);
			sum += isnan(value) ? 0 : value;
			n += !isnan(value);
		}
		if (!n)
			continue;
		double before = mean; /* Welford's algorithm */
		out.folds++;
		mean += (sum / n - before) / (double)out.folds;
		squares += (sum / n - before) * (sum / n - mean);
	}
	out.e.value = out.folds ? mean : NAN;
	out.sd = out.folds > 1 ? sqrt(squares / (double)(out.folds - 1)) : NAN;
	return out;
}

fv_status core_add_dev_threshold(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	size_t rows = 0, at = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		rows += has_reading(grid, &grid->row[i]);
	if (!rows)
		return FV_OK;
	const char *set = grid->options.set;
	const char *title = core_format(ctx,
		"%s%sdev_threshold: mean ± sd over folds with the threshold of each class that "
		"maximised its F1 on the run's development rows; every other table has the fixed "
		"threshold",
		set ? set : "", set ? ", " : "");
	core_result_table *t = core_document_add(
		ctx, document, "dev_threshold", title, rows, NAMES + grid->n_columns);
	if (!t || !title)
		return FV_FAILED;
	t->set = set;
	core_name_columns(t, 0, "variant");
	for (size_t j = 0; j < grid->n_columns; j++) {
		t->column[NAMES + j] = core_grid_figures(grid, j, CORE_SHOW_SD | CORE_SHOW_FOLDS);
		t->column[NAMES + j].has_support = false;
	}
	for (size_t i = 0; i < grid->n_rows; i++) {
		if (!has_reading(grid, &grid->row[i]))
			continue;
		core_name_row(t, at, 0, &grid->row[i]);
		for (size_t j = 0; j < grid->n_columns; j++)
			*core_table_at(t, at, NAMES + j) = core_value_figure(
				average_runs(grid, &grid->row[i], &grid->column[j]));
		at++;
	}
	return FV_OK;
}
