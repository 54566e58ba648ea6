/* SPDX-License-Identifier: Apache-2.0 */
/* Makes one system call of a program fail, for tests/campaigns/errors.py (LD_PRELOAD):
 *   ERRORS_KIND=KIND   space (ENOSPC), io (EIO) or files (EMFILE): of the calls that can fail so
 *   ERRORS_FAIL=N      the N-th of the process and its children fails, counted from 1; all from it on with
 *   ERRORS_ALL=1
 *   ERRORS_COUNT=FILE  how many there were is written to FILE when the process that was started ends
 *   ERRORS_LOG=FILE    the name of the call that failed and of its file is written to FILE
 * The count is shared with forked children. Files of /proc and /sys have no disk whose errors they could give. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { NONE, SPACE = 1, IO = 2, FILES = 4 };

static atomic_long *count;
static long failing;
static bool all;
static enum kind chosen;
static pid_t started;

static void *find_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

/* Writes a line to the file that a variable names, without the calls below. */
static void write_line(const char *variable, const char *line)
{
	static int (*next_open)(const char *, int, ...);
	static ssize_t (*next_write)(int, const void *, size_t);
	const char *file = getenv(variable);
	if (!next_open) {
		*(void **)&next_open = find_next("open");
		*(void **)&next_write = find_next("write");
	}
	int fd = file ? next_open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
	if (fd < 0)
		return;
	(void)!next_write(fd, line, strlen(line));
	close(fd);
}

static __attribute__((constructor)) void begin(void)
{
	const char *at = getenv("ERRORS_FAIL"), *kind = getenv("ERRORS_KIND");
	failing = at ? atol(at) : 0;
	all = getenv("ERRORS_ALL") != NULL;
	if (kind)
		chosen = !strcmp(kind, "space") ? SPACE : !strcmp(kind, "io") ? IO : FILES;
	started = getpid();
	count = mmap(
		NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (count == MAP_FAILED)
		count = NULL;
}

static __attribute__((destructor)) void write_count(void)
{
	char line[32];
	if (!count || getpid() != started)
		return;
	(void)snprintf(line, sizeof line, "%ld\n", atomic_load(count));
	write_line("ERRORS_COUNT", line);
}

/* Whether this call is the one: `can` says in which ways it can fail. */
static bool fails(int can, const char *call, const char *path)
{
	char line[4352];
	if (!count || !(can & (int)chosen) ||
		(chosen == IO && (!strncmp(path, "/proc/", 6) || !strncmp(path, "/sys/", 5))))
		return false;
	long n = atomic_fetch_add(count, 1) + 1;
	if (!failing || (all ? n < failing : n != failing))
		return false;
	(void)snprintf(line, sizeof line, "%s %s\n", call, path);
	write_line("ERRORS_LOG", line);
	errno = chosen == SPACE ? ENOSPC : chosen == IO ? EIO : EMFILE;
	return true;
}

/* The same for a descriptor; the kernel's own files do not fail. */
static bool fails_for(int can, const char *call, int fd)
{
	struct stat st;
	char link[64], path[4096] = "";
	int kept = errno;
	if (!count || fstat(fd, &st) || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return false;
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = 0;
	errno = kept;
	return fails(can, call, path);
}

static int which(int flags)
{
	return (int)FILES | ((flags & O_CREAT) ? (int)SPACE : 0) | (int)IO;
}

#define DEFINE_OPEN(name)                                                                          \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		static int (*next)(const char *, int, ...);                                        \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;                        \
		va_end(args);                                                                      \
		if (!next)                                                                         \
			*(void **)&next = find_next(#name);                                        \
		return fails(which(flags), #name, path) ? -1 : next(path, flags, mode);            \
	}

DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                                                        \
	int name(int fd, const char *path, int flags, ...)                                         \
	{                                                                                          \
		static int (*next)(int, const char *, int, ...);                                   \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;                        \
		va_end(args);                                                                      \
		if (!next)                                                                         \
			*(void **)&next = find_next(#name);                                        \
		return fails(which(flags), #name, path) ? -1 : next(fd, path, flags, mode);        \
	}

DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* type NAME(PARAMETERS), called with ARGUMENTS; FAILED if WHETHER */
#define DEFINE_CALL(type, name, parameters, arguments, whether, failed)                            \
	type name parameters                                                                       \
	{                                                                                          \
		static type(*next) parameters;                                                     \
		if (!next)                                                                         \
			*(void **)&next = find_next(#name);                                        \
		return whether ? failed : next arguments;                                          \
	}

DEFINE_CALL(ssize_t, read, (int fd, void *to, size_t n), (fd, to, n), fails_for(IO, "read", fd), -1)
DEFINE_CALL(ssize_t, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at),
	fails_for(IO, "pread", fd), -1)
DEFINE_CALL(ssize_t, pread64, (int fd, void *to, size_t n, off_t at), (fd, to, n, at),
	fails_for(IO, "pread", fd), -1)
DEFINE_CALL(ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n),
	fails_for(SPACE | IO, "write", fd), -1)
DEFINE_CALL(ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at),
	fails_for(SPACE | IO, "pwrite", fd), -1)
DEFINE_CALL(ssize_t, pwrite64, (int fd, const void *from, size_t n, off_t at), (fd, from, n, at),
	fails_for(SPACE | IO, "pwrite", fd), -1)
DEFINE_CALL(int, fsync, (int fd), (fd), fails_for(SPACE | IO, "fsync", fd), -1)
DEFINE_CALL(int, ftruncate, (int fd, off_t n), (fd, n), fails_for(SPACE | IO, "ftruncate", fd), -1)
DEFINE_CALL(int, mkdir, (const char *path, mode_t mode), (path, mode),
	fails(SPACE | IO, "mkdir", path), -1)
DEFINE_CALL(int, rename, (const char *from, const char *to), (from, to),
	fails(SPACE | IO, "rename", to), -1)
DEFINE_CALL(int, link, (const char *from, const char *to), (from, to),
	fails(SPACE | IO, "link", to), -1)
DEFINE_CALL(DIR *, opendir, (const char *path), (path), fails(FILES | IO, "opendir", path), NULL)
DEFINE_CALL(int, pipe, (int fd[2]), (fd), fails(FILES, "pipe", ""), -1)
DEFINE_CALL(int, pipe2, (int fd[2], int flags), (fd, flags), fails(FILES, "pipe2", ""), -1)
DEFINE_CALL(int, dup, (int fd), (fd), fails(FILES, "dup", ""), -1)
DEFINE_CALL(int, memfd_create, (const char *name, unsigned flags), (name, flags),
	fails(FILES, "memfd_create", ""), -1)
DEFINE_CALL(int, socketpair, (int domain, int type, int protocol, int fd[2]),
	(domain, type, protocol, fd), fails(FILES, "socketpair", ""), -1)
