/* SPDX-License-Identifier: Apache-2.0 */
/* Reads JSON token by token, for formats with a small grammar whose errors must name the byte
 * and the rule: FILE: byte N: RULE: reason. Strings must be UTF-8 without NUL; numbers must be
 * non-negative integers. */
#ifndef CORE_CHECKPOINT_SCAN_H
#define CORE_CHECKPOINT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/context.h"

typedef struct core_scan {
	fv_ctx *ctx;
	const char *path;
	const char *array;         /* of an archive, for messages; NULL: the file itself */
	const unsigned char *data; /* the whole file or array */
	size_t at, end;            /* byte of the next token, byte past the text */
	core_arena *arena;         /* memory of decoded strings */
} core_scan;

/* Reports the error and returns FV_DATA. */
fv_status core_scan_fail(const core_scan *s, size_t at, const char *rule, const char *format, ...)
	FV_PRINTF(4, 5);
fv_status core_scan_fail_memory(const core_scan *s);

int core_scan_peek(const core_scan *s); /* next byte; -1 at the end */
void core_scan_skip_space(core_scan *s);

/* Skips spaces and reads `c`; anything else is an error of `rule`. */
FV_NODISCARD fv_status core_scan_expect(core_scan *s, char c, const char *rule);

/* Reads `open`. *any = false when `close` follows at once, which is then read too. */
FV_NODISCARD fv_status core_scan_enter(
	core_scan *s, char open, char close, const char *rule, bool *any);

/* Reads what follows an element: *again = true after a comma, false after `close`. */
FV_NODISCARD fv_status core_scan_next_element(core_scan *s, char close, bool *again);

/* Reads a string; *out is decoded, NUL-terminated and lives in the arena. */
FV_NODISCARD fv_status core_scan_read_string(core_scan *s, const char *rule, char **out);

/* Reads a non-negative integer without leading zeros, below 2^63. */
FV_NODISCARD fv_status core_scan_read_integer(core_scan *s, uint64_t *out);

#endif
