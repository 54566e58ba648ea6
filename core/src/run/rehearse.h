/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of a plugin that the program itself must make, tried in another process first: a plugin that crashes
 * or ends its process there is a failure, not the end of the program. */
#ifndef CORE_RUN_REHEARSE_H
#define CORE_RUN_REHEARSE_H

#include "base/context.h"

/* Calls work(user, ctx of its own) in a worker process and drops what it returns and reports. Errors: FV_FAILED
 * with WHAT in front if the worker did not survive; those of the pool. */
FV_NODISCARD fv_status core_rehearse(
	fv_ctx *ctx, const char *what, fv_status (*work)(void *user, fv_ctx *own), void *user);

#endif
