/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/memory.h"

/* Notes which file descriptors are open, but for that of the list itself. */
static void list_files(struct core_process *p)
{
	DIR *dir = opendir("/proc/self/fd");
	if (!dir) {
		(void)core_memory_note_errno();
		return;
	}
	for (const struct dirent *entry; (entry = readdir(dir));) {
		const int number = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);
		if (number >= 0 && number < CORE_PROCESS_FILES && number != dirfd(dir))
			p->is_open[number] = true;
	}
	closedir(dir);
}

/* The folder of threads has a link for each, and two more. Listing them takes much longer, and this is called after every
 * op. */
static int count_threads(void)
{
	struct stat folder;
	if (stat("/proc/self/task", &folder)) {
		(void)core_memory_note_errno();
		return 0;
	}
	return (int)folder.st_nlink - 2;
}

/* pthread_join returns before the kernel has taken the thread off its list, which can take a busy machine milliseconds.
 * So this counts again until there are at most `expected`, for up to two seconds. `threads`: the first count. */
static int wait_for_threads(int threads, int expected)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	for (int i = 0; i < 1000 && threads > expected; i++) {
		nanosleep(&pause, NULL);
		threads = count_threads();
	}
	return threads;
}

void core_process_record(struct core_process *out)
{
	memset(out, 0, sizeof *out);
	list_files(out);
	out->threads = count_threads();
	for (char *const *variable = environ; variable && *variable; variable++)
		out->environment =
			XXH3_64bits_withSeed(*variable, strlen(*variable), out->environment);
}

const char *core_process_changed(struct core_process *before, char *text, size_t size)
{
	struct core_process now;
	const char *advice = NULL;
	core_process_record(&now);
	now.leaves_threads = before->leaves_threads;
	if (!now.leaves_threads)
		now.threads = wait_for_threads(now.threads, before->threads);
	for (int i = 0; i < CORE_PROCESS_FILES && !advice; i++) {
		if (now.is_open[i] == before->is_open[i])
			continue;
		advice = now.is_open[i] ? "open files" : "closed files";
		snprintf(text, size,
			now.is_open[i] ? "leaves file descriptor %d open"
				       : "closed file descriptor %d",
			i);
	}
	if (now.threads > before->threads) {
		now.leaves_threads = true;
		advice = "left threads";
		snprintf(text, size, "leaves a thread behind");
	}
	if (now.environment != before->environment) {
		advice = "environment";
		snprintf(text, size, "changed the environment");
	}
	*before = now;
	return advice;
}
