/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/python_value.h"

#include <ctype.h>
#include <string.h>

#include "base/number.h"

#define DEPTH_MAX 16

struct parser {
	fv_ctx *ctx;
	const char *at;
	int depth;
};

static const char out_of_memory[] = "out of memory";

static const char *parse_value(struct parser *p, core_python_value *out);

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, " \t\r\n");
}

/* 'text' or "text"; a backslash keeps the quote or backslash after it. */
static const char *parse_text(struct parser *p, core_python_value *out)
{
	char quote = *p->at++;
	char *text = core_strdup(p->ctx, p->at), *to = text;
	if (!text)
		return out_of_memory;
	for (; *p->at && *p->at != quote; p->at++) {
		if (*p->at == '\\') {
			p->at++;
			if (!*p->at || !strchr("\\'\"", *p->at))
				return "after a backslash only \\, ' and \" are read";
		}
		*to++ = *p->at;
	}
	if (!*p->at)
		return "a quote is not closed";
	*to = '\0';
	p->at++;
	*out = (core_python_value){.kind = CORE_PYTHON_TEXT, .text = text};
	return NULL;
}

static const char *parse_word(struct parser *p, core_python_value *out)
{
	size_t n = strspn(p->at, "+-.0123456789_abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	const char *text = core_strndup(p->ctx, p->at, n);
	double number;
	if (!text)
		return out_of_memory;
	p->at += n;
	if (!strcmp(text, "True") || !strcmp(text, "False") || !strcmp(text, "None"))
		*out = (core_python_value){.kind = CORE_PYTHON_WORD, .text = text};
	else if (core_parse_double(text, &number))
		*out = (core_python_value){.kind = CORE_PYTHON_NUMBER, .text = text};
	else if (!n)
		return "a value is missing";
	else
		return (text = core_format(p->ctx, "a text without quotes: %s", text))
			       ? text
			       : out_of_memory;
	return NULL;
}

/* Appends to the items of a list or dict, whose capacity is the next power of two. */
static const char *add_item(struct parser *p, core_python_value *list, const core_python_value *key,
	const core_python_value *item)
{
	int32_t n = list->n;
	if ((n & (n - 1)) == 0) {
		size_t capacity = n ? 2 * (size_t)n : 1;
		core_python_value *items = core_alloc(p->ctx, capacity, sizeof *items);
		core_python_value *keys = core_alloc(p->ctx, capacity, sizeof *keys);
		if (!items || !keys)
			return out_of_memory;
		if (n) {
			memcpy(items, list->item, (size_t)n * sizeof *items);
			memcpy(keys, list->key, (size_t)n * sizeof *keys);
		}
		list->item = items;
		list->key = keys;
	}
	list->item[n] = *item;
	if (key)
		list->key[n] = *key;
	list->n++;
	return NULL;
}

static const char *parse_items(struct parser *p, char close, core_python_value *out)
{
	*out = (core_python_value){.kind = close == '}' ? CORE_PYTHON_DICT : CORE_PYTHON_LIST};
	p->at++;
	for (skip_blanks(p); *p->at != close; skip_blanks(p)) {
		core_python_value key, item;
		const char *wrong = parse_value(p, close == '}' ? &key : &item);
		if (!wrong && close == '}') {
			skip_blanks(p);
			if (*p->at != ':')
				return "a dict needs KEY: VALUE";
			p->at++;
			wrong = parse_value(p, &item);
		}
		if (!wrong)
			wrong = add_item(p, out, close == '}' ? &key : NULL, &item);
		if (wrong)
			return wrong;
		skip_blanks(p);
		if (*p->at == ',')
			p->at++;
		else if (*p->at != close)
			return *p->at ? "a comma is missing" : "a bracket is not closed";
	}
	p->at++;
	return NULL;
}

static const char *parse_value(struct parser *p, core_python_value *out)
{
	const char *wrong = NULL;
	skip_blanks(p);
	if (++p->depth > DEPTH_MAX)
		wrong = "too many brackets";
	else if (*p->at == '\'' || *p->at == '"')
		wrong = parse_text(p, out);
	else if (*p->at == '[')
		wrong = parse_items(p, ']', out);
	else if (*p->at == '(')
		wrong = parse_items(p, ')', out);
	else if (*p->at == '{')
		wrong = parse_items(p, '}', out);
	else
		wrong = parse_word(p, out);
	p->depth--;
	return wrong;
}

const char *core_python_parse(fv_ctx *ctx, const char *text, core_python_value *out)
{
	struct parser p = {.ctx = ctx, .at = text};
	const char *wrong = parse_value(&p, out);
	skip_blanks(&p);
	return !wrong && *p.at ? "text after the value" : wrong;
}
