/* SPDX-License-Identifier: Apache-2.0 */
/* Operations against loops in double: the tests of tests/cuda, whose main functions have the names below here. */
#include <stdio.h>
#include <stdlib.h>

#include "suite.h"

int run_op_rows(void);
int run_op_sums(void);
int run_op_frames(void);
int run_op_front(void);

void suite_ops(suite *s)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} tests[] = {{"rows", run_op_rows}, {"sums", run_op_sums}, {"frames", run_op_frames},
		{"front", run_op_front}};
	char rows[32];
	snprintf(rows, sizeof rows, "%lld", (long long)(s->rows ? s->rows : 64));
	if (setenv("FAIRVOX_OP_ROWS", rows, 1) || setenv("FAIRVOX_VERBOSE", "1", 1))
		suite_fault(s, "out of memory");
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		const int failed = tests[i].run();
		if (failed)
			suite_fault(s, "operations on %s: %d tests failed", tests[i].name, failed);
	}
}
