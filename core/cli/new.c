/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox new: makes a folder with a plugin that builds, passes `fairvox check` and is to be changed. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "plugin/descriptor.h"
#include "plugin/registry.h"
#include "share.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox new plugin loss|grouper|encoder NAME [OPTION...]\n"
	"\n"
	"Makes the folder NAME with a plugin to start from: one source with a working example,\n"
	"CMakeLists.txt, Makefile, and config.yaml, a study of it on synthetic speech. NAME has\n"
	"small letters, digits and _, a letter first; a folder or plugin of that name must not\n"
	"exist. The commands that build it, run 'fairvox check' on it and run the study are\n"
	"printed.\n"
	"\n"
	"      --lang c|c++|rust  language of the source (default c)\n"
	"      --extension stages|networks\n"
	"                         a loss that trains several times, or with networks of its own\n"
	"      --plugins DIR      also look here for plugins of that name; may be repeated\n";

#define PLACEHOLDER "my_plugin" /* the plugin's name in the templates */
enum { TEMPLATE_BYTES_MAX = 1 << 20, FILES = 4 };

struct language {
	const char *name, *ending;
};

static const struct language languages[] = {{"c", "c"}, {"c++", "cc"}, {"rust", "rs"}};

struct request {
	const char *kind, *name;
	const char *extension; /* of a loss; NULL: none */
	const struct language *language;
	cli_folders folders;
};

/* A file of the new plugin: its template below share/fairvox/templates, and its name. */
struct part {
	char *template, *name;
};

static fv_status set_language(fv_ctx *ctx, struct request *r, const char *name)
{
	for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
		if (strcmp(languages[i].name, name) != 0)
			continue;
		r->language = &languages[i];
		return FV_OK;
	}
	return fv_fail(ctx, FV_CONFIG, "--lang: '%s' is not c, c++ or rust", name);
}

static bool is_extension(const char *name)
{
	return !strcmp(name, "stages") || !strcmp(name, "networks");
}

static fv_status set_extension(fv_ctx *ctx, struct request *r, const char *name)
{
	r->extension = name;
	return is_extension(name) ? FV_OK
				  : fv_fail(ctx, FV_CONFIG,
					    "--extension: '%s' is not stages or networks", name);
}

/* Refuses a name that no plugin can have; suggests the nearest that one can. */
static fv_status check_name(fv_ctx *ctx, const char *name)
{
	if (core_name_is_valid(name))
		return FV_OK;
	char *meant = core_strdup(ctx, name);
	if (!meant)
		return FV_FAILED;
	for (char *c = meant; *c; c++)
		*c = (char)(strchr("- .+", *c) ? '_' : tolower((unsigned char)*c));
	bool near = core_name_is_valid(meant);
	return fv_fail(ctx, FV_CONFIG,
		"new plugin: '%s' is no name for a plugin: use small letters, digits and _, a "
		"letter first%s%s%s",
		name, near ? ", as in '" : "", near ? meant : "", near ? "'" : "");
}

static fv_status check_unused(fv_ctx *ctx, const struct request *r)
{
	struct stat st;
	core_registry *registry;
	if (!lstat(r->name, &st))
		return fv_fail(
			ctx, FV_CONFIG, "%s: exists: choose another name, or remove it", r->name);
	fv_status status = core_registry_open(ctx, r->folders.path, r->folders.n, &registry);
	for (size_t i = 0; !status && i < registry->n; i++)
		if (!strcmp(registry->plugin[i].descriptor->name, r->name))
			status = fv_fail(ctx, FV_CONFIG,
				"new plugin: there is a%s %s '%s' (%s): choose another name",
				registry->plugin[i].descriptor->kind == FV_ENCODER ? "n" : "",
				core_kind_name(registry->plugin[i].descriptor->kind), r->name,
				registry->plugin[i].path);
	return status;
}

/* Returns the text with the name of the plugin in place of the templates'. */
static fv_status fill_template(fv_ctx *ctx, const char *path, const char *name, core_text *out)
{
	char *text;
	size_t size, n = strlen(PLACEHOLDER);
	fv_status status = core_file_read(ctx, path, TEMPLATE_BYTES_MAX, &text, &size);
	if (status)
		return status;
	for (const char *found; (found = strstr(text, PLACEHOLDER)); text = (char *)found + n) {
		core_text_put(out, text, (size_t)(found - text));
		core_text_put(out, name, strlen(name));
	}
	core_text_put(out, text, strlen(text));
	return out->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}

static fv_status write_part(
	fv_ctx *ctx, const char *folder, const struct part *part, const char *name)
{
	core_text text = {0};
	char *from = part->template
			     ? cli_find_shared(ctx, part->template, "install fairvox completely")
			     : NULL;
	char *to = part->name ? core_path_join(ctx, folder, part->name) : NULL;
	fv_status status =
		from && to ? fill_template(ctx, from, name, &text) : core_error_status(ctx);
	if (!status)
		status = core_file_write(ctx, to, text.data, text.size);
	core_text_free(&text);
	return status;
}

/* Removes what write_part wrote, after a failure. */
static void remove_parts(fv_ctx *ctx, const char *folder, const struct part *parts)
{
	for (int i = 0; i < FILES; i++) {
		char *path = parts[i].name ? core_path_join(ctx, folder, parts[i].name) : NULL;
		if (path)
			(void)unlink(path);
	}
	(void)rmdir(folder);
}

/* Writes all files into a folder of another name, which then gets its own, so that it is complete. */
static fv_status make_folder(fv_ctx *ctx, const struct request *r)
{
	const char *lang = r->language->name, *ending = r->language->ending;
	struct part parts[FILES] = {
		{core_format(ctx, "templates/%s/%s%s%s.%s", lang, r->kind, r->extension ? "-" : "",
			 r->extension ? r->extension : "", ending),
			core_format(ctx, "%s.%s", r->name, ending)},
		{core_format(ctx, "templates/%s/CMakeLists.txt", lang),
			core_strdup(ctx, "CMakeLists.txt")},
		{core_format(ctx, "templates/%s/Makefile", lang), core_strdup(ctx, "Makefile")},
		{core_format(ctx, "templates/%s.yaml", r->kind), core_strdup(ctx, "config.yaml")},
	};
	char *folder = core_format(ctx, ".%s.XXXXXX", r->name);
	if (!folder)
		return FV_FAILED;
	if (!mkdtemp(folder) || chmod(folder, 0755))
		return fv_fail(
			ctx, FV_FAILED, "%s: cannot make the folder: %s", r->name, strerror(errno));
	fv_status status = FV_OK;
	for (int i = 0; !status && i < FILES; i++)
		status = write_part(ctx, folder, &parts[i], r->name);
	if (!status && rename(folder, r->name))
		status = fv_fail(
			ctx, FV_FAILED, "%s: cannot make the folder: %s", r->name, strerror(errno));
	if (status)
		remove_parts(ctx, folder, parts);
	return status;
}

static void print_next_steps(const struct request *r)
{
	cli_printf("made %s/: %s.%s, CMakeLists.txt, Makefile, config.yaml\n\n"
		   "  cd %s\n"
		   "  cmake -B build && cmake --build build && ctest --test-dir build "
		   "--output-on-failure   # or: make check\n"
		   "  fairvox describe --plugins build %s\n"
		   "  fairvox synth corpus --limit 1000\n"
		   "  fairvox run config.yaml --plugins build\n"
		   "  fairvox table config.yaml --plugins build\n",
		r->name, r->name, r->language->ending, r->name, r->name);
}

static fv_status parse_arguments(fv_ctx *ctx, int argc, char **argv, struct request *r)
{
	if (argc < 1 || strcmp(argv[0], "plugin") != 0)
		return fv_fail(
			ctx, FV_CONFIG, "new: say what to make: fairvox new plugin KIND NAME");
	if (argc != 3)
		return fv_fail(ctx, FV_CONFIG,
			"new plugin: give a KIND (loss, grouper or encoder) and a NAME");
	r->kind = argv[1];
	r->name = argv[2];
	if (is_extension(r->kind))
		return fv_fail(ctx, FV_CONFIG,
			"new plugin: %s are an extension of losses: fairvox new plugin loss %s "
			"--extension %s",
			r->kind, r->name, r->kind);
	if (strcmp(r->kind, "loss") != 0 && strcmp(r->kind, "grouper") != 0 &&
		strcmp(r->kind, "encoder") != 0)
		return fv_fail(ctx, FV_CONFIG,
			"new plugin: '%s' is not a kind of plugin: loss, grouper or encoder",
			r->kind);
	if (r->extension && strcmp(r->kind, "loss") != 0)
		return fv_fail(ctx, FV_CONFIG, "--extension: only losses have %s: not %s %s",
			r->extension, r->kind[0] == 'e' ? "an" : "a", r->kind);
	return check_name(ctx, r->name);
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{"lang", required_argument, NULL, 'l'},
		{"extension", required_argument, NULL, 'x'},
		{"plugins", required_argument, NULL, 'P'}, {0}};
	struct request r = {.language = &languages[0]};
	for (int option; (option = cli_option(ctx, argc, argv, "", longs)) != -1;) {
		if (option == '?')
			return FV_CONFIG;
		if (option == 'l'       ? set_language(ctx, &r, optarg)
			: option == 'x' ? set_extension(ctx, &r, optarg)
					: cli_add_folder(ctx, &r.folders, optarg))
			return FV_CONFIG;
	}
	fv_status status = parse_arguments(ctx, argc - optind, argv + optind, &r);
	if (!status)
		status = check_unused(ctx, &r);
	if (!status)
		status = make_folder(ctx, &r);
	if (status)
		return status;
	print_next_steps(&r);
	return cli_flush(ctx);
}

const cli_verb cli_verb_new = {"new", "make a folder with a plugin to start from", usage, run};
