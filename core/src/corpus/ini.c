/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/ini.h"

#include <ctype.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"

#define INI_LIMIT ((size_t)1 << 22)

struct reader {
	fv_ctx *ctx;
	core_ini *ini;
	int line;
	const char *section; /* NULL before the first */
	int open;            /* entry that an indented line continues, or -1 */
	size_t indent;       /* of its key */
	fv_status status;
};

#define FAIL(r, ...)                                                                               \
	((r)->status = core_fail_at((r)->ctx, FV_DATA, (r)->ini->path, (r)->line, 0, __VA_ARGS__))

static char *trim_blanks(char *text)
{
	text += strspn(text, " \t");
	for (size_t n = strlen(text); n && isspace((unsigned char)text[n - 1]);)
		text[--n] = '\0';
	return text;
}

const core_ini_entry *core_ini_find(const core_ini *ini, const char *section, const char *key)
{
	for (int32_t i = 0; i < ini->n; i++)
		if (!strcmp(ini->entry[i].section, section) && !strcmp(ini->entry[i].key, key))
			return &ini->entry[i];
	return NULL;
}

static void read_section(struct reader *r, char *line)
{
	char *end = strchr(line, ']');
	r->open = -1;
	if (!end || end == line + 1) {
		FAIL(r, "a section is written [NAME]");
		return;
	}
	*end = '\0';
	if (!strcmp(line + 1, "DEFAULT"))
		FAIL(r, "defaults for all sections are not read: write the keys into [DATA]");
	r->section = core_strdup(r->ctx, line + 1);
	if (!r->section)
		r->status = FV_FAILED;
}

/* "%%" stands for one percent sign; a single one begins a reference. */
static void unescape_percent(struct reader *r, char *text)
{
	char *to = text;
	for (const char *from = text; *from; from++) {
		if (*from == '%' && from[1] != '%') {
			FAIL(r, "'%%' begins a reference to another key, which is not followed: "
				"write "
				"the value itself, or '%%%%' for a percent sign");
			return;
		}
		*to++ = *from;
		from += *from == '%';
	}
	*to = '\0';
}

static void add_entry(struct reader *r, const char *key, char *value)
{
	core_ini *ini = r->ini;
	unescape_percent(r, value);
	const core_ini_entry *first = core_ini_find(ini, r->section, key);
	if (first)
		FAIL(r, "'%s' is given twice, first on line %d", key, first->line);
	if (ini->n == ini->capacity) {
		int32_t capacity = ini->capacity ? 2 * ini->capacity : 64;
		core_ini_entry *grown = core_alloc(r->ctx, (size_t)capacity, sizeof *grown);
		if (!grown) {
			r->status = FV_FAILED;
			return;
		}
		if (ini->n)
			memcpy(grown, ini->entry, (size_t)ini->n * sizeof *grown);
		ini->entry = grown;
		ini->capacity = capacity;
	}
	core_ini_entry entry = {
		r->section, core_strdup(r->ctx, key), core_strdup(r->ctx, value), r->line};
	if (!entry.key || !entry.value)
		r->status = FV_FAILED;
	else
		ini->entry[ini->n++] = entry;
}

static void read_key(struct reader *r, char *line, size_t indent)
{
	char *mark = strpbrk(line, "=:");
	if (!mark || mark == line) {
		FAIL(r, "neither [section] nor key = value");
		return;
	}
	if (!r->section) {
		FAIL(r, "a key before the first [section]");
		return;
	}
	*mark = '\0';
	char *key = trim_blanks(line);
	for (char *c = key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	int before = r->ini->n;
	add_entry(r, key, trim_blanks(mark + 1));
	r->open = r->ini->n > before ? before : -1;
	r->indent = indent;
}

static void continue_value(struct reader *r, char *line)
{
	core_ini_entry *entry = &r->ini->entry[r->open];
	unescape_percent(r, line);
	entry->value = core_format(r->ctx, "%s\n%s", entry->value, line);
	if (!entry->value)
		r->status = FV_FAILED;
}

static void read_line(struct reader *r, char *line)
{
	size_t indent = strspn(line, " \t");
	char *text = trim_blanks(line);
	if (!*text || *text == '#' || *text == ';')
		return;
	if (!core_is_utf8(text))
		FAIL(r, "not UTF-8");
	else if (r->open >= 0 && indent > r->indent)
		continue_value(r, text);
	else if (*text == '[')
		read_section(r, text);
	else
		read_key(r, text, indent);
}

fv_status core_ini_read(fv_ctx *ctx, const char *path, core_ini *out)
{
	char *text;
	size_t size;
	*out = (core_ini){.path = core_strdup(ctx, path)};
	fv_status status = core_file_read(ctx, path, INI_LIMIT, &text, &size);
	if (status || !out->path)
		return status ? status : FV_FAILED;
	if (memchr(text, '\0', size))
		return fv_fail(ctx, FV_DATA, "%s: no text: it has NUL bytes", path);
	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	struct reader r = {.ctx = ctx, .ini = out, .open = -1};
	for (char *line = text, *next; line && r.status != FV_FAILED; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		r.line++;
		read_line(&r, line);
	}
	return r.status;
}
