/* SPDX-License-Identifier: Apache-2.0 */
/* System calls on files, as the core uses them: a signal interrupts none, and what they read or write in parts is completed. */
#ifndef CORE_BASE_IO_H
#define CORE_BASE_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/context.h"

struct stat;

/* Opens a regular file for reading, without waiting for one that is something else: a pipe without a writer, a device.
 * *st may be NULL. Close *fd. Errors: FV_DATA, with path and reason. */
FV_NODISCARD fv_status core_open_file(fv_ctx *ctx, const char *path, int *fd, struct stat *st);

/* The same without a message: the file descriptor, or -1 with errno. */
int core_open_regular(const char *path, struct stat *st);
/* What strerror says of errno; of a path that is no regular file, that. */
const char *core_open_reason(const char *path, int reason);

/* An error of the disk (EIO) in a call on a file, for those that do not tell it themselves: failures whose message begins
 * with this path then have that reason (fv_fail), and the program does not succeed (core/cli/main.c). Any thread. */
void core_note_disk_error(const char *path);
bool core_has_disk_error(const char *path); /* of this file, the last one that was noted */
/* A copy of the last path that was noted, or NULL. Free it. */
char *core_copy_disk_error(void);

/* Read until `size` bytes are there or the file ends. Return their number, or -1 with errno. */
ssize_t core_read_fully(int fd, void *data, size_t size);
ssize_t core_pread_fully(int fd, void *data, size_t size, int64_t at);
/* Reads what is there, at least a byte unless the file ends: of pipes. */
ssize_t core_read_some(int fd, void *data, size_t size);

/* Write all bytes. Return 0, or -1 with errno; some may have been written then. */
int core_write_fully(int fd, const void *data, size_t size);
int core_pwrite_fully(int fd, const void *data, size_t size, int64_t at);

int core_sync(int fd);                      /* fsync */
int core_truncate(int fd, int64_t size);    /* ftruncate */
int core_fill_random(void *data, size_t n); /* random bytes of the system; n <= 256 */
int core_wait_child(pid_t pid, int *how);   /* waitpid */

#endif
