/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages, made from the help texts, the schema of configurations and the parameters of the plugins. */
#include <string.h>

#include "base/file.h"
#include "config/schema.h"
#include "help.h"
#include "help_page.h"
#include "key_text.h"
#include "plugin/registry.h"
#include "roff.h"
#include "verbs.h"

static const char documentation[] =
	"The documentation is in share/doc/fairvox of the install folder, as text and as HTML.";

/* Writes a page under its name and frees its text. */
static fv_status write_page(
	fv_ctx *ctx, const char *folder, const char *name, int section, core_text *text)
{
	char *path = core_format(ctx, "%s/%s.%d", folder, name, section);
	fv_status status = path ? FV_OK : FV_FAILED;
	if (!status && text->failed)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	if (!status)
		status = core_file_write(ctx, path, text->data, text->size);
	core_text_free(text);
	return status;
}

static void add_options(core_text *out, const cli_help_page *page)
{
	for (size_t i = 0; i < page->n_options; i++) {
		const cli_help_option *o = &page->option[i];
		char tag[64];
		if (!o->name)
			snprintf(tag, sizeof tag, "-%c", o->letter);
		else if (!o->letter)
			snprintf(tag, sizeof tag, "--%s", o->name);
		else
			snprintf(tag, sizeof tag, "-%c, --%s", o->letter, o->name);
		cli_roff_item(out, tag, o->value);
		cli_roff_text(out, o->doc);
		core_text_add(out, "\n");
	}
}

/* The paragraphs and lists of a help text. */
static void add_lines(core_text *out, const cli_help_page *page)
{
	for (size_t i = 0; i < page->n_lines; i++) {
		const cli_help_line *line = &page->line[i];
		if (line->word) {
			cli_roff_item(out, line->word, NULL);
			cli_roff_text(out, line->text);
		} else if (*line->text) {
			core_text_add(out, i ? ".PP\n" : "");
			cli_roff_text(out, line->text);
		}
		core_text_add(out, *line->text ? "\n" : "");
	}
}

static fv_status add_common_options(fv_ctx *ctx, core_text *out)
{
	cli_help_page common;
	fv_status status = cli_help_parse(ctx, cli_common_options, &common);
	if (!status)
		add_options(out, &common);
	return status;
}

static void add_end(core_text *out, const char *pages)
{
	cli_roff_section(out, "EXIT STATUS");
	cli_roff_items(out, cli_exit_codes);
	cli_roff_section(out, "SEE ALSO");
	core_text_add(out, "%s\n.PP\n%s\n", pages, documentation);
}

static fv_status write_verb_page(fv_ctx *ctx, const char *folder, const cli_verb *verb)
{
	cli_help_page page;
	core_text text = {0};
	char *name = core_format(ctx, "fairvox-%s", verb->name);
	fv_status status = name ? cli_help_parse(ctx, verb->usage, &page) : FV_FAILED;
	if (status)
		return status;
	cli_roff_title(&text, name, 1, verb->summary);
	cli_roff_section(&text, "SYNOPSIS");
	for (size_t i = 0; i < page.n_synopses; i++) {
		core_text_add(&text, i ? ".br\n" : "");
		cli_roff_text(&text, page.synopsis[i]);
		core_text_add(&text, "\n");
	}
	cli_roff_section(&text, "DESCRIPTION");
	add_lines(&text, &page);
	cli_roff_section(&text, "OPTIONS");
	add_options(&text, &page);
	status = add_common_options(ctx, &text);
	add_end(&text, ".BR fairvox (1),\n.BR fairvox\\-config (5),\n.BR fairvox\\-parameters (7)");
	fv_status written = write_page(ctx, folder, name, 1, &text);
	return status ? status : written;
}

static fv_status write_main_page(fv_ctx *ctx, const char *folder)
{
	core_text text = {0};
	cli_roff_title(
		&text, "fairvox", 1, "debias speech emotion recognition without demographics");
	cli_roff_section(&text, "SYNOPSIS");
	core_text_add(
		&text, ".B fairvox\n.I SUBCOMMAND\n[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n");
	cli_roff_section(&text, "DESCRIPTION");
	cli_roff_text(&text,
		"A YAML file defines a study: the recordings, a frozen encoder, the source of the "
		"groups, "
		"a debias objective, and which of these to vary. fairvox computes every "
		"combination over "
		"folds and seeds, resumes after an interruption, and prints tables with their "
		"uncertainty. Encoders, groupers and objectives are plugins.\n");
	cli_roff_section(&text, "SUBCOMMANDS");
	for (size_t i = 0; cli_verbs[i]; i++) {
		core_text_add(&text, ".TP\n.BR fairvox\\-%s (1)\n", cli_verbs[i]->name);
		cli_roff_text(&text, cli_verbs[i]->summary);
		core_text_add(&text, "\n");
	}
	cli_roff_section(&text, "OPTIONS");
	fv_status status = add_common_options(ctx, &text);
	cli_roff_section(&text, "ENVIRONMENT");
	cli_roff_items(&text, cli_environment);
	add_end(&text, ".BR fairvox\\-config (5),\n.BR fairvox\\-parameters (7)");
	fv_status written = write_page(ctx, folder, "fairvox", 1, &text);
	return status ? status : written;
}

/* The keys of a block, and of the blocks inside it. */
static void add_keys(core_text *out, const char *prefix, const core_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char name[128], told[512];
		snprintf(name, sizeof name, "%.60s%.60s", prefix, keys[i].name);
		cli_describe_key(&keys[i], told, sizeof told);
		cli_roff_item(out, name, NULL);
		cli_roff_text(out, told);
		core_text_add(out, "\n.br\n");
		cli_roff_text(out, keys[i].doc ? keys[i].doc : "");
		core_text_add(out, "\n");
		snprintf(name, sizeof name, "%.60s%.60s.", prefix, keys[i].name);
		if (keys[i].n_keys)
			add_keys(out, name, keys[i].keys, keys[i].n_keys);
	}
}

static fv_status write_config_page(fv_ctx *ctx, const char *folder)
{
	core_text text = {0};
	cli_roff_title(&text, "fairvox-config", 5, "configuration files of fairvox");
	cli_roff_section(&text, "DESCRIPTION");
	cli_roff_text(&text,
		"A configuration is a YAML file with the blocks below. 'matrix' varies any of "
		"their "
		"keys; 'defaults' lists files that it is merged over. On the command line, "
		"BLOCK.KEY=VALUE overrides a key. The blocks encoder, grouper and loss also have "
		"the "
		"parameters of the plugin that they name.\n");
	for (size_t i = 0; i < core_n_blocks; i++) {
		cli_roff_section(&text, core_blocks[i].name);
		cli_roff_text(&text, core_blocks[i].doc);
		core_text_add(&text, "\n");
		add_keys(&text, "", core_blocks[i].keys, core_blocks[i].n_keys);
	}
	cli_roff_section(&text, "SEE ALSO");
	core_text_add(
		&text, ".BR fairvox (1),\n.BR fairvox\\-parameters (7)\n.PP\n%s\n", documentation);
	return write_page(ctx, folder, "fairvox-config", 5, &text);
}

static fv_status write_parameters_page(fv_ctx *ctx, const char *folder)
{
	core_text text = {0};
	core_registry *registry;
	fv_status status = core_registry_open(ctx, NULL, 0, &registry);
	if (status)
		return status;
	cli_roff_title(&text, "fairvox-parameters", 7, "parameters of the plugins of fairvox");
	cli_roff_section(&text, "DESCRIPTION");
	cli_roff_text(&text,
		"Keys of the blocks encoder, grouper and loss beside those that each of them has. "
		"'fairvox describe PLUGIN' prints the same of any plugin.\n");
	for (size_t i = 0; i < registry->n; i++) {
		const fv_descriptor *d = registry->plugin[i].descriptor;
		if (!registry->plugin[i].own)
			continue;
		core_text_add(&text, ".SH \"%s %s\"\n", core_kind_name(d->kind), d->name);
		cli_roff_text(&text, d->summary);
		core_text_add(&text, "\n.br\n");
		cli_roff_text(&text, d->source);
		core_text_add(&text, "\n");
		for (uint32_t p = 0; p < d->n_params; p++) {
			core_key key = core_schema_from_param(&d->params[p], false);
			key.official = d->params[p].def_official;
			add_keys(&text, "", &key, 1);
		}
	}
	cli_roff_section(&text, "SEE ALSO");
	core_text_add(
		&text, ".BR fairvox (1),\n.BR fairvox\\-describe (1),\n.BR fairvox\\-config (5)\n");
	return write_page(ctx, folder, "fairvox-parameters", 7, &text);
}

fv_status cli_write_man_pages(fv_ctx *ctx, const char *folder)
{
	fv_status status = core_make_dirs(ctx, folder);
	if (!status)
		status = write_main_page(ctx, folder);
	for (size_t i = 0; !status && cli_verbs[i]; i++)
		status = write_verb_page(ctx, folder, cli_verbs[i]);
	if (!status)
		status = write_config_page(ctx, folder);
	return status ? status : write_parameters_page(ctx, folder);
}
