/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of YAML text in our own words, at the place where the mistake is: libyaml often reports the
 * line behind it. */
#ifndef CORE_CONFIG_YAML_FAULT_H
#define CORE_CONFIG_YAML_FAULT_H

#include <yaml.h>

#include "config/place.h"

typedef struct core_yaml_text {
	const char *file, *data;
	size_t size;
	const core_place *fixed; /* when not NULL, the place of all faults */
} core_yaml_text;

/* A line without its break; indent: its blanks and tabs, in bytes. */
typedef struct core_yaml_line {
	const char *start;
	size_t n, indent;
} core_yaml_line;

/* A mistake in a line: where it is, in bytes, and what is wrong. */
typedef struct core_yaml_typo {
	size_t at;
	char what[160];
} core_yaml_typo;

/* Line from 0; empty behind the end. */
core_yaml_line core_yaml_find_line(const core_yaml_text *text, size_t line);
/* The place of a byte of a line, as people count it. */
core_place core_yaml_byte_place(const core_yaml_text *text, size_t line, size_t byte);
/* The same of a byte of the text, before its end. */
core_place core_yaml_offset_place(const core_yaml_text *text, size_t offset);
core_place core_yaml_mark_place(const core_yaml_text *text, yaml_mark_t mark);
/* The byte of the line that the mark's column is. */
size_t core_yaml_mark_byte(const core_yaml_text *text, yaml_mark_t mark);

/* What the parser cannot read. `last` is its last scalar. Returns FV_CONFIG, or FV_FAILED when memory
 * is out. */
FV_NODISCARD fv_status core_yaml_report_error(fv_ctx *ctx, const core_yaml_text *text,
	const yaml_parser_t *parser, const yaml_event_t *last);

/* Mistakes that are valid YAML and mean something else than they look like: a scalar without quotes
 * with a no-break space or another odd blank at an end of a line, typographic quotes or no space behind
 * ':'. `key_line`: from 0, of the key that the scalar is the value of; -1: none. */
FV_NODISCARD fv_status core_yaml_check_scalar(fv_ctx *ctx, const core_yaml_text *text,
	const yaml_event_t *scalar, bool is_key, int key_line);

/* Finds what is easily mistyped in a line: a tab in the indentation, a blank of another kind than
 * people see, typographic quotes, no space behind ':'. */
bool core_yaml_find_typo(core_yaml_line line, core_yaml_typo *typo);
/* The same for a single value: an odd blank at its ends, a typographic quote at its start. */
bool core_yaml_find_word_typo(const char *word, core_yaml_typo *typo);
/* Refuses characters that YAML takes for a line break and editors do not show: U+0085, U+2028, U+2029. */
FV_NODISCARD fv_status core_yaml_check_breaks(fv_ctx *ctx, const core_yaml_text *text);

#endif
