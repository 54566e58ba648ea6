/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a process see a folder as a machine may that shares it over a network, for tests/cli/shared.bats:
 *   SHARED_BOOT=FILE     it runs on another boot: FILE is read instead of the kernel's number of the boot
 *   SHARED_DELAY=S       files of leases and the absence of other files are seen as they were up to S seconds ago; what the
 *                        process itself changes in a folder it sees at once, as with close-to-open consistency
 *   SHARED_SKEW=S        its clock of the day is S seconds ahead
 *   SHARED_LOST=1        the answers to renames and links are lost, and the repeated requests fail
 *   SHARED_LOG=FILE      appends the path of each file `done` that it renames into place */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SEEN_MAX 256

/* A file as it was seen last. */
struct seen {
	char path[PATH_MAX];
	double at_s;
	bool absent;
	size_t size;
	char text[1024];
};

static struct seen seen[SEEN_MAX];
static size_t n_seen;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *find_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static double read_setting(const char *name)
{
	const char *text = getenv(name);
	return text ? atof(text) : 0;
}

static double find_now(void)
{
	static int (*next)(clockid_t, struct timespec *);
	struct timespec t;
	if (!next)
		*(void **)&next = find_next("clock_gettime");
	next(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The path of a name in an open folder. */
static void make_path(int dir, const char *name, char path[PATH_MAX])
{
	char link[64], folder[PATH_MAX / 2] = "";
	if (dir != AT_FDCWD && name[0] != '/') {
		snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
		ssize_t n = readlink(link, folder, sizeof folder - 2);
		folder[n > 0 ? n : 0] = '\0';
		strcat(folder, "/");
	}
	snprintf(path, PATH_MAX, "%s%s", folder, name);
}

static struct seen *find_seen(const char *path)
{
	for (size_t i = 0; i < n_seen; i++)
		if (!strcmp(seen[i].path, path) &&
			find_now() - seen[i].at_s < read_setting("SHARED_DELAY"))
			return &seen[i];
	return NULL;
}

static struct seen *add_seen(const char *path)
{
	size_t at = 0;
	while (at < n_seen && strcmp(seen[at].path, path) != 0)
		at++;
	if (at == SEEN_MAX)
		at = (size_t)getpid() % SEEN_MAX;
	n_seen = at == n_seen ? n_seen + 1 : n_seen;
	seen[at] = (struct seen){.at_s = find_now()};
	snprintf(seen[at].path, sizeof seen[at].path, "%s", path);
	return &seen[at];
}

/* Forgets what was seen of a folder in which this process has changed a name. */
static void forget_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 0;
	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < n_seen; i++)
		if (!strncmp(seen[i].path, path, n) && !strchr(seen[i].path + n, '/'))
			seen[i].at_s = -1e9;
	pthread_mutex_unlock(&mutex);
}

static bool is_delayed(const char *path)
{
	return read_setting("SHARED_DELAY") > 0 && strstr(path, "/.lease-") != NULL;
}

/* Opens what was seen, with its reading position at the start; -1: nothing was seen. */
static int open_seen(const char *path)
{
	int fd = -1;
	pthread_mutex_lock(&mutex);
	const struct seen *old = find_seen(path);
	if (old) {
		fd = memfd_create("seen", MFD_CLOEXEC);
		if (fd >= 0 && (pwrite(fd, old->text, old->size, 0) != (ssize_t)old->size)) {
			close(fd);
			fd = -1;
		}
	}
	pthread_mutex_unlock(&mutex);
	return fd;
}

static void keep_seen(const char *path, int fd)
{
	pthread_mutex_lock(&mutex);
	struct seen *new = add_seen(path);
	ssize_t n = pread(fd, new->text, sizeof new->text, 0);
	new->size = n > 0 ? (size_t)n : 0;
	pthread_mutex_unlock(&mutex);
}

static int open_at(int dir, const char *name, int flags, mode_t mode)
{
	static int (*next)(int, const char *, int, ...);
	char path[PATH_MAX];
	if (!next)
		*(void **)&next = find_next("openat");
	if (!strcmp(name, "/proc/sys/kernel/random/boot_id") && getenv("SHARED_BOOT") &&
		*getenv("SHARED_BOOT"))
		return next(AT_FDCWD, getenv("SHARED_BOOT"), flags, mode);
	make_path(dir, name, path);
	if (!is_delayed(path) || (flags & O_ACCMODE) != O_RDONLY) {
		if (flags & O_CREAT)
			forget_folder(path);
		return next(dir, name, flags, mode);
	}
	int fd = open_seen(path);
	if (fd >= 0)
		return fd;
	fd = next(dir, name, flags, mode);
	if (fd >= 0)
		keep_seen(path, fd);
	return fd;
}

int openat(int fd, const char *file, int oflag, ...)
{
	va_list args;
	va_start(args, oflag);
	mode_t mode = (oflag & O_CREAT) ? (mode_t)va_arg(args, int) : 0;
	va_end(args);
	return open_at(fd, file, oflag, mode);
}

int open(const char *file, int oflag, ...)
{
	va_list args;
	va_start(args, oflag);
	mode_t mode = (oflag & O_CREAT) ? (mode_t)va_arg(args, int) : 0;
	va_end(args);
	return open_at(AT_FDCWD, file, oflag, mode);
}

int access(const char *name, int type)
{
	static int (*next)(const char *, int);
	if (!next)
		*(void **)&next = find_next("access");
	if (read_setting("SHARED_DELAY") > 0) {
		pthread_mutex_lock(&mutex);
		const struct seen *old = find_seen(name);
		bool absent = old && old->absent;
		pthread_mutex_unlock(&mutex);
		if (absent) {
			errno = ENOENT;
			return -1;
		}
	}
	int result = next(name, type), reason = errno;
	if (result && reason == ENOENT && read_setting("SHARED_DELAY") > 0) {
		pthread_mutex_lock(&mutex);
		add_seen(name)->absent = true;
		pthread_mutex_unlock(&mutex);
	}
	errno = reason;
	return result;
}

int linkat(int fromfd, const char *from, int tofd, const char *to, int flags)
{
	static int (*next)(int, const char *, int, const char *, int);
	char path[PATH_MAX];
	if (!next)
		*(void **)&next = find_next("linkat");
	make_path(tofd, to, path);
	forget_folder(path);
	int result = next(fromfd, from, tofd, to, flags);
	return result || !getenv("SHARED_LOST") ? result : next(fromfd, from, tofd, to, flags);
}

static void log_done(const char *path)
{
	const char *file = getenv("SHARED_LOG"), *slash = strrchr(path, '/');
	if (!file || !slash || strcmp(slash, "/done") != 0)
		return;
	int fd = open_at(AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	char line[PATH_MAX + 32];
	int n = snprintf(line, sizeof line, "%s\n", path);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

int rename(const char *old, const char *new)
{
	static int (*next)(const char *, const char *);
	if (!next)
		*(void **)&next = find_next("rename");
	forget_folder(new);
	int result = next(old, new);
	if (!result)
		log_done(new);
	return result || !getenv("SHARED_LOST") ? result : next(old, new);
}

int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
	static int (*next)(clockid_t, struct timespec *);
	if (!next)
		*(void **)&next = find_next("clock_gettime");
	int result = next(clock_id, tp);
	if (!result && clock_id == CLOCK_REALTIME)
		tp->tv_sec += (time_t)read_setting("SHARED_SKEW");
	return result;
}

time_t time(time_t *timer)
{
	struct timespec now = {0};
	clock_gettime(CLOCK_REALTIME, &now);
	if (timer)
		*timer = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec now = {0};
	(void)tz;
	clock_gettime(CLOCK_REALTIME, &now);
	*tv = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
	return 0;
}
