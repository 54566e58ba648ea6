/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the suite again, in another second and with other bytes in scratch memory, and compares what ops gave. */
#include <errno.h>
#include <time.h>

#include "contract/suite.h"

/* Waits until time() returns something else: a plugin that uses it gives the same within a second. */
static void wait_for_next_second(void)
{
	struct timespec next;
	clock_gettime(CLOCK_REALTIME, &next);
	next.tv_sec++;
	next.tv_nsec = 20000000; /* time() may be late by a tick of the kernel */
	while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &next, NULL) == EINTR)
		;
}

/* Runs the suite with other bytes in scratch memory, without reporting -> what ops gave. False: memory is out. */
static bool repeat_filled(struct contract *c, core_fill fill, struct contract_trail *out)
{
	const size_t checks = c->out->n_checks;
	struct contract_trail *first = c->trail;
	out->n = 0;
	c->trail = out;
	c->fill = fill;
	c->out->filled = fill != CORE_FILL_ZERO;
	c->quiet = true;
	contract_check_kind(c);
	contract_drop_outputs(c);
	c->quiet = false;
	c->fill = CORE_FILL_ZERO;
	c->out->filled = false;
	c->trail = first;
	c->out->n_checks = checks;
	return core_error_count(c->ctx) == 0;
}

/* Does nothing if a fault was found: the suite compares all that it repeats. */
static void report_unsteady(
	struct contract *c, const struct contract_trail *other, size_t at, bool sound)
{
	const struct contract_trail *longer = at < c->trail->n ? c->trail : other;
	const char *what = longer->mark[at].what;
	if (sound)
		contract_fault(c, "repeat",
			"op %s%s%s gives something else a second later: does it use time(), "
			"perhaps as "
			"a seed?",
			longer->mark[at].op, what ? " of " : "", what ? what : "");
}

/* Compares with a round in another second. */
static void check_clock(struct contract *c, struct contract_trail *other)
{
	if (!repeat_filled(c, CORE_FILL_ZERO, other))
		return;
	c->out->n_checks++;
	size_t at = contract_trail_compare(c->trail, other);
	if (at < c->trail->n || at < other->n)
		report_unsteady(c, other, at, true);
}

/* What ops give must not depend on what scratch memory holds before they write to it. It held zeros in the round before,
 * and does so once more, lest a plugin be accused that never gives the same. */
static void check_scratch(struct contract *c, struct contract_trail *other, bool sound)
{
	static const core_fill fill[] = {CORE_FILL_ONES, CORE_FILL_MIXED};
	for (size_t i = 0; i < sizeof fill / sizeof *fill; i++) {
		if (!repeat_filled(c, fill[i], other))
			return;
		size_t at = contract_trail_compare(c->trail, other);
		bool same = at == c->trail->n && at == other->n;
		if (same || at == c->trail->n || !repeat_filled(c, CORE_FILL_ZERO, other))
			continue;
		c->out->n_checks++;
		size_t again = contract_trail_compare(c->trail, other);
		if (again <= at) {
			report_unsteady(c, other, again, sound);
			return;
		}
		contract_fault(c, "scratch",
			"op %s%s%s gives something else when memory from fv_scratch held other "
			"bytes before the call",
			c->trail->mark[at].op, c->trail->mark[at].what ? " of " : "",
			c->trail->mark[at].what ? c->trail->mark[at].what : "");
		return;
	}
}

/* After the first round. A plugin that has no fault must give the same in another second. */
void contract_check_rounds(struct contract *c)
{
	const bool sound = !c->out->n_faults;
	struct contract_trail *other = contract_alloc(c, 1, sizeof *other);
	if (!other || !c->trail->n)
		return;
	if (sound && !c->options->same_second)
		wait_for_next_second();
	if (c->used_scratch)
		check_scratch(c, other, sound);
	else if (sound && !c->options->same_second)
		check_clock(c, other);
}
