/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of folders that several processes and machines share, also on network file systems, where locks may be ignored
 * and names and attributes may be seen late.
 *
 * A lease is the file .lease-N in the folder, N counting up: the highest one counts. It tells who holds it (host, boot,
 * process) and a counter that its holder raises every period. It is made complete under another name and then linked,
 * which succeeds for one process only, and it is read back. A lease whose holder is dead is succeeded by .lease-N+1; the
 * name .lease-N is never taken from its holder. Released leases stay as they are, so that N only grows.
 *
 * A holder is dead if its process no longer exists, where that can be known: on the same boot of the same machine.
 * Otherwise it is dead if the counter has stood still for three periods on the observer's own monotonic clock. Times of
 * hosts and of files are never compared. */
#ifndef CORE_BASE_CLAIM_H
#define CORE_BASE_CLAIM_H

#include <stdbool.h>

#include "base/context.h"

/* Seconds between two counts of a holder; file systems may show old attributes for a minute. FAIRVOX_HEARTBEAT in the
 * environment replaces it. */
#define CORE_LEASE_PERIOD_S 30.0
/* A holder is dead after this many periods without a count. */
#define CORE_LEASE_DEAD_PERIODS 3

#define CORE_LEASE_TOKEN 33 /* with the NUL */

/* What an observer has seen of a folder's lease. Start with {0}; an observer that looks again passes the same one. */
typedef struct core_lease_view {
	char host[65]; /* of the holder, for messages; "" without one */
	int64_t process;
	char token[CORE_LEASE_TOKEN];
	int64_t count;
	double since_s;  /* of core_clock_s: when this count was first seen */
	bool moved;      /* the count has changed since the first look */
	double period_s; /* of the holder */
} core_lease_view;

typedef enum core_lease_state {
	CORE_LEASE_FREE,   /* nobody holds it: never taken, released, or its holder is dead */
	CORE_LEASE_HELD,   /* its holder lives */
	CORE_LEASE_UNSURE, /* its holder has not been watched for long enough to say */
} core_lease_state;

/* A lease that this process holds. A thread raises its counter. */
typedef struct core_lease core_lease;

/* Looks at the lease of a folder; one without a lease, or that is no folder, is free. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_lease_look(
	fv_ctx *ctx, const char *dir, core_lease_view *view, core_lease_state *state);

/* Leases a folder, which must exist. *out is NULL if another process holds it. Release it with core_lease_release.
 * Errors: FV_FAILED. */
FV_NODISCARD fv_status core_lease_try(
	fv_ctx *ctx, const char *dir, core_lease_view *view, core_lease **out);

/* Leases a folder as soon as it is free, and makes it if it does not exist. `what` is logged once if another process holds
 * it. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_lease_wait(
	fv_ctx *ctx, const char *dir, const char *what, core_lease **out);

/* Returns false if another process has succeeded, because this one stood still for too long. */
bool core_lease_is_kept(const core_lease *lease);
void core_lease_release(core_lease *lease); /* NULL is allowed */

/* Removes the lease's own files before its folder is removed, and releases it. */
void core_lease_remove(core_lease *lease);

/* Returns true for the names of the files of leases. */
bool core_lease_owns_name(const char *name);

#endif
