/* SPDX-License-Identifier: Apache-2.0 */
/* Translates what libyaml cannot read: its problem, the lines around it and the last scalar tell what
 * was meant. */
#include "config/yaml_fault.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"

#define LINES_BACK 100 /* that are searched for a mistyped one */

struct fault {
	const core_yaml_text *text;
	const yaml_parser_t *parser;
	const yaml_event_t *last; /* the last scalar; type 0: none */
	yaml_mark_t mark;         /* where the parser stopped */
	core_yaml_line line;      /* that line */
	size_t at;                /* its byte there */
	core_place place;         /* the answer */
	char what[256];
};

#define SAY(f, ...) (snprintf((f)->what, sizeof(f)->what, __VA_ARGS__), true)

static bool is_blank_line(core_yaml_line line)
{
	return line.indent == line.n || line.start[line.indent] == '#';
}

/* Returns true if the line starts with a key: a word up to ": " or a ':' at its end. */
static bool is_key_line(core_yaml_line line)
{
	for (size_t i = line.indent; i < line.n && line.start[i] != '#'; i++)
		if (line.start[i] == ':' && (i + 1 == line.n || strchr(" \t", line.start[i + 1])))
			return true;
	return false;
}

static bool starts_line(const struct fault *f)
{
	return f->at <= f->line.indent;
}

static char char_at(const struct fault *f)
{
	return (char)(f->at < f->line.n ? f->line.start[f->at] : '\0');
}

/* The line before `line` that is neither empty nor a comment; `line` itself if there is none. */
static size_t find_line_before(const struct fault *f, size_t line)
{
	for (size_t l = line; l-- > 0;)
		if (!is_blank_line(core_yaml_find_line(f->text, l)))
			return l;
	return line;
}

/* --- mistyped lines --- */

/* Looks for a mistyped line from the problem upwards to the next line that is well formed. */
static bool find_mistyped_line(struct fault *f)
{
	size_t last = f->mark.line, first = last > LINES_BACK ? last - LINES_BACK : 0;
	for (size_t l = last + 1; l-- > first;) {
		core_yaml_line line = core_yaml_find_line(f->text, l);
		core_yaml_typo typo;
		bool tab = l == last && memchr(line.start, '\t', line.indent);
		if (is_blank_line(line) && !tab)
			continue;
		if (core_yaml_find_typo(line, &typo)) {
			f->place = core_yaml_byte_place(f->text, l, typo.at);
			return SAY(f, "%s", typo.what);
		}
		if (l < last && is_key_line(line))
			return false;
	}
	return false;
}

/* --- quotes --- */

/* A quoted text over several lines, with something behind it, was opened by a quote too many. */
static bool blame_last_quote(struct fault *f)
{
	if (f->last->type != YAML_SCALAR_EVENT ||
		f->last->data.scalar.style < YAML_SINGLE_QUOTED_SCALAR_STYLE ||
		f->last->data.scalar.style > YAML_DOUBLE_QUOTED_SCALAR_STYLE ||
		f->last->end_mark.line != f->mark.line)
		return false;
	size_t end = core_yaml_mark_byte(f->text, f->last->end_mark);
	if (end > f->at || f->at - end > strspn(f->line.start + end, " \t"))
		return false;
	if (f->last->start_mark.line < f->last->end_mark.line) {
		f->place = core_yaml_mark_place(f->text, f->last->start_mark);
		return SAY(f, "the quote that opens here is closed lines later: close it where "
			      "the text ends");
	}
	return SAY(f, "text behind a closing quote: put quotes around all of it, and write a "
		      "quote inside single quotes twice");
}

static bool explain_open_quote(struct fault *f)
{
	f->place = core_yaml_mark_place(f->text, f->parser->context_mark);
	return SAY(f, "the quote that opens here is not closed");
}

static bool explain_escape(struct fault *f)
{
	while (f->at && char_at(f) != '\\')
		f->at--;
	f->place = core_yaml_byte_place(f->text, f->mark.line, f->at);
	return SAY(f,
		"'\\%c' is no complete escape of double quotes: put a path with '\\' in "
		"single quotes",
		f->at + 1 < f->line.n ? f->line.start[f->at + 1] : ' ');
}

/* --- characters that start something else --- */

static bool explain_start(struct fault *f)
{
	if (char_at(f) == '\t')
		return SAY(f, "a tab: write spaces");
	return SAY(f, "a value cannot start with '%c': put it in quotes", char_at(f));
}

/* Anchors, aliases, tags and text blocks whose first character is meant as text. */
static bool explain_sign(struct fault *f)
{
	const yaml_mark_t mark = f->parser->context_mark;
	f->at = core_yaml_mark_byte(f->text, mark);
	f->line = core_yaml_find_line(f->text, mark.line);
	f->place = core_yaml_mark_place(f->text, mark);
	return SAY(f,
		"'%c' has a meaning of its own in YAML: put a value that starts with it in "
		"quotes",
		char_at(f));
}

/* --- keys and indentation --- */

/* A line that must be KEY: VALUE and has no ':'. */
static bool explain_missing_colon(struct fault *f, size_t l)
{
	core_yaml_line line = core_yaml_find_line(f->text, l);
	const char *word = line.start + line.indent;
	size_t n = line.n - line.indent;
	f->place = core_yaml_byte_place(f->text, l, line.indent);
	if (n >= 2 && !memcmp(word, "//", 2))
		return SAY(f, "a comment starts with '#', not '//'");
	if (n >= 7 && (!memcmp(word, "<<<<<<<", 7) || !memcmp(word, "=======", 7)))
		return SAY(f, "a conflict that git left: keep one of the two versions");
	core_yaml_line before = core_yaml_find_line(f->text, find_line_before(f, l));
	if (before.n && strchr("|>", before.start[before.n - 1]))
		return SAY(f, "indent the text behind '%c' more than its key",
			before.start[before.n - 1]);
	if (before.n > before.indent + 1 && before.indent == line.indent &&
		!memcmp(before.start + before.indent, "- ", 2))
		return SAY(f, "a list item starts with '- '");
	const char *equals = memchr(word, '=', n);
	if (equals)
		return SAY(f, "':' is missing: write KEY: VALUE, not KEY = VALUE");
	return SAY(f, "':' is missing: write KEY: VALUE");
}

static bool explain_simple_key(struct fault *f)
{
	return explain_missing_colon(f, f->parser->context_mark.line);
}

/* "mapping values are not allowed": a second ':' in a line, or a value that goes on in this line,
 * because the line before has no ':' or this one is indented more. */
static bool explain_second_colon(struct fault *f)
{
	for (size_t i = f->line.indent; i + 1 < f->at; i++)
		if (f->line.start[i] == ':' && strchr(" \t", f->line.start[i + 1]))
			return SAY(f, "a second ':' in one line: put the value in quotes");
	size_t before = find_line_before(f, f->mark.line);
	core_yaml_line line = core_yaml_find_line(f->text, before);
	if (before != f->mark.line && !is_key_line(line))
		return explain_missing_colon(f, before);
	if (before != f->mark.line && f->line.indent > line.indent) {
		f->place = core_yaml_byte_place(f->text, f->mark.line, f->line.indent);
		return SAY(f,
			"indented more than line %zu, which has a value already: indent the "
			"keys of a block alike",
			before + 1);
	}
	return SAY(f, "':' cannot stand here: put text that has ': ' in quotes");
}

static bool explain_list(struct fault *f)
{
	return SAY(f, "a list cannot start behind its key: write '- ' on lines of their own, or "
		      "[a, b]");
}

static bool mentions_fold(const struct fault *f)
{
	return memmem(f->line.start, f->line.n, CORE_FOLD_MARK, strlen(CORE_FOLD_MARK)) != NULL;
}

/* "did not find expected key": an indentation that fits no block, or text behind a value's end. */
static bool explain_block(struct fault *f)
{
	char c = char_at(f);
	if (blame_last_quote(f))
		return true;
	if (mentions_fold(f) && !starts_line(f))
		return SAY(f, "put text that contains " CORE_FOLD_MARK " in quotes");
	if (c && strchr("]},", c))
		return SAY(f, "'%c' without its opening bracket", c);
	if (!starts_line(f))
		return SAY(f, "text behind the end of a value: put quotes around all of it");
	if (f->mark.column == f->parser->context_mark.column)
		return SAY(f, "a line KEY: VALUE is expected here");
	return SAY(f,
		"column %zu, but the block from line %zu on starts in column %zu: indent the "
		"keys of a block alike",
		f->mark.column + 1, f->parser->context_mark.line + 1,
		f->parser->context_mark.column + 1);
}

static bool explain_items(struct fault *f)
{
	return SAY(f,
		"a list item ('- ') is expected here, indented as the list's first in line "
		"%zu",
		f->parser->context_mark.line + 1);
}

/* --- brackets --- */

static bool explain_brackets(struct fault *f)
{
	yaml_mark_t open = f->parser->context_mark;
	core_yaml_line line = core_yaml_find_line(f->text, open.line);
	size_t at = core_yaml_mark_byte(f->text, open);
	char bracket = (char)(at < line.n ? line.start[at] : '['), c = char_at(f);
	char closing = (char)(bracket == '{' ? '}' : ']');
	if (mentions_fold(f))
		return SAY(f, "put text that contains " CORE_FOLD_MARK " in quotes");
	if (blame_last_quote(f) && f->last->start_mark.line < f->last->end_mark.line)
		return true;
	if (c && strchr(")]}", c))
		return SAY(f, "'%c' closes a '%c': write '%c'", c, bracket, closing);
	if (f->mark.line == open.line && f->at < f->line.n)
		return SAY(f, "',' or '%c' is missing before this", closing);
	f->place = core_yaml_mark_place(f->text, open);
	return SAY(f, "the '%c' that opens here is not closed", bracket);
}

/* --- ends --- */

static bool explain_end(struct fault *f)
{
	core_yaml_line first = {0};
	for (size_t l = 0; l < f->mark.line; l++) {
		first = core_yaml_find_line(f->text, l);
		if (!is_blank_line(first))
			break;
	}
	bool section = first.n > 2 && first.start[0] == '[' && is_key_line(first) == false;
	if (section && starts_line(f) && memchr(f->line.start, '=', f->line.n))
		return SAY(f, "this looks like an INI file: a configuration is YAML, KEY: VALUE");
	if (starts_line(f) && f->line.indent < first.indent)
		return SAY(
			f, "indented less than the keys before: indent the keys of a block alike");
	return SAY(f,
		"text behind the end of the %s: put quotes around text that has brackets or "
		"quotes",
		f->text->fixed ? "value" : "configuration");
}

static bool explain_text_block(struct fault *f)
{
	return SAY(f, "the lines of a text block ('|' or '>') must be indented alike");
}

static bool explain_directive(struct fault *f)
{
	return SAY(f, "a line cannot start with '%%': put the text in quotes");
}

/* In libyaml's words, the first that fits counts. */
static const struct {
	const char *problem, *context;
	bool (*explain)(struct fault *f);
} problems[] = {
	{"cannot start any token", "", explain_start},
	{"unexpected end of stream", "quoted", explain_open_quote},
	{"unexpected document indicator", "quoted", explain_open_quote},
	{"", "a quoted scalar", explain_escape},
	{"", "an anchor", explain_sign},
	{"", "an alias", explain_sign},
	{"", "a tag", explain_sign},
	{"comment or line break", "a block scalar", explain_sign},
	{"indentation indicator", "a block scalar", explain_sign},
	{"", "a block scalar", explain_text_block},
	{"", "directive", explain_directive},
	{"mapping values", "", explain_second_colon},
	{"block sequence entries", "", explain_list},
	{"expected ':'", "", explain_simple_key},
	{"expected key", "", explain_block},
	{"'-' indicator", "", explain_items},
	{"expected ',' or", "", explain_brackets},
	{"document start", "", explain_end},
	{"undefined tag handle", "", explain_sign},
};

static bool explain_problem(struct fault *f)
{
	const char *problem = f->parser->problem ? f->parser->problem : "";
	const char *context = f->parser->context ? f->parser->context : "";
	for (size_t i = 0; i < sizeof problems / sizeof *problems; i++)
		if (strstr(problem, problems[i].problem) && strstr(context, problems[i].context))
			return problems[i].explain(f);
	return SAY(f, "this cannot be read as YAML: look at the quotes, brackets and indentation "
		      "here and above");
}

/* libyaml reports a byte instead of a line for bad UTF-8 and control characters. */
static fv_status report_byte(fv_ctx *ctx, const core_yaml_text *text, const yaml_parser_t *parser)
{
	size_t at = parser->problem_offset;
	bool is_control = parser->problem && strstr(parser->problem, "control");
	at = at < text->size ? at : text->size - 1;
	while (!is_control && at && (unsigned char)text->data[at] < 0xc0 &&
		(unsigned char)text->data[at - 1] >= 0x80)
		at--; /* from a byte that breaks a character to its first */
	core_place place = core_yaml_offset_place(text, at);
	if (is_control)
		return core_fail_place(ctx, FV_CONFIG, place,
			"a control character (0x%02X): remove it", (unsigned)parser->problem_value);
	return core_fail_place(ctx, FV_CONFIG, place,
		"no UTF-8 (byte 0x%02X): save the file in the encoding UTF-8",
		(unsigned)(unsigned char)text->data[at]);
}

fv_status core_yaml_report_error(fv_ctx *ctx, const core_yaml_text *text,
	const yaml_parser_t *parser, const yaml_event_t *last)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	if (parser->error == YAML_READER_ERROR)
		return report_byte(ctx, text, parser);
	struct fault f = {.text = text,
		.parser = parser,
		.last = last,
		.mark = parser->problem_mark,
		.line = core_yaml_find_line(text, parser->problem_mark.line),
		.at = core_yaml_mark_byte(text, parser->problem_mark),
		.place = core_yaml_mark_place(text, parser->problem_mark)};
	if (!find_mistyped_line(&f))
		(void)explain_problem(&f);
	return core_fail_place(ctx, FV_CONFIG, f.place, "%s", f.what);
}
