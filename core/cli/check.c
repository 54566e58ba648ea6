/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox check: tests a plugin against the contract. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/plural.h"
#include "contract/contract.h"
#include "plugin/registry.h"
#include "run/pool.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox check [OPTION...] PLUGIN.so\n"
	"\n"
	"Runs the contract suite on a plugin. Every plugin: descriptor and defaults. A loss:\n"
	"weights in edge cases and against finite differences. A grouper: ids and\n"
	"repeatability. An encoder: silence, short and clipped recordings, threads. Exit code\n"
	"4 if the plugin has a fault.\n"
	"\n"
	"  -p KEY=VALUE       set a parameter; may be repeated\n"
	"      --profile paper|official\n"
	"                     defaults to use (default: paper)\n"
	"      --weights W    weights of an encoder\n"
	"      --stem S       a recording known to an encoder that looks features up by name\n";

#define SETTINGS_MAX 64

struct check {
	fv_ctx *ctx; /* the program's; run_suite gets its own */
	const core_plugin *plugin;
	core_contract_options options;
	core_contract_setting setting[SETTINGS_MAX];
};

static fv_status add_setting(fv_ctx *ctx, struct check *c, const char *text)
{
	const char *equals = strchr(text, '=');
	if (!equals || c->options.n_settings == SETTINGS_MAX)
		return fv_fail(ctx, FV_CONFIG, "-p: '%s' is not of the form KEY=VALUE", text);
	core_contract_setting *s = &c->setting[c->options.n_settings++];
	s->name = core_strndup(ctx, text, (size_t)(equals - text));
	s->text = equals + 1;
	return s->name ? FV_OK : FV_FAILED;
}

static fv_status apply_option(fv_ctx *ctx, struct check *c, int option)
{
	switch (option) {
	case 'p':
		return add_setting(ctx, c, optarg);
	case 'w':
		c->options.weights = optarg;
		return FV_OK;
	case 's':
		c->options.stem = optarg;
		return FV_OK;
	case 'P':
		c->options.profile = optarg;
		if (!strcmp(optarg, "paper") || !strcmp(optarg, "official"))
			return FV_OK;
		return fv_fail(ctx, FV_CONFIG, "--profile: '%s' is not paper or official", optarg);
	}
	return FV_CONFIG;
}

static fv_status load_plugin(fv_ctx *ctx, const char *path, struct check *c)
{
	const char *dir = core_path_dir(ctx, path);
	char *real = realpath(path, NULL);
	core_registry *r;
	fv_status status = dir ? core_registry_open(ctx, &dir, 1, &r) : FV_FAILED;
	for (size_t i = 0; !status && real && i < r->n; i++)
		if (!strcmp(r->plugin[i].path, real))
			c->plugin = &r->plugin[i];
	for (size_t i = 0; !status && real && i < r->n_refused; i++)
		if (!strcmp(r->refused[i].path, real))
			status = fv_fail(
				ctx, FV_DATA, "%s: refused: %s", path, r->refused[i].reason);
	free(real);
	if (!status && !c->plugin)
		status = fv_fail(
			ctx, FV_DATA, "%s: not a plugin: the file must be named NAME.so", path);
	return status;
}

/* Runs in a child process, so that a plugin that crashes is a finding and does not end the program. */
static fv_status run_suite(void *user, fv_ctx *ctx, int64_t task)
{
	struct check *c = user;
	core_contract result;
	(void)task;
	fv_status status = core_contract_check(ctx, c->plugin->descriptor, &c->options, &result);
	if (status)
		return status;
	for (size_t i = 0; i < result.n; i++)
		printf("%s: %s: %s\n", result.finding[i].fault ? "fault" : "note",
			result.finding[i].check, result.finding[i].text);
	printf("%s: %zu check%s, %zu fault%s\n", c->plugin->descriptor->name, result.n_checks,
		core_plural((int64_t)result.n_checks), result.n_faults,
		core_plural((int64_t)result.n_faults));
	return result.n_faults ? fv_fail(ctx, FV_DATA, "%s: violates the contract", c->plugin->path)
			       : FV_OK;
}

static void print_result(void *user, int64_t task, fv_status status, const char *reason)
{
	struct check *c = user;
	(void)task;
	if (status)
		(void)fv_fail(c->ctx, status, "%s", reason);
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{"profile", required_argument, NULL, 'P'},
		{"weights", required_argument, NULL, 'w'}, {"stem", required_argument, NULL, 's'},
		{0}};
	struct check *c = core_alloc(ctx, 1, sizeof *c);
	if (!c)
		return FV_FAILED;
	c->options = (core_contract_options){.profile = "paper", .setting = c->setting};
	for (int option; (option = cli_option(ctx, argc, argv, "p:", longs)) != -1;)
		if (option == '?' || apply_option(ctx, c, option))
			return FV_CONFIG;
	if (optind + 1 != argc)
		return fv_fail(ctx, FV_CONFIG, "check: name one plugin file");
	fv_status status = load_plugin(ctx, argv[optind], c);
	if (status)
		return status;
	c->ctx = ctx;
	core_pool pool = {
		.jobs = 1, .tasks = 1, .user = c, .work = run_suite, .ended = print_result};
	int64_t failed;
	status = core_pool_run(ctx, &pool, &failed);
	if (!status && failed)
		status = core_error_status(ctx);
	return status ? status : cli_flush(ctx);
}

const cli_verb cli_verb_check = {"check", "test a plugin against the contract", usage, run};
