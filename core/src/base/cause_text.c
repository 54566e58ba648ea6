/* SPDX-License-Identifier: Apache-2.0 */
/* What texts of one cause share, and the line that a cause is shown as. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/causes.h"

/* Returns the end of the quoted value that starts at `text`, behind its closing quote; NULL: none
 * starts there. A quote behind a letter is an apostrophe. */
static const char *find_value_end(const char *start, const char *text)
{
	if (*text != '\'' || (text > start && isalnum((unsigned char)text[-1])))
		return NULL;
	for (const char *end = strchr(text + 1, '\''); end; end = strchr(end + 1, '\''))
		if (!isalnum((unsigned char)end[1]))
			return end + 1;
	return NULL;
}

static const char *skip_number(const char *text)
{
	while (isdigit((unsigned char)*text) || (*text == '.' && isdigit((unsigned char)text[1])) ||
		((*text == 'e' || *text == 'E') && strchr("+-0123456789", text[1]) && text[1]))
		text += text[0] == 'e' || text[0] == 'E' ? 2 : 1;
	return text;
}

static uint64_t add_byte(uint64_t hash, unsigned char byte)
{
	return (hash ^ byte) * 0x100000001b3ull; /* FNV-1a */
}

uint64_t core_text_shape(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	for (const char *at = text; *at;) {
		const char *end = find_value_end(text, at);
		if (!end && *at == '-' && isdigit((unsigned char)at[1]))
			end = skip_number(at + 1);
		if (!end && isdigit((unsigned char)*at))
			end = skip_number(at);
		hash = add_byte(hash, end ? '\0' : (unsigned char)*at);
		at = end ? end : at + 1;
	}
	return hash;
}

/* Moves *at to the next quoted value. Returns its end, or NULL if there is none. */
static const char *find_value(const char *text, const char **at)
{
	for (; **at; ++*at) {
		const char *end = find_value_end(text, *at);
		if (end)
			return end;
	}
	return NULL;
}

const char *core_other_value(const char *text, const char *other, size_t *size)
{
	const char *a = text, *b = other, *a_end, *b_end;
	while ((a_end = find_value(text, &a)) && (b_end = find_value(other, &b))) {
		*size = (size_t)(a_end - a);
		if (a_end - a != b_end - b || memcmp(a, b, *size) != 0)
			return a;
		a = a_end;
		b = b_end;
	}
	return NULL;
}

bool core_format_has_words(const char *format)
{
	int letters = 0;
	for (const char *at = format; *at; at++) {
		if (*at == '%') {
			at++;
			at += strspn(at, "-+ #0123456789.*hlzjt");
			letters = 0;
			if (!*at)
				return false;
		} else if (isalpha((unsigned char)*at)) {
			if (++letters == 3)
				return true;
		} else {
			letters = 0;
		}
	}
	return false;
}

/* --- the line --- */

struct tail {
	char *at;
	size_t left, size; /* size: bytes that the whole text needs */
};

static void append_text(struct tail *t, const char *before, const char *text)
{
	int n = snprintf(t->at, t->left, "%s%s", before, text);
	size_t bytes = n > 0 ? (size_t)n : 0, used = bytes < t->left ? bytes : t->left;
	t->at += used;
	t->left -= used;
	t->size += bytes;
}

static void add_number(struct tail *t, const char *before, int64_t number)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRId64, number);
	append_text(t, before, text);
}

static void add_places(struct tail *t, const core_cause *c, const char *before, int64_t n)
{
	for (int i = 0; i < c->n_places; i++)
		append_text(t, i ? ", " : before, c->place[i]);
	if (n > c->n_places)
		append_text(t, ", ...", "");
}

static void add_lines(struct tail *t, const core_cause *c)
{
	for (int i = 0; i < c->n_lines; i++)
		add_number(t, i ? ", " : ": lines ", c->line[i]);
	if (c->n > c->n_lines)
		append_text(t, ", ...", "");
}

static void add_values(struct tail *t, const core_cause *c, const char *before)
{
	for (int i = 0; i < c->n_values; i++)
		append_text(t, i ? ", " : before, c->value[i]);
	if (c->more_values)
		append_text(t, ", ...", "");
}

static void add_count(struct tail *t, const core_cause *c, bool counts_all)
{
	add_number(t, counts_all ? " (" : " (more than ", c->n);
	switch (c->kind) {
	case CORE_AT_LINE:
		append_text(t, " rows", "");
		if (c->n_files > 1) {
			add_number(t, " in ", c->n_files);
			add_places(t, c, " files: ", c->n);
		} else {
			add_lines(t, c);
		}
		break;
	case CORE_AT_COLUMN:
		add_places(t, c, " places: ", c->n);
		break;
	case CORE_AT_FILE:
		append_text(t, " in all", "");
		if (c->n_files > 1)
			add_places(t, c, ": ", c->n_files);
		break;
	case CORE_AT_NOTHING:
		append_text(t, " times", "");
	}
	add_values(t, c, "; also ");
	append_text(t, c->mixed ? "; the words of some differ)" : ")", "");
}

/* Writes count and places behind the first failure's own line. Returns the bytes needed. */
static size_t write_tail(const core_cause *c, bool counts_all)
{
	size_t left = c->size - c->head;
	struct tail t = {c->message + c->head, left, 0};
	*t.at = '\0';
	if (c->n > 1) {
		add_count(&t, c, counts_all);
	} else if (c->n_values) {
		add_values(&t, c, " (also ");
		append_text(&t, ")", "");
	}
	return c->head + t.size + 1;
}

bool core_cause_write(core_cause *c, core_arena *arena, bool counts_all)
{
	size_t needed = write_tail(c, counts_all);
	if (needed <= c->size)
		return true;
	needed += needed / 2;
	char *grown = core_arena_alloc(arena, needed);
	if (!grown)
		return false;
	memcpy(grown, c->message, c->head);
	c->message = grown;
	c->size = needed;
	(void)write_tail(c, counts_all);
	return true;
}
