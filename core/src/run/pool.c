/* SPDX-License-Identifier: Apache-2.0 */
#include "run/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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
#include "run/pool_private.h"

#define TICK_MS 1000
#define SIGNALS 4       /* that end a pool */
#define LAST_CALL_S 0.5 /* a call that lasts longer than this after a signal is ended */
#define REMARK_S 60     /* a call that lasts longer is told of */

struct worker {
	pid_t pid; /* 0: none */
	int in;    /* the pipe of its reports */
	core_text text;
	uint64_t serial;  /* of the call it was in when it was looked at */
	double in_call_s; /* how long it has been in that call */
	bool hangs;       /* it was killed for that */
	bool remarked;    /* it was told that the call lasts */
};

struct state {
	fv_ctx *ctx;
	const core_pool *pool;
	struct board *board;
	int slots; /* the workers, and behind them the finishing process, if there is one */
	struct worker worker[SLOTS_MAX];
	int64_t failed, ended, stopped;
	bool *over; /* [tasks] */
	bool stopping, killing;
	bool begun;              /* no worker is left to hand a task to the finishing process */
	bool finished;           /* the finishing process has told its end */
	fv_status finish_status; /* and how */
	double looked_s;         /* when the calls of the workers were looked at */
};

static bool is_finisher(const struct state *s, int slot)
{
	return slot == s->pool->jobs;
}

/* Makes what the next worker will need. */
static void prepare_worker(struct state *s, int slot)
{
	const struct claim *left = &s->board->claims.left[slot];
	int64_t next = atomic_load(&s->board->claims.next);
	int64_t task = left->first < left->end ? left->first : next;
	if (s->pool->prepare && !is_finisher(s, slot) && task < s->pool->tasks)
		s->pool->prepare(s->pool->user, task);
}

static fv_status start_worker(struct state *s, int slot)
{
	int fd[2];
	prepare_worker(s, slot);
	if (pipe2(fd, O_CLOEXEC))
		return fv_fail(s->ctx, FV_FAILED, "cannot make a pipe: %s", strerror(errno));
	atomic_store(&s->board->claims.current[slot], -1);
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
		const struct post post = {s->pool, s->board, s->ctx, s->over, slot, fd[1]};
		if (is_finisher(s, slot))
			core_pool_run_finisher(&post);
		core_pool_run_worker(&post);
	}
	close(fd[1]);
	s->worker[slot] = (struct worker){.pid = pid, .in = fd[0]};
	return FV_OK;
}

static void stop_starting(struct state *s)
{
	s->stopping = true;
	atomic_store(&s->board->claims.next, s->pool->tasks);
}

static void record_task_end(struct state *s, int64_t task, fv_status status, const char *reason)
{
	s->ended++;
	s->over[task] = true;
	s->stopped += status == FV_STOPPED;
	s->failed += status && status != FV_STOPPED;
	if (status == FV_STOPPED || (status && !s->pool->keep_going))
		stop_starting(s);
	if (s->pool->ended)
		s->pool->ended(s->pool->user, task, status, reason);
}

/* Records how the finishing process has ended, in its words. */
static void record_finish(struct state *s, fv_status status, const char *reason)
{
	s->finished = true;
	s->finish_status =
		status ? fv_fail(s->ctx, status, "%s", reason && *reason ? reason : "out of memory")
		       : FV_OK;
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
		if (report.task < 0)
			record_finish(s, (fv_status)report.status, reason);
		else
			record_task_end(s, report.task, (fv_status)report.status,
				reason ? reason : "out of memory");
		free(reason);
	}
}

/* Writes why a process died. `at`: where it was, behind the op. */
static void explain_death(
	const struct state *s, int slot, int exit_status, const char *at, char *reason, size_t size)
{
	const core_call *call = &s->board->call[slot];
	char what[768];
	if (s->worker[slot].hangs) {
		core_call_explain_hang(call, at, reason, size);
		return;
	}
	core_call_explain(call, exit_status, what, sizeof what);
	snprintf(reason, size, "%s%s", what, at);
}

/* Passes on what plugins printed to standard output. */
static void report_noise(struct state *s, int slot)
{
	core_call *call = &s->board->call[slot];
	if (call->noise[0])
		fv_warn(s->ctx, "%s", call->noise);
	call->noise[0] = '\0';
}

/* Records that a worker has died during its task. */
static void record_death(struct state *s, int slot, int exit_status)
{
	char reason[1024];
	if (s->killing)
		return;
	int64_t task = atomic_load(&s->board->claims.current[slot]);
	if (task < 0 || s->over[task] || (s->pool->finish && s->pool->handed(s->pool->user, task)))
		return;
	explain_death(s, slot, exit_status, "", reason, sizeof reason);
	if (s->worker[slot].hangs)
		s->board->call[slot].cause = CORE_CAUSE_HANG;
	if (s->pool->died)
		s->pool->died(s->pool->user, task, &s->board->call[slot]);
	record_task_end(s, task, FV_FAILED, reason);
	if (s->worker[slot].hangs && s->pool->stop_at_hang)
		stop_starting(s);
}

/* Tells the finishing process when the last worker has ended. */
static void check_begun(struct state *s)
{
	bool any = s->begun || !s->pool->finish;
	for (int i = 0; i < s->pool->jobs; i++)
		any |= s->worker[i].pid != 0;
	if (any)
		return;
	s->begun = true;
	s->pool->begun(s->pool->user);
}

/* Starts the successor of a worker that has ended, if there is work for it: also tasks that were begun in lockstep with
 * one that failed. */
static fv_status replace_worker(struct state *s, int slot)
{
	bool begun = core_claim_leave(&s->board->claims, slot);
	bool more = core_claim_any_left(&s->board->claims, s->pool, slot);
	fv_status status = FV_OK;
	if (more && !core_pool_caught() && (!s->stopping || begun))
		status = start_worker(s, slot);
	check_begun(s);
	return status;
}

/* Returns how the finishing process has ended: by its own word, or by dying. */
static fv_status conclude_finish(struct state *s, int slot, int exit_status)
{
	char reason[1280], at[512] = "";
	if (s->finished || s->killing || core_pool_caught())
		return s->finish_status;
	s->pool->describe(s->pool->user, at, sizeof at);
	explain_death(s, slot, exit_status, at, reason, sizeof reason);
	return fv_fail(s->ctx, FV_FAILED, "%s", reason);
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
	if (is_finisher(s, slot))
		return conclude_finish(s, slot, exit_status);
	if (!core_pool_caught())
		record_death(s, slot, exit_status);
	return replace_worker(s, slot);
}

static int list_pipes(const struct state *s, struct pollfd *list, int *slot)
{
	int n = 0;
	for (int i = 0; i < s->slots; i++) {
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
	for (int i = 0; i < s->slots && !status; i++) {
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
	struct pollfd list[SLOTS_MAX];
	int slot[SLOTS_MAX], n = list_pipes(s, list, slot);
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
	for (int i = 0; i < s->slots; i++) {
		struct worker *w = &s->worker[i];
		uint64_t serial = atomic_load(&s->board->call[i].serial);
		bool same =
			w->pid && core_call_is_running(&s->board->call[i]) && serial == w->serial;
		w->in_call_s = same ? w->in_call_s + passed : 0;
		w->remarked = same && w->remarked;
		w->serial = serial;
	}
}

static double get_remark_s(const core_pool *pool)
{
	double limit = core_call_limit();
	if (pool->remark_s > 0)
		return pool->remark_s;
	return limit > 0 && limit < 10 * REMARK_S ? limit / 10 : REMARK_S;
}

/* Logs, once a call, that a worker has been in it for long. */
static void remark_on_call(struct state *s, int slot)
{
	struct worker *w = &s->worker[slot];
	double limit = core_call_limit();
	char what[256];
	if (w->in_call_s < get_remark_s(s->pool) || w->remarked)
		return;
	core_call_describe(&s->board->call[slot], what, sizeof what);
	w->remarked = true;
	if (limit > 0)
		core_log(s->ctx, CORE_INFO,
			"%s is still at work after %.0f s: Ctrl-C or --op-timeout (%g s) ends it",
			what, w->in_call_s, limit);
	else
		core_log(s->ctx, CORE_INFO, "%s is still at work after %.0f s: Ctrl-C ends it",
			what, w->in_call_s);
}

/* Ends the workers that have been in one call for longer than the limit. */
static void end_hanging_workers(struct state *s)
{
	double limit = core_call_limit();
	look_at_calls(s);
	for (int i = 0; i < s->slots; i++)
		if (s->worker[i].pid)
			remark_on_call(s, i);
	for (int i = 0; i < s->slots && limit > 0; i++) {
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
	for (bool any = true; any && !core_pool_caught() && !status;) {
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
	for (int i = 0; i < s->slots; i++) {
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
	atomic_store(&s->board->claims.next, s->pool->tasks);
	for (int i = 0; i < s->slots; i++)
		if (s->worker[i].pid)
			kill(s->worker[i].pid, SIGTERM);
	for (bool any = true; any && core_clock_s() < until; end_busy_workers(s))
		if (read_reports(s, 100, &any))
			return;
}

static void kill_workers(struct state *s)
{
	for (int i = 0; i < s->slots; i++)
		if (s->worker[i].pid)
			kill(s->worker[i].pid, SIGKILL); /* files are written atomically */
	for (int i = 0; i < s->slots; i++)
		if (s->worker[i].pid)
			(void)handle_worker_exit(s, i);
}

static fv_status run_workers(struct state *s)
{
	fv_status status = FV_OK;
	for (int i = s->slots; i-- > 0 && !status;)
		status = start_worker(s, i);
	if (!status)
		status = wait_for_workers(s);
	if (status || core_pool_caught()) {
		s->stopping = true;
		s->killing = true;
		if (core_pool_caught() && s->pool->grace_s > 0)
			ask_workers_to_stop(s);
		kill_workers(s);
	}
	/* A worker that was killed while it claimed a task leaves no trace of it. */
	if (!status && !core_pool_caught() && !s->stopping && s->ended < s->pool->tasks)
		status = fv_fail(s->ctx, FV_FAILED,
			"%lld task%s lost because a worker was killed: run it again",
			(long long)(s->pool->tasks - s->ended),
			s->pool->tasks - s->ended == 1 ? " was" : "s were");
	int caught = core_pool_caught();
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
	bool *over = core_alloc(ctx, (size_t)pool.tasks, sizeof *over);
	if (!s || !over || board == MAP_FAILED || core_memory_is_out())
		return fv_fail(ctx, FV_FAILED, "%s", core_memory_reason());
	*s = (struct state){.ctx = ctx,
		.pool = &pool,
		.board = board,
		.over = over,
		.looked_s = core_clock_s(),
		.slots = pool.jobs + (pool.finish != NULL)};
	static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
	struct sigaction before[SIGNALS],
		action = {.sa_handler = core_pool_note_signal, .sa_flags = SA_RESTART};
	core_pool_forget_signals();
	for (int i = 0; i < SIGNALS; i++) {
		sigaction(numbers[i], NULL, &before[i]);
		if (numbers[i] != SIGHUP || before[i].sa_handler != SIG_IGN) /* nohup ignores it */
			sigaction(numbers[i], &action, NULL);
	}
	fv_status status = run_workers(s);
	for (int i = 0; i < SIGNALS; i++)
		sigaction(numbers[i], &before[i], NULL);
	munmap(board, sizeof *board);
	*failed = s->failed;
	return status;
}
