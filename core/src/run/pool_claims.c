/* SPDX-License-Identifier: Apache-2.0 */
#include "run/pool_claims.h"

struct claim core_claim_next(
	struct claims *claims, const core_pool *pool, int slot, const bool *over)
{
	struct claim *left = &claims->left[slot];
	while (left->first < left->end) {
		int64_t task = left->first++;
		if (!over[task])
			return (struct claim){task, task + 1};
	}
	int64_t first = atomic_load(&claims->next), n;
	do {
		if (first >= pool->tasks)
			return (struct claim){0, 0};
		n = pool->together ? pool->together(pool->user, first) : 1;
	} while (!atomic_compare_exchange_weak(&claims->next, &first, first + n));
	return (struct claim){first, first + n};
}

bool core_claim_leave(struct claims *claims, int slot)
{
	struct claim *together = &claims->together[slot];
	if (together->first == together->end)
		return false;
	claims->left[slot] = *together;
	*together = (struct claim){0, 0};
	return true;
}

bool core_claim_any_left(const struct claims *claims, const core_pool *pool, int slot)
{
	const struct claim *left = &claims->left[slot];
	return atomic_load(&claims->next) < pool->tasks || left->first < left->end;
}
