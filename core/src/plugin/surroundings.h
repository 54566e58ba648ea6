/* SPDX-License-Identifier: Apache-2.0 */
/* The process state that a plugin must not change: the working folder, the floating-point settings,
 * the locale and, as these take longer to check, signal handlers, blocked signals and the mode mask
 * of new files. */
#ifndef CORE_PLUGIN_SURROUNDINGS_H
#define CORE_PLUGIN_SURROUNDINGS_H

#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CORE_SIGNALS = 31 }; /* without real-time signals, which arrive only on request */

typedef struct core_surroundings {
	pid_t pid;
	char folder[PATH_MAX]; /* "": unknown, and not checked */
	dev_t device;
	ino_t inode;
	uint32_t sse; /* floating-point control bits; on other machines the rounding mode */
	uint16_t x87;
	char locale[512]; /* "": name too long, and not checked */
	locale_t thread_locale;
	struct core_disposition {
		void (*handler)(int);
		uint64_t blocked;
		int flags;
	} signal[CORE_SIGNALS + 1];
	sigset_t blocked;
	mode_t file_mask;
} core_surroundings;

void core_surroundings_record(core_surroundings *out);

/* Restores what has changed: working folder, floating point and locale, with `all` also signals and
 * the file mask. Returns true when something had changed, described in `text`: "the working folder
 * and the locale". */
bool core_surroundings_restore(const core_surroundings *before, bool all, char *text, size_t size);

/* True when this is a child process that fork() made since then. It must end without doing anything
 * else. */
bool core_surroundings_in_copy(const core_surroundings *before);

/* Ends such a child process. */
_Noreturn void core_end_copy(void);

/* Waits up to 2 s for the children of this process. *copies counts those that ended by
 * core_end_copy. True when other children are still running. */
bool core_reap_copies(int *copies);

#endif
