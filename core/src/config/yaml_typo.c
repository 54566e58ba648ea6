/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of YAML text, and what is easily mistyped in one. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config/yaml_fault.h"

core_yaml_line core_yaml_find_line(const core_yaml_text *text, size_t line)
{
	const char *at = text->data, *end = text->data + text->size;
	for (; line && at < end; line--) {
		while (at < end && *at != '\n' && *at != '\r')
			at++;
		if (at < end)
			at += *at == '\r' && at + 1 < end && at[1] == '\n' ? 2 : 1;
	}
	core_yaml_line found = {.start = line ? end : at};
	while (found.start + found.n < end && !strchr("\r\n", found.start[found.n]))
		found.n++;
	while (found.indent < found.n && strchr(" \t", found.start[found.indent]))
		found.indent++;
	return found;
}

core_place core_yaml_byte_place(const core_yaml_text *text, size_t line, size_t byte)
{
	if (text->fixed)
		return *text->fixed;
	core_yaml_line found = core_yaml_find_line(text, line);
	core_place place = {text->file, (int)line + 1, 1};
	for (size_t i = 0; i < byte && i < found.n; i++)
		place.column += ((unsigned char)found.start[i] & 0xc0) != 0x80;
	return place;
}

core_place core_yaml_mark_place(const core_yaml_text *text, yaml_mark_t mark)
{
	if (text->fixed)
		return *text->fixed;
	return (core_place){text->file, (int)mark.line + 1, (int)mark.column + 1};
}

size_t core_yaml_mark_byte(const core_yaml_text *text, yaml_mark_t mark)
{
	core_yaml_line line = core_yaml_find_line(text, mark.line);
	size_t byte = 0;
	for (size_t column = 0; byte < line.n && column < mark.column; column++)
		for (byte++; byte < line.n && ((unsigned char)line.start[byte] & 0xc0) == 0x80;)
			byte++;
	return byte;
}

/* --- what is mistyped --- */

struct odd {
	const char *bytes, *name;
};

static const struct odd blanks[] = {{"\xc2\xa0", "a no-break space (U+00A0)"},
	{"\xe2\x80\xaf", "a narrow no-break space (U+202F)"},
	{"\xe2\x80\x87", "a figure space (U+2007)"},
	{"\xe2\x80\x8b", "a zero width space (U+200B)"}, {"\xe2\x80\x82", "an en space (U+2002)"},
	{"\xe2\x80\x83", "an em space (U+2003)"}, {"\xe2\x80\x89", "a thin space (U+2009)"},
	{"\xe3\x80\x80", "a wide space (U+3000)"}, {"\xef\xbb\xbf", "a byte order mark (U+FEFF)"},
	{NULL, NULL}};

static const struct odd quotes[] = {{"\xe2\x80\x9c", "\xe2\x80\x9c"},
	{"\xe2\x80\x9d", "\xe2\x80\x9d"}, {"\xe2\x80\x9e", "\xe2\x80\x9e"},
	{"\xe2\x80\x98", "\xe2\x80\x98"}, {"\xe2\x80\x99", "\xe2\x80\x99"},
	{"\xe2\x80\x9a", "\xe2\x80\x9a"}, {"\xc2\xab", "\xc2\xab"}, {"\xc2\xbb", "\xc2\xbb"},
	{NULL, NULL}};

/* Returns the entry of the list that stands at the byte, or NULL. */
static const struct odd *find_odd(const struct odd *list, core_yaml_line line, size_t at)
{
	for (; list->bytes; list++) {
		size_t n = strlen(list->bytes);
		if (line.n - at >= n && !memcmp(line.start + at, list->bytes, n))
			return list;
	}
	return NULL;
}

static bool find_tab(core_yaml_line line, core_yaml_typo *typo)
{
	const char *tab = memchr(line.start, '\t', line.indent);
	if (!tab)
		return false;
	typo->at = (size_t)(tab - line.start);
	snprintf(typo->what, sizeof typo->what, "a tab: indent with spaces");
	return true;
}

static bool find_odd_blank(core_yaml_line line, core_yaml_typo *typo)
{
	for (typo->at = 0; typo->at < line.n && line.start[typo->at] != '#'; typo->at++) {
		const struct odd *blank = find_odd(blanks, line, typo->at);
		if (!blank)
			continue;
		snprintf(typo->what, sizeof typo->what, "%s: replace it by a normal space%s",
			blank->name, line.indent == typo->at ? " or remove it" : "");
		return true;
	}
	return false;
}

/* Typographic quotes at the start of a word. Inside words they are apostrophes. */
static bool find_odd_quote(core_yaml_line line, core_yaml_typo *typo)
{
	for (typo->at = line.indent; typo->at < line.n; typo->at++) {
		const struct odd *quote = find_odd(quotes, line, typo->at);
		bool starts = typo->at == line.indent || strchr(" \t[{,", line.start[typo->at - 1]);
		if (!quote || !starts)
			continue;
		snprintf(typo->what, sizeof typo->what,
			"'%s' is a typographic quote: write ' or \"", quote->name);
		return true;
	}
	return false;
}

/* KEY:VALUE without a space, but no URL and no drive's path (C:\, C:/). */
static bool find_missing_space(core_yaml_line line, core_yaml_typo *typo)
{
	size_t at = line.indent;
	while (at + 1 < line.n && line.start[at] == '-' && line.start[at + 1] == ' ')
		at += 2;
	size_t start = at;
	if (at == line.n || !(isalpha((unsigned char)line.start[at]) || line.start[at] == '_'))
		return false;
	while (at < line.n &&
		(isalnum((unsigned char)line.start[at]) || strchr("_.-", line.start[at])))
		at++;
	if (at - start < 2 || at + 1 >= line.n || line.start[at] != ':' ||
		strchr(" \t:/\\", line.start[at + 1]))
		return false;
	typo->at = at + 1;
	snprintf(typo->what, sizeof typo->what, "a space is missing after ':'");
	return true;
}

bool core_yaml_find_typo(core_yaml_line line, core_yaml_typo *typo)
{
	return find_tab(line, typo) || find_odd_blank(line, typo) || find_odd_quote(line, typo) ||
	       find_missing_space(line, typo);
}

/* --- scalars that are valid and look like something else --- */

/* A no-break space counts at the ends of a word and beside ':'. */
static bool spoils_word(core_yaml_line word, const core_yaml_typo *typo)
{
	const struct odd *blank = find_odd(blanks, word, typo->at);
	size_t end = typo->at + (blank ? strlen(blank->bytes) : 0);
	return typo->at == 0 || end == word.n || word.start[typo->at - 1] == ':' ||
	       word.start[end] == ':';
}

static bool find_word_typo(
	core_yaml_line word, bool is_key, bool on_next_line, core_yaml_typo *typo)
{
	if (find_odd_blank(word, typo) && spoils_word(word, typo))
		return true;
	if (find_odd_quote(word, typo) && typo->at == 0)
		return true;
	return (is_key || on_next_line) && find_missing_space(word, typo);
}

fv_status core_yaml_check_scalar(fv_ctx *ctx, const core_yaml_text *text,
	const yaml_event_t *scalar, bool is_key, int key_line)
{
	yaml_mark_t mark = scalar->start_mark;
	if (scalar->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return FV_OK;
	const core_yaml_line word = {
		(const char *)scalar->data.scalar.value, scalar->data.scalar.length, 0};
	core_yaml_typo typo;
	if (!find_word_typo(word, is_key, key_line >= 0 && (int)mark.line > key_line, &typo))
		return FV_OK;
	return core_fail_place(ctx, FV_CONFIG,
		core_yaml_byte_place(text, mark.line, core_yaml_mark_byte(text, mark) + typo.at),
		"%s", typo.what);
}
