/* SPDX-License-Identifier: Apache-2.0 */
/* The call of a plugin's op that a process is in, so that a crash or a hang can be told with the
 * plugin, the op and the step. A worker shares its record with the process that waits for it. */
#ifndef CORE_PLUGIN_CALL_H
#define CORE_PLUGIN_CALL_H

#include <stdatomic.h>
#include <stdbool.h>

#include <fairvox/plugin.h>

#include "base/mapping.h"
#include "plugin/loaded_files.h"

typedef enum core_call_cause {
	CORE_CAUSE_SIGNAL, /* nothing more is known */
	CORE_CAUSE_NULL,
	CORE_CAUSE_BOUNDS,   /* memory beside an array, or that may only be read */
	CORE_CAUSE_LIFETIME, /* scratch memory of an earlier call */
	CORE_CAUSE_HANG
} core_call_cause;

/* Texts are copied where they may belong to the worker alone. Names of plugins and ops are constants
 * that were there before a worker started, so they mean the same in both processes. */
typedef struct core_call {
	_Atomic uint64_t serial; /* odd during a call; grows when a call begins and ends */
	fv_kind kind;
	const char *plugin, *op;
	int64_t step;               /* 0: outside any step */
	char check[128];            /* what `fairvox check` was trying; "": nothing */
	char cut[CORE_MAPPED_PATH]; /* the file that became shorter while it was mapped */
	/* of a crash after a plugin's file was overwritten */
	char overwritten[CORE_OVERWRITTEN_SIZE];
	core_call_cause cause; /* of a crash or hang that has more than a signal to it */
	char hit[128];         /* how memory was misused: "wrote 8 bytes past the end of v" */
	char null[320];        /* of a crash at a null pointer: what was NULL, and why */
	char thrown[96];       /* type of a C++ exception that left the op */
	char noise[192];       /* the first report of output on stdout, for the user */
} core_call;

/* The record of this process. */
core_call *core_call_current(void);

/* Makes this process a worker whose calls are recorded in `shared`. Its crashes are explained there
 * before it dies. Its standard output is caught. */
void core_call_share(core_call *shared);

bool core_call_is_worker(void);

/* For the process that is no worker: a crash in a call ends it with a message and FV_FAILED. */
void core_call_watch(void);

#define CORE_CALL_LIMIT_S 600

/* Sets how long one call may take, in seconds (default CORE_CALL_LIMIT_S); 0: for ever. In workers, the process that waits for
 * them sees to it (pool.h). */
void core_call_set_limit(double seconds);
double core_call_limit(void);

/* `quick`: an op of every step; the time limit and standard output are then left to the caller. */
void core_call_enter(fv_kind kind, const char *plugin, const char *op, int64_t step, bool quick);
void core_call_leave(bool quick);

/* Sets what is NULL in the calls that follow, and why (absent.h), for a crash at a null pointer. `text` is kept;
 * NULL: nothing is known. */
void core_call_set_absent(const char *text);

static inline bool core_call_is_running(const core_call *call)
{
	return atomic_load_explicit(&call->serial, memory_order_acquire) & 1;
}

/* Writes "op weigh at step 3: ", or "" outside of calls: what messages of the op start with. */
#define CORE_CALL_OP 64
void core_call_name_op(const core_call *call, char *text, size_t size);
/* Writes "loss 'x': op weigh at step 3", for check also with what it tried. */
void core_call_describe(const core_call *call, char *text, size_t size);

/* Writes why a worker died: the call with "crashed (Segmentation fault)" or the like, or, outside
 * of calls, "the worker crashed (...)". */
void core_call_explain(const core_call *call, int wait_status, char *text, size_t size);
/* Writes that the call has not returned within the limit. `at`: where that was, ", on DEVICE" or "". */
void core_call_explain_hang(const core_call *call, const char *at, char *text, size_t size);

/* Lets an exception that leaves an op be named. Call it after plugins were loaded, because the C++
 * library comes with them. */
void core_call_hook_exceptions(void);
/* Tells that this plugin is written in Rust, where a panic ends in abort(). `name` is kept. */
void core_call_add_rust(const char *name);

#endif
