/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller of a pool (pool.c) and its workers (pool_worker.c) share. */
#ifndef CORE_RUN_POOL_PRIVATE_H
#define CORE_RUN_POOL_PRIVATE_H

#include <stdatomic.h>

#include "plugin/call.h"
#include "run/pool.h"

#define JOBS_MAX 256
#define SLOTS_MAX (JOBS_MAX + 1) /* with the finishing process */

/* The shared memory of caller and workers. A worker has a slot; one that replaces it has the same. */
struct board {
	_Atomic int64_t next;               /* the next task to start */
	_Atomic int64_t current[SLOTS_MAX]; /* the task of a worker, -1: none */
	_Atomic int64_t left[SLOTS_MAX]; /* claimed, but left to the worker's successor, -1: none */
	core_call call[SLOTS_MAX];       /* the op of a plugin that a worker is in */
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
	fv_ctx *caller; /* for its log */
	int slot, out;  /* out: the pipe of its reports */
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
