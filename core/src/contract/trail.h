/* SPDX-License-Identifier: Apache-2.0 */
/* What the ops gave in a round of the suite, one after the other, to compare rounds. */
#ifndef CORE_CONTRACT_TRAIL_H
#define CORE_CONTRACT_TRAIL_H

#include <stddef.h>
#include <stdint.h>

enum { CONTRACT_TRAIL_MAX = 8192 }; /* what follows is not compared */

struct contract_trail {
	size_t n;
	const char *op, *what; /* of the call in progress; what may be NULL */
	struct {
		const char *op, *what;
		uint64_t hash;
	} mark[CONTRACT_TRAIL_MAX];
};

void contract_trail_add(struct contract_trail *trail, const void *data, size_t size);

/* Returns the position of the first mark that differs; the length of both if they are the same. */
size_t contract_trail_compare(const struct contract_trail *a, const struct contract_trail *b);

#endif
