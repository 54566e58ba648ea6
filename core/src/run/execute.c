/* SPDX-License-Identifier: Apache-2.0 */
#include "run/execute.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lockstep.h"
#include "base/memory.h"
#include "base/plural.h"
#include "base/progress.h"
#include "run/failure_files.h"
#include "run/pace.h"
#include "run/pool.h"
#include "run/refresh.h"
#include "run/run_order.h"
#include "run/runner.h"

/* How long runs may take to stop after a signal. Groupers and metrics do not check for signals and
 * may need this long; schedulers commonly kill after 30 s. */
#define GRACE_S 20

/* Runs that one process trains on a device at most: as many as its memory is likely to hold */
#define DEVICE_RUNS 256

#define LOOK_EVERY_S 1 /* at the runs of other processes */

struct execute {
	fv_ctx *ctx;
	const core_study *study;
	const core_execute_options *options;
	const int64_t *todo;
	int64_t n_todo, ended;
	int64_t *pass;    /* [n_todo] what the pool works on: indices of todo */
	int64_t *block;   /* [n_todo] which of these read the same rows (run_order.h) */
	int64_t n_pass;   /* of pass, in the present pool */
	int64_t prepared; /* the block whose matrix was made last */
	core_matrices *matrices;
	core_training_device *trainer; /* of a worker */
	const char *folder;            /* absolute path of the working folder */
	struct task_end {
		core_run_outcome outcome;
		double seconds;
		core_lease_view view; /* of the process that computes the run instead */
	} * end;                      /* [n_todo] shared with the workers */
	core_pace pace;
	int64_t *remaining; /* [variants] runs to compute that have not ended */
	double ended_s;     /* when a task last ended */
	core_progress progress;
	core_summary *summary;
	struct variant_progress {
		int64_t open; /* runs not done yet */
		bool failed, has_runs;
	} * variant;
	bool failed;      /* without keep_going: nothing more is started */
	int64_t warnings; /* warnings in the logs of the runs computed now */
	fv_status first;
};

static const core_run *find_run(const struct execute *e, int64_t task)
{
	return &e->study->run[e->todo[e->pass[task]]];
}

static bool needs_own_worker(const void *user, int64_t task)
{
	const struct execute *e = user;
	const core_run *run = find_run(e, task);
	if (run->done) /* it is only evaluated again, without plugins */
		return false;
	return e->options->isolate || !core_run_shares_worker(e->study, run);
}

/* Those that a device trains, it trains together. */
static int64_t count_together(const void *user, int64_t task)
{
	const struct execute *e = user;
	int64_t n = 1;
	while (e->block[task] == CORE_ORDER_ON_DEVICE && n < DEVICE_RUNS && task + n < e->n_pass &&
		e->block[task + n] == CORE_ORDER_ON_DEVICE)
		n++;
	return n;
}

/* Makes the matrix that the next runs will share, in the memory that their workers inherit. What fails here fails in the
 * run again, and is told there. */
static void prepare_matrix(void *user, int64_t task)
{
	struct execute *e = user;
	if (e->block[task] < 0 || e->block[task] == e->prepared)
		return;
	e->prepared = e->block[task];
	int lack = core_memory_lack();
	fv_ctx *own = core_ctx_aside(e->ctx);
	if (!own)
		return;
	core_run_data r = {.study = e->study, .run = find_run(e, task), .matrices = e->matrices};
	if (!core_run_data_find_rows(own, &r) && !core_run_data_make_input(own, &r))
		core_matrix_unshare(r.shared_input); /* it stays, as the last one */
	core_ctx_free(own);
	core_memory_forget();
	(void)core_memory_note_lack(lack);
}

/* Computes a run. The folder is made absolute, because a plugin may change the working folder. */
static fv_status run_task(void *user, fv_ctx *ctx, int64_t task)
{
	const struct execute *e = user;
	struct task_end *end = &e->end[e->pass[task]];
	const core_run_options options = {
		e->options->force, e->options->save_every_s, &end->view, e->matrices, e->trainer};
	core_run run = *find_run(e, task);
	run.dir = core_path_join(ctx, e->folder, run.dir);
	if (!run.dir)
		return FV_FAILED;
	double begin_s = core_lockstep_clock_s();
	fv_status status = core_runner_run(ctx, e->study, &run, &options, &end->outcome);
	end->seconds = core_lockstep_clock_s() - begin_s;
	return status;
}

#define WARNINGS_SHOWN 5

/* Shows the first warnings of all the runs' logs and counts the others. */
static void pass_on_warnings(struct execute *e, const core_run *run)
{
	fv_ctx *own = core_ctx_aside(e->ctx);
	char *path = own ? core_path_join(own, run->dir, "log") : NULL, *text;
	size_t size;
	static const char mark[] = "warning: ";
	if (!path || core_file_read(own, path, 1 << 24, &text, &size))
		text = "";
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (strncmp(line, mark, sizeof mark - 1))
			continue;
		if (e->warnings++ < WARNINGS_SHOWN)
			fv_warn(e->ctx, "%s", line + sizeof mark - 1);
	}
	core_ctx_free(own);
}

static void record_failure(
	struct execute *e, const core_run *run, fv_status status, const char *reason)
{
	e->summary->failed++;
	e->variant[run->variant].failed = true;
	e->first = e->first ? e->first : status;
	const core_reason why = {status, reason};
	(void)core_reason_report(e->ctx, run->dir, &why);
	core_folder_record_failure(e->ctx, run->dir, reason);
}

/* Is the failed run the first of its variant and fold? */
static bool is_first_of_fold(const core_study *study, size_t index)
{
	const core_failed_run *own = &study->failed[index];
	for (size_t i = 0; i < index; i++)
		if (study->failed[i].variant == own->variant && study->failed[i].fold == own->fold)
			return false;
	return true;
}

/* Counts, records and reports what failed before it could start. A record that cannot be written is reported
 * and stops nothing. */
static void record_early_failures(struct execute *e)
{
	const core_study *study = e->study;
	core_summary *s = e->summary;
	for (size_t i = 0; i < study->n_failed; i++) {
		const core_failed_run *failed = &study->failed[i];
		bool tuned = study->config->variants[failed->variant].tune != NULL;
		if (failed->aside)
			continue;
		e->first = e->first ? e->first : failed->reason->status;
		e->variant[failed->variant].failed = true;
		s->runs += !tuned;
		s->failed += !tuned;
		s->tuned.folds += tuned && is_first_of_fold(study, i);
		s->tuned.failed += tuned && is_first_of_fold(study, i);
	}
	s->refused = e->options->part ? 0 : (int64_t)study->config->n_refused;
	if (s->refused && !e->first)
		e->first = study->config->refused[0].reason->status;
	fv_status status = core_failures_record(e->ctx, study, !e->options->part);
	if (!e->first)
		e->first = status;
}

/* Counts a task that is over. */
static void count_task(struct execute *e, const core_run *run)
{
	e->ended++;
	e->ended_s = core_clock_s();
	e->remaining[run->variant] -= !run->done;
}

static void record_task_end(void *user, int64_t task, fv_status status, const char *reason)
{
	struct execute *e = user;
	const core_run *run = find_run(e, task);
	const struct task_end *end = &e->end[e->pass[task]];
	if (!status && end->outcome == CORE_RUN_SKIPPED)
		return; /* look_at_others counts it */
	count_task(e, run);
	if (status == FV_STOPPED) {
		e->summary->stopped++;
		return;
	}
	if (status) {
		record_failure(e, run, status, *reason ? reason : "failed");
		return;
	}
	if (run->done) {
		e->summary->judged += end->outcome == CORE_RUN_JUDGED;
		return;
	}
	e->summary->done_now++;
	core_pace_add(&e->pace, run, end->seconds);
	e->variant[run->variant].open--;
	pass_on_warnings(e, run);
}

static void show_progress(void *user)
{
	struct execute *e = user;
	int64_t open = e->n_todo - e->ended, workers = e->options->jobs;
	double parallel = (double)(workers < open ? workers : open);
	double left_s = core_pace_expect(&e->pace, e->remaining) / parallel;
	left_s -= core_clock_s() - e->ended_s; /* what the workers have done since */
	core_progress_report_left(
		&e->progress, (double)e->ended, (double)e->n_todo, left_s < 0 ? 0 : left_s);
}

/* Returns FV_OK, FV_STOPPED, the status of the first failure, or FV_SOME_FAILED (execute.h). */
static fv_status find_status(struct execute *e)
{
	const core_summary *s = e->summary;
	size_t variants = e->study->config->n_variants, whole = 0;
	for (size_t i = 0; i < variants; i++) {
		e->summary->variants_failed += e->variant[i].failed;
		whole += e->variant[i].has_runs && !e->variant[i].failed && !e->variant[i].open;
	}
	if (!s->failed && !s->refused && !s->tuned.failed)
		return s->taken ? FV_STOPPED : FV_OK;
	if (e->options->keep_going)
		return s->runs + s->refused + s->tuned.folds > 1 ? FV_SOME_FAILED : e->first;
	return whole ? FV_SOME_FAILED : e->first;
}

static fv_status find_working_folder(fv_ctx *ctx, const char **out)
{
	char folder[PATH_MAX];
	if (!getcwd(folder, sizeof folder))
		return fv_fail(
			ctx, FV_FAILED, "the working folder is unknown: %s", strerror(errno));
	*out = core_strdup(ctx, folder);
	return *out ? FV_OK : FV_FAILED;
}

/* Lists the runs to compute or to evaluate again. */
static void list_todo(struct execute *e, int64_t *todo)
{
	const core_study *study = e->study;
	for (int64_t i = 0; i < study->n_runs; i++) {
		const core_run *run = &study->run[i];
		if (run->aside || core_run_variant(study, run)->tune)
			continue; /* tuned runs are chosen when their trials are done */
		e->summary->runs++;
		e->variant[run->variant].has_runs = true;
		e->variant[run->variant].open += !run->done;
		e->summary->done_before += run->done;
		e->remaining[run->variant] += !run->done;
		if (!run->done || run->stale)
			todo[e->n_todo++] = i;
	}
}

/* Says how many of the runs that are left the device does not train. */
static void tell_device(const struct execute *e)
{
	const core_device_choice *choice = e->study->device;
	int64_t left = 0, trained = 0;
	for (int64_t i = 0; i < e->n_todo; i++) {
		const core_run *run = &e->study->run[e->todo[i]];
		left += !run->done;
		trained += !run->done && core_run_trains_on_device(e->study, run);
	}
	if (choice && choice->trains && trained < left)
		core_log(e->ctx, CORE_INFO,
			"%lld of %lld run%s train on the CPU: a device trains heads without hidden "
			"layers by Adam, with losses of fairvox that only weigh",
			(long long)(left - trained), (long long)left, core_plural(left));
}

/* Runs the first n tasks of e->pass. */
static fv_status run_pass(struct execute *e, int64_t n)
{
	fv_status status = core_run_order(e->ctx, e->study, e->todo, n, e->pass, e->block);
	if (status)
		return status;
	e->prepared = CORE_ORDER_ALONE;
	e->n_pass = n;
	const core_pool pool = {.jobs = e->options->jobs,
		.tasks = n,
		.keep_going = e->options->keep_going,
		.grace_s = GRACE_S,
		.user = e,
		.work = run_task,
		.alone = needs_own_worker,
		.together = e->options->isolate ? NULL : count_together,
		.prepare = prepare_matrix,
		.ended = record_task_end,
		.tick = show_progress};
	int64_t n_failed;
	status = core_pool_run(e->ctx, &pool, &n_failed);
	e->failed |= n_failed && !e->options->keep_going;
	return status;
}

/* ---- runs that other processes compute ---- */

struct others {
	int64_t free, held,
		unsure; /* free: their processes died; unsure: not watched for long enough */
};

/* Has another process done what was to be done? */
static bool is_settled(const struct execute *e, fv_ctx *own, const core_run *run)
{
	unsigned stale = 0;
	if (!run->done)
		return core_folder_is_done(own, run);
	return core_refresh_find(e->study, run, &stale) && !stale;
}

/* Counts a run that another process has ended. Returns false if none has. */
static bool settle_other(struct execute *e, fv_ctx *own, int64_t index, const char *reason)
{
	core_run *run = &e->study->run[e->todo[index]];
	bool done = is_settled(e, own, run);
	if (!done && (!reason || run->done))
		return false;
	e->end[index].outcome = CORE_RUN_REFRESHED;
	count_task(e, run);
	if (!done) {
		record_failure(e, run, FV_FAILED, reason);
		return true;
	}
	e->summary->done_before += !run->done;
	e->variant[run->variant].open -= !run->done;
	return true;
}

/* Looks at every run that was skipped, and lists in e->pass those whose processes are gone. */
static fv_status look_at_others(struct execute *e, struct others *out)
{
	fv_ctx *own = core_ctx_aside(e->ctx);
	fv_status status = own ? FV_OK : FV_FAILED;
	*out = (struct others){0};
	for (int64_t i = 0; i < e->n_todo && !status; i++) {
		core_folder_state state;
		core_lease_state lease = CORE_LEASE_FREE;
		const char *dir = e->study->run[e->todo[i]].dir, *reason = NULL;
		if (e->end[i].outcome != CORE_RUN_SKIPPED)
			continue;
		core_mark before = core_ctx_mark(own);
		status = core_lease_look(own, dir, &e->end[i].view, &lease);
		if (!status && lease == CORE_LEASE_FREE)
			status = core_folder_find_state(own, dir, &e->end[i].view, &state, &reason);
		if (!status && !settle_other(e, own, i, reason)) {
			out->held += lease == CORE_LEASE_HELD;
			out->unsure += lease == CORE_LEASE_UNSURE;
			if (lease == CORE_LEASE_FREE)
				e->pass[out->free++] = i;
		}
		core_ctx_release(own, before);
	}
	return own ? core_ctx_rejoin(e->ctx, own, status) : status;
}

/* Takes runs over whose processes die, and with options->wait waits for all others. */
static fv_status finish_others(struct execute *e)
{
	static const struct timespec pause = {.tv_sec = LOOK_EVERY_S};
	fv_status status = FV_OK;
	for (bool told = false; !status && !e->failed;) {
		struct others now;
		status = look_at_others(e, &now);
		e->summary->taken = now.held;
		if (status || !(now.free || now.unsure || (now.held && e->options->wait)))
			break;
		if (now.free) {
			status = run_pass(e, now.free);
			continue;
		}
		int64_t left = now.held + now.unsure;
		if (!told)
			core_log(e->ctx, CORE_INFO, "waiting for %lld run%s of other processes",
				(long long)left, core_plural(left));
		told = true;
		nanosleep(&pause, NULL);
		show_progress(e);
	}
	return status;
}

static fv_status run_all(struct execute *e)
{
	size_t size = ((size_t)e->n_todo + 1) * sizeof *e->end;
	e->end = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (e->end == MAP_FAILED)
		return fv_fail(e->ctx, FV_FAILED, "out of memory");
	for (int64_t i = 0; i < e->n_todo; i++)
		e->pass[i] = i;
	fv_status status = run_pass(e, e->n_todo);
	if (!status)
		status = finish_others(e);
	if (e->warnings > WARNINGS_SHOWN)
		core_log(e->ctx, CORE_INFO, "%lld more warning%s in the runs' logs",
			(long long)(e->warnings - WARNINGS_SHOWN),
			e->warnings - WARNINGS_SHOWN == 1 ? " is" : "s are");
	munmap(e->end, size);
	return status;
}

fv_status core_study_execute(fv_ctx *ctx, const core_study *study,
	const core_execute_options *options, core_summary *out)
{
	*out = (core_summary){0};
	size_t variants = study->config->n_variants;
	int64_t *todo = core_alloc(ctx, (size_t)study->n_runs, sizeof *todo);
	struct execute e = {.ctx = ctx,
		.study = study,
		.options = options,
		.todo = todo,
		.pass = core_alloc(ctx, (size_t)study->n_runs, sizeof *e.pass),
		.block = core_alloc(ctx, (size_t)study->n_runs, sizeof *e.block),
		.matrices = core_alloc(ctx, 1, sizeof *e.matrices),
		.trainer = core_alloc(ctx, 1, sizeof *e.trainer),
		.summary = out,
		.ended_s = core_clock_s(),
		.progress = core_progress_begin(ctx, "run", "runs"),
		.variant = core_alloc(ctx, variants, sizeof *e.variant),
		.remaining = core_alloc(ctx, variants, sizeof *e.remaining)};
	if (!todo || !e.pass || !e.block || !e.matrices || !e.trainer || !e.variant ||
		!e.remaining || core_pace_make(ctx, study, &e.pace) ||
		find_working_folder(ctx, &e.folder))
		return FV_FAILED;
	record_early_failures(&e);
	list_todo(&e, todo);
	tell_device(&e);
	fv_status status = run_all(&e);
	core_matrices_free(e.matrices);
	if (!status)
		status = core_tune_choose(ctx, study, options->force, &out->tuned);
	if (!e.first && out->tuned.failed)
		e.first = FV_FAILED;
	return status ? status : find_status(&e);
}
