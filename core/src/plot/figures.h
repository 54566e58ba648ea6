/* SPDX-License-Identifier: Apache-2.0 */
/* The drawing functions of the figures, one file each. Errors: those of core_figure_draw. */
#ifndef CORE_PLOT_FIGURES_H
#define CORE_PLOT_FIGURES_H

#include "plot/figure.h"

FV_NODISCARD fv_status core_draw_effects(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out);
FV_NODISCARD fv_status core_draw_rates(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out);
FV_NODISCARD fv_status core_draw_tradeoff(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out);
FV_NODISCARD fv_status core_draw_folds(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out);
FV_NODISCARD fv_status core_draw_lines(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out);
FV_NODISCARD fv_status core_draw_clusters(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out);
FV_NODISCARD fv_status core_draw_curves(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out);
FV_NODISCARD fv_status core_draw_tsne(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out);
FV_NODISCARD fv_status core_draw_confusion(fv_ctx *ctx, const core_figure_input *input,
	const core_figure_options *options, core_canvas **out);

#endif
