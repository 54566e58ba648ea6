/* SPDX-License-Identifier: Apache-2.0 */
#include "hidden_plugins.h"

#include <string.h>

static void warn_of_plugin(fv_ctx *ctx, const core_registry *registry, const core_plugin *plugin)
{
	if (!plugin)
		return;
	const char *kind = core_kind_name(plugin->descriptor->kind),
		   *name = plugin->descriptor->name;
	if (plugin->replaces)
		fv_warn(ctx, "%s '%s' is %s, which replaces fairvox's own %s", kind, name,
			plugin->path, plugin->replaces);
	for (size_t i = 0; i < registry->n_hidden; i++) {
		const core_hidden *hidden = &registry->hidden[i];
		if (!hidden->own && !strcmp(hidden->by, plugin->path))
			fv_warn(ctx, "%s '%s' is %s, which hides %s of the same name", kind, name,
				plugin->path, hidden->path);
	}
}

static void warn_of_variant(fv_ctx *ctx, const core_registry *registry, const core_variant *v)
{
	warn_of_plugin(ctx, registry, v->loss.plugin);
	warn_of_plugin(ctx, registry, v->encoder.use.plugin);
	for (int32_t d = 0; d < v->loss.n_delegates; d++)
		warn_of_plugin(ctx, registry, v->loss.delegate[d].use.plugin);
	for (int32_t g = 0; g < v->n_groupers; g++) {
		warn_of_plugin(ctx, registry, v->groupers[g].use.plugin);
		if (v->groupers[g].has_encoder)
			warn_of_plugin(ctx, registry, v->groupers[g].encoder.use.plugin);
	}
}

void cli_warn_of_hidden_plugins(fv_ctx *ctx, const cli_study *cli)
{
	for (size_t i = 0; i < cli->variants->n_variants; i++)
		warn_of_variant(ctx, cli->registry, &cli->variants->variants[i]);
}
