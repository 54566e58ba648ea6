/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/figure.h"

#include <string.h>

#include "plot/figures.h"

static const core_figure_kind kinds[] = {
	{.name = "effects",
		.summary = "Change of each metric against training without debiasing, with 95% "
			   "intervals",
		.scores = true,
		.compare = true,
		.draw = core_draw_effects},
	{.name = "rates",
		.summary = "True positive rate of each class in each group, with 95% intervals",
		.scores = true,
		.draw = core_draw_rates},
	{.name = "tradeoff",
		.summary =
			"A metric against a gap, one point for each variant, with the Pareto front",
		.scores = true,
		.draw = core_draw_tradeoff},
	{.name = "folds",
		.summary = "Values of the folds with their mean and the mean of the null",
		.scores = true,
		.paper = true,
		.draw = core_draw_folds},
	{.name = "lines",
		.summary = "Metrics against a numeric axis of the matrix",
		.scores = true,
		.baselines = true,
		.paper = true,
		.draw = core_draw_lines},
	{.name = "clusters",
		.summary = "Share of each group of people in each inferred group",
		.draw = core_draw_clusters},
	{.name = "tsne",
		.summary = "Map of the recordings, by groups of people and inferred groups",
		.paper = true,
		.map = true,
		.draw = core_draw_tsne},
	{.name = "confusion",
		.summary = "Share of each true class that is predicted as each class, by group",
		.draw = core_draw_confusion},
	{.name = "curves",
		.summary = "Values by epoch, and the epochs that were kept",
		.draw = core_draw_curves},
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

core_figure_options core_figure_default(void)
{
	return (core_figure_options){.fold = -1};
}

const core_figure_kind *core_figure_kind_at(size_t index)
{
	return index < N_KINDS ? &kinds[index] : NULL;
}

const core_figure_kind *core_figure_find(const char *name)
{
	for (size_t k = 0; k < N_KINDS; k++)
		if (!strcmp(kinds[k].name, name))
			return &kinds[k];
	return NULL;
}

core_table_options core_figure_grid_options(
	const core_figure_kind *kind, const core_figure_options *options, core_table_options table)
{
	table.scores = kind->scores;
	table.compare = kind->compare;
	table.baselines = kind->baselines;
	table.more_metrics = options->metrics;
	return table;
}

fv_status core_figure_draw(fv_ctx *ctx, const core_figure_kind *kind,
	const core_figure_input *input, const core_figure_options *options, core_canvas **out)
{
	if (options->paper && !kind->paper)
		return fv_fail(ctx, FV_CONFIG,
			"--paper: '%s' is no figure of the paper: use folds, lines or tsne",
			kind->name);
	return kind->draw(ctx, input, options, out);
}
