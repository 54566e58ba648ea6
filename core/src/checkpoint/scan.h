/* SPDX-License-Identifier: Apache-2.0 */
/* JSON token by token, where a format's grammar is small and every fault is to be told with its
 * byte and rule: FILE: byte N: RULE: reason. Strings must be UTF-8 without NUL; numbers are plain
 * whole ones. */
#ifndef CORE_CHECKPOINT_SCAN_H
#define CORE_CHECKPOINT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"

typedef struct core_scan {
	fv_ctx *ctx;
	const char *path;
	const unsigned char *data; /* of the whole file */
	size_t at, end;            /* where the next token begins, where the text ends */
	core_arena *arena;         /* for strings */
} core_scan;

/* Records the fault and returns FV_DATA. */
fv_status core_scan_fail(const core_scan *s, size_t at, const char *rule, const char *format, ...)
	FV_PRINTF(4, 5);
fv_status core_scan_no_memory(const core_scan *s);

int core_scan_peek(const core_scan *s); /* -1 at the end */
void core_scan_space(core_scan *s);

/* Past `c`, which must be the next character after spaces; `rule` names the fault otherwise. */
FV_NODISCARD fv_status core_scan_expect(core_scan *s, char c, const char *rule);

/* Past `open`; *any = false, and past `close`, when nothing is inside. */
FV_NODISCARD fv_status core_scan_enter(
	core_scan *s, char open, char close, const char *rule, bool *any);

/* After an element: *again = true and past the comma, or false and past `close`. */
FV_NODISCARD fv_status core_scan_more(core_scan *s, char close, bool *again);

/* A string, decoded and NUL-terminated, in the arena. */
FV_NODISCARD fv_status core_scan_string(core_scan *s, const char *rule, char **out);

/* 0 or digits without a leading zero, below 2^63. */
FV_NODISCARD fv_status core_scan_integer(core_scan *s, uint64_t *out);

#endif
