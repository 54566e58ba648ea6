/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in memory, read only. Small ones are read, so that nobody can change them any more; large ones are mapped. Where a
 * mapped file becomes shorter, its missing pages cannot be read: the signal handler then finds the file here. */
#ifndef CORE_BASE_MAPPING_H
#define CORE_BASE_MAPPING_H

#include <stdbool.h>

#include "base/context.h"

#define CORE_MAPPED_PATH 256

/* The bytes of a regular file that is open at `fd` and has `size` > 0 of them. Close them with core_mapping_close. Errors:
 * FV_DATA with path and reason. */
FV_NODISCARD fv_status core_mapping_open(
	fv_ctx *ctx, const char *path, int fd, size_t size, const void **data);
/* Gives the memory of the bytes from..to back until they are read again. Does nothing to a file that was read. */
void core_mapping_release(const void *data, size_t size, size_t from, size_t to);
void core_mapping_close(const void *data, size_t size);

/* Finds the mapped file that an address lies in. Returns false if there is none. Safe in signal handlers. */
bool core_mapping_find(const void *address, char path[CORE_MAPPED_PATH]);

#endif
