/* SPDX-License-Identifier: Apache-2.0 */
#include "run/rehearse.h"

#include <string.h>

#include "run/pool.h"

struct rehearsal {
	fv_ctx *ctx;
	const char *what;
	fv_status (*work)(void *user, fv_ctx *own);
	void *user;
};

/* Drops failures: the call that follows in the program has them too. */
static fv_status call_work(void *user, fv_ctx *own, int64_t task)
{
	const struct rehearsal *r = user;
	(void)task;
	(void)r->work(r->user, own);
	core_error_clear(own);
	return FV_OK;
}

static void report_death(void *user, int64_t task, fv_status status, const char *reason)
{
	const struct rehearsal *r = user;
	(void)task;
	if (status && !strncmp(reason, r->what, strlen(r->what)))
		(void)fv_fail(r->ctx, status, "%s", reason); /* it names the op itself */
	else if (status)
		(void)fv_fail(r->ctx, status, "%s: %s", r->what, reason);
}

fv_status core_rehearse(
	fv_ctx *ctx, const char *what, fv_status (*work)(void *user, fv_ctx *own), void *user)
{
	struct rehearsal r = {ctx, what, work, user};
	const core_pool pool = {.jobs = 1,
		.tasks = 1,
		.keep_going = true,
		.user = &r,
		.work = call_work,
		.ended = report_death};
	int64_t failed;
	fv_status status = core_pool_run(ctx, &pool, &failed);
	return status || !failed ? status : FV_FAILED;
}
