/* SPDX-License-Identifier: Apache-2.0 */
/* JSON made with jansson, as text. */
#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H

#include <jansson.h>

#include "base/context.h"

/* `root` as json_dumps writes it with `flags`; lives as long as the context. Takes root over. NULL and a
 * message when root is NULL or memory is out. */
char *core_json_text(fv_ctx *ctx, json_t *root, size_t flags);

#endif
