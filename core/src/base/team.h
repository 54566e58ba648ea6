/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of one process that share the parts of a computation, again and again. Which thread computes a part is
 * left to chance, so results must depend on the part alone. */
#ifndef CORE_BASE_TEAM_H
#define CORE_BASE_TEAM_H

#include "base/context.h"

typedef struct core_team core_team;

enum { CORE_TEAM_MAX = 64 };

/* Starts `threads` - 1 threads, at most CORE_TEAM_MAX - 1; the caller is one more. If the system refuses some,
 * the team is smaller. They take no signals. NULL, with a message, when memory is out. */
core_team *core_team_open(fv_ctx *ctx, int threads);
void core_team_close(core_team *team); /* NULL is allowed */
int core_team_size(const core_team *team);

/* Calls work for the parts 0 .. parts-1 and returns when all have ended. `member`, 0 .. size-1, is the thread that
 * computes a part; use it to choose scratch memory. work must not use a context. */
void core_team_run(core_team *team, int64_t parts,
	void (*work)(void *user, int64_t part, int member), void *user);

#endif
