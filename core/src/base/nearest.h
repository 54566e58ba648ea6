/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the known name that a misspelt name was meant to be, for messages. */
#ifndef CORE_BASE_NEAREST_H
#define CORE_BASE_NEAREST_H

#include "base/context.h"

/* The entry of `names` nearest to `word`, with an edit distance of at most 2 and below half the
 * length; NULL when there is none. */
const char *core_find_nearest(const char *word, const char *const *names, size_t n);

/* ", did you mean 'NAME'?" to append to a message, or "" when no name is near. Lives as long as the
 * context. */
const char *core_suggest_name(fv_ctx *ctx, const char *word, const char *const *names, size_t n);

#endif
