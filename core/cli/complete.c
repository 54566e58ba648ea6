/* SPDX-License-Identifier: Apache-2.0 */
#include "complete.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "help_page.h"
#include "verbs.h"

/* A command line: the words after `fairvox`; the last is the one to complete. */
struct line {
	fv_ctx *ctx;
	const cli_help_page *page;
	char **words;
	int n;
	const char *word; /* what is to be completed: the last word, or what follows its '=' */
};

void cli_print_candidate(const char *word, const char *candidate, const char *doc)
{
	if (strncmp(candidate, word, strlen(word)) != 0)
		return;
	fputs(candidate, stdout);
	if (doc && *doc)
		printf("\t%s", doc);
	putchar('\n');
}

static fv_status print_verbs(const char *word)
{
	for (size_t i = 0; cli_verbs[i]; i++)
		cli_print_candidate(word, cli_verbs[i]->name, cli_verbs[i]->summary);
	return FV_OK;
}

static void print_options(const cli_help_page *page, const char *word)
{
	char text[64];
	for (size_t i = 0; i < page->n_options; i++) {
		const cli_help_option *o = &page->option[i];
		snprintf(text, sizeof text, "--%s", o->name ? o->name : "");
		if (o->name)
			cli_print_candidate(word, text, o->doc);
		snprintf(text, sizeof text, "-%c", o->letter);
		if (o->letter)
			cli_print_candidate(word, text, o->doc);
	}
}

/* The option that takes the word after it as its value; NULL: none. */
static const cli_help_option *find_value_option(const cli_help_page *page, const char *word)
{
	const cli_help_option *o = NULL;
	if (!strncmp(word, "--", 2))
		o = cli_help_find(page, word + 2, strlen(word + 2), '\0');
	else if (word[0] == '-' && word[1])
		o = cli_help_find(page, NULL, 0, word[strlen(word) - 1]);
	return o && o->value ? o : NULL;
}

/* The value of an option on the line; NULL: not given. */
static const char *find_value(const struct line *line, const char *option)
{
	for (int i = 1; i + 1 < line->n; i++)
		if (!strcmp(line->words[i], option))
			return line->words[i + 1];
	return NULL;
}

/* Prints the parts of "a|b|c" that begin like the word. */
static fv_status print_choices(fv_ctx *ctx, const char *choices, const char *word)
{
	while (*choices) {
		size_t n = strcspn(choices, "|");
		char *choice = core_strndup(ctx, choices, n);
		if (!choice)
			return FV_FAILED;
		cli_print_candidate(word, choice, NULL);
		choices += n + (choices[n] == '|');
	}
	return FV_OK;
}

/* Whether a word of a help text stands for itself, such as "prune" or "published". */
static bool is_literal(const char *text)
{
	return islower((unsigned char)*text) != 0;
}

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* The word for the plugin whose parameters -p sets: that of --encoder, or the one that is checked; NULL: none. */
static const char *find_plugin(const struct line *line)
{
	const char *name = find_value(line, "--encoder");
	for (int i = 1; !name && i + 1 < line->n; i++)
		if (line->words[i][0] != '-' && !find_value_option(line->page, line->words[i - 1]))
			name = line->words[i];
	return name;
}

/* Finds the plugins, those in the folder of the file `plugin` (NULL: none) and of --plugins first. */
static fv_status open_registry(const struct line *line, const char *plugin, core_registry **out)
{
	const char **folder = core_alloc(line->ctx, (size_t)line->n + 1, sizeof *folder);
	size_t n = 0;
	if (folder && plugin && core_is_file(plugin) &&
		!(folder[n++] = core_path_dir(line->ctx, plugin)))
		return FV_FAILED;
	for (int i = 1; folder && i + 1 < line->n - 1; i++)
		if (!strcmp(line->words[i], "--plugins"))
			folder[n++] = line->words[i + 1];
	return folder ? core_registry_open(line->ctx, folder, n, out) : FV_FAILED;
}

static fv_status print_plugins(const struct line *line, int kind)
{
	core_registry *r;
	fv_status status = open_registry(line, NULL, &r);
	if (!status)
		cli_complete_plugin(r, kind, line->word);
	return status;
}

/* Finds the first file among the arguments before the last word, and the overrides. */
static fv_status find_config(const struct line *line, cli_config_words *out)
{
	*out = (cli_config_words){
		.override = core_alloc(line->ctx, (size_t)line->n, sizeof *out->override)};
	if (!out->override)
		return FV_FAILED;
	for (int i = 1; i + 1 < line->n; i++) {
		char *word = line->words[i];
		if (word[0] == '-' || find_value_option(line->page, line->words[i - 1]))
			continue;
		if (strchr(word, '='))
			out->override[out->n_overrides++] = word;
		else if (!out->config && core_is_file(word))
			out->config = word;
	}
	return FV_OK;
}

static fv_status print_overrides(const struct line *line)
{
	core_registry *r;
	cli_config_words words;
	fv_status status = find_config(line, &words);
	if (!status)
		status = open_registry(line, NULL, &r);
	if (!status)
		cli_complete_override(line->ctx, r, &words, line->word);
	return status;
}

static fv_status print_parameters(const struct line *line)
{
	core_registry *r;
	const char *plugin = find_plugin(line);
	if (!plugin)
		return FV_OK;
	const char *base = core_path_base(plugin);
	const char *name = core_strndup(line->ctx, base, strcspn(base, "."));
	fv_status status = name ? open_registry(line, plugin, &r) : FV_FAILED;
	if (!status)
		cli_complete_parameter(r, name, line->word);
	return status;
}

/* Prints what a value called so in a help text can be. */
static fv_status print_values(const struct line *line, const char *value, const char *option)
{
	const char *word = line->word;
	if (is_literal(value))
		return print_choices(line->ctx, value, word);
	if (starts_with(value, "DIR"))
		puts(":folders");
	else if (starts_with(value, "FILE") || !strcmp(value, "W"))
		puts(":files");
	else if (option && !strcmp(option, "encoder"))
		return print_plugins(line, FV_ENCODER);
	else if (option && !*option && !strcmp(value, "KEY=VALUE"))
		return print_parameters(line);
	return FV_OK;
}

/* Prints the items of the list with that heading, as "FIGURE:". */
static void print_list(
	const cli_help_page *page, const char *heading, size_t size, const char *word)
{
	size_t i = 0;
	for (; i < page->n_lines; i++)
		if (!page->line[i].word && strlen(page->line[i].text) == size + 1 &&
			!strncmp(page->line[i].text, heading, size) &&
			page->line[i].text[size] == ':')
			break;
	for (i++; i < page->n_lines && page->line[i].word; i++)
		cli_print_candidate(word, page->line[i].word, page->line[i].text);
}

/* Prints what an argument called so in a synopsis can be; alternatives are separated by '|'. */
static fv_status print_arguments(const struct line *line, const char *names)
{
	fv_status status = FV_OK;
	while (!status && *names) {
		size_t n = strcspn(names, "|");
		char *name = core_strndup(line->ctx, names, n);
		names += n + (names[n] == '|');
		if (!name)
			return FV_FAILED;
		if (is_literal(name))
			cli_print_candidate(line->word, name, NULL);
		else if (!strcmp(name, "SUBCOMMAND"))
			status = print_verbs(line->word);
		else if (!strcmp(name, "CONFIG"))
			puts(":files yaml yml");
		else if (starts_with(name, "PLUGIN.so"))
			puts(":files so");
		else if (starts_with(name, "PRED"))
			puts(":files csv");
		else if (!strcmp(name, "RESULTS") || !strcmp(name, "RUN") || !strcmp(name, "DIR"))
			puts(":folders");
		else if (!strcmp(name, "KEY=VALUE"))
			status = print_overrides(line);
		else if (!strcmp(name, "PLUGIN"))
			status = print_plugins(line, 0);
		else if (starts_with(name, "FILE") || starts_with(name, "RECORDING"))
			puts(":files");
		else
			print_list(line->page, name, n, line->word);
	}
	return status;
}

/* Copies the next argument of a synopsis without brackets and dots, such as "KEY=VALUE" of "[KEY=VALUE...]", and
 * returns what follows; NULL at the end. Options and their values are no arguments. */
static const char *read_argument(const char *synopsis, char *out, size_t size, bool *repeats)
{
	while (*synopsis) {
		synopsis += strspn(synopsis, " ");
		size_t n = strcspn(synopsis, " ");
		bool option = synopsis[synopsis[0] == '['] == '-';
		if (option && synopsis[0] != '[' && synopsis[n]) /* --encoder NAME */
			n += 1 + strcspn(synopsis + n + 1, " ");
		else if (option)
			n = strcspn(synopsis, "]");
		size_t used = 0;
		for (size_t i = 0; i < n && used + 1 < size; i++)
			if (!strchr("[].", synopsis[i]) || starts_with(synopsis + i, ".so") ||
				starts_with(synopsis + i, ".csv"))
				out[used++] = synopsis[i];
		out[used] = '\0';
		*repeats =
			n >= 3 && strstr(synopsis, "...") && strstr(synopsis, "...") < synopsis + n;
		synopsis += n;
		synopsis += strspn(synopsis, "].");
		char *slash = strrchr(out, '/'); /* of an optional part in front: "[KIND/]PLUGIN" */
		if (slash)
			memmove(out, slash + 1, strlen(slash));
		if (!option && used && strcmp(out, "OPTION") != 0)
			return synopsis;
	}
	return NULL;
}

/* Whether the words before the last fit the literals of a synopsis: "cache list" offers no key. */
static const char *find_argument(
	const struct line *line, const char *synopsis, char *out, size_t size)
{
	bool repeats;
	const char *rest = synopsis;
	for (int skip = 0; skip < 2; skip++) /* fairvox SUBCOMMAND */
		rest = rest ? read_argument(rest, out, size, &repeats) : NULL;
	for (int i = 1; rest && i < line->n; i++) {
		const char *word = line->words[i];
		bool last = i == line->n - 1;
		if (!last && (word[0] == '-' || find_value_option(line->page, line->words[i - 1])))
			continue;
		const char *next = read_argument(rest, out, size, &repeats);
		if (!next)
			return NULL;
		if (last)
			return out;
		if (is_literal(out) && !strstr(out, word))
			return NULL;
		if (!repeats)
			rest = next;
	}
	return NULL;
}

/* The argument at the cursor, by every synopsis; each kind of argument once. */
static fv_status complete_argument(const struct line *line)
{
	char seen[CLI_HELP_SYNOPSES][64];
	fv_status status = FV_OK;
	size_t n = 0;
	for (size_t i = 0; !status && i < line->page->n_synopses; i++) {
		char *argument = seen[n];
		if (!find_argument(line, line->page->synopsis[i], argument, sizeof seen[n]))
			continue;
		bool again = false;
		for (size_t k = 0; k < n; k++)
			again = again || !strcmp(seen[k], argument);
		n += !again;
		if (!again)
			status = print_arguments(line, argument);
	}
	return status;
}

static fv_status complete_verb_line(struct line *line, const cli_help_page *common)
{
	char *word = line->words[line->n - 1], *equals = strchr(word, '=');
	const cli_help_option *o = find_value_option(line->page, line->words[line->n - 2]);
	line->word = word;
	if (!o && equals && !strncmp(word, "--", 2)) {
		o = cli_help_find(line->page, word + 2, (size_t)(equals - word) - 2, '\0');
		line->word = equals + 1;
	}
	if (o && o->value)
		return print_values(line, o->value, o->name ? o->name : "");
	if (word[0] != '-')
		return complete_argument(line);
	print_options(line->page, word);
	print_options(common, word);
	return FV_OK;
}

fv_status cli_complete(fv_ctx *ctx, int n, char **words)
{
	cli_help_page *page = core_alloc(ctx, 2, sizeof *page);
	if (n < 1)
		return FV_OK;
	if (!page)
		return FV_FAILED;
	const cli_verb *verb = n > 1 ? cli_find_verb(words[0]) : NULL;
	fv_status status = FV_OK;
	if (n == 1) {
		status = print_verbs(words[0]);
		cli_print_candidate(words[0], "--help", "print help");
		cli_print_candidate(words[0], "--version", "print the version");
	} else if (verb) {
		struct line line = {.ctx = ctx, .page = page, .words = words, .n = n};
		status = cli_help_parse(ctx, verb->usage, &page[0]);
		if (!status)
			status = cli_help_parse(ctx, cli_common_options, &page[1]);
		if (!status)
			status = complete_verb_line(&line, &page[1]);
	}
	return status ? status : cli_flush(ctx);
}
