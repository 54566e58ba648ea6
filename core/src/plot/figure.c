/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/figure.h"

#include <string.h>

#include "plot/figures.h"

static const core_figure_kind kinds[] = {
	{"effects", "Change of each metric against training without debiasing, with 95% intervals",
		true, true, false, false, core_draw_effects},
	{"rates", "True positive rate of each class in each group, with 95% intervals", true, false,
		false, false, core_draw_rates},
	{"tradeoff", "A metric against a gap, one point for each variant, with the Pareto front",
		true, false, false, false, core_draw_tradeoff},
	{"folds", "Values of the folds with their mean and the mean of the null", true, false,
		false, true, core_draw_folds},
	{"lines", "Metrics against a numeric axis of the matrix", true, false, true, true,
		core_draw_lines},
	{"clusters", "Share of each group of people in each inferred group", false, false, false,
		false, core_draw_clusters},
	{"curves", "Values by epoch, and the epochs that were kept", false, false, false, false,
		core_draw_curves},
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
