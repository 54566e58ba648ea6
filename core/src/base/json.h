/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON made with jansson as text. */
#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H

#include <jansson.h>

#include "base/context.h"

/* `root` as written by json_dumps with `flags`. Lives as long as the context. Takes ownership of
 * `root`. NULL (and a message) when `root` is NULL or memory is out. */
char *core_json_text(fv_ctx *ctx, json_t *root, size_t flags);

#endif
