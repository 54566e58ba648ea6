/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox completion: scripts that complete command lines in bash, zsh and fish. They ask `fairvox completion words`
 * for what can stand at the cursor, so options, keys and plugins are those of this very program. */
#include <stdio.h>
#include <string.h>

#include "base/embedded.h"
#include "complete.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox completion bash|zsh|fish\n"
	"       fairvox completion words [WORD...]\n"
	"\n"
	"Prints a script for the shell that completes subcommands, options, files, keys of a\n"
	"configuration and names of plugins:\n"
	"\n"
	"  bash:  eval \"$(fairvox completion bash)\" in ~/.bashrc\n"
	"  zsh:   eval \"$(fairvox completion zsh)\" in ~/.zshrc, after compinit\n"
	"  fish:  fairvox completion fish | source, in ~/.config/fish/config.fish\n"
	"\n"
	"'words' is what the scripts ask: it prints what can stand in place of the last WORD, a\n"
	"line each, with a text behind a tab. ':files ENDING...' and ':folders' ask the shell for\n"
	"paths.\n";

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};
	if (argc > 1 && !strcmp(argv[1], "words"))
		return cli_complete(ctx, argc - 2, argv + 2);
	for (size_t i = 0; argc == 2 && i < sizeof shells / sizeof *shells; i++) {
		char *name = core_format(ctx, "core/cli/completion.%s", shells[i]);
		if (!name)
			return FV_FAILED;
		if (strcmp(argv[1], shells[i]) != 0)
			continue;
		fputs(core_embedded_text(name), stdout);
		return cli_flush(ctx);
	}
	return fv_fail(ctx, FV_CONFIG, "completion: name a shell: bash, zsh or fish");
}

const cli_verb cli_verb_completion = {
	"completion", "print a script that completes command lines", usage, run};
