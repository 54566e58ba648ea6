/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/memory.h"

/* Calls `use` with each number that names an entry of the folder. */
static void list_numbers(const char *folder, void (*use)(void *user, int number), void *user)
{
	DIR *dir = opendir(folder);
	if (!dir) {
		(void)core_memory_note_errno();
		return;
	}
	for (const struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir))
			use(user, atoi(entry->d_name));
	closedir(dir);
}

static void note_file(void *user, int number)
{
	struct core_process *p = user;
	if (number < CORE_PROCESS_FILES)
		p->is_open[number] = true;
}

static void count_thread(void *user, int number)
{
	(void)number;
	++*(int *)user;
}

static int count_threads(void)
{
	int threads = 0;
	list_numbers("/proc/self/task", count_thread, &threads);
	return threads;
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
	list_numbers("/proc/self/fd", note_file, out);
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
