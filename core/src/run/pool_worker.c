/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a pool, besides its caller. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/lockstep.h"
#include "base/memory.h"
#include "base/text.h"
#include "run/pool_private.h"

static volatile sig_atomic_t caught; /* the only variable the signal handler writes */
static int own_slot;

void core_pool_note_signal(int number)
{
	caught = number;
}

int core_pool_caught(void)
{
	return caught;
}

void core_pool_forget_signals(void)
{
	caught = 0;
}

bool core_pool_should_stop(void)
{
	return caught != 0;
}

int core_pool_slot(void)
{
	return own_slot;
}

/* --- reports ------------------------------------------------------------------------------------ */

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

/* --- workers ------------------------------------------------------------------------------------ */

/* Makes this process a worker whose signals and calls of plugins are those of one. */
static void become_worker(const struct post *p)
{
	struct sigaction action = {
		.sa_handler = p->pool->grace_s > 0 ? core_pool_note_signal : SIG_DFL,
		.sa_flags = SA_RESTART};
	signal(SIGINT, SIG_IGN); /* the terminal sends them to all processes: the caller decides */
	signal(SIGHUP, SIG_IGN);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	own_slot = p->slot;
	core_call_share(&p->board->call[p->slot]);
}

static bool needs_own_worker(const core_pool *pool, int64_t task)
{
	return pool->alone && pool->alone(pool->user, task);
}

/* A process whose memory ran out has not succeeded. */
static fv_status check_memory(fv_ctx *ctx, fv_status status)
{
	if (!core_memory_is_out() || core_pool_was_stopped(status))
		return status;
	return core_error_count(ctx) ? FV_FAILED
				     : fv_fail(ctx, FV_FAILED, "%s", core_memory_reason());
}

/* Returns false if the result could not be sent. */
static bool run_task(const struct post *p, int64_t task)
{
	atomic_store(&p->board->claims.current[p->slot], task);
	fv_ctx *ctx = core_ctx_new();
	if (!ctx)
		return send_report(p->out, task, FV_FAILED, NULL);
	core_ctx_copy_log(ctx, p->caller);
	core_memory_forget(); /* an earlier task's */
	fv_status status = check_memory(ctx, p->pool->work(p->pool->user, ctx, task));
	if (status && !p->pool->keep_going)
		atomic_store(&p->board->claims.next, p->pool->tasks);
	fflush(NULL);
	bool handed = !status && p->pool->finish;
	bool sent = handed || send_report(p->out, task, status, ctx);
	core_ctx_free(ctx);
	atomic_store(&p->board->claims.current[p->slot], -1);
	return sent;
}

/* What a worker computes in lockstep */
struct together {
	const struct post *post;
	struct claim claim;
	int32_t turn; /* whose turn it was */
	int *lack;    /* [tasks] what each ran out of (base/memory.h) */
};

static void run_one(void *user, int32_t index)
{
	const struct together *t = user;
	if (!run_task(t->post, t->claim.first + index))
		_exit(FV_FAILED);
}

/* What one task ran out of is not the failure of another. */
static void pass_turn(void *user, int32_t index)
{
	struct together *t = user;
	t->lack[t->turn] = core_memory_lack();
	core_memory_forget();
	(void)core_memory_note_lack(t->lack[index]);
	t->turn = index;
	atomic_store(&t->post->board->claims.current[t->post->slot], t->claim.first + index);
}

/* If there is no memory for several at once, they are computed one by one. */
static void run_claim(const struct post *p, struct claim claim)
{
	int32_t n = (int32_t)(claim.end - claim.first);
	struct together t = {.post = p, .claim = claim};
	const core_lockstep all = {n, &t, run_one, pass_turn};
	t.lack = n > 1 ? calloc((size_t)n, sizeof *t.lack) : NULL;
	fv_ctx *ctx = t.lack ? core_ctx_new() : NULL;
	if (n > 1)
		p->board->claims.together[p->slot] = claim;
	if (!ctx || core_lockstep_run(ctx, &all))
		for (int32_t i = 0; i < n; i++)
			run_one(&t, i);
	p->board->claims.together[p->slot] = (struct claim){0, 0};
	core_ctx_free(ctx);
	free(t.lack);
}

_Noreturn void core_pool_run_worker(const struct post *p)
{
	become_worker(p);
	for (bool fresh = true; !caught; fresh = false) {
		struct claim claim = core_claim_next(&p->board->claims, p->pool, p->slot, p->over);
		if (claim.first == claim.end)
			break;
		bool alone = needs_own_worker(p->pool, claim.first);
		if (alone && !fresh) {
			p->board->claims.left[p->slot] = claim;
			break;
		}
		run_claim(p, claim);
		if (alone)
			break;
	}
	_exit(FV_OK);
}

/* --- the finishing process ---------------------------------------------------------------------- */

struct core_finisher {
	int out;
};

fv_status core_finisher_report(
	core_finisher *finisher, int64_t task, fv_status status, const fv_ctx *errors)
{
	return send_report(finisher->out, task, status, errors) ? FV_OK : FV_FAILED;
}

_Noreturn void core_pool_run_finisher(const struct post *p)
{
	become_worker(p);
	core_finisher finisher = {p->out};
	fv_ctx *ctx = core_ctx_new();
	if (!ctx)
		_exit(send_report(p->out, -1, FV_FAILED, NULL) ? FV_OK : FV_FAILED);
	core_ctx_copy_log(ctx, p->caller);
	core_memory_forget();
	fv_status status = check_memory(ctx, p->pool->finish(p->pool->user, ctx, &finisher));
	fflush(NULL);
	_exit(send_report(p->out, -1, status, ctx) ? FV_OK : FV_FAILED);
}
