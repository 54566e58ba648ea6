/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	struct contract_process *p = user;
	if (number < CONTRACT_FILES)
		p->is_open[number] = true;
}

static void count_thread(void *user, int number)
{
	struct contract_process *p = user;
	(void)number;
	p->threads++;
}

void contract_process_record(struct contract_process *out)
{
	memset(out, 0, sizeof *out);
	list_numbers("/proc/self/fd", note_file, out);
	list_numbers("/proc/self/task", count_thread, out);
	for (char *const *variable = environ; variable && *variable; variable++)
		out->environment =
			XXH3_64bits_withSeed(*variable, strlen(*variable), out->environment);
}

const char *contract_process_changed(struct contract_process *before, char *text, size_t size)
{
	struct contract_process now;
	const char *advice = NULL;
	contract_process_record(&now);
	for (int i = 0; i < CONTRACT_FILES && !advice; i++) {
		if (now.is_open[i] == before->is_open[i])
			continue;
		advice = now.is_open[i] ? "open files" : "closed files";
		snprintf(text, size,
			now.is_open[i] ? "leaves file descriptor %d open"
				       : "closed file descriptor %d",
			i);
	}
	if (now.threads > before->threads) {
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
