/* SPDX-License-Identifier: Apache-2.0 */
/* Plugins made up to break the contract, and what the contract suite finds. */
#ifndef TEST_MADE_UP_H
#define TEST_MADE_UP_H

#include <fairvox/fairvox.h>

#include "contract/contract.h"
#include "support.h"

/* The initialiser of a descriptor. */
#define MADE_UP(kind_, state_, ops_)                                                               \
	{                                                                                          \
		.size = sizeof(fv_descriptor), .abi = FV_ABI, .kind = kind_, .name = "made_up",    \
		.version = "1", .summary = "s", .source = "s", .licence = "Apache-2.0",            \
		.state_size = sizeof(state_), .ops = ops_                                          \
	}

/* A state that most of them have. */
typedef struct test_made_up {
	int64_t calls, shared;
	double weight;
} test_made_up;

core_contract test_contract_run(fv_ctx *ctx, const fv_descriptor *d);
/* Fails the test unless there is a finding of that check with these words. */
void test_contract_expect(const fv_descriptor *d, bool fault, const char *name, const char *words);

#endif
