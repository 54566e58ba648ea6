/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin shares with everything else in its process, and must leave as it was: the working folder, the
 * rounding mode and the other settings of floating point, the locale, and beside these what is dearer to
 * look at: what signals do, which are blocked, the mask of new files' modes. */
#ifndef CORE_PLUGIN_SURROUNDINGS_H
#define CORE_PLUGIN_SURROUNDINGS_H

#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CORE_SIGNALS = 31 }; /* nobody gets a real-time signal who has not asked for it */

typedef struct core_surroundings {
	pid_t pid;
	char folder[PATH_MAX]; /* "": it has no name, and is not watched */
	dev_t device;
	ino_t inode;
	uint32_t sse; /* control bits of the units that compute; rounding modes elsewhere */
	uint16_t x87;
	char locale[512]; /* "": its name is longer, and it is not watched */
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

/* Puts back what has changed since: the first three, with `all` everything. True when something had, with
 * the words for it in `text`: "the working folder and the locale". */
bool core_surroundings_restore(const core_surroundings *before, bool all, char *text, size_t size);

/* Is this process a copy that fork() has made since? Then nothing may be done but to end it. */
bool core_surroundings_are_copied(const core_surroundings *before);

/* Ends such a copy. */
_Noreturn void core_end_copy(void);

/* Waits a moment for this process's children, if it has any. *copies: those that ended as copies; true when
 * others are still at work. */
bool core_reap_copies(int *copies);

#endif
