/* SPDX-License-Identifier: Apache-2.0 */
/* The files of loaded plugins. Their code is mapped: a file that is overwritten in place changes, or ends, under the
 * program that uses it. A file that is replaced by another one (mv, install) stays as it was. */
#ifndef CORE_PLUGIN_LOADED_FILES_H
#define CORE_PLUGIN_LOADED_FILES_H

#include "base/context.h"
#include "base/hash.h"
#include "base/mapping.h"

/* Notes a file that was loaded, as it is now, and the hash of its content. */
void core_loaded_file_note(const char *path, const char sha256[CORE_SHA256_HEX]);

/* Writes what is wrong if a file was written to since it was noted, and returns true. Safe in signal handlers. */
#define CORE_OVERWRITTEN_SIZE (CORE_MAPPED_PATH + 128)
bool core_loaded_file_was_overwritten(char text[CORE_OVERWRITTEN_SIZE]);

/* Fails with that text if a file has another content now: what was computed since may come of both. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_loaded_files_check(fv_ctx *ctx);

#endif
