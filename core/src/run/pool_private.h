/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller of a pool (pool.c) and its workers (pool_worker.c) share. */
#ifndef CORE_RUN_POOL_PRIVATE_H
#define CORE_RUN_POOL_PRIVATE_H

#include "plugin/call.h"
#include "run/pool_claims.h"

/* The shared memory of caller and workers. A worker has a slot; one that replaces it has the same. */
struct board {
	struct claims claims;
	core_call call[SLOTS_MAX]; /* the op of a plugin that a worker is in */
};

/* What workers write to their pipe. */
struct report {
	int64_t task; /* -1: the finishing process has ended */
	int32_t status;
	uint32_t size; /* bytes of text that follow */
};

/* What a worker process knows. */
struct post {
	const core_pool *pool;
	struct board *board;
	fv_ctx *caller;   /* for its log */
	const bool *over; /* [tasks] ended when the worker was started */
	int slot, out;    /* out: the pipe of its reports */
};

/* The last signal that this process got; 0: none. */
int core_pool_caught(void);
void core_pool_forget_signals(void);
/* The handler that remembers it. */
void core_pool_note_signal(int number);

/* The life of a worker, and of the finishing process. */
_Noreturn void core_pool_run_worker(const struct post *post);
_Noreturn void core_pool_run_finisher(const struct post *post);

#endif
