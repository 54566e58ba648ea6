/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox run: computes every run (variant, fold, seed) that is not done. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/plural.h"
#include "hidden_plugins.h"
#include "launch.h"
#include "run/execute.h"
#include "shard.h"
#include "study.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox run [OPTION...] CONFIG [KEY=VALUE...]\n"
	"\n"
	"Computes every run of a configuration (variant of the matrix x fold x seed) that is\n"
	"not done, each in its own folder. A run is done if its folder says so for exactly\n"
	"these data, weights, plugins and settings; if one of them changed, the run is\n"
	"computed again. An interrupted run resumes from its checkpoint, which is saved every\n"
	"minute and on SIGINT, SIGTERM, SIGHUP and SIGUSR1. A changed `eval` trains nothing: the\n"
	"metrics are recomputed from the predictions. Variants with `tune` choose among their\n"
	"trials when these are done. KEY=VALUE overrides the file:\n"
	"train.epochs=10, loss.name=rw,ds (a list makes an axis of the matrix).\n"
	"\n"
	"  -j, --jobs N       worker processes (default 1); does not change the results\n"
	"  -k, --keep-going   compute every other run, whatever fails; the exit code is then 3\n"
	"  -f, --force        recompute finished runs, and start interrupted ones over\n"
	"      --dry-run      compute nothing: print what would be, as 'fairvox explain' does\n"
	"      --isolate      use a new process for every run; by default, runs of installed\n"
	"                     losses that only weight samples share processes, and every\n"
	"                     other run has its own\n"
	"      --save-every S save a checkpoint every S seconds (default 60); 0: on signals\n"
	"                     only\n" CLI_OP_TIMEOUT_HELP CLI_DEVICE_HELP "      --retry-failed\n"
	"                     compute only the runs that failed before\n"
	"      --encode-only  encode the missing recordings and train nothing\n"
	"      --max-hours H  stop in time to end within H hours, with exit code 75\n"
	"      --wait         wait for runs that other processes are computing, and take them\n"
	"                     over if these die; without it the exit code is then 75\n"
	"\n"
	"Several machines, over one results folder:\n"
	"      --shard I/N    compute every N-th run, from the I-th on, I from 1 to N\n"
	"      --launcher L   local (default), or slurm: submit the runs as job arrays and\n"
	"                     leave; with --dry-run print the scripts\n"
	"      --tasks FILE   a list of tasks, as the scripts of --launcher slurm hold it; -:\n"
	"                     standard input\n"
	"      --task T       compute task T of this list, from 0\n"
	"\n" CLI_STUDY_OPTIONS;

/* Whether the runs are being computed; before, the program reads the study and encodes its recordings. */
static volatile sig_atomic_t computing;
static pid_t own; /* the program itself, not its workers */

/* How long before the end of --max-hours the workers are asked to stop; they have 20 s for it. */
#define STOP_ROOM_S 30.0

static fv_status encode_study(fv_ctx *ctx, const cli_study *cli, core_study *study)
{
	const core_encode_job job = {.cache = cli->cache, .jobs = (int)cli->jobs};
	fv_status status = core_study_load(ctx, study, &job);
	if (!status)
		core_log(ctx, CORE_INFO, "all recordings are encoded; nothing was trained");
	return status || !study->n_failed ? status : FV_SOME_FAILED;
}

static fv_status execute_study(fv_ctx *ctx, cli_study *cli, core_study *study)
{
	const core_encode_job job = {.cache = cli->cache, .jobs = (int)cli->jobs};
	fv_status status = core_study_load(ctx, study, &job);
	if (status)
		return status;
	const core_execute_options options = {.jobs = (int)cli->jobs,
		.keep_going = cli->keep_going,
		.force = cli->force,
		.isolate = cli->isolate,
		.wait = cli->wait,
		.part = cli->has_task || cli->shard > 1,
		.save_every_s = cli->save_every_s};
	core_summary s;
	computing = 1;
	status = core_study_execute(ctx, study, &options, &s);
	if (s.stopped)
		core_log(ctx, CORE_INFO, "%lld run%s stopped: the same command resumes %s",
			(long long)s.stopped, s.stopped == 1 ? " was" : "s were",
			s.stopped == 1 ? "it" : "them");
	char judged[64] = "";
	if (s.judged)
		snprintf(judged, sizeof judged, ", %lld re-evaluated", (long long)s.judged);
	core_log(ctx, CORE_INFO, "%lld of %lld run%s done, %lld computed now%s%s%s",
		(long long)s.done_before + (long long)s.done_now, (long long)s.runs,
		core_plural(s.runs), (long long)s.done_now, judged,
		s.failed || s.refused ? "; some failed" : "",
		s.taken ? "; other processes are computing the rest: --wait waits for them" : "");
	if (s.tuned.folds)
		core_log(ctx, CORE_INFO,
			"tuned variants: %lld of %lld fold%s %s a choice, %lld made now%s",
			(long long)s.tuned.chosen, (long long)s.tuned.folds,
			core_plural(s.tuned.folds), s.tuned.chosen == 1 ? "has" : "have",
			(long long)s.tuned.now, s.tuned.failed ? "; some failed" : "");
	if (s.refused)
		core_log(ctx, CORE_INFO, "%lld variant%s could not start", (long long)s.refused,
			core_plural(s.refused));
	return status;
}

/* Files are written atomically, so the program can exit at once when a scheduler warns it, with the exit code that it has
 * while workers run: then, the pool handles the signal and stops them first. */
static void stop_on_signal(int number)
{
	static const char none[] = "fairvox: stopped before a run began: the same command begins\n",
			  some[] = "fairvox: stopped: the same command goes on\n";
	if (getpid() == own && computing)
		(void)!write(STDERR_FILENO, some, sizeof some - 1);
	else if (getpid() == own)
		(void)!write(STDERR_FILENO, none, sizeof none - 1);
	_exit(number == SIGUSR1 ? FV_STOPPED : FV_TERMINATED);
}

static void handle_signals(void)
{
	static const int numbers[] = {SIGUSR1, SIGTERM, SIGHUP};
	struct sigaction before, action = {.sa_handler = stop_on_signal};
	own = getpid();
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		sigaction(numbers[i], NULL, &before);
		if (numbers[i] == SIGUSR1 || before.sa_handler != SIG_IGN) /* as nohup does */
			sigaction(numbers[i], &action, NULL);
	}
}

/* Sends SIGUSR1 when the time is over, early enough for the workers to save their checkpoints. */
static fv_status start_timer(fv_ctx *ctx, double hours)
{
	double seconds = hours * 3600,
	       room = seconds / 10 < STOP_ROOM_S ? seconds / 10 : STOP_ROOM_S;
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec at = {0};
	at.it_value.tv_sec = (time_t)(seconds - room);
	at.it_value.tv_nsec = (long)((seconds - room - (double)at.it_value.tv_sec) * 1e9);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &at, NULL))
		return fv_fail(ctx, FV_FAILED, "--max-hours: no timer: %s", strerror(errno));
	return FV_OK;
}

static fv_status run_study(fv_ctx *ctx, cli_study *cli)
{
	core_study *study;
	cli_warn_of_hidden_plugins(ctx, cli);
	fv_status status = cli_study_open(ctx, cli, &study);
	if (status)
		return status;
	status = cli_shard_select(ctx, cli, study);
	if (!status)
		status = cli->encode_only ? encode_study(ctx, cli, study)
					  : execute_study(ctx, cli, study);
	core_study_close(study);
	return status;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	cli_study cli;
	handle_signals();
	fv_status status =
		cli_study_parse(ctx, argc, argv, "RCjkfIEDLHNwXrAtTQ", CORE_NEED_RUN, &cli);
	if (!status)
		status = cli_shard_check(ctx, &cli);
	if (status)
		return status;
	if (cli.slurm)
		return cli_launch(ctx, &cli);
	if (cli.dry_run)
		return cli_explain(ctx, &cli);
	if (cli.max_hours > 0)
		status = start_timer(ctx, cli.max_hours);
	return status ? status : run_study(ctx, &cli);
}

const cli_verb cli_verb_run = {"run", "compute the runs of a configuration", usage, run};
