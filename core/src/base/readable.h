/* SPDX-License-Identifier: Apache-2.0 */
/* Whether memory that others point to can be read, asked without a crash. */
#ifndef CORE_BASE_READABLE_H
#define CORE_BASE_READABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { CORE_NAME_MAX = 1000 }; /* bytes of the name of a group, a value or a column */

/* Returns false if a byte of them cannot be read. */
bool core_is_readable(const void *data, size_t size);
/* Returns true if `text` points to one line of UTF-8, of at least one and at most `max` bytes, ended by a zero. It may have
 * other control characters: where it is shown, they are escaped. */
bool core_is_readable_text(const char *text, size_t max);
/* Does the address lie on the stack of this thread? On another stack, such as a coroutine's, false. */
bool core_is_on_stack(const void *address);

#endif
