/* SPDX-License-Identifier: Apache-2.0 */
/* Writes figures to files: .svg, .pdf or .png, by the name's ending. */
#ifndef CLI_FIGURE_FILE_H
#define CLI_FIGURE_FILE_H

#include "cli.h"
#include "plot/canvas.h"

/* FV_CONFIG if the name has none of the endings. */
FV_NODISCARD fv_status cli_check_figure_name(fv_ctx *ctx, const char *path);

/* Loads the module that writes PDF and PNG when it is needed. */
FV_NODISCARD fv_status cli_write_figure(
	fv_ctx *ctx, const core_canvas *canvas, const char *path, double dots_per_inch);

#endif
