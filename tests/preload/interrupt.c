/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts system calls and completes them in parts, for tests/campaigns/interrupt.py (LD_PRELOAD):
 *   INTERRUPT_EVERY=K  of the calls of a process every K-th fails with EINTR, and every K-th of the others reads or writes
 *                      no more than a byte, where it may
 *   INTERRUPT_LOG=FILE a byte is appended to FILE for each such call */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void *find_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static void note(void)
{
	static ssize_t (*next)(int, const void *, size_t);
	const char *file = getenv("INTERRUPT_LOG");
	if (!next)
		*(void **)&next = find_next("write");
	int fd = file ? open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
	if (fd < 0)
		return;
	(void)!next(fd, ".", 1);
	close(fd);
}

enum fate { WHOLE, INTERRUPTED, IN_PARTS };

static enum fate decide(void)
{
	static long every = -1;
	static unsigned long calls;
	if (every < 0)
		every = getenv("INTERRUPT_EVERY") ? atol(getenv("INTERRUPT_EVERY")) : 0;
	unsigned long n = every > 0 ? ++calls % (2 * (unsigned long)every) : 1;
	int kept = errno;
	if (every > 0 && n % (unsigned long)every == 0)
		note();
	errno = kept;
	if (every <= 0 || n % (unsigned long)every)
		return WHOLE;
	return n ? IN_PARTS : INTERRUPTED;
}

static bool interrupts(enum fate fate)
{
	if (fate == INTERRUPTED)
		errno = EINTR;
	return fate == INTERRUPTED;
}

/* Only files and pipes are read and written in parts: the kernel's own files have lines. */
static size_t limit(int fd, size_t size, enum fate fate)
{
	struct stat st;
	bool parted = fate == IN_PARTS && size > 1 && !fstat(fd, &st) &&
		      (S_ISFIFO(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size));
	return parted ? 1 : size;
}

#define DEFINE_TRANSFER(type, name)                                                                \
	ssize_t name(int fd, type data, size_t size)                                               \
	{                                                                                          \
		static ssize_t (*next)(int, type, size_t);                                         \
		enum fate fate = decide();                                                         \
		if (!next)                                                                         \
			*(void **)&next = find_next(#name);                                        \
		return interrupts(fate) ? -1 : next(fd, data, limit(fd, size, fate));              \
	}

DEFINE_TRANSFER(void *, read)
DEFINE_TRANSFER(const void *, write)

#define DEFINE_PLACED(type, name)                                                                  \
	ssize_t name(int fd, type data, size_t size, off_t at)                                     \
	{                                                                                          \
		static ssize_t (*next)(int, type, size_t, off_t);                                  \
		enum fate fate = decide();                                                         \
		if (!next)                                                                         \
			*(void **)&next = find_next(#name);                                        \
		return interrupts(fate) ? -1 : next(fd, data, limit(fd, size, fate), at);          \
	}

DEFINE_PLACED(void *, pread)
DEFINE_PLACED(void *, pread64)
DEFINE_PLACED(const void *, pwrite)
DEFINE_PLACED(const void *, pwrite64)

int fsync(int fd)
{
	static int (*next)(int);
	if (!next)
		*(void **)&next = find_next("fsync");
	return interrupts(decide()) ? -1 : next(fd);
}

int ftruncate(int fd, off_t size)
{
	static int (*next)(int, off_t);
	if (!next)
		*(void **)&next = find_next("ftruncate");
	return interrupts(decide()) ? -1 : next(fd, size);
}

ssize_t getrandom(void *data, size_t size, unsigned flags)
{
	static ssize_t (*next)(void *, size_t, unsigned);
	enum fate fate = decide();
	if (!next)
		*(void **)&next = find_next("getrandom");
	return interrupts(fate) ? -1 : next(data, fate == IN_PARTS && size > 1 ? 1 : size, flags);
}

int fcntl(int fd, int command, ...)
{
	static int (*next)(int, int, void *);
	va_list args;
	va_start(args, command);
	void *argument = va_arg(args, void *);
	va_end(args);
	if (!next)
		*(void **)&next = find_next("fcntl");
	bool locks = command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_SETLK ||
		     command == F_SETLKW;
	return locks && interrupts(decide()) ? -1 : next(fd, command, argument);
}

pid_t waitpid(pid_t pid, int *how, int options)
{
	static pid_t (*next)(pid_t, int *, int);
	if (!next)
		*(void **)&next = find_next("waitpid");
	return interrupts(decide()) ? -1 : next(pid, how, options);
}
