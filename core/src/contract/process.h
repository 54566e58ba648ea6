/* SPDX-License-Identifier: Apache-2.0 */
/* What an op may leave behind in the process beside the state of surroundings.h, which takes too long
 * to look at in every op of a run: open files, threads, the environment. */
#ifndef CORE_CONTRACT_PROCESS_H
#define CORE_CONTRACT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONTRACT_FILES = 1024 };

struct contract_process {
	bool is_open[CONTRACT_FILES]; /* by file descriptor */
	int threads;
	uint64_t environment; /* a hash */
};

void contract_process_record(struct contract_process *out);

/* If something differs, writes what ("leaves a thread behind") and returns its key of advice; NULL: nothing does.
 * It then counts as known. */
const char *contract_process_changed(struct contract_process *before, char *text, size_t size);

#endif
