/* SPDX-License-Identifier: Apache-2.0 */
/* Where a setting was written, for messages and for `fairvox explain`. */
#ifndef CORE_CONFIG_PLACE_H
#define CORE_CONFIG_PLACE_H

#include "base/context.h"

/* file NULL: a default, written nowhere. line 0: no line, e.g. file "command line: argument 2". */
typedef struct core_place {
	const char *file;
	int line, column; /* from 1 */
} core_place;

/* fv_fail with the place in front of the message: FILE:line:column: ..., or FILE: ... */
fv_status core_fail_place(fv_ctx *ctx, fv_status status, core_place place, const char *format, ...)
	FV_PRINTF(4, 5);

struct core_yaml;

/* A key of a resolved block, for messages. */
typedef struct core_key_ref {
	const struct core_yaml *block; /* NULL: not known, then messages name no place */
	const char *key;  /* dotted, below the block: "columns.speaker"; "": the block */
	const char *item; /* a name in its map or an item of its list; NULL: its value */
} core_key_ref;

/* Where it is written. What is no item, or a default, has the place of what is around it. */
core_place core_key_place(core_key_ref ref);
/* fv_fail and fv_warn with that place in front of the message. */
fv_status core_fail_key(fv_ctx *ctx, fv_status status, core_key_ref ref, const char *format, ...)
	FV_PRINTF(4, 5);
void core_warn_key(fv_ctx *ctx, core_key_ref ref, const char *format, ...) FV_PRINTF(3, 4);

/* "FILE:line:column", "command line: argument 2" or "default". Lives as long as the context. */
const char *core_place_text(fv_ctx *ctx, core_place place);

#endif
