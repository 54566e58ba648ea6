/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/trail.h"

#include <xxhash.h>

void contract_trail_add(struct contract_trail *trail, const void *data, size_t size)
{
	if (trail->n == CONTRACT_TRAIL_MAX)
		return;
	trail->mark[trail->n].op = trail->op ? trail->op : "an op";
	trail->mark[trail->n].what = trail->what;
	trail->mark[trail->n++].hash = XXH3_64bits(data, size);
}

size_t contract_trail_compare(const struct contract_trail *a, const struct contract_trail *b)
{
	size_t i = 0;
	while (i < a->n && i < b->n && a->mark[i].hash == b->mark[i].hash)
		i++;
	return i;
}
