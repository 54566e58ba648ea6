/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox plugins: lists the plugins found and the files refused. */
#include <getopt.h>

#include <jansson.h>

#include "base/json.h"
#include "plugin/registry.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox plugins [--plugins DIR]... [--all] [--json]\n"
	"\n"
	"Lists the plugins found, and the files refused with the reason. Folders are searched\n"
	"in this order: --plugins, FAIRVOX_PLUGIN_PATH (colon-separated), the install folder.\n"
	"The first file of a name is used and hides those of other folders.\n"
	"\n"
	"  --plugins DIR  search DIR first; may be repeated\n"
	"  --all          list the hidden files too, not only how many they are\n"
	"  --json         print one JSON object\n";

static void print_hidden(const core_registry *r, bool all)
{
	for (size_t i = 0; all && i < r->n_hidden; i++)
		cli_printf("hidden   %s: by %s\n", r->hidden[i].path, r->hidden[i].by);
	if (!all && r->n_hidden == 1)
		cli_printf("hidden   %s: by %s\n", r->hidden[0].path, r->hidden[0].by);
	else if (!all && r->n_hidden)
		cli_printf(
			"hidden   %zu files, by files of the same name in folders searched before, "
			"such as %s (--all lists them)\n",
			r->n_hidden, r->hidden[0].path);
}

static void print_text(const core_registry *r, bool all)
{
	for (size_t i = 0; i < r->n; i++) {
		const fv_descriptor *d = r->plugin[i].descriptor;
		cli_printf("%-8s %-20s %-7s %s\n", core_kind_name(d->kind), d->name, d->version,
			d->summary);
	}
	for (size_t i = 0; i < r->n_refused; i++)
		cli_printf("refused  %s: %s\n", r->refused[i].path, r->refused[i].reason);
	print_hidden(r, all);
	if (!r->n && !r->n_refused)
		puts("no plugins found");
}

static fv_status print_json(fv_ctx *ctx, const core_registry *r)
{
	json_t *found = json_array(), *refused = json_array(), *hidden = json_array();
	for (size_t i = 0; i < r->n; i++) {
		const fv_descriptor *d = r->plugin[i].descriptor;
		json_array_append_new(found,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", core_kind_name(d->kind),
				"name", d->name, "version", d->version, "summary", d->summary,
				"path", r->plugin[i].path, "sha256", r->plugin[i].sha256));
	}
	for (size_t i = 0; i < r->n_refused; i++)
		json_array_append_new(refused, json_pack("{s:s, s:s}", "path", r->refused[i].path,
						       "reason", r->refused[i].reason));
	for (size_t i = 0; i < r->n_hidden; i++)
		json_array_append_new(hidden,
			json_pack("{s:s, s:s}", "path", r->hidden[i].path, "by", r->hidden[i].by));
	json_t *root = json_pack("{s:i, s:o, s:o, s:o}", "schema_version", 2, "plugins", found,
		"refused", refused, "hidden", hidden);
	return cli_print_json(ctx, core_json_text(ctx, root, JSON_COMPACT));
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{"plugins", required_argument, NULL, 'P'},
		{"all", no_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'}, {0}};
	cli_folders folders = {0};
	bool json = false, all = false;
	for (int option; (option = cli_option(ctx, argc, argv, "", longs)) != -1;) {
		if (option == '?')
			return FV_CONFIG;
		if (option == 'j')
			json = true;
		else if (option == 'a')
			all = true;
		else if (cli_add_folder(ctx, &folders, optarg))
			return FV_CONFIG;
	}
	if (optind < argc)
		return fv_fail(ctx, FV_CONFIG, "plugins: unexpected argument '%s'", argv[optind]);
	core_registry *r;
	fv_status status = core_registry_open(ctx, folders.path, folders.n, &r);
	if (status)
		return status;
	if (!json)
		print_text(r, all);
	else if ((status = print_json(ctx, r)))
		return status;
	return cli_flush(ctx);
}

const cli_verb cli_verb_plugins = {
	"plugins", "list the plugins found and the files refused", usage, run};
