/* SPDX-License-Identifier: Apache-2.0 */
/* The core's side of the context. One context belongs to one thread at a time; worker threads and
 * forked runs get their own. Memory from core_alloc lives as long as the context. */
#ifndef CORE_BASE_CONTEXT_H
#define CORE_BASE_CONTEXT_H

#include <stdarg.h>
#include <stdbool.h>

#include <fairvox/context.h>

#include "base/arena.h"

/* Progress: how far a long work is; a terminal shows the latest one only, anything else none. */
typedef enum core_level { CORE_DEBUG, CORE_INFO, CORE_WARNING, CORE_PROGRESS } core_level;

/* Where log lines go. The command line sets one; without it they are dropped. */
typedef void (*core_log_sink)(void *user, core_level level, const char *line);

fv_ctx *core_ctx_new(void); /* NULL when memory is out */
void core_ctx_free(fv_ctx *ctx);
void core_ctx_set_run(fv_ctx *ctx, uint64_t seed, int64_t fold); /* for fv_rng */
void core_ctx_set_plugin(fv_ctx *ctx, const char *name); /* put before messages; NULL: none */
void core_ctx_set_log(fv_ctx *ctx, core_log_sink sink, void *user);
/* The networks that the functions of fairvox/networks.h work on; NULL: none. */
struct core_networks;
void core_ctx_set_networks(fv_ctx *ctx, struct core_networks *networks);
struct core_networks *core_ctx_networks(const fv_ctx *ctx);
/* The stages that the functions of fairvox/stages.h work on; NULL: none. */
struct core_stages;
void core_ctx_set_stages(fv_ctx *ctx, struct core_stages *stages);
struct core_stages *core_ctx_stages(const fv_ctx *ctx);
void core_ctx_copy_log(fv_ctx *ctx, const fv_ctx *from);

/* Failures recorded so far: the first 20 lines are kept, all are counted. */
size_t core_error_count(const fv_ctx *ctx);
const char *core_error_line(const fv_ctx *ctx, size_t index); /* NULL past the kept ones */
fv_status core_error_status(const fv_ctx *ctx);               /* of the first failure */
void core_error_clear(fv_ctx *ctx);
/* For a list of findings of which the first 20 and a count are wanted: lines past 20 are counted. */
fv_status core_fail_at(fv_ctx *ctx, fv_status status, const char *file, int line, int column,
	const char *format, ...) FV_PRINTF(6, 7);

void core_log(fv_ctx *ctx, core_level level, const char *format, ...) FV_PRINTF(3, 4);

/* n * size bytes, zeroed, 64-byte aligned, checked for overflow. NULL and a message when out. */
void *core_alloc(fv_ctx *ctx, size_t n, size_t size);
char *core_strdup(fv_ctx *ctx, const char *text);
char *core_strndup(fv_ctx *ctx, const char *text, size_t n);
char *core_format(fv_ctx *ctx, const char *format, ...) FV_PRINTF(2, 3);
void core_scratch_reset(fv_ctx *ctx);

/* A place in the context's memory: what core_alloc and fv_array gave since is given back when it is released.
 * Messages stay. Marks are released in the reverse order of their making. */
typedef struct core_mark {
	core_arena_mark memory;
	size_t n_arrays;
} core_mark;
core_mark core_ctx_mark(const fv_ctx *ctx);
void core_ctx_release(fv_ctx *ctx, core_mark mark);

/* A context beside `ctx` for work whose failures and warnings are not to be said by it as they come; freed by
 * core_ctx_free, or by core_ctx_rejoin. Its log is dropped. NULL (and a message) when memory is out. */
fv_ctx *core_ctx_aside(fv_ctx *ctx);
/* Records what failed aside in `ctx`, unless the status is FV_OK, frees `aside`, and returns the status. */
fv_status core_ctx_rejoin(fv_ctx *ctx, fv_ctx *aside, fv_status status);

/* Arrays made with fv_array, in order of creation, for saving and restoring. Plugins that serve one
 * stage of a run ask in a scope of its own: their "q" is none of another stage's. */
typedef struct core_array {
	const char *name; /* "q"; of scope 2 "stage2.q" */
	fv_type type;
	int64_t n0, n1;
	void *data;
} core_array;
void core_ctx_set_scope(fv_ctx *ctx, int32_t scope); /* 0: the run's own */
/* The name that the run's own plugin or the one of the present scope gave it; NULL: another's. */
const char *core_array_label(const fv_ctx *ctx, const core_array *array);
/* fv_array by the full name. */
void *core_array_make(fv_ctx *ctx, const char *name, fv_type type, int64_t n0, int64_t n1);
size_t core_array_count(const fv_ctx *ctx);
const core_array *core_array_at(const fv_ctx *ctx, size_t index);
size_t core_type_size(fv_type type);

#endif
