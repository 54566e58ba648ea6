/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the map of the recordings for `fairvox plot tsne`. */
#ifndef CLI_PLOT_MAP_H
#define CLI_PLOT_MAP_H

#include "cli.h"
#include "embedding/tsne.h"
#include "plot/figure.h"

typedef struct cli_map_options {
	const char *cache;
	cli_folders folders; /* of plugins */
	int64_t fold;        /* -1: the first */
	core_tsne_options tsne;
} cli_map_options;

/* Maps the features of the grouper that made the most groups, by the configuration in the run folder. Errors: FV_DATA if no variant has such groups, or if the cache lacks their features. */
FV_NODISCARD fv_status cli_map_make(
	fv_ctx *ctx, const core_results *results, const cli_map_options *options, core_map *out);

#endif
