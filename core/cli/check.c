/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox check: tests a plugin against the contract. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/plural.h"
#include "contract/contract.h"
#include "find_plugin.h"
#include "plugin/call.h"
#include "plugin/noise.h"
#include "run/pool.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox check [OPTION...] PLUGIN\n"
	"\n"
	"Runs the contract suite on a plugin: a NAME, KIND/NAME or the path of a file NAME.so.\n"
	"Every plugin: descriptor, defaults, memory, the state of the process. A loss: weights\n"
	"in edge cases and against finite differences. A grouper: ids and repeatability. An\n"
	"encoder: silence, short and clipped recordings, threads. Prints what was shown to it,\n"
	"each fault, and what to do about it. Exit code 4 if the plugin has a fault, also if it\n"
	"crashes or hangs.\n"
	"\n"
	"  -p KEY=VALUE       set a parameter; may be repeated\n"
	"      --profile paper|official\n"
	"                     defaults to use (default: paper)\n"
	"      --weights W    weights of an encoder\n"
	"      --stem S       a recording known to an encoder that looks features up by name\n"
	"      --columns LIST names of the columns that a grouper is shown, separated by commas;\n"
	"                     NAME:probability or NAME:value gives one its role\n"
	"      --plugins DIR  search DIR for plugins first; may be repeated\n"
	"      --no-fork      run the plugin in the program's own process, for a "
	"debugger\n" CLI_OP_TIMEOUT_HELP;

#define SETTINGS_MAX 64
#define ADVICE_MAX 16
#define REMARK_S 5 /* a call that lasts longer is told of */
#define GRACE_S 1  /* after Ctrl-C: time to find out which call lasts */

/* What the worker tells the program, in shared memory. */
struct outcome {
	core_contract contract; /* the counts alone */
	bool ended;
	size_t n_advice;
	char advice[ADVICE_MAX][32]; /* the checks that found a fault */
};

struct check {
	fv_ctx *ctx; /* the program's; run_suite gets its own */
	cli_folders folders;
	const core_plugin *plugin;
	core_contract_options options;
	core_contract_setting setting[SETTINGS_MAX];
	FILE *out; /* standard output; the worker's own is taken from plugins */
	struct outcome *outcome;
	const char *death; /* why the worker died; NULL: it did not */
	core_call_cause cause;
	bool here;   /* the suite runs in this process */
	char **argv; /* the arguments of the subcommand */
};

static fv_status add_setting(fv_ctx *ctx, struct check *c, const char *text)
{
	const char *equals = strchr(text, '=');
	if (!equals)
		return fv_fail(ctx, FV_CONFIG, "-p: '%s' is not of the form KEY=VALUE", text);
	char *name = core_strndup(ctx, text, (size_t)(equals - text));
	if (!name)
		return FV_FAILED;
	if (!equals[1])
		return fv_fail(
			ctx, FV_CONFIG, "-p %s: a value is missing: -p %s=VALUE", text, name);
	size_t at = 0; /* the last value of a name counts */
	while (at < c->options.n_settings && strcmp(c->setting[at].name, name) != 0)
		at++;
	if (at == SETTINGS_MAX)
		return fv_fail(ctx, FV_CONFIG, "over %d options -p", SETTINGS_MAX);
	c->setting[at] = (core_contract_setting){name, equals + 1};
	c->options.n_settings += at == c->options.n_settings;
	return FV_OK;
}

static fv_status apply_option(fv_ctx *ctx, struct check *c, int option)
{
	switch (option) {
	case 'p':
		return add_setting(ctx, c, optarg);
	case 'w':
		c->options.weights = optarg;
		return FV_OK;
	case 'T':
		return cli_set_op_timeout(ctx, optarg);
	case 's':
		c->options.stem = optarg;
		return FV_OK;
	case 'c':
		c->options.columns = optarg;
		return FV_OK;
	case 'D':
		return cli_add_folder(ctx, &c->folders, optarg);
	case 'H':
		c->here = true;
		return FV_OK;
	case 'P':
		c->options.profile = optarg;
		if (!strcmp(optarg, "paper") || !strcmp(optarg, "official"))
			return FV_OK;
		return fv_fail(ctx, FV_CONFIG, "--profile: '%s' is not paper or official", optarg);
	}
	return FV_CONFIG;
}

/* Which advice there is about the end of the worker. */
static const char *find_advice(const struct check *c)
{
	if (c->outcome->contract.advice)
		return c->outcome->contract.advice;
	switch (c->cause) {
	case CORE_CAUSE_HANG:
		return "hang";
	case CORE_CAUSE_NULL:
		return "null";
	case CORE_CAUSE_LIFETIME:
		return "lifetime";
	case CORE_CAUSE_BOUNDS:
		return strstr(c->death, " of the state") ? "state_size" : "memory";
	case CORE_CAUSE_SIGNAL:
		break;
	}
	return "crash";
}

/* Remembers that there is advice about this check. */
static void add_advice(struct outcome *o, const char *check)
{
	for (size_t i = 0; i < o->n_advice; i++)
		if (!strcmp(o->advice[i], check))
			return;
	if (core_contract_advise(check) && o->n_advice < ADVICE_MAX)
		snprintf(o->advice[o->n_advice++], sizeof *o->advice, "%s", check);
}

static void print_finding(void *user, const core_finding *finding)
{
	struct check *c = user;
	if (!finding->check)
		fprintf(c->out, "  %s\n", finding->text);
	else
		fprintf(c->out, "%s: %s: %s\n", finding->fault ? "fault" : "note", finding->check,
			finding->text);
	fflush(c->out); /* a crash may follow */
	if (finding->fault)
		add_advice(c->outcome, finding->advice);
}

/* Prints how often each cause was found again, where it was. */
static void print_repetitions(const struct check *c, const core_contract *contract)
{
	for (size_t i = 0; i < contract->n; i++) {
		const core_finding *f = &contract->finding[i];
		if (f->more)
			fprintf(c->out, "  %zu more like it: %s: %s\n", f->more, f->check, f->text);
	}
	fflush(c->out);
}

/* Runs in a child process, so that a plugin that crashes is a finding and does not end the program. */
static fv_status run_suite(void *user, fv_ctx *ctx, int64_t task)
{
	struct check *c = user;
	(void)task;
	core_contract *contract = &c->outcome->contract;
	fv_status status = core_contract_check(ctx, c->plugin->descriptor, &c->options, contract);
	print_repetitions(c, contract);
	c->outcome->ended = true;
	return status;
}

/* Records each line of a worker's messages as one of its own. */
static void fail_lines(fv_ctx *ctx, fv_status status, const char *lines)
{
	for (size_t n; *lines; lines += n + (lines[n] == '\n')) {
		n = strcspn(lines, "\n");
		(void)fv_fail(ctx, status, "%.*s", (int)n, lines);
	}
}

static void note_death(void *user, int64_t task, const core_call *call)
{
	struct check *c = user;
	(void)task;
	c->cause = call->cause;
}

static void note_end(void *user, int64_t task, fv_status status, const char *reason)
{
	struct check *c = user;
	(void)task;
	if (status && c->outcome->ended)
		fail_lines(c->ctx, status, reason);
	else if (status)
		c->death = core_strdup(c->ctx, reason);
}

/* Prints an argument as the shell takes it. */
static void print_quoted(FILE *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-+=./,:@%";
	if (*text && !text[strspn(text, plain)]) {
		fputs(text, out);
		return;
	}
	fputc('\'', out);
	for (; *text; text++)
		fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, out);
	fputc('\'', out);
}

/* Prints the command that shows in a debugger where the plugin crashes or hangs. */
static void print_debugger(const struct check *c)
{
	fprintf(c->out, "  in the debugger: gdb -ex run -ex backtrace --args %s check --no-fork",
		program_invocation_name);
	for (char *const *arg = c->argv + 1; *arg; arg++) {
		fputc(' ', c->out);
		print_quoted(c->out, *arg);
	}
	fputs(c->cause == CORE_CAUSE_HANG ? "   (press Ctrl-C when it hangs)\n" : "\n", c->out);
}

/* Prints a crash or a hang as a fault, what to do, and the counts. */
static fv_status print_summary(fv_ctx *ctx, struct check *c)
{
	struct outcome *o = c->outcome;
	const char *name = c->plugin->descriptor->name;
	if (c->death) {
		fprintf(c->out, "fault: crash: %s: the checks that follow were not made\n",
			c->death);
		o->contract.n_faults++;
		add_advice(o, find_advice(c));
	}
	if (o->n_advice)
		fputs("what to do:\n", c->out);
	for (size_t i = 0; i < o->n_advice; i++)
		fprintf(c->out, "  %s: %s\n", o->advice[i], core_contract_advise(o->advice[i]));
	if (c->death)
		print_debugger(c);
	fprintf(c->out, "%s: %zu check%s, %zu fault%s\n", name, o->contract.n_checks,
		core_plural((int64_t)o->contract.n_checks), o->contract.n_faults,
		core_plural((int64_t)o->contract.n_faults));
	if (fflush(c->out) || ferror(c->out))
		return fv_fail(ctx, FV_FAILED, "standard output: cannot write");
	return o->contract.n_faults
		       ? fv_fail(ctx, FV_DATA, "%s: violates the contract", c->plugin->path)
		       : FV_OK;
}

static fv_status check_plugin(fv_ctx *ctx, struct check *c)
{
	const fv_descriptor *d = c->plugin->descriptor;
	fprintf(c->out, "%s %s %s, %s\n", core_kind_name(d->kind), d->name, d->version,
		c->plugin->path);
	const core_pool pool = {.jobs = 1,
		.tasks = 1,
		.user = c,
		.grace_s = GRACE_S,
		.remark_s = REMARK_S,
		.work = run_suite,
		.died = note_death,
		.ended = note_end};
	int64_t failed = 0;
	if (c->here)
		core_noise_catch();
	fv_status status = c->here ? run_suite(c, ctx, 0) : core_pool_run(ctx, &pool, &failed);
	if (!status && failed && !c->death)
		status = core_error_status(ctx);
	return status ? status : print_summary(ctx, c);
}

/* Refuses options that say nothing to a plugin of this kind. */
static fv_status check_effect(fv_ctx *ctx, const struct check *c)
{
	const struct {
		const char *option, *value;
		fv_kind kind;
	} list[] = {{"--weights", c->options.weights, FV_ENCODER},
		{"--stem", c->options.stem, FV_ENCODER},
		{"--columns", c->options.columns, FV_GROUPER}};
	const fv_descriptor *d = c->plugin->descriptor;
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		if (list[i].value && list[i].kind != d->kind)
			return fv_fail(ctx, FV_CONFIG,
				"%s has no effect on %s %s: it is for %ss: remove it",
				list[i].option, core_kind_name(d->kind), d->name,
				core_kind_name(list[i].kind));
	return FV_OK;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{"profile", required_argument, NULL, 'P'},
		{"weights", required_argument, NULL, 'w'}, {"stem", required_argument, NULL, 's'},
		{"columns", required_argument, NULL, 'c'},
		{"plugins", required_argument, NULL, 'D'}, {"no-fork", no_argument, NULL, 'H'},
		CLI_OP_TIMEOUT, {0}};
	struct check *c = core_alloc(ctx, 1, sizeof *c);
	if (!c)
		return FV_FAILED;
	c->ctx = ctx;
	c->argv = argv;
	c->options = (core_contract_options){
		.profile = "paper", .setting = c->setting, .found = print_finding, .user = c};
	for (int option; (option = cli_option(ctx, argc, argv, "p:", longs)) != -1;)
		if (option == '?' || apply_option(ctx, c, option))
			return FV_CONFIG;
	if (optind + 1 != argc)
		return fv_fail(ctx, FV_CONFIG, "check: name one plugin, or its file");
	fv_status status = cli_find_plugin(ctx, &c->folders, argv[optind], &c->plugin);
	if (!status)
		status = check_effect(ctx, c);
	if (status)
		return status;
	c->outcome = mmap(NULL, sizeof *c->outcome, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = dup(STDOUT_FILENO);
	c->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (c->outcome == MAP_FAILED || !c->out)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	status = check_plugin(ctx, c);
	munmap(c->outcome, sizeof *c->outcome);
	fclose(c->out);
	return status;
}

const cli_verb cli_verb_check = {"check", "test a plugin against the contract", usage, run};
