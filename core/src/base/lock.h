/* SPDX-License-Identifier: Apache-2.0 */
/* Whole-file locks of an open file description: they go when the last process that has it open ends,
 * work across machines on network file systems, and can be asked about without being taken. */
#ifndef CORE_BASE_LOCK_H
#define CORE_BASE_LOCK_H

#include <stdbool.h>

/* Each returns 0, or -1 with errno. */
int core_lock_try(int fd, bool *taken); /* *taken false: another holds it */
int core_lock_wait(int fd);
bool core_lock_is_held(int fd); /* by another */

#endif
