/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox describe: prints a plugin's summary, source, licence and parameters. */
#include <getopt.h>
#include <string.h>

#include <fairvox/encoder.h>
#include <fairvox/loss.h>
#include <fairvox/networks.h>
#include <fairvox/stages.h>

#include "find_plugin.h"
#include "key_text.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox describe [--plugins DIR]... PLUGIN\n"
	"\n"
	"Prints a plugin's summary, source, licence, and its parameters with type, unit, range\n"
	"and the defaults of both profiles. PLUGIN is a NAME, KIND/NAME (KIND is encoder,\n"
	"grouper or loss) or the path of a file NAME.so.\n"
	"\n"
	"  --plugins DIR  search DIR first; may be repeated\n";

static void print_param(const fv_param *p)
{
	char told[512];
	core_key key = core_schema_from_param(p, false);
	key.official = p->def_official;
	cli_describe_key(&key, told, sizeof told);
	cli_printf("  %s: %s\n      %s\n", p->name, told, p->doc);
}

static void print_plugin(const core_plugin *plugin)
{
	const fv_descriptor *d = plugin->descriptor;
	cli_printf("%s/%s %s\n  %s\n", core_kind_name(d->kind), d->name, d->version, d->summary);
	cli_printf("  source:  %s\n  licence: %s\n  file:    %s\n  build:   @%.7s\n", d->source,
		d->licence, plugin->path, plugin->sha256);
	if (d->kind == FV_LOSS) {
		const fv_loss_ops *ops = d->ops;
		cli_printf("  groups:  %s\n", ops->uses_groups ? "used" : "not used");
		if (d->extension && d->extension(FV_NETWORKS_1))
			puts("  model:   its own networks (" FV_NETWORKS_1 ")");
		if (d->extension && d->extension(FV_STAGES_1))
			puts("  trains:  in stages (" FV_STAGES_1 ")");
	}
	puts(d->n_params ? "\nparameters:" : "\nno parameters");
	for (uint32_t i = 0; i < d->n_params; i++)
		print_param(&d->params[i]);
	if (d->n_presets)
		puts("\ndefaults that a profile sets for other keys:");
	for (uint32_t i = 0; i < d->n_presets; i++)
		cli_printf("  profile %s: %s: %s\n", d->presets[i].profile, d->presets[i].key,
			d->presets[i].value);
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{"plugins", required_argument, NULL, 'P'}, {0}};
	cli_folders folders = {0};
	for (int option; (option = cli_option(ctx, argc, argv, "", longs)) != -1;)
		if (option == '?' || cli_add_folder(ctx, &folders, optarg))
			return FV_CONFIG;
	if (optind + 1 != argc)
		return fv_fail(ctx, FV_CONFIG, "describe: name one plugin");
	const core_plugin *plugin;
	fv_status status = cli_find_plugin(ctx, &folders, argv[optind], &plugin);
	if (status)
		return status;
	print_plugin(plugin);
	return cli_flush(ctx);
}

const cli_verb cli_verb_describe = {
	"describe", "a plugin's parameters, source and licence", usage, run};
