/* SPDX-License-Identifier: Apache-2.0 */
/* The content of a lease's file, and what it says about its holder. */
#ifndef CORE_BASE_CLAIM_FILE_H
#define CORE_BASE_CLAIM_FILE_H

#include <stddef.h>

#include "base/lease.h"

#define CORE_LEASE_TEXT 512
/* The last line, "held 00000000000000000012", is the only one that changes; it is overwritten in place. */
#define CORE_LEASE_TAIL 26

typedef struct core_lease_text {
	char text[CORE_LEASE_TEXT];
	size_t size;
	char token[CORE_LEASE_TOKEN];
	double period_s;
} core_lease_text;

typedef struct core_lease_facts {
	bool readable, held;
	char token[CORE_LEASE_TOKEN], host[65], boot[40], space[40];
	int64_t process;
	uint64_t start; /* when the process began, in ticks since the boot */
	int64_t count;
	double period_s;
} core_lease_facts;

/* Describes this process. */
FV_NODISCARD fv_status core_lease_describe(fv_ctx *ctx, core_lease_text *out);
void core_lease_tail(char tail[CORE_LEASE_TAIL + 1], bool held, int64_t count);
/* Reads a lease's file. A text that is no lease, as one that is being written, is unreadable: its size is then its count. */
void core_lease_parse(const char *text, size_t size, core_lease_facts *out);

typedef enum core_lease_life {
	CORE_LEASE_ALIVE,
	CORE_LEASE_DEAD,
	CORE_LEASE_UNKNOWN, /* on another machine, or out of sight */
} core_lease_life;
core_lease_life core_lease_find_life(const core_lease_facts *facts);

#endif
