/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

fv_status core_scan_fail(const core_scan *s, size_t at, const char *rule, const char *format, ...)
{
	char text[1280];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (s->array)
		return fv_fail(s->ctx, FV_DATA, "%s: array '%s': byte %zu: %s: %s", s->path,
			s->array, at, rule, text);
	return fv_fail(s->ctx, FV_DATA, "%s: byte %zu: %s: %s", s->path, at, rule, text);
}

fv_status core_scan_fail_memory(const core_scan *s)
{
	return fv_fail(s->ctx, FV_FAILED, "%s: out of memory", s->path);
}

int core_scan_peek(const core_scan *s)
{
	return s->at < s->end ? s->data[s->at] : -1;
}

void core_scan_skip_space(core_scan *s)
{
	while (core_scan_peek(s) == ' ' || core_scan_peek(s) == '\t' || core_scan_peek(s) == '\n' ||
		core_scan_peek(s) == '\r')
		s->at++;
}

fv_status core_scan_expect(core_scan *s, char c, const char *rule)
{
	core_scan_skip_space(s);
	if (core_scan_peek(s) == c) {
		s->at++;
		return FV_OK;
	}
	if (core_scan_peek(s) < 0)
		return core_scan_fail(
			s, s->at, "JSON", "the header ends where '%c' is expected", c);
	return core_scan_fail(s, s->at, rule, "expected '%c'", c);
}

fv_status core_scan_next_element(core_scan *s, char close, bool *again)
{
	core_scan_skip_space(s);
	int c = core_scan_peek(s);
	if (c != ',' && c != close)
		return core_scan_fail(s, s->at, "JSON", "expected ',' or '%c'", close);
	s->at++;
	*again = c == ',';
	return FV_OK;
}

fv_status core_scan_enter(core_scan *s, char open, char close, const char *rule, bool *any)
{
	fv_status status = core_scan_expect(s, open, rule);
	if (status)
		return status;
	core_scan_skip_space(s);
	*any = core_scan_peek(s) != close;
	if (!*any)
		s->at++;
	return FV_OK;
}

static bool read_hex4(core_scan *s, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++, s->at++) {
		int c = core_scan_peek(s);
		uint32_t digit;
		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			digit = (uint32_t)((c | 32) - 'a') + 10;
		else
			return false;
		*out = *out << 4 | digit;
	}
	return true;
}

static size_t encode_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(lead[n] | code);
	return n;
}

/* Decodes the four hex digits after \u (s->at is past the u) and appends the character to out. */
static fv_status read_escaped_unicode(core_scan *s, char *out, size_t *n)
{
	size_t at = s->at - 2;
	uint32_t code, low;
	if (!read_hex4(s, &code))
		return core_scan_fail(s, at, "JSON", "\\u needs four hexadecimal digits");
	if (code == 0)
		return core_scan_fail(s, at, "name", "a NUL in a string");
	if (code >= 0xdc00 && code < 0xe000)
		return core_scan_fail(
			s, at, "UTF-8", "second half of a surrogate pair without the first");
	if (code >= 0xd800 && code < 0xdc00) {
		if (core_scan_peek(s) != '\\' || s->at + 1 >= s->end || s->data[s->at + 1] != 'u')
			return core_scan_fail(s, at, "UTF-8",
				"first half of a surrogate pair without the second");
		s->at += 2;
		if (!read_hex4(s, &low) || low < 0xdc00 || low >= 0xe000)
			return core_scan_fail(s, at, "UTF-8",
				"first half of a surrogate pair without the second");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	*n += encode_utf8(out + *n, code);
	return FV_OK;
}

static fv_status read_escape(core_scan *s, char *out, size_t *n)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	s->at++;
	int c = core_scan_peek(s);
	const char *found = c > 0 ? strchr(from, c) : NULL;
	s->at++;
	if (c == 'u')
		return read_escaped_unicode(s, out, n);
	if (!found)
		return core_scan_fail(s, s->at - 2, "JSON", "unknown escape");
	out[(*n)++] = to[found - from];
	return FV_OK;
}

/* The decoded string never needs more bytes than its escaped form. */
fv_status core_scan_read_string(core_scan *s, const char *rule, char **out)
{
	fv_status status = core_scan_expect(s, '"', rule);
	if (status)
		return status;
	size_t start = s->at, length = 0;
	for (size_t i = start; i < s->end && s->data[i] != '"'; i++, length++)
		if (s->data[i] == '\\' && i + 1 < s->end)
			i++, length++;
	char *text = core_arena_alloc(s->arena, length + 1);
	if (!text)
		return core_scan_fail_memory(s);
	size_t n = 0;
	for (int c; (c = core_scan_peek(s)) != '"';) {
		if (c < 0)
			return core_scan_fail(
				s, start, "JSON", "a string without its closing quote");
		if (c < 0x20)
			return core_scan_fail(s, s->at, "JSON", "control character in a string");
		if (c == '\\') {
			if ((status = read_escape(s, text, &n)))
				return status;
			continue;
		}
		size_t bytes = core_utf8_length(s->data + s->at, s->end - s->at);
		if (!bytes)
			return core_scan_fail(s, s->at, "UTF-8", "not a UTF-8 character");
		memcpy(text + n, s->data + s->at, bytes);
		n += bytes;
		s->at += bytes;
	}
	s->at++;
	text[n] = '\0';
	*out = text;
	return FV_OK;
}

fv_status core_scan_read_integer(core_scan *s, uint64_t *out)
{
	core_scan_skip_space(s);
	size_t start = s->at;
	uint64_t value = 0;
	for (int c; (c = core_scan_peek(s)) >= '0' && c <= '9'; s->at++) {
		uint64_t digit = (uint64_t)(c - '0');
		if (value > (INT64_MAX - digit) / 10)
			return core_scan_fail(s, start, "integer", "2^63 or more");
		value = value * 10 + digit;
	}
	int next = core_scan_peek(s);
	bool plain = s->at > start && next != '.' && next != 'e' && next != 'E';
	if (!plain || (s->data[start] == '0' && s->at > start + 1))
		return core_scan_fail(s, start, "integer", "expected a plain decimal number");
	*out = value;
	return FV_OK;
}
