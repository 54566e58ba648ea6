/* SPDX-License-Identifier: Apache-2.0 */
/* Finds ops that read scratch memory before they write it. */
#include "contract/suite.h"

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

/* What ops give must not depend on what scratch memory holds before they write to it. It held zeros in the round before,
 * and does so once more, lest a plugin be accused that never gives the same. */
void contract_check_scratch(struct contract *c)
{
	static const core_fill fill[] = {CORE_FILL_ONES, CORE_FILL_MIXED};
	struct contract_trail *other = contract_alloc(c, 1, sizeof *other);
	for (size_t i = 0; other && i < sizeof fill / sizeof *fill; i++) {
		if (!repeat_filled(c, fill[i], other))
			return;
		size_t at = contract_trail_compare(c->trail, other);
		bool same = at == c->trail->n && at == other->n;
		if (same || at == c->trail->n || !repeat_filled(c, CORE_FILL_ZERO, other))
			continue;
		c->out->n_checks++;
		if (contract_trail_compare(c->trail, other) <= at)
			return; /* it gives something else each time, which the suite has found */
		contract_fault(c, "scratch",
			"op %s%s%s gives something else when memory from fv_scratch held other "
			"bytes before the call",
			c->trail->mark[at].op, c->trail->mark[at].what ? " of " : "",
			c->trail->mark[at].what ? c->trail->mark[at].what : "");
		return;
	}
}
