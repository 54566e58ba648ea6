/* SPDX-License-Identifier: Apache-2.0 */
/* What an op may leave behind in the process beside the state of surroundings.h, which takes too long
 * to look at in every op of a run: open files, threads, the environment. */
#ifndef CORE_CONTRACT_PROCESS_H
#define CORE_CONTRACT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CORE_PROCESS_FILES = 1024 };

struct core_process {
	bool is_open[CORE_PROCESS_FILES]; /* by file descriptor */
	int threads;
	bool leaves_threads;  /* one was left before: do not wait for the next to end */
	uint64_t environment; /* a hash */
};

void core_process_record(struct core_process *out);

/* If something differs, writes what ("leaves a thread behind") and returns its key of advice; NULL: nothing does.
 * It then counts as known. */
const char *core_process_changed(struct core_process *before, char *text, size_t size);

#endif
