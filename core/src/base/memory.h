/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this process ran out of memory, or of file descriptors. What failed is often seen later and elsewhere, as text
 * that cannot be parsed or a file that is not there. Once a request has failed, therefore, no failure is taken for one of
 * the data or of the configuration (fv_fail), nothing is written (core_writer_commit), and the program does not
 * succeed. */
#ifndef CORE_BASE_MEMORY_H
#define CORE_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

bool core_memory_is_out(void);
/* What ran out first, as an errno: ENOMEM, EMFILE, ENFILE; 0: nothing. */
int core_memory_lack(void);
/* The same in words: "out of memory", "Too many open files". */
const char *core_memory_reason(void);
/* Call it wherever an allocation has failed. Any thread. */
void core_memory_note_failure(void);
/* Notes a lack; of other errors, nothing. Returns whether it is one. */
bool core_memory_note_lack(int error);
/* The same for errno: after a call of the C library whose failure could be taken for something that is not there. */
bool core_memory_note_errno(void);
/* Before a task that shares no data with what failed. */
void core_memory_forget(void);
/* Makes jansson note its failures, and keeps 64 KiB for it, which one failed request of its uses up. Repeated calls do
 * nothing. */
void core_memory_watch_json(void);
/* realloc that notes a failure, for libraries that take one. */
void *core_memory_realloc(void *old, size_t size);

#endif
