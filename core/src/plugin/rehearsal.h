/* SPDX-License-Identifier: Apache-2.0 */
/* Does in a child process what this process is about to do with a plugin, so that a crash ends the child alone. */
#ifndef CORE_PLUGIN_REHEARSAL_H
#define CORE_PLUGIN_REHEARSAL_H

#include <stddef.h>

#include <fairvox/status.h>

/* Calls work in a child, whose changes are lost. Returns FV_FAILED, with the reason in `why`, if the child ended in it,
 * or did not return from an op within core_call_limit(). */
fv_status core_plugin_rehearse(void (*work)(void *user), void *user, char *why, size_t size);

#endif
