/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers shared by the subcommands: parsing options, numbers and folders, and flushing the output. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "base/number.h"
#include "cli.h"
#include "plugin/call.h"

/* The options of every subcommand, which main applies. */
static const char *const common[] = {"quiet", "verbose", "no-color", "no-progress", "help"};

/* The index of the argument that getopt_long reads next: the first from optind on that is an option.
 * getopt_long has not moved it yet. argc: none is left. */
static int find_next_option(int argc, char **argv)
{
	int i = optind > 0 ? optind : 1;
	while (i < argc && (argv[i][0] != '-' || !argv[i][1]))
		i++;
	return i;
}

/* Returns true if the argument is the name of a long option behind `dashes`, alone or before '='. */
static bool names_option(const struct option *longs, const char *arg, const char *dashes)
{
	size_t n_dashes = strlen(dashes), n = strcspn(arg, "=");
	if (strncmp(arg, dashes, n_dashes) != 0)
		return false;
	for (; longs->name; longs++)
		if (strlen(longs->name) == n - n_dashes &&
			!strncmp(arg + n_dashes, longs->name, n - n_dashes))
			return true;
	return false;
}

/* Returns the long option that was meant by the argument: one that begins with it or is nearest. */
static const char *find_meant(const struct option *longs, const char *arg)
{
	const char *names[64];
	char word[64];
	size_t n = 0, size = 0, n_common = sizeof common / sizeof *common;
	for (arg += strspn(arg, "-"); *arg && *arg != '=' && size + 1 < sizeof word; arg++)
		word[size++] = (char)(*arg == '_' ? '-' : tolower((unsigned char)*arg));
	word[size] = '\0';
	for (; longs->name && n + n_common < sizeof names / sizeof *names; longs++)
		names[n++] = longs->name;
	for (size_t i = 0; i < n_common; i++)
		names[n++] = common[i];
	for (size_t i = 0; size > 1 && i < n; i++)
		if (!strncmp(word, names[i], size))
			return names[i];
	return core_find_nearest(word, names, n);
}

/* Returns what an unknown option may be meant for, or "". `value`: behind '=', or the next argument. */
static const char *find_hint(const char *arg, const char *value)
{
	size_t n = value ? strlen(value) : 0;
	if ((n > 5 && !strcmp(value + n - 5, ".yaml")) || (n > 4 && !strcmp(value + n - 4, ".yml")))
		return "a configuration is given without an option: ";
	if (memchr(arg, '.', strcspn(arg, "=")))
		return "settings are given as KEY=VALUE, without dashes: ";
	return "";
}

/* `next`: the argument behind `arg`, or NULL. */
static void refuse_unknown(fv_ctx *ctx, const char *verb, const char *arg, const char *next,
	const struct option *longs)
{
	int shown = (int)strcspn(arg, "=");
	const char *meant = find_meant(longs, arg);
	if (meant)
		(void)fv_fail(ctx, FV_CONFIG, "%s: unknown option '%.*s', did you mean '--%s'?",
			verb, shown, arg, meant);
	else
		(void)fv_fail(ctx, FV_CONFIG,
			"%s: unknown option '%.*s': %ssee 'fairvox %s --help'", verb, shown, arg,
			find_hint(arg, arg[shown] ? arg + shown + 1 : next), verb);
}

/* Bytes of the dashes at the start of an argument that only look like '-', as word processors and web
 * pages write them for "--": en and em dash, minus sign, and the hyphens of Unicode. */
static size_t measure_odd_dashes(const char *arg)
{
	size_t n = 0;
	while (!strncmp(arg + n, "\xe2\x80", 2) && arg[n + 2] >= '\x90' && arg[n + 2] <= '\x95')
		n += 3;
	return n ? n : strncmp(arg, "\xe2\x88\x92", 3) ? 0 : 3;
}

/* Refuses an argument that is an option behind such a dash. getopt_long takes it for a file. */
static bool refuse_odd_dash(fv_ctx *ctx, int argc, char **argv, const struct option *longs)
{
	bool ended = optind > 0 && !strcmp(argv[optind - 1], "--");
	for (int i = optind; !ended && i < argc; i++) {
		size_t n = measure_odd_dashes(argv[i]);
		const char *meant = n ? find_meant(longs, argv[i] + n) : NULL;
		if (!meant)
			continue;
		(void)fv_fail(ctx, FV_CONFIG,
			"%s: '%s' starts with a dash that is no '-': did you mean '--%s'?", argv[0],
			argv[i], meant);
		return true;
	}
	return false;
}

int cli_option(fv_ctx *ctx, int argc, char **argv, const char *shorts, const struct option *longs)
{
	char with_colon[64];
	snprintf(with_colon, sizeof with_colon, ":%s", shorts);
	int at = find_next_option(argc, argv);
	const char *arg = argv[at], *next = at < argc ? argv[at + 1] : NULL, *verb = argv[0];
	opterr = 0;
	int option = getopt_long(argc, argv, with_colon, longs, NULL);
	if (option == -1)
		return refuse_odd_dash(ctx, argc, argv, longs) ? '?' : -1;
	if (option == ':')
		(void)fv_fail(ctx, FV_CONFIG, "%s: option '%s' needs a value", verb, arg);
	else if (option == '?' && !strncmp(arg, "--", 2) && optopt)
		(void)fv_fail(ctx, FV_CONFIG, "%s: option '%s' takes no value", verb, arg);
	else if (option == '?' || names_option(longs, arg, "-"))
		refuse_unknown(ctx, verb, arg, next, longs);
	else if (optarg && optarg == next && names_option(longs, optarg, "--"))
		(void)fv_fail(ctx, FV_CONFIG,
			"%s: option '%s' needs a value, and '%s' is an option itself", verb, arg,
			optarg);
	else
		return option;
	return '?';
}

fv_status cli_int(
	fv_ctx *ctx, const char *option, const char *text, int64_t low, int64_t high, int64_t *out)
{
	if (!core_parse_int(text, out) || *out < low || *out > high)
		return fv_fail(ctx, FV_CONFIG, "%s: '%s' is not a whole number from %lld to %lld",
			option, text, (long long)low, (long long)high);
	return FV_OK;
}

fv_status cli_set_op_timeout(fv_ctx *ctx, const char *text)
{
	double seconds;
	if (!core_parse_double(text, &seconds) || !(seconds >= 0 && seconds <= 1e9))
		return fv_fail(ctx, FV_CONFIG,
			"--op-timeout: '%s' is not a number of seconds from 0 (no limit) to 1e9",
			text);
	core_call_set_limit(seconds);
	return FV_OK;
}

fv_status cli_add_folder(fv_ctx *ctx, cli_folders *folders, const char *path)
{
	size_t max = sizeof folders->path / sizeof *folders->path;
	if (folders->n == max)
		return fv_fail(ctx, FV_CONFIG, "--plugins: more than %zu folders", max);
	folders->path[folders->n++] = path;
	return FV_OK;
}

fv_status cli_check_exists(fv_ctx *ctx, const char *path)
{
	struct stat st;
	if (stat(path, &st) && (errno == ENOENT || errno == ENOTDIR))
		return fv_fail(ctx, FV_CONFIG, "%s: %s", path, strerror(errno));
	return FV_OK;
}
