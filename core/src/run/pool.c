/* SPDX-License-Identifier: Apache-2.0 */
#include "run/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "plugin/call.h"

#define JOBS_MAX 256
#define TICK_MS 1000
#define LAST_CALL_S 0.5 /* a call that lasts longer than this after a signal is ended */

/* The shared memory of caller and workers. */
struct board {
	_Atomic int64_t next;              /* the next task to start */
	_Atomic int64_t current[JOBS_MAX]; /* the task of a worker, -1: none */
	_Atomic int64_t left[JOBS_MAX]; /* claimed, but left to the worker's successor, -1: none */
	core_call call[JOBS_MAX];       /* the op of a plugin that a worker is in */
};

struct worker {
	pid_t pid; /* 0: none */
	int in;    /* the pipe of its reports */
	core_text text;
	uint64_t serial;  /* of the call it was in when it was looked at */
	double in_call_s; /* how long it has been in that call */
	bool hangs;       /* it was killed for that */
};

struct report {
	int64_t task;
	int32_t status;
	uint32_t size; /* bytes of text that follow */
};

struct state {
	fv_ctx *ctx;
	const core_pool *pool;
	struct board *board;
	struct worker worker[JOBS_MAX];
	int64_t failed, ended, stopped;
	bool stopping;
	double looked_s; /* when the calls of the workers were looked at */
};

static volatile sig_atomic_t caught; /* the only variable the signal handler writes */

static void note_signal(int number)
{
	caught = number;
}

bool core_pool_should_stop(void)
{
	return caught != 0;
}

/* Sends the end of a task with the failures of its context; NULL: there was no memory for one. */
static bool send_report(int out, int64_t task, fv_status status, const fv_ctx *ctx)
{
	core_text text = {0};
	if (!ctx)
		core_text_add(&text, "out of memory");
	for (size_t i = 0; ctx && core_error_line(ctx, i); i++)
		core_text_add(&text, "%s%s", i ? "\n" : "", core_error_line(ctx, i));
	if (ctx && core_errors_left_out(ctx))
		core_text_add(&text, "\n... and %zu more", core_errors_left_out(ctx));
	struct report report = {task, (int32_t)status, (uint32_t)text.size};
	bool sent = !core_write_fully(out, &report, sizeof report) &&
		    !core_write_fully(out, text.data, text.size);
	core_text_free(&text);
	return sent;
}

static bool needs_own_worker(const core_pool *pool, int64_t task)
{
	return pool->alone && pool->alone(pool->user, task);
}

/* Returns false if the result could not be sent. */
static bool run_task(const struct state *s, int slot, int out, int64_t task)
{
	atomic_store(&s->board->current[slot], task);
	fv_ctx *ctx = core_ctx_new();
	if (!ctx)
		return send_report(out, task, FV_FAILED, NULL);
	core_ctx_copy_log(ctx, s->ctx);
	core_memory_forget(); /* an earlier task's */
	fv_status status = s->pool->work(s->pool->user, ctx, task);
	if (core_memory_is_out() && !core_pool_was_stopped(status))
		status = core_error_count(ctx) ? FV_FAILED
					       : fv_fail(ctx, FV_FAILED, "out of memory");
	if (status && !s->pool->keep_going)
		atomic_store(&s->board->next, s->pool->tasks);
	fflush(NULL);
	bool sent = send_report(out, task, status, ctx);
	core_ctx_free(ctx);
	atomic_store(&s->board->current[slot], -1);
	return sent;
}

/* Returns the task that the previous worker left or the next one; `tasks` or more if there is
 * none. */
static int64_t claim_task(const struct state *s, int slot)
{
	int64_t task = atomic_exchange(&s->board->left[slot], -1);
	return task >= 0 ? task : atomic_fetch_add(&s->board->next, 1);
}

static _Noreturn void run_worker(const struct state *s, int slot, int out)
{
	struct sigaction action = {
		.sa_handler = s->pool->grace_s > 0 ? note_signal : SIG_DFL, .sa_flags = SA_RESTART};
	signal(SIGINT, SIG_IGN); /* the terminal sends it to all processes: the caller decides */
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	core_call_share(&s->board->call[slot]);
	for (bool fresh = true; !caught; fresh = false) {
		int64_t task = claim_task(s, slot);
		if (task >= s->pool->tasks)
			break;
		bool alone = needs_own_worker(s->pool, task);
		if (alone && !fresh) {
			atomic_store(&s->board->left[slot], task);
			break;
		}
		if (!run_task(s, slot, out, task))
			_exit(FV_FAILED);
		if (alone)
			break;
	}
	_exit(FV_OK);
}

static fv_status start_worker(struct state *s, int slot)
{
	int fd[2];
	if (pipe2(fd, O_CLOEXEC))
		return fv_fail(s->ctx, FV_FAILED, "cannot make a pipe: %s", strerror(errno));
	atomic_store(&s->board->current[slot], -1);
	fflush(NULL);
	pid_t parent = getpid(), pid = fork();
	if (pid < 0) {
		close(fd[0]);
		close(fd[1]);
		return fv_fail(s->ctx, FV_FAILED, "cannot make a process: %s", strerror(errno));
	}
	if (pid == 0) {
		/* A worker that outlives its caller would write into a run that is computed
		 * again. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(FV_FAILED);
		close(fd[0]);
		run_worker(s, slot, fd[1]);
	}
	close(fd[1]);
	s->worker[slot] = (struct worker){.pid = pid, .in = fd[0]};
	return FV_OK;
}

static void stop_starting(struct state *s)
{
	s->stopping = true;
	atomic_store(&s->board->next, s->pool->tasks);
}

static void record_task_end(struct state *s, int64_t task, fv_status status, const char *reason)
{
	s->ended++;
	s->stopped += status == FV_STOPPED;
	s->failed += status && status != FV_STOPPED;
	if (status == FV_STOPPED || (status && !s->pool->keep_going))
		stop_starting(s);
	if (s->pool->ended)
		s->pool->ended(s->pool->user, task, status, reason);
}

static void handle_reports(struct state *s, struct worker *w)
{
	struct report report;
	while (w->text.size >= sizeof report) {
		memcpy(&report, w->text.data, sizeof report);
		size_t whole = sizeof report + report.size;
		if (w->text.size < whole)
			return;
		char *reason = strndup(w->text.data + sizeof report, report.size);
		memmove(w->text.data, w->text.data + whole, w->text.size - whole);
		w->text.size -= whole;
		record_task_end(s, report.task, (fv_status)report.status,
			reason ? reason : "out of memory");
		free(reason);
	}
}

/* Writes why the worker died during a task. */
static void explain_death(
	const struct state *s, int slot, int exit_status, char *reason, size_t size)
{
	const core_call *call = &s->board->call[slot];
	if (!s->worker[slot].hangs) {
		core_call_explain(call, exit_status, reason, size);
		return;
	}
	char what[256];
	core_call_describe(call, what, sizeof what);
	snprintf(reason, size, "%s did not return for %g s: --op-timeout allows more", what,
		core_call_limit());
}

/* Passes on what plugins printed to standard output. */
static void report_noise(struct state *s, int slot)
{
	core_call *call = &s->board->call[slot];
	if (call->noise[0])
		fv_warn(s->ctx, "%s", call->noise);
	call->noise[0] = '\0';
}

/* Handles a worker whose pipe has closed: it has ended, normally or during a task. */
static fv_status handle_worker_exit(struct state *s, int slot)
{
	struct worker *w = &s->worker[slot];
	int exit_status = 0;
	close(w->in);
	(void)core_wait_child(w->pid, &exit_status);
	w->pid = 0;
	core_text_free(&w->text);
	report_noise(s, slot);
	int64_t task = atomic_load(&s->board->current[slot]);
	if (task >= 0 && !caught) {
		char reason[640];
		explain_death(s, slot, exit_status, reason, sizeof reason);
		record_task_end(s, task, FV_FAILED, reason);
		if (w->hangs && s->pool->stop_at_hang)
			stop_starting(s);
	}
	bool more = atomic_load(&s->board->next) < s->pool->tasks ||
		    atomic_load(&s->board->left[slot]) >= 0;
	return more && !caught && !s->stopping ? start_worker(s, slot) : FV_OK;
}

static int list_pipes(const struct state *s, struct pollfd *list, int *slot)
{
	int n = 0;
	for (int i = 0; i < s->pool->jobs; i++) {
		if (!s->worker[i].pid)
			continue;
		list[n] = (struct pollfd){.fd = s->worker[i].in, .events = POLLIN};
		slot[n++] = i;
	}
	return n;
}

static fv_status read_worker(struct state *s, int slot)
{
	struct worker *w = &s->worker[slot];
	char buffer[4096];
	ssize_t got = core_read_some(w->in, buffer, sizeof buffer);
	if (got <= 0)
		return handle_worker_exit(s, slot);
	core_text_put(&w->text, buffer, (size_t)got);
	if (w->text.failed)
		return fv_fail(s->ctx, FV_FAILED, "out of memory");
	handle_reports(s, w);
	return FV_OK;
}

static bool has_died(pid_t pid)
{
	siginfo_t info = {0};
	return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

/* Handles workers that have died although their pipe is open, because a process of theirs still
 * holds it. */
static fv_status collect_dead_workers(struct state *s)
{
	fv_status status = FV_OK;
	for (int i = 0; i < s->pool->jobs && !status; i++) {
		const struct worker *w = &s->worker[i];
		pid_t pid = w->pid;
		if (!pid || !has_died(pid))
			continue;
		struct pollfd report = {.fd = w->in, .events = POLLIN};
		while (!status && w->pid == pid && poll(&report, 1, 0) > 0)
			status = read_worker(s, i);
		if (!status && w->pid == pid)
			status = handle_worker_exit(s, i);
	}
	return status;
}

/* Reads reports for at most wait_ms. *any: there is at least one worker. */
static fv_status read_reports(struct state *s, int wait_ms, bool *any)
{
	struct pollfd list[JOBS_MAX];
	int slot[JOBS_MAX], n = list_pipes(s, list, slot);
	*any = n > 0;
	int ready = n ? poll(list, (nfds_t)n, wait_ms) : 0;
	if (ready < 0 && errno != EINTR)
		return fv_fail(s->ctx, FV_FAILED, "poll: %s", strerror(errno));
	for (int i = 0; i < n && ready > 0; i++) {
		fv_status status = list[i].revents ? read_worker(s, slot[i]) : FV_OK;
		if (status)
			return status;
	}
	return collect_dead_workers(s);
}

/* Counts how long each worker has been in its present call. A pause of this process, in which the
 * workers may have paused as well, does not count. */
static void look_at_calls(struct state *s)
{
	double now = core_clock_s(), passed = now - s->looked_s;
	s->looked_s = now;
	if (passed > 2 * TICK_MS * 1e-3)
		passed = 2 * TICK_MS * 1e-3;
	for (int i = 0; i < s->pool->jobs; i++) {
		struct worker *w = &s->worker[i];
		uint64_t serial = atomic_load(&s->board->call[i].serial);
		bool same =
			w->pid && core_call_is_running(&s->board->call[i]) && serial == w->serial;
		w->in_call_s = same ? w->in_call_s + passed : 0;
		w->serial = serial;
	}
}

/* Ends the workers that have been in one call for longer than the limit. */
static void end_hanging_workers(struct state *s)
{
	double limit = core_call_limit();
	look_at_calls(s);
	for (int i = 0; i < s->pool->jobs && limit > 0; i++) {
		struct worker *w = &s->worker[i];
		if (!w->pid || w->in_call_s < limit)
			continue;
		w->hangs = true;
		kill(w->pid, SIGKILL);
	}
}

static fv_status wait_for_workers(struct state *s)
{
	fv_status status = FV_OK;
	double limit_ms = 1000 * core_call_limit();
	int wait_ms = limit_ms > 0 && limit_ms < 4 * TICK_MS ? 1 + (int)(limit_ms / 4) : TICK_MS;
	for (bool any = true; any && !caught && !status;) {
		status = read_reports(s, wait_ms, &any);
		end_hanging_workers(s);
		if (s->pool->tick && any && !status)
			s->pool->tick(s->pool->user);
	}
	return status;
}

/* Ends workers that do not stop because they are in a call that lasts. */
static void end_busy_workers(struct state *s)
{
	look_at_calls(s);
	for (int i = 0; i < s->pool->jobs; i++) {
		struct worker *w = &s->worker[i];
		if (!w->pid || w->hangs || w->in_call_s < LAST_CALL_S)
			continue;
		char what[256];
		core_call_describe(&s->board->call[i], what, sizeof what);
		core_log(s->ctx, CORE_INFO, "%s was still at work and was ended", what);
		w->hangs = true;
		kill(w->pid, SIGKILL);
	}
}

/* Asks the workers to stop and reads reports until all have ended or the time is over. */
static void ask_workers_to_stop(struct state *s)
{
	double until = core_clock_s() + s->pool->grace_s;
	atomic_store(&s->board->next, s->pool->tasks);
	for (int i = 0; i < s->pool->jobs; i++)
		if (s->worker[i].pid)
			kill(s->worker[i].pid, SIGTERM);
	for (bool any = true; any && core_clock_s() < until; end_busy_workers(s))
		if (read_reports(s, 100, &any))
			return;
}

static void kill_workers(struct state *s)
{
	for (int i = 0; i < s->pool->jobs; i++)
		if (s->worker[i].pid)
			kill(s->worker[i].pid, SIGKILL); /* files are written atomically */
	for (int i = 0; i < s->pool->jobs; i++)
		if (s->worker[i].pid)
			(void)handle_worker_exit(s, i);
}

static fv_status run_workers(struct state *s)
{
	fv_status status = FV_OK;
	for (int i = 0; i < s->pool->jobs && !status; i++)
		status = start_worker(s, i);
	if (!status)
		status = wait_for_workers(s);
	if (status || caught) {
		s->stopping = true;
		if (caught && s->pool->grace_s > 0)
			ask_workers_to_stop(s);
		kill_workers(s);
	}
	/* A worker that was killed while it claimed a task leaves no trace of it. */
	if (!status && !caught && !s->stopping && s->ended < s->pool->tasks)
		status = fv_fail(s->ctx, FV_FAILED,
			"%lld task%s lost because a worker was killed: run it again",
			(long long)(s->pool->tasks - s->ended),
			s->pool->tasks - s->ended == 1 ? " was" : "s were");
	if (caught)
		return caught == SIGUSR1  ? FV_STOPPED
		       : caught == SIGINT ? FV_INTERRUPTED
					  : FV_TERMINATED;
	return !status && s->stopped ? FV_STOPPED : status;
}

bool core_pool_was_stopped(fv_status status)
{
	return status == FV_STOPPED || status == FV_INTERRUPTED || status == FV_TERMINATED;
}

fv_status core_pool_run(fv_ctx *ctx, const core_pool *asked, int64_t *failed)
{
	core_pool pool = *asked;
	*failed = 0;
	if (pool.jobs > pool.tasks)
		pool.jobs = (int)pool.tasks;
	if (pool.jobs > JOBS_MAX)
		pool.jobs = JOBS_MAX;
	if (pool.jobs < 1)
		return FV_OK;
	struct state *s = core_alloc(ctx, 1, sizeof *s);
	struct board *board = mmap(
		NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!s || board == MAP_FAILED || core_memory_is_out())
		return fv_fail(ctx, FV_FAILED, "out of memory");
	*s = (struct state){.ctx = ctx, .pool = &pool, .board = board, .looked_s = core_clock_s()};
	for (int i = 0; i < JOBS_MAX; i++)
		atomic_store(&board->left[i], -1);
	static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1};
	struct sigaction before[3], action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
	caught = 0;
	for (int i = 0; i < 3; i++)
		sigaction(numbers[i], &action, &before[i]);
	fv_status status = run_workers(s);
	for (int i = 0; i < 3; i++)
		sigaction(numbers[i], &before[i], NULL);
	munmap(board, sizeof *board);
	*failed = s->failed;
	return status;
}
