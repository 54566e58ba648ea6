/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int core_open_regular(const char *path, struct stat *st)
{
	struct stat own;
	int fd;
	do
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return -1;
	int reason = fstat(fd, &own)        ? errno
		     : S_ISREG(own.st_mode) ? 0
		     : S_ISDIR(own.st_mode) ? EISDIR
					    : ENXIO;
	if (!reason) {
		if (st)
			*st = own;
		return fd;
	}
	close(fd);
	errno = reason;
	return -1;
}

const char *core_open_reason(const char *path, int reason)
{
	struct stat st;
	bool other = (reason == ENXIO || reason == EISDIR || reason == EACCES) &&
		     !stat(path, &st) && !S_ISREG(st.st_mode);
	return other ? "not a regular file" : strerror(reason);
}

fv_status core_open_file(fv_ctx *ctx, const char *path, int *fd, struct stat *st)
{
	*fd = core_open_regular(path, st);
	return *fd >= 0 ? FV_OK
			: fv_fail(ctx, FV_DATA, "%s: %s", path, core_open_reason(path, errno));
}

static struct {
	pthread_mutex_t lock;
	char *path;
} disk_error = {.lock = PTHREAD_MUTEX_INITIALIZER};

void core_note_disk_error(const char *path)
{
	char *copy = strdup(path);
	pthread_mutex_lock(&disk_error.lock);
	if (copy) {
		free(disk_error.path);
		disk_error.path = copy;
	}
	pthread_mutex_unlock(&disk_error.lock);
}

bool core_has_disk_error(const char *path)
{
	pthread_mutex_lock(&disk_error.lock);
	bool same = disk_error.path && *path && !strcmp(path, disk_error.path);
	pthread_mutex_unlock(&disk_error.lock);
	return same;
}

char *core_copy_disk_error(void)
{
	pthread_mutex_lock(&disk_error.lock);
	char *copy = disk_error.path ? strdup(disk_error.path) : NULL;
	pthread_mutex_unlock(&disk_error.lock);
	return copy;
}

ssize_t core_read_some(int fd, void *data, size_t size)
{
	ssize_t n;
	do
		n = read(fd, data, size);
	while (n < 0 && errno == EINTR);
	return n;
}

ssize_t core_read_fully(int fd, void *data, size_t size)
{
	size_t done = 0;
	while (done < size) {
		ssize_t n = core_read_some(fd, (char *)data + done, size - done);
		if (n < 0)
			return -1;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t core_pread_fully(int fd, void *data, size_t size, int64_t at)
{
	size_t done = 0;
	while (done < size) {
		ssize_t n =
			pread(fd, (char *)data + done, size - done, (off_t)(at + (int64_t)done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* A write that takes nothing would be repeated for ever. */
static bool check_advance(ssize_t n)
{
	if (!n)
		errno = ENOSPC;
	return n > 0;
}

int core_write_fully(int fd, const void *data, size_t size)
{
	for (const char *from = data; size;) {
		ssize_t n = write(fd, from, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (!check_advance(n))
			return -1;
		from += n;
		size -= (size_t)n;
	}
	return 0;
}

int core_pwrite_fully(int fd, const void *data, size_t size, int64_t at)
{
	for (const char *from = data; size;) {
		ssize_t n = pwrite(fd, from, size, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (!check_advance(n))
			return -1;
		from += n;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int core_sync(int fd)
{
	int result;
	do
		result = fsync(fd);
	while (result && errno == EINTR);
	return result;
}

int core_truncate(int fd, int64_t size)
{
	int result;
	do
		result = ftruncate(fd, (off_t)size);
	while (result && errno == EINTR);
	return result;
}

int core_fill_random(void *data, size_t n)
{
	for (char *to = data; n;) {
		ssize_t got = getrandom(to, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		to += got;
		n -= (size_t)got;
	}
	return 0;
}

int core_wait_child(pid_t pid, int *how)
{
	pid_t ended;
	do
		ended = waitpid(pid, how, 0);
	while (ended < 0 && errno == EINTR);
	return ended < 0 ? -1 : 0;
}
