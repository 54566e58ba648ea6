/* SPDX-License-Identifier: Apache-2.0 */
/* Every call of a plugin's op goes between core_guard_enter and core_guard_leave. What the op has changed
 * in the process is put back and fails the run, so that neither this run nor another one in the same
 * process computes with it; a copy of the process that the op made with fork() and that comes back from it
 * is ended, so that nothing is done twice. */
#ifndef CORE_PLUGIN_GUARD_H
#define CORE_PLUGIN_GUARD_H

#include <fairvox/plugin.h>

#include "base/context.h"
#include "plugin/surroundings.h"

typedef struct core_guard {
	fv_ctx *ctx;
	fv_kind kind;
	const char *plugin, *op;
	int64_t step; /* of the call; 0: it belongs to none */
	bool quick;
	int64_t quick_since; /* step of the first quick call since everything was looked at; 0: none */
	const char *quick_op; /* of all these; NULL: several */
	bool late;            /* something that they had changed was found now */
	core_surroundings before;
} core_guard;

/* Things are to stay as they are now. */
void core_guard_open(core_guard *guard, fv_ctx *ctx, fv_kind kind, const char *plugin);

/* Messages have the plugin's name before them from here on. `quick`, for ops of every step: signals and the
 * like are left to the next call that is not, and found before that: "op weigh at step 2 or later". */
void core_guard_enter(core_guard *guard, const char *op, int64_t step, bool quick);

/* Hands on `status` unless it is FV_OK and something was changed. Errors: FV_FAILED "loss 'x': op weigh at
 * step 3 changed the rounding mode". */
FV_NODISCARD fv_status core_guard_leave(core_guard *guard, fv_status status);

/* Between calls and after the last: is everything as it was before the quick ones? */
FV_NODISCARD fv_status core_guard_settle(core_guard *guard, fv_status status);

#endif
