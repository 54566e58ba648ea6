/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers shared by the subcommands: parsing options, numbers and folders, and flushing the output. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/number.h"
#include "cli.h"

int cli_option(fv_ctx *ctx, int argc, char **argv, const char *shorts, const struct option *longs)
{
	char with_colon[64];
	snprintf(with_colon, sizeof with_colon, ":%s", shorts);
	opterr = 0;
	int option = getopt_long(argc, argv, with_colon, longs, NULL);
	const char *word = argv[optind > 0 ? optind - 1 : 0];
	if (option == ':')
		(void)fv_fail(ctx, FV_CONFIG, "%s: option '%s' needs a value", argv[0], word);
	else if (option == '?')
		(void)fv_fail(ctx, FV_CONFIG, "%s: unknown option '%s': see 'fairvox %s --help'",
			argv[0], word, argv[0]);
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

fv_status cli_add_folder(fv_ctx *ctx, cli_folders *folders, const char *path)
{
	size_t max = sizeof folders->path / sizeof *folders->path;
	if (folders->n == max)
		return fv_fail(ctx, FV_CONFIG, "--plugins: more than %zu folders", max);
	folders->path[folders->n++] = path;
	return FV_OK;
}

fv_status cli_flush(fv_ctx *ctx)
{
	if (fflush(stdout) || ferror(stdout))
		return fv_fail(ctx, FV_FAILED, "standard output: %s", strerror(errno));
	return FV_OK;
}
