/* SPDX-License-Identifier: Apache-2.0 */
#include "base/missing.h"
#include "base/plural.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/utf8.h"

#define SHOWN 3 /* merged values that a warning shows */

/* Bytes of the blank at the start of a text; 0: it starts with something else. */
static size_t measure_blank(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	if (s[0] == ' ' || (s[0] >= '\t' && s[0] <= '\r'))
		return 1;
	if (s[0] == 0xc2 && s[1] == 0xa0) /* no-break space */
		return 2;
	if (s[0] == 0xe2 && s[1] == 0x80 && ((s[2] >= 0x80 && s[2] <= 0x8b) || s[2] == 0xaf))
		return 3; /* spaces of other widths */
	return (s[0] == 0xe3 && s[1] == 0x80 && s[2] == 0x80) ||
			       (s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf)
		       ? 3 /* ideographic space, byte order mark */
		       : 0;
}

/* Returns the start of the text without blanks around it; *size is its length. */
static const char *trim_blanks(const char *text, size_t *size)
{
	for (size_t n; (n = measure_blank(text));)
		text += n;
	const char *end = text;
	for (const char *p = text; *p;) {
		size_t n = measure_blank(p);
		p += n ? n : 1;
		end = n ? end : p;
	}
	*size = (size_t)(end - text);
	return text;
}

bool core_is_missing(const char *text)
{
	static const char *const words[] = {
		"", "nan", "na", "n/a", "none", "null", "unknown", "?", "<na>", "#n/a", "-nan"};
	size_t size;
	if (!text)
		return true;
	text = trim_blanks(text, &size);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (size == strlen(words[i]) && !strncasecmp(text, words[i], size))
			return true;
	return false;
}

/* The lower case of a letter from U+00C0 to U+042F; other characters are returned as they are. */
static unsigned fold_case(unsigned c)
{
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
		(c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	bool even_is_upper = (c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) ||
			     (c >= 0x14a && c <= 0x177);
	bool odd_is_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
	return c + ((even_is_upper && c % 2 == 0) || (odd_is_upper && c % 2 == 1));
}

/* Adds the character at the start of a text in lower case and returns its length in bytes. */
static size_t add_folded(core_text *key, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = core_utf8_length(s, strlen(text));
	char out[2] = {(char)tolower(s[0]), 0};
	if (n < 2) {
		core_text_put(key, out, 1);
		return 1;
	}
	if (n > 2) {
		core_text_put(key, text, n);
		return n;
	}
	unsigned c = fold_case((s[0] & 0x1fu) << 6 | (s[1] & 0x3fu));
	out[0] = (char)(0xc0 | c >> 6);
	out[1] = (char)(0x80 | (c & 0x3f));
	core_text_put(key, out, 2);
	return n;
}

/* Bytes of a whole number without the decimals of zero that follow it ("4" in "4.00"); 0: the key
 * is something else. */
static size_t measure_whole_number(const char *key, size_t size)
{
	size_t at = *key == '-' || *key == '+', first = at;
	while (at < size && isdigit((unsigned char)key[at]))
		at++;
	if (at == first || at == size || key[at] != '.')
		return 0;
	size_t whole = at++;
	while (at < size && key[at] == '0')
		at++;
	return at == size ? whole : 0;
}

/* Adds a text that all spellings of a composed value share, with a NUL after it. */
static void add_composed_key(core_text *key, const char *text)
{
	size_t start = key->size, size;
	const char *p = trim_blanks(text, &size), *end = p + size;
	while (p < end) {
		size_t blank = measure_blank(p);
		bool after_digit =
			key->size > start && isdigit((unsigned char)key->data[key->size - 1]);
		if (!blank)
			p += add_folded(key, p);
		else if (after_digit && isdigit((unsigned char)p[blank]))
			core_text_put(key, " ", 1);
		p += blank;
	}
	core_text_put(key, "", 1);
	if (key->failed)
		return;
	size_t whole = measure_whole_number(key->data + start, key->size - 1 - start);
	if (whole) {
		key->data[start + whole] = '\0';
		key->size = start + whole + 1;
	}
}

static void add_key(core_text *key, const char *text)
{
	char *composed = core_utf8_compose(text);
	if (composed)
		add_composed_key(key, composed);
	else
		key->failed = true;
	free(composed);
}

bool core_same_value(const char *a, const char *b)
{
	if (!strcmp(a, b))
		return true;
	core_text first = {0}, second = {0};
	add_key(&first, a);
	add_key(&second, b);
	bool same = !first.failed && !second.failed && !strcmp(first.data, second.data);
	core_text_free(&first);
	core_text_free(&second);
	return same;
}

/* A value with its row and the key of its spellings. */
struct spelling {
	const char *key, *value;
	int64_t row;
};

static int compare_spellings(const void *a, const void *b)
{
	const struct spelling *x = a, *y = b;
	int order = strcmp(x->key, y->key);
	if (!order)
		order = strcmp(x->value, y->value);
	return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* The column that is cleaned. `at` holds the rows whose values are equally spelt side by side. */
struct column {
	fv_ctx *ctx;
	const char *path, *name;
	const char **value;
	const int64_t *line;
	int64_t n; /* spellings */
	struct spelling *at;
	core_text keys;
};

/* Sorts the rows that `wanted` says by key and spelling. */
static fv_status sort_spellings(struct column *c, int64_t n, const bool *wanted)
{
	c->n = 0;
	c->keys.size = 0;
	for (int64_t i = 0; i < n; i++)
		if (wanted[i]) {
			c->at[c->n++] = (struct spelling){NULL, c->value[i], i};
			add_key(&c->keys, c->value[i]);
		}
	if (c->keys.failed)
		return fv_fail(c->ctx, FV_FAILED, "out of memory");
	const char *key = c->keys.data;
	for (int64_t i = 0; i < c->n; i++) {
		c->at[i].key = key;
		key += strlen(key) + 1;
	}
	if (c->n)
		qsort(c->at, (size_t)c->n, sizeof *c->at, compare_spellings);
	return FV_OK;
}

/* The end of the rows from `start` on that are spelt alike. */
static int64_t find_spelling_end(const struct column *c, int64_t start)
{
	int64_t end = start + 1;
	while (end < c->n && !strcmp(c->at[end].value, c->at[start].value))
		end++;
	return end;
}

static int64_t find_value_end(const struct column *c, int64_t start)
{
	int64_t end = start + 1;
	while (end < c->n && !strcmp(c->at[end].key, c->at[start].key))
		end++;
	return end;
}

static fv_status warn_missing(struct column *c)
{
	core_text list = {0};
	int64_t first = 0;
	for (int64_t i = 0, end; i < c->n; i = end) {
		end = find_spelling_end(c, i);
		int64_t rows = end - i, line = c->line[c->at[i].row];
		first = i && first < line ? first : line;
		core_text_add(&list, "%s'%s' (%lld row%s, first on line %lld)", i ? ", " : "",
			c->at[i].value, (long long)rows, core_plural(rows), (long long)line);
	}
	fv_status status = list.failed ? fv_fail(c->ctx, FV_FAILED, "out of memory") : FV_OK;
	if (!status && c->n)
		fv_warn(c->ctx, "%s:%lld: %s: read as missing: %s", c->path, (long long)first,
			c->name, list.data);
	core_text_free(&list);
	return status;
}

/* Replaces missing values by NULL and warns about the words that say so. */
static fv_status clear_missing(
	struct column *c, int64_t n, int32_t n_also, const char *const *also, bool *word)
{
	for (int64_t i = 0; i < n; i++) {
		size_t size = 0;
		if (c->value[i])
			(void)trim_blanks(c->value[i], &size);
		word[i] = size && core_is_missing(c->value[i]);
		for (int32_t k = 0; size && k < n_also; k++)
			word[i] = word[i] || core_same_value(c->value[i], also[k]);
		if (!size)
			c->value[i] = NULL;
	}
	fv_status status = sort_spellings(c, n, word);
	if (!status)
		status = warn_missing(c);
	for (int64_t i = 0; i < c->n; i++)
		c->value[c->at[i].row] = NULL;
	return status;
}

/* The value as it is kept: composed, without blanks around it. NULL, with a message: memory is out. */
static const char *find_plain_text(fv_ctx *ctx, const char *value)
{
	char *composed = core_utf8_compose(value);
	if (!composed) {
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
		return NULL;
	}
	size_t size;
	const char *text = trim_blanks(composed, &size);
	text = strlen(value) == size && !strncmp(text, value, size) ? value
								    : core_strndup(ctx, text, size);
	free(composed);
	return text;
}

/* Gives the rows from `start` to `end`, spellings of one value, the most frequent one. Lists them
 * in `list`, if it is not NULL, when there are several. */
static fv_status merge_value(
	struct column *c, int64_t start, int64_t end, core_text *list, bool *merged)
{
	int64_t best = start, most = 0, spellings = 0;
	for (int64_t i = start, next; i < end; i = next, spellings++) {
		next = find_spelling_end(c, i);
		if (next - i > most) {
			most = next - i;
			best = i;
		}
	}
	const char *text = find_plain_text(c->ctx, c->at[best].value);
	if (!text)
		return FV_FAILED;
	for (int64_t i = start; i < end; i++)
		c->value[c->at[i].row] = text;
	*merged = spellings > 1;
	for (int64_t i = start, next; *merged && list && i < end; i = next) {
		next = find_spelling_end(c, i);
		core_text_add(list, "%s'%s' (%lld row%s, first on line %lld)",
			i > start    ? " and "
			: list->size ? "; "
				     : "",
			c->at[i].value, (long long)(next - i), core_plural(next - i),
			(long long)c->line[c->at[i].row]);
	}
	if (*merged && list)
		core_text_add(list, " are read as '%s'", text);
	return FV_OK;
}

static fv_status merge_spellings(struct column *c, int64_t n, bool *present)
{
	for (int64_t i = 0; i < n; i++)
		present[i] = c->value[i] != NULL;
	fv_status status = sort_spellings(c, n, present);
	core_text list = {0};
	int64_t n_merged = 0;
	for (int64_t i = 0, end; !status && i < c->n; i = end) {
		bool merged;
		end = find_value_end(c, i);
		status = merge_value(c, i, end, n_merged < SHOWN ? &list : NULL, &merged);
		n_merged += !status && merged;
	}
	if (!status && n_merged > SHOWN)
		core_text_add(&list, "; and %lld more value%s", (long long)(n_merged - SHOWN),
			core_plural(n_merged - SHOWN));
	if (!status && list.failed)
		status = fv_fail(c->ctx, FV_FAILED, "out of memory");
	if (!status && n_merged)
		fv_warn(c->ctx, "%s: %s: %s", c->path, c->name, list.data);
	core_text_free(&list);
	return status;
}

fv_status core_clean_column(fv_ctx *ctx, const char *path, const char *column, int64_t n,
	const char **value, const int64_t *line, int32_t n_also, const char *const *also)
{
	struct column c = {.ctx = ctx, .path = path, .name = column, .value = value, .line = line};
	c.at = malloc(((size_t)n + 1) * sizeof *c.at);
	bool *chosen = malloc((size_t)n + 1);
	fv_status status = c.at && chosen ? clear_missing(&c, n, n_also, also, chosen)
					  : fv_fail(ctx, FV_FAILED, "out of memory");
	if (!status)
		status = merge_spellings(&c, n, chosen);
	free(chosen);
	free(c.at);
	core_text_free(&c.keys);
	return status;
}
