/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of YAML text, and what is easily mistyped in one. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
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

core_place core_yaml_offset_place(const core_yaml_text *text, size_t offset)
{
	size_t line = 0, start = 0;
	for (size_t i = 0; i < offset; i++) {
		if (text->data[i] == '\n' || (text->data[i] == '\r' && text->data[i + 1] != '\n')) {
			line++;
			start = i + 1;
		}
	}
	return core_yaml_byte_place(text, line, offset - start);
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

/* Characters that look like a space or like nothing. The first that fits names one. */
static const struct {
	unsigned from, to;
	const char *name;
} blanks[] = {
	{0x00a0, 0x00a0, "a no-break space"},
	{0x00ad, 0x00ad, "a soft hyphen"},
	{0x2002, 0x2002, "an en space"},
	{0x2003, 0x2003, "an em space"},
	{0x2007, 0x2007, "a figure space"},
	{0x2009, 0x2009, "a thin space"},
	{0x200b, 0x200b, "a zero width space"},
	{0x202f, 0x202f, "a narrow no-break space"},
	{0x3000, 0x3000, "a wide space"},
	{0xfeff, 0xfeff, "a byte order mark"},
	{0x1680, 0x1680, "a space of another kind"},
	{0x2000, 0x200a, "a space of another kind"},
	{0x205f, 0x205f, "a space of another kind"},
	{0x200c, 0x200f, "an invisible character"},
	{0x202a, 0x202e, "an invisible character"},
	{0x2060, 0x2069, "an invisible character"},
};

/* One of them in a line: its bytes from `at` to `end`. */
struct blank {
	size_t at, end;
	unsigned code;
	const char *name;
};

/* Returns the typographic quote that stands at the byte, or NULL. */
static const char *find_quote(core_yaml_line line, size_t at)
{
	static const char *const quotes[] = {"\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x9e",
		"\xe2\x80\x98", "\xe2\x80\x99", "\xe2\x80\x9a", "\xc2\xab", "\xc2\xbb"};
	for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
		size_t n = strlen(quotes[i]);
		if (line.n - at >= n && !memcmp(line.start + at, quotes[i], n))
			return quotes[i];
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

/* Reads the character at the byte. Returns true if it is one of `blanks`. All of them have 2 or 3 bytes. */
static bool read_blank(core_yaml_line line, size_t at, struct blank *out)
{
	const unsigned char *c = (const unsigned char *)line.start + at;
	size_t n = core_utf8_length(c, line.n - at);
	if (n < 2 || n > 3)
		return false;
	unsigned code = n == 2 ? (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu)
			       : (c[0] & 0xfu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
	for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
		if (code < blanks[i].from || code > blanks[i].to)
			continue;
		*out = (struct blank){at, at + n, code, blanks[i].name};
		return true;
	}
	return false;
}

/* Finds the next of `blanks` from the byte on that is not in a comment. */
static bool find_blank(core_yaml_line line, size_t from, struct blank *out)
{
	for (size_t i = from; i < line.n; i++) {
		if (line.start[i] == '#' && (i == 0 || strchr(" \t", line.start[i - 1])))
			return false;
		if (read_blank(line, i, out))
			return true;
	}
	return false;
}

/* Finds one of `blanks` at an end of the text, behind the '-' of a list item, behind one of the
 * characters `after` or before one of `ahead`. Elsewhere it is part of a word. */
static bool find_odd_blank(
	core_yaml_line line, const char *after, const char *ahead, core_yaml_typo *typo)
{
	struct blank b = {0};
	while (find_blank(line, b.end, &b)) {
		char before = (char)(b.at ? line.start[b.at - 1] : ' ');
		bool starts = b.at <= line.indent || (b.at == line.indent + 1 && before == '-');
		bool ends = b.end == line.n || strchr(ahead, line.start[b.end]);
		if (!starts && !ends && !strchr(after, before))
			continue;
		typo->at = b.at;
		snprintf(typo->what, sizeof typo->what,
			"%s (U+%04X): replace it by a normal space%s", b.name, b.code,
			strchr(":-", before) ? "" : " or remove it");
		return true;
	}
	return false;
}

/* Typographic quotes at the start of a word. Inside words they are apostrophes. */
static bool find_odd_quote(core_yaml_line line, core_yaml_typo *typo)
{
	for (typo->at = line.indent; typo->at < line.n; typo->at++) {
		const char *quote = find_quote(line, typo->at);
		bool starts = typo->at == line.indent || strchr(" \t[{,", line.start[typo->at - 1]);
		if (!quote || !starts)
			continue;
		snprintf(typo->what, sizeof typo->what,
			"'%s' is a typographic quote: write ' or \"", quote);
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
	return find_tab(line, typo) || find_odd_blank(line, " \t:,[{", " \t:#,]}", typo) ||
	       find_odd_quote(line, typo) || find_missing_space(line, typo);
}

/* --- scalars that are valid and look like something else --- */

/* `is_pair`: KEY:VALUE was meant where the word stands. */
static bool find_word_typo(core_yaml_line word, bool is_pair, core_yaml_typo *typo)
{
	if (find_odd_blank(word, ":", ":#", typo))
		return true;
	if (find_odd_quote(word, typo) && typo->at == 0)
		return true;
	return is_pair && find_missing_space(word, typo);
}

bool core_yaml_find_word_typo(const char *word, core_yaml_typo *typo)
{
	return find_word_typo((core_yaml_line){word, strlen(word), 0}, false, typo);
}

/* The part of the scalar that stands in a line. */
static core_yaml_line find_part(const core_yaml_text *text, const yaml_event_t *scalar, size_t l)
{
	core_yaml_line line = core_yaml_find_line(text, l);
	size_t start = line.indent, end = line.n;
	if (l == scalar->start_mark.line)
		start = core_yaml_mark_byte(text, scalar->start_mark);
	if (l == scalar->end_mark.line)
		end = core_yaml_mark_byte(text, scalar->end_mark);
	return (core_yaml_line){line.start + start, end > start ? end - start : 0, 0};
}

fv_status core_yaml_check_scalar(fv_ctx *ctx, const core_yaml_text *text,
	const yaml_event_t *scalar, bool is_key, int key_line)
{
	if (scalar->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return FV_OK;
	core_yaml_line word = {
		(const char *)scalar->data.scalar.value, scalar->data.scalar.length, 0};
	size_t first = scalar->start_mark.line, last = scalar->end_mark.line;
	bool is_pair = is_key || (key_line >= 0 && (int)first > key_line);
	core_yaml_typo typo;
	struct blank blank;
	bool is_split = first < last && find_blank(word, 0, &blank);
	if (!is_split && !find_word_typo(word, is_pair, &typo))
		return FV_OK; /* most scalars: finding a line reads the text from its start */
	for (size_t l = first; l <= last; l++) {
		core_yaml_line part = find_part(text, scalar, l);
		if (!find_word_typo(part, is_pair && l == first, &typo))
			continue;
		size_t start = (size_t)(part.start - core_yaml_find_line(text, l).start);
		return core_fail_place(ctx, FV_CONFIG,
			core_yaml_byte_place(text, l, start + typo.at), "%s", typo.what);
	}
	return FV_OK;
}

fv_status core_yaml_check_breaks(fv_ctx *ctx, const core_yaml_text *text)
{
	static const struct {
		const char *bytes, *name;
	} breaks[] = {
		{"\xc2\x85", "U+0085"}, {"\xe2\x80\xa8", "U+2028"}, {"\xe2\x80\xa9", "U+2029"}};
	for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
		const char *at =
			memmem(text->data, text->size, breaks[i].bytes, strlen(breaks[i].bytes));
		if (!at)
			continue;
		return core_fail_place(ctx, FV_CONFIG,
			core_yaml_offset_place(text, (size_t)(at - text->data)),
			"a line separator (%s), which YAML reads as a new line: remove it",
			breaks[i].name);
	}
	return FV_OK;
}
