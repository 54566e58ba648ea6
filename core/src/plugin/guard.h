/* SPDX-License-Identifier: Apache-2.0 */
/* Every call of a plugin's op is placed between core_guard_enter and core_guard_leave. What the op
 * changed in the process is restored and the run fails, so that neither this run nor another one in
 * the same process computes with it. If the op called fork() and the child process returns from it,
 * the child is ended, so that nothing is done twice. */
#ifndef CORE_PLUGIN_GUARD_H
#define CORE_PLUGIN_GUARD_H

#include <fairvox/plugin.h>

#include "base/context.h"
#include "plugin/surroundings.h"

typedef struct core_guard {
	fv_ctx *ctx;
	fv_kind kind;
	const char *plugin, *op;
	const char *absent; /* what the plugin is shown as NULL (absent.h); NULL: not known */
	int64_t step;       /* of the call; 0: outside any step */
	bool quick;
	int64_t quick_since;  /* step of the first quick call since the last full check; 0: none */
	const char *quick_op; /* the op of these quick calls; NULL: several ops */
	bool late;            /* a change made by quick calls was found in a later check */
	size_t errors;        /* recorded before the call */
	core_surroundings before;
} core_guard;

/* Records the present state of the process, which ops must not change. */
void core_guard_open(core_guard *guard, fv_ctx *ctx, fv_kind kind, const char *plugin);

/* From here on, messages start with the plugin's name. `quick` is for the ops of every step:
 * signals and the file mask are then checked only before the next call that is not quick, with the
 * message "op weigh at step 2 or later". */
void core_guard_enter(core_guard *guard, const char *op, int64_t step, bool quick);

/* Returns `status`, or FV_FAILED when it is FV_OK and something was changed, or when no op returns
 * such a status. The message: "loss 'x': op weigh at step 3 changed the rounding mode". A failure
 * without a message gets one, and FV_OK with a message is a failure. */
FV_NODISCARD fv_status core_guard_leave(core_guard *guard, fv_status status);

/* May an op return this status? */
static inline bool core_is_op_status(fv_status status)
{
	return status == FV_OK || status == FV_FAILED || status == FV_CONFIG || status == FV_DATA;
}

/* Records "loss 'x': op weigh at step 3 WHAT" and returns FV_FAILED. For the call that was left last. */
fv_status core_guard_fail(core_guard *guard, const char *what);

/* Checks between calls and after the last one that quick ops have changed nothing. */
FV_NODISCARD fv_status core_guard_check_quick_calls(core_guard *guard, fv_status status);

#endif
