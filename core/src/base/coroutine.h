/* SPDX-License-Identifier: Apache-2.0 */
/* Coroutines: functions that take turns in one thread, each on a stack of its own. */
#ifndef CORE_BASE_COROUTINE_H
#define CORE_BASE_COROUTINE_H

#include <stdbool.h>

typedef struct core_coroutine core_coroutine;

/* Makes a coroutine that calls body(user) when it is resumed first. Free it with core_coroutine_free. NULL: memory
 * is out. */
core_coroutine *core_coroutine_new(void (*body)(void *user), void *user);
/* The coroutine must have ended or never have begun. NULL is allowed. */
void core_coroutine_free(core_coroutine *coroutine);

/* Lets the coroutine run until it pauses or ends. Returns false if it has ended. Coroutines do not resume one another. */
bool core_coroutine_resume(core_coroutine *coroutine);

/* Returns from core_coroutine_resume. For the coroutine that runs. */
void core_coroutine_pause(void);

#endif
