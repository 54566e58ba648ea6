/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include "base/clock.h"

core_progress core_progress_begin(fv_ctx *ctx, const char *what, const char *unit)
{
	return (core_progress){ctx, what, unit, core_clock_s()};
}

void core_progress_tell(const core_progress *p, int64_t done, int64_t total)
{
	if (done <= 0 || done >= total)
		return;
	double left_s = (core_clock_s() - p->begin_s) * (double)(total - done) / (double)done;
	core_log(p->ctx, CORE_PROGRESS, "%s: %lld of %lld %s, about %.0f %s left", p->what,
		(long long)done, (long long)total, p->unit, left_s < 120 ? left_s : left_s / 60,
		left_s < 120 ? "s" : "min");
}
