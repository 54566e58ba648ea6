/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tex_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"
#include "base/visible.h"

const char core_tex_prologue[] = "\\providecommand{\\fairvoxchar}[2]{\\ifdefined\\Umathchar#"
				 "2\\else{\\scriptsize[U+#1]}\\fi}\n";

struct sign {
	const char *text, *tex;
};

static const struct sign signs[] = {{"±", "$\\pm$"}, {"▲", "$\\triangle$"}, {"†", "\\dag{}"},
	{"‡", "\\ddag{}"}, {"≥", "$\\ge$"}, {"°", "$^\\circ$"}, {"—", "---"}, {"≤", "$\\le$"},
	{"…", "\\ldots{}"}, {"\\", "\\textbackslash{}"}, {"_", "\\_"}, {"%", "\\%"}, {"&", "\\&"},
	{"#", "\\#"}, {"$", "\\$"}, {"{", "\\{"}, {"}", "\\}"}, {"~", "\\textasciitilde{}"},
	{"^", "\\textasciicircum{}"}, {"<", "$<$"}, {">", "$>$"}, {"`", "\\textasciigrave{}"},
	{"|", "\\textbar{}"}, {"\"", "{\\ttfamily\\char34}"}};

/* Is it a minus, not a hyphen: before a digit and at the start of a word? */
static bool is_minus(const char *text, char before)
{
	return *text == '-' && isdigit((unsigned char)text[1]) && !isalnum((unsigned char)before);
}

/* Is it a Latin letter with one accent that every font of LaTeX has? */
static bool is_accented(utf8proc_int32_t point)
{
	static const utf8proc_int32_t accents[] = {
		0x300, 0x301, 0x302, 0x303, 0x308, 0x30a, 0x30c, 0x327};
	utf8proc_int32_t parts[4];
	int bound = 0;
	utf8proc_ssize_t n = utf8proc_decompose_char(point, parts, 4, UTF8PROC_DECOMPOSE, &bound);
	if (point < 0xc0 || point > 0x17f || n != 2 || parts[0] > 0x7a)
		return false;
	for (size_t i = 0; i < sizeof accents / sizeof *accents; i++)
		if (parts[1] == accents[i])
			return true;
	return false;
}

/* Would the two make one sign of a font, a dash or a quote? */
static bool is_ligature(const char *text)
{
	return *text && strchr("-',", *text) && text[1] == *text;
}

/* Adds a character that is not ASCII. */
static void put_character(core_text *out, const char *text, size_t n)
{
	utf8proc_int32_t point = 0;
	(void)utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &point);
	if (is_accented(point))
		core_text_put(out, text, n);
	else
		core_text_add(out, "\\fairvoxchar{%04X}{%.*s}", (unsigned)point, (int)n, text);
}

/* Returns the sign at the start of a text; NULL: none. */
static const struct sign *find_sign(const char *text)
{
	for (size_t k = 0; k < sizeof signs / sizeof *signs; k++)
		if (!strncmp(text, signs[k].text, strlen(signs[k].text)))
			return &signs[k];
	return NULL;
}

void core_put_tex(core_text *out, const char *text)
{
	core_text visible = {0};
	char before = ' ';
	(void)core_put_visible(&visible, text);
	const char *end = visible.data ? visible.data + visible.size : NULL;
	for (const char *c = visible.data; c && c < end;) {
		const struct sign *sign = is_minus(c, before) ? NULL : find_sign(c);
		size_t n = core_utf8_length((const unsigned char *)c, (size_t)(end - c));
		n = sign ? strlen(sign->text) : n ? n : 1;
		if (sign)
			core_text_add(out, "%s", sign->tex);
		else if (is_minus(c, before))
			core_text_add(out, "$-$");
		else if (c == visible.data && strchr("[*", *c)) /* after \\ these are arguments */
			core_text_add(out, "{%c}", *c);
		else if (n == 1)
			core_text_add(out, is_ligature(c) ? "%c{}" : "%c", *c);
		else
			put_character(out, c, n);
		before = c[n - 1];
		c += n;
	}
	out->failed |= visible.failed;
	core_text_free(&visible);
}
