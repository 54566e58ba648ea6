/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that the user names: by its name, by KIND/NAME, or by the path of its file. */
#ifndef CLI_FIND_PLUGIN_H
#define CLI_FIND_PLUGIN_H

#include "cli.h"
#include "plugin/registry.h"

/* A word with a "/" or that ends in ".so" is a path, unless KIND/ stands in front. The folder of a path
 * is searched before the others. Errors: FV_CONFIG if no plugin has that name, or the file is missing;
 * FV_DATA if it is no plugin, or was refused, with the reason. */
FV_NODISCARD fv_status cli_find_plugin(
	fv_ctx *ctx, const cli_folders *folders, const char *word, const core_plugin **out);

#endif
