/* SPDX-License-Identifier: Apache-2.0 */
/* Whether memory that others point to can be read, asked without a crash. */
#ifndef CORE_BASE_READABLE_H
#define CORE_BASE_READABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Returns false if a byte of them cannot be read. */
bool core_is_readable(const void *data, size_t size);
/* Returns true if `text` points to at least one and at most `max` bytes of UTF-8 without control characters, ended by a
 * zero. */
bool core_is_readable_text(const char *text, size_t max);

#endif
