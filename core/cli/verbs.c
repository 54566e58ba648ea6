/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include <string.h>

#include "base/nearest.h"

const cli_verb *const cli_verbs[] = {
	&cli_verb_audit,
	&cli_verb_cache,
	&cli_verb_check,
	&cli_verb_completion,
	&cli_verb_describe,
	&cli_verb_encode,
	&cli_verb_explain,
	&cli_verb_fetch,
	&cli_verb_groups,
	&cli_verb_help,
	&cli_verb_inspect,
	&cli_verb_new,
	&cli_verb_plot,
	&cli_verb_plugins,
	&cli_verb_predict,
	&cli_verb_report,
	&cli_verb_run,
	&cli_verb_split,
	&cli_verb_status,
	&cli_verb_synth,
	&cli_verb_table,
	&cli_verb_verify,
	NULL,
};

const cli_verb *cli_find_verb(const char *name)
{
	for (size_t i = 0; cli_verbs[i]; i++)
		if (!strcmp(cli_verbs[i]->name, name))
			return cli_verbs[i];
	return NULL;
}

fv_status cli_refuse_verb(fv_ctx *ctx, const char *name)
{
	const char *names[64] = {NULL};
	size_t n = 0;
	for (; cli_verbs[n]; n++)
		names[n] = cli_verbs[n]->name;
	if (name[0] == '-')
		return fv_fail(ctx, FV_CONFIG,
			"option '%s' stands before a subcommand: write fairvox SUBCOMMAND %s: see "
			"'fairvox help'",
			name, name);
	return fv_fail(ctx, FV_CONFIG, "unknown subcommand '%s'%s: see 'fairvox help'", name,
		core_suggest_name(ctx, name, names, n));
}
