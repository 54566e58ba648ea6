/* SPDX-License-Identifier: Apache-2.0 */
/* Is a file a whole shared object for this machine? Loaders die of truncated ones, and say "file not
 * found" of most others. */
#ifndef CORE_PLUGIN_ELF_H
#define CORE_PLUGIN_ELF_H

#include <stdbool.h>
#include <stddef.h>

/* True when it is; otherwise the reason as one line without the path. */
bool core_elf_check(const char *path, char *reason, size_t size);

#endif
