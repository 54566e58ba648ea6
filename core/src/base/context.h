/* SPDX-License-Identifier: Apache-2.0 */
/* The core's side of the context. One context belongs to one thread at a time; worker threads and
 * forked runs get their own. Memory from core_alloc lives as long as the context. */
#ifndef CORE_BASE_CONTEXT_H
#define CORE_BASE_CONTEXT_H

#include <stdarg.h>
#include <stdbool.h>

#include <fairvox/context.h>

#include "base/arena.h"

typedef enum core_level { CORE_DEBUG, CORE_INFO, CORE_WARNING } core_level;

/* Receives log lines. The command line sets one; without it they are dropped. */
typedef void (*core_log_sink)(void *user, core_level level, const char *line);

/* Receives the progress of a long task (base/progress.h), which is no log line. */
struct core_progress_state;
typedef void (*core_progress_sink)(void *user, const struct core_progress_state *state);

fv_ctx *core_ctx_new(void); /* NULL when memory is out */
void core_ctx_free(fv_ctx *ctx);
void core_ctx_set_run(fv_ctx *ctx, uint64_t seed, int64_t fold); /* for fv_rng */
void core_ctx_set_plugin(fv_ctx *ctx, const char *name); /* prefix of messages; NULL: none */
/* What fv_warn and fv_note say in brackets after each text, such as "test rows"; NULL: nothing. */
void core_ctx_set_about(fv_ctx *ctx, const char *about);
void core_ctx_set_log(fv_ctx *ctx, core_log_sink sink, void *user);
void core_ctx_set_progress(fv_ctx *ctx, core_progress_sink sink, void *user);
/* The networks that the functions of fairvox/networks.h work on; NULL: none. */
struct core_networks;
void core_ctx_set_networks(fv_ctx *ctx, struct core_networks *networks);
struct core_networks *core_ctx_networks(const fv_ctx *ctx);
/* The stages that the functions of fairvox/stages.h work on; NULL: none. */
struct core_stages;
void core_ctx_set_stages(fv_ctx *ctx, struct core_stages *stages);
struct core_stages *core_ctx_stages(const fv_ctx *ctx);
/* The device on which an encoder's constants are made when it is opened; NULL: the processor. */
typedef struct core_device core_device;
void core_ctx_set_device(fv_ctx *ctx, core_device *device);
core_device *core_ctx_device(const fv_ctx *ctx);
/* Copies the sink of log lines; progress is reported by one process alone. */
void core_ctx_copy_log(fv_ctx *ctx, const fv_ctx *from);

/* Failures recorded so far. Those of one cause are one line, with their count and the first three
 * places (base/causes.h). The lines of the first 20 causes are kept. A line changes when the next
 * failure is recorded. */
size_t core_error_count(const fv_ctx *ctx);
size_t core_error_lines(const fv_ctx *ctx);                   /* lines that are kept */
const char *core_error_line(const fv_ctx *ctx, size_t index); /* NULL past the kept ones */
size_t core_errors_left_out(const fv_ctx *ctx); /* failures that no kept line counts */
fv_status core_error_status(const fv_ctx *ctx); /* of the first failure */
void core_error_clear(fv_ctx *ctx);

/* Why a part of the work could not be done: what a context recorded. */
typedef struct core_reason {
	fv_status status;
	const char *text; /* its lines, joined by \n; at least one */
} core_reason;

/* Moves the failures of `from`, which may be `ctx`, to a reason in memory of `ctx`. Never NULL. */
const core_reason *core_error_take(fv_ctx *ctx, fv_ctx *from, fv_status status);
/* Returns true if other work can go on after this failure; false: a signal has arrived. */
static inline bool core_is_failure(fv_status status)
{
	return status == FV_FAILED || status == FV_CONFIG || status == FV_DATA;
}
/* Records a reason with PATH in front of each line. Returns its status. */
fv_status core_reason_report(fv_ctx *ctx, const char *path, const core_reason *reason);

/* Like fv_fail, with FILE:LINE:COLUMN in front; without the column or line when it is 0. */
fv_status core_fail_at(fv_ctx *ctx, fv_status status, const char *file, int line, int column,
	const char *format, ...) FV_PRINTF(6, 7);
fv_status core_fail_at_va(fv_ctx *ctx, fv_status status, const char *file, int line, int column,
	const char *format, va_list args) FV_PRINTF(6, 0);
/* Tells how many warnings were not shown because they were like others. Call it when the work has
 * ended. */
void core_warn_rest(fv_ctx *ctx);

void core_log(fv_ctx *ctx, core_level level, const char *format, ...) FV_PRINTF(3, 4);

/* n * size bytes, zeroed, 64-byte aligned, checked for overflow. NULL (and a message) when memory
 * is out. */
void *core_alloc(fv_ctx *ctx, size_t n, size_t size);
char *core_strdup(fv_ctx *ctx, const char *text);
char *core_strndup(fv_ctx *ctx, const char *text, size_t n);
char *core_format(fv_ctx *ctx, const char *format, ...) FV_PRINTF(2, 3);
/* The same; `name` is what a guarded context calls the memory in messages. */
void *core_alloc_named(fv_ctx *ctx, size_t n, size_t size, const char *name);

/* What scratch memory holds when it is given. */
typedef enum core_fill {
	CORE_FILL_NONE, /* whatever it held before */
	CORE_FILL_ZERO,
	CORE_FILL_ONES, /* every byte 0xff: NaN and -1 */
	CORE_FILL_MIXED /* bytes that differ: numbers of all sizes */
} core_fill;
void core_ctx_fill_scratch(fv_ctx *ctx, core_fill fill);

/* Puts fences (base/fence.h) around all memory that the context gives from now on, or, with false, no longer does. For one
 * thread of the process. */
void core_ctx_guard(fv_ctx *ctx, bool on);
/* Returns NULL if nothing was written beside memory of a guarded context; otherwise the fence of that memory
 * (core_fence_holds tells which it is), and writes "wrote at byte 0 past the end of array 'q'" or the like to `text`. */
core_fence *core_ctx_find_damage(const fv_ctx *ctx, char *text, size_t size);
void core_scratch_reset(fv_ctx *ctx);
/* Did fv_scratch give this memory, in this op or, as far as that is still known, in an earlier one? */
bool core_scratch_holds(const fv_ctx *ctx, const void *memory);
size_t core_ctx_given(
	const fv_ctx *ctx); /* bytes that fv_alloc gave, which last as long as the context */
size_t core_scratch_peak(const fv_ctx *ctx); /* bytes in use at most */
/* A position in the scratch memory. Releasing it gives back what fv_scratch gave since. Marks must be
 * released in reverse order. */
core_arena_mark core_scratch_mark(const fv_ctx *ctx);
void core_scratch_release(fv_ctx *ctx, core_arena_mark mark);

/* A position in the context's memory. Releasing it frees what core_alloc and fv_array gave since;
 * messages stay. Marks must be released in reverse order. */
typedef struct core_mark {
	core_arena_mark memory;
	size_t n_arrays;
} core_mark;
core_mark core_ctx_mark(const fv_ctx *ctx);
void core_ctx_release(fv_ctx *ctx, core_mark mark);

/* A separate context for work whose failures and warnings `ctx` must not report at once. Freed
 * by core_ctx_free or core_ctx_rejoin. Log lines are dropped. NULL (and a message) when memory
 * is out. */
fv_ctx *core_ctx_aside(fv_ctx *ctx);
/* Unless the status is FV_OK, copies the failures of `aside` to `ctx`. Frees `aside` and returns
 * the status. */
fv_status core_ctx_rejoin(fv_ctx *ctx, fv_ctx *aside, fv_status status);

/* Arrays made with fv_array, in order of creation, for saving and restoring. Plugins that serve one
 * stage of a run have a scope of their own: their "q" differs from that of other stages. */
typedef struct core_array {
	const char *name; /* "q", or "stage2.q" in scope 2 */
	fv_type type;
	int64_t n0, n1;
	void *data;
} core_array;
void core_ctx_set_scope(fv_ctx *ctx, int32_t scope); /* 0: the whole run */
/* The name given by the run's own plugin or by the plugin of the current scope; NULL: an array of
 * another scope. */
const char *core_array_label(const fv_ctx *ctx, const core_array *array);
/* Writes the name of the current scope's array. */
void core_array_name(const fv_ctx *ctx, const char *label, char *name, size_t size);
/* Like fv_array, with that name. `lead`: what messages start with, "op weigh: " or "". */
void *core_array_make(
	fv_ctx *ctx, const char *lead, const char *name, fv_type type, int64_t n0, int64_t n1);
size_t core_array_count(const fv_ctx *ctx);
const core_array *core_array_at(const fv_ctx *ctx, size_t index);
size_t core_type_size(fv_type type);

#endif
