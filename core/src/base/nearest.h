/* SPDX-License-Identifier: Apache-2.0 */
/* The known name that a misspelt one was meant to be, for messages. */
#ifndef CORE_BASE_NEAREST_H
#define CORE_BASE_NEAREST_H

#include "base/context.h"

/* The entry of `names` nearest to `word` (edit distance at most 2 and under half the length), or
 * NULL. */
const char *core_nearest(const char *word, const char *const *names, size_t n);

/* ", did you mean 'NAME'?" to append to a message, or "" when nothing is near; lives as long as the
 * context. */
const char *core_suggest_name(fv_ctx *ctx, const char *word, const char *const *names, size_t n);

#endif
