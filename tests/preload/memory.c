/* SPDX-License-Identifier: Apache-2.0 */
/* Makes one allocation of a program fail, for tests/campaigns/memory.py (LD_PRELOAD):
 *   MEMORY_FAIL=N     the N-th allocation of the process and its children fails, counted from 1; all from it on with
 *   MEMORY_ALL=1
 *   MEMORY_COUNT=FILE how many there were is written to FILE when the process that was started ends
 *   MEMORY_SHOW=1     tells on stderr which libraries asked for what failed
 * Tells on stderr in which libraries the process crashed, the innermost first; the program's own handlers of crashes are
 * not installed. The count is shared with forked children and begins anew when a program is executed. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The C library's own functions, under the names it exports them by for this. */
/* NOLINTBEGIN(bugprone-reserved-identifier): that is why they are reserved */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

static atomic_long *count;
static long failing;
static bool all, show;
static pid_t started;

static __attribute__((destructor)) void write_count(void)
{
	const char *file = getenv("MEMORY_COUNT");
	char line[32];
	int fd = file && count && getpid() == started
			 ? open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666)
			 : -1;
	if (fd < 0)
		return;
	int n = snprintf(line, sizeof line, "%ld\n", atomic_load(count));
	(void)!write(fd, line, (size_t)n);
	close(fd);
}

/* Names the libraries of the calls, once each, and of the C library the functions too: some of them use memory that
 * they did not get. After a crash the program has ended anyway, so that a call which is not safe in a handler can do no
 * harm.
 * NOLINTBEGIN(bugprone-signal-handler) */
static void name_libraries(const char *what, void *const *call, int n)
{
	char last[256] = "", name[256], line[2048] = "memory: ";
	strcat(line, what);
	for (int i = 0; i < n; i++) {
		Dl_info info;
		const char *file = dladdr(call[i], &info) && info.dli_fname
					   ? strrchr(info.dli_fname, '/')
					   : NULL;
		if (!file || !strcmp(file, "/memory.so"))
			continue;
		const char *function =
			!strncmp(file, "/libc.so", 8) && info.dli_sname ? info.dli_sname : "";
		snprintf(name, sizeof name, " %s%s%s", file + 1, *function ? ":" : "", function);
		if (!strcmp(name, last))
			continue;
		strcpy(last, name);
		strncat(line, name, sizeof line - strlen(line) - 1);
	}
	strncat(line, "\n", sizeof line - strlen(line) - 1);
	(void)!write(STDERR_FILENO, line, strlen(line));
}

static void on_crash(int number)
{
	void *call[64];
	signal(number, SIG_DFL);
	name_libraries("crashed in", call, backtrace(call, 64));
	raise(number);
}

/* NOLINTEND(bugprone-signal-handler) */

static bool is_crash(int number)
{
	return number == SIGSEGV || number == SIGABRT || number == SIGBUS || number == SIGFPE;
}

int sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
	static int (*next)(int, const struct sigaction *, struct sigaction *);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "sigaction");
	return next(number, is_crash(number) ? NULL : action, before);
}

static __attribute__((constructor)) void begin(void)
{
	const char *at = getenv("MEMORY_FAIL");
	failing = at ? atol(at) : 0;
	all = getenv("MEMORY_ALL") != NULL;
	show = getenv("MEMORY_SHOW") != NULL;
	started = getpid();
	void *call[2];
	(void)backtrace(call, 2); /* loads what it needs */
	signal(SIGSEGV, on_crash);
	signal(SIGABRT, on_crash);
	count = mmap(
		NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (count == MAP_FAILED)
		count = NULL;
}

static bool fails(void)
{
	if (!count)
		return false;
	long n = atomic_fetch_add(count, 1) + 1;
	if (!failing || (all ? n < failing : n != failing))
		return false;
	void *call[64];
	if (show)
		name_libraries("failed for", call, backtrace(call, 64));
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *memory = fails() ? NULL : __libc_memalign(alignment, size);
	if (!memory)
		return ENOMEM;
	*out = memory;
	return 0;
}
