/* SPDX-License-Identifier: Apache-2.0 */
/* Whole-file locks on an open file description. A lock ends with the last process that has the
 * description open, works across machines on network file systems, and can be queried without being
 * taken. */
#ifndef CORE_BASE_LOCK_H
#define CORE_BASE_LOCK_H

#include <stdbool.h>

/* Each returns 0, or -1 with errno. */
int core_lock_try(int fd, bool *taken); /* *taken false: held by another */
int core_lock_wait(int fd);
bool core_lock_is_held(int fd); /* held by another */

#endif
