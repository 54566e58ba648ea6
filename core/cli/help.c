/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox help: the program's help, that of a subcommand, and man pages. */
#include "help.h"

#include <getopt.h>

#include "help_page.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox help [SUBCOMMAND]\n"
	"       fairvox help --man-pages DIR\n"
	"\n"
	"Prints the list of subcommands, or the help of one of them.\n"
	"\n"
	"      --man-pages DIR  write man pages into DIR: of the program, each subcommand, the\n"
	"                       configuration, and the parameters of the installed plugins\n";

const char cli_exit_codes[] = "  0   success\n"
			      "  1   the run failed\n"
			      "  2   wrong usage or configuration\n"
			      "  3   some of several runs failed\n"
			      "  4   data, weights or a plugin are missing or invalid\n"
			      "  75  stopped; the same command resumes\n";

const char cli_environment[] =
	"  FAIRVOX_PLUGIN_PATH\n"
	"                  folders with plugins, separated by colons\n"
	"  FAIRVOX_HEARTBEAT=SECONDS\n"
	"                  how often a run shows other machines that it lives\n"
	"                  (default 30)\n"
	"  FAIRVOX_CPU=amx|avx512_bf16|avx512|avx2|portable\n"
	"                  instruction set of fairvox's own kernels\n"
	"  OPENBLAS_CORETYPE=SkylakeX|Haswell|Zen|...\n"
	"                  OpenBLAS's kernels\n";

void cli_print_help(FILE *out)
{
	fputs("usage: fairvox SUBCOMMAND [OPTION...] [ARGUMENT...]\n\nsubcommands:\n", out);
	for (size_t i = 0; cli_verbs[i]; i++)
		fprintf(out, "  %-10s %s\n", cli_verbs[i]->name, cli_verbs[i]->summary);
	fprintf(out,
		"\n'fairvox SUBCOMMAND --help' describes one of them.\n\n"
		"Options of every subcommand:\n%s\n"
		"Exit codes:\n%s\n"
		"Environment:\n%s"
		"Where the last two are unset, the fastest that this machine supports are used.\n"
		"'fairvox --version' prints the ones in use.\n",
		cli_common_options, cli_exit_codes, cli_environment);
}

static fv_status print_verb_help(fv_ctx *ctx, const char *name)
{
	const cli_verb *verb = cli_find_verb(name);
	if (!verb)
		return cli_refuse_verb(ctx, name);
	fputs(verb->usage, stdout);
	return cli_flush(ctx);
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{"man-pages", required_argument, NULL, 'm'}, {0}};
	const char *folder = NULL;
	for (int option; (option = cli_option(ctx, argc, argv, "", longs)) != -1;) {
		if (option == '?')
			return FV_CONFIG;
		folder = optarg;
	}
	if (optind + (folder ? 0 : 1) < argc)
		return fv_fail(ctx, FV_CONFIG, "help: unexpected argument '%s'", argv[argc - 1]);
	if (folder)
		return cli_write_man_pages(ctx, folder);
	if (optind < argc)
		return print_verb_help(ctx, argv[optind]);
	cli_print_help(stdout);
	return cli_flush(ctx);
}

const cli_verb cli_verb_help = {"help", "print help, or write man pages", usage, run};
