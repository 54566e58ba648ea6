/* SPDX-License-Identifier: Apache-2.0 */
/* Text files of encoders, as a stream that no signal interrupts. */
#ifndef ENCODERS_OPEN_TEXT_H
#define ENCODERS_OPEN_TEXT_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline ssize_t read_text_file(void *cookie, char *data, size_t size)
{
	int fd = (int)(intptr_t)cookie;
	ssize_t n;
	do
		n = read(fd, data, size);
	while (n < 0 && errno == EINTR);
	return n;
}

static inline int seek_text_file(void *cookie, off64_t *at, int whence)
{
	*at = lseek((int)(intptr_t)cookie, *at, whence);
	return *at < 0 ? -1 : 0;
}

static inline int close_text_file(void *cookie)
{
	return close((int)(intptr_t)cookie);
}

/* What strerror says, but of another kind of file. */
static inline const char *describe_open(int reason)
{
	return reason == ENXIO || reason == EISDIR ? "not a regular file" : strerror(reason);
}

/* Opens a regular file for reading, and waits for no other kind. NULL with errno if it cannot be opened: EISDIR for a
 * folder, ENXIO for a pipe or a device. */
static inline FILE *open_text(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	int reason = fstat(fd, &st)        ? errno
		     : S_ISREG(st.st_mode) ? 0
		     : S_ISDIR(st.st_mode) ? EISDIR
					   : ENXIO;
	cookie_io_functions_t calls = {
		.read = read_text_file, .seek = seek_text_file, .close = close_text_file};
	FILE *file = reason ? NULL : fopencookie((void *)(intptr_t)fd, "r", calls);
	if (file)
		return file;
	reason = reason ? reason : errno;
	close(fd);
	errno = reason;
	return NULL;
}

#endif
