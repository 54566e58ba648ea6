/* SPDX-License-Identifier: Apache-2.0 */
/* Files are read completely, and written completely or not at all. */
#ifndef CORE_BASE_FILE_H
#define CORE_BASE_FILE_H

#include <stdbool.h>

#include "base/path.h"

/* Reads a whole file, with a NUL after its end. Lives as long as the context. More than `limit`
 * bytes (0: no limit) is an error. Errors: FV_DATA. */
FV_NODISCARD fv_status core_file_read(
	fv_ctx *ctx, const char *path, size_t limit, char **data, size_t *size);

/* Writes a temporary file beside the target, then fsync, rename, and fsync of the folder. Errors:
 * FV_FAILED with path and reason; the target is then unchanged, as it is once memory has run out (base/memory.h). */
FV_NODISCARD fv_status core_file_write(
	fv_ctx *ctx, const char *path, const void *data, size_t size);

/* The same in steps, for data too large for memory: put as often as needed, then commit or
 * abandon. */
typedef struct core_writer core_writer;
FV_NODISCARD fv_status core_writer_open(fv_ctx *ctx, const char *path, core_writer **out);
FV_NODISCARD fv_status core_writer_put(
	fv_ctx *ctx, core_writer *writer, const void *data, size_t size);
FV_NODISCARD fv_status core_writer_commit(fv_ctx *ctx, core_writer *writer);
void core_writer_abandon(core_writer *writer); /* NULL is allowed */

/* Commits without fsync: the whole file is there under its name, but a power failure may take it away. */
FV_NODISCARD fv_status core_writer_commit_loose(fv_ctx *ctx, core_writer *writer);

/* Makes n files of one folder durable together and gives them other names there: from[i] -> to[i]. A file that
 * another process has renamed so by then is left alone. Errors: FV_FAILED with path and reason. */
FV_NODISCARD fv_status core_files_seal(
	fv_ctx *ctx, const char *const *from, const char *const *to, int64_t n);

/* fsync of a file's folder, so that a rename is permanent. Returns 0, or -1 with errno. */
int core_sync_dir_of(fv_ctx *ctx, const char *path);

FV_NODISCARD fv_status core_make_dirs(fv_ctx *ctx, const char *path); /* like mkdir -p */
/* Lists the names in a folder, sorted; they live as long as the context. Errors: FV_DATA, FV_FAILED (memory). */
FV_NODISCARD fv_status core_list_folder(
	fv_ctx *ctx, const char *dir, const char ***names, size_t *n);
bool core_file_exists(const char *path); /* of any kind, a folder too */
bool core_is_file(const char *path);     /* a regular one */
bool core_is_dir(const char *path);

#endif
