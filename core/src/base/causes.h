/* SPDX-License-Identifier: Apache-2.0 */
/* The failures of a context, merged: one cause is one line with a count and its first three places.
 *
 * Failures of a line or a file have one cause when their texts differ only in quoted values and
 * numbers. Of one format string at most three causes are kept; its further texts count to the third.
 * What a person wrote in a configuration has one cause only when the texts are equal, and so have
 * failures at no place. */
#ifndef CORE_BASE_CAUSES_H
#define CORE_BASE_CAUSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define CORE_CAUSES_KEPT 20
#define CORE_CAUSE_LISTED 3 /* places and quoted values that a line lists */

typedef enum core_place_kind {
	CORE_AT_NOTHING,
	CORE_AT_FILE,  /* the file as a whole */
	CORE_AT_LINE,  /* a line of a table */
	CORE_AT_COLUMN /* a column of a line that a person wrote */
} core_place_kind;

/* A failure as it was recorded. Texts are free of control characters. */
typedef struct core_failure {
	core_place_kind kind;
	const char *file;  /* NULL at no place */
	const char *place; /* FILE, FILE:LINE or FILE:LINE:COLUMN */
	const char *lead;  /* what the line starts with, up to the text */
	const char *text;
	const char *format; /* what the text was made from */
	bool exact;         /* only equal texts have one cause */
	int line, column;
} core_failure;

typedef struct core_cause {
	core_place_kind kind;
	bool header;     /* on the first line of a table, which each file has of its own */
	uint64_t key;    /* hash of what the texts of this cause share */
	uint64_t format; /* hash; 0: without words of its own */
	uint64_t first;  /* hash of the first text */
	uint64_t file;   /* hash of the first file */
	int64_t n, n_files;
	int n_lines, n_places, n_values;
	int line[CORE_CAUSE_LISTED];          /* in the first file */
	const char *place[CORE_CAUSE_LISTED]; /* CORE_AT_LINE: the first of each file */
	const char *value[CORE_CAUSE_LISTED]; /* quoted values of other texts */
	bool more_values;
	bool mixed;        /* has texts that differ in other words too */
	const char *text;  /* of the first failure */
	char *message;     /* the whole line, with counts and places; NULL: memory ran out */
	size_t head, size; /* bytes of the first failure's own line; bytes at `message` */
} core_cause;

/* What was counted already, so that a row that is reported twice counts once. */
typedef struct core_counted {
	uint64_t hash; /* 0: free */
	int32_t cause;
} core_counted;

typedef struct core_causes {
	core_cause cause[CORE_CAUSES_KEPT];
	size_t n;
	size_t recorded, left_out; /* failures in all; those of causes that are not kept */
	core_counted *counted;     /* hash table */
	size_t n_counted, n_slots; /* n_slots is a power of 2 */
	bool full;                 /* counting has stopped */
	core_arena text;
} core_causes;

/* Adds a failure: to its cause if that is kept, else as a new one while there is room. */
void core_causes_add(core_causes *causes, const core_failure *failure);
/* Adds all the causes of `from`, with their counts. */
void core_causes_join(core_causes *causes, const core_causes *from);
void core_causes_clear(core_causes *causes);
void core_causes_free(core_causes *causes);

/* Writes the cause's line again. Returns false if memory is out. */
bool core_cause_write(core_cause *cause, core_arena *arena, bool counts_all);

/* A hash of what texts share that differ only in quoted values and numbers. */
uint64_t core_text_shape(const char *text);
/* The first quoted value of `text` that `other` has not at its place; NULL: none. *size: bytes. */
const char *core_other_value(const char *text, const char *other, size_t *size);
/* Returns true if the format has words of its own, beside conversions. */
bool core_format_has_words(const char *format);

#endif
