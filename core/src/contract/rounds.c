/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the suite again, in another second, with other bytes in memory that has no value yet (the stack, malloc, fv_scratch)
 * and with other bytes beside arrays, and compares what ops gave. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include "contract/suite.h"

/* What a round is run with. */
struct round {
	core_fill fill;    /* of scratch memory */
	size_t first, end; /* sides of arrays that hold other bytes (fence.h) */
	bool stack,
		heap; /* the stack, memory from malloc hold other bytes before they are written */
};

/* Sets what memory from malloc holds: other bytes, or what was there before. Small blocks that were freed shortly before
 * are not filled. */
static void fill_heap(bool other)
{
	(void)mallopt(M_PERTURB, other ? 0xff ^ CONTRACT_OTHER_BYTE : 0);
}

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

/* Runs the suite without reporting -> what ops gave. False: memory is out. */
static bool repeat_suite(struct contract *c, struct round with, struct contract_trail *out)
{
	const size_t checks = c->out->n_checks;
	struct contract_trail *first = c->trail;
	out->n = 0;
	c->trail = out;
	c->fill = with.fill;
	c->beside = with.end > with.first;
	c->fill_stack = with.stack;
	c->out->advice = c->beside                     ? "beside"
			 : with.stack || with.heap     ? "unset"
			 : with.fill != CORE_FILL_ZERO ? "scratch"
						       : NULL;
	core_fence_vary_sides(with.first, with.end);
	fill_heap(with.heap);
	c->quiet = true;
	contract_check_kind(c);
	contract_drop_outputs(c);
	c->quiet = false;
	core_fence_vary_sides(0, 0);
	fill_heap(false);
	c->fill = CORE_FILL_ZERO;
	c->beside = false;
	c->fill_stack = false;
	c->out->advice = NULL;
	c->trail = first;
	c->out->n_checks = checks;
	return core_error_count(c->ctx) == 0;
}

/* Repeats the suite and returns where what ops gave differs from the first round; SIZE_MAX: nowhere, or memory is out. */
static size_t find_difference(struct contract *c, struct round with, struct contract_trail *other)
{
	if (!repeat_suite(c, with, other))
		return SIZE_MAX;
	size_t at = contract_trail_compare(c->trail, other);
	return at == c->trail->n && at == other->n ? SIZE_MAX : at;
}

/* Writes "op weigh of a plain batch": what gave result `at`. */
static const char *name_call(const struct contract_trail *trail, size_t at, char text[128])
{
	const char *what = trail->mark[at].what;
	snprintf(text, 128, "op %s%s%s", trail->mark[at].op, what ? " of " : "", what ? what : "");
	return text;
}

/* Does nothing if a fault was found: the suite compares all that it repeats. */
static void report_unsteady(
	struct contract *c, const struct contract_trail *other, size_t at, bool sound)
{
	const struct contract_trail *longer = at < c->trail->n ? c->trail : other;
	char call[128];
	if (sound)
		contract_fault(c, "repeat",
			"%s gives something else a second later: does it use time(), perhaps as a "
			"seed, or memory without a value?",
			name_call(longer, at, call));
}

/* Runs the suite with something that must not matter, and as before if that makes a difference, lest a plugin be accused
 * that never gives the same. Returns where the first one is; SIZE_MAX: there is none, or none that is due to it. */
static size_t find_effect(
	struct contract *c, struct round with, struct contract_trail *other, bool sound)
{
	size_t at = find_difference(c, with, other);
	if (at == SIZE_MAX || at == c->trail->n)
		return SIZE_MAX;
	c->out->n_checks++;
	size_t again = find_difference(c, (struct round){.fill = CORE_FILL_ZERO}, other);
	if (again > at)
		return at;
	report_unsteady(c, other, again, sound);
	return SIZE_MAX;
}

/* Compares with a round in another second. */
static void check_clock(struct contract *c, struct contract_trail *other)
{
	size_t at = find_difference(c, (struct round){.fill = CORE_FILL_ZERO}, other);
	c->out->n_checks++;
	if (at != SIZE_MAX)
		report_unsteady(c, other, at, true);
}

/* What ops give must not depend on what scratch memory holds before they write to it: zeros in the first round. */
static void check_scratch(struct contract *c, struct contract_trail *other, bool sound)
{
	static const core_fill fill[] = {CORE_FILL_ONES, CORE_FILL_MIXED};
	char call[128];
	for (size_t i = 0; i < sizeof fill / sizeof *fill; i++) {
		size_t at = find_effect(c, (struct round){.fill = fill[i]}, other, sound);
		if (at == SIZE_MAX)
			continue;
		contract_fault(c, "scratch",
			"%s gives something else when memory from fv_scratch held other bytes "
			"before the call",
			name_call(c->trail, at, call));
		return;
	}
}

/* What ops give must not depend on variables that have no value yet. They held what earlier calls left in the first
 * round. Returns whether that is a fault. */
static bool check_unset(struct contract *c, struct contract_trail *other, bool sound)
{
	const struct round both = {CORE_FILL_ZERO, 0, 0, true, true};
	const struct round heap = {CORE_FILL_ZERO, 0, 0, false, true};
	const size_t at = find_effect(c, both, other, sound);
	if (at == SIZE_MAX)
		return false;
	char call[128];
	bool on_heap = find_difference(c, heap, other) <= at;
	contract_fault(c, "unset",
		"%s gives something else when %s held other bytes before the call: %s",
		name_call(c->trail, at, call), on_heap ? "memory from malloc" : "the stack",
		on_heap ? "it is read before it is written"
			: "a local variable is read before it has a value");
	return true;
}

/* Which one of the sides makes what ops give differ? Returns their number if it is no single one. */
static size_t find_side(struct contract *c, struct contract_trail *other)
{
	size_t first = 0, end = core_fence_count_sides();
	const size_t all = end;
	while (end - first > 1) {
		const size_t half = first + (end - first) / 2;
		if (find_difference(c, (struct round){CORE_FILL_ZERO, first, half, false, false},
			    other) != SIZE_MAX)
			end = half;
		else
			first = half;
	}
	const struct round one = {CORE_FILL_ZERO, first, end, false, false};
	return find_difference(c, one, other) != SIZE_MAX ? first : all;
}

/* What ops give must not depend on what lies beside arrays: an op reads there whose result does. */
static void check_beside(struct contract *c, struct contract_trail *other, bool sound)
{
	const struct round all = {CORE_FILL_ZERO, 0, CORE_FENCE_SIDES, false, false};
	char place[CORE_FENCE_NAME + 32] = "beside its arrays", call[128];
	const size_t at = find_effect(c, all, other, sound);
	if (at == SIZE_MAX)
		return;
	const size_t side = find_side(c, other);
	if (side < core_fence_count_sides())
		core_fence_name_side(side, place, sizeof place);
	contract_fault(c, "beside", "%s reads %s: it gives something else with other bytes there",
		name_call(c->trail, at, call), place);
}

/* After the first round. A plugin that has no fault must give the same in another second. */
void contract_check_rounds(struct contract *c)
{
	const bool sound = !c->out->n_faults;
	struct contract_trail *other = contract_alloc(c, 1, sizeof *other);
	if (!other || !c->trail->n)
		return;
	if (sound && !c->options->same_second) {
		wait_for_next_second();
		check_clock(c, other);
	}
	if (c->used_scratch)
		check_scratch(c, other, sound && !c->out->n_faults);
	if (!check_unset(c, other, sound && !c->out->n_faults))
		check_beside(c, other, sound && !c->out->n_faults);
}
