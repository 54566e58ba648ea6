/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as text and in files, with jansson. */
#ifndef CORE_BASE_JSON_H
#define CORE_BASE_JSON_H

#include <jansson.h>

#include "base/context.h"

/* `root` as written by json_dumps with `flags`. Lives as long as the context. Takes ownership of
 * `root`. NULL (and a message) when `root` is NULL or memory is out. */
char *core_json_text(fv_ctx *ctx, json_t *root, size_t flags);

/* A number; NaN and infinity become null, because JSON lacks them. NULL when memory is out. */
json_t *core_json_number(double value);

/* Reads the file `name` of a folder, at most 64 MiB. Release *out with json_decref. Errors: FV_DATA, with
 * file and byte. */
FV_NODISCARD fv_status core_json_read(fv_ctx *ctx, const char *dir, const char *name, json_t **out);

#endif
