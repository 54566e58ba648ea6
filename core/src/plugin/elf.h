/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a file is a complete shared object for this machine. Loaders crash on truncated ones and
 * report "file not found" for most other faults. */
#ifndef CORE_PLUGIN_ELF_H
#define CORE_PLUGIN_ELF_H

#include <stdbool.h>
#include <stddef.h>

/* True when it is; otherwise `reason` gets one line without the path. */
bool core_elf_check(const char *path, char *reason, size_t size);

#endif
