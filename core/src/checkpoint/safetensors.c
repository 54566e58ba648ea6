/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: u64 length N of the header, a JSON object of N bytes, the data.
 *
 * The header's grammar is so small (two levels of objects, strings, lists of whole numbers) that it
 * is read directly: each rule is then told with its byte, and nothing nests. Stricter than the
 * reference implementation in: duplicate keys, unknown fields, NUL in names, rank <= 8, at most
 * 65,536 tensors, names of at most 1,024 bytes. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/checkpoint_private.h"

#define HEADER_MAX UINT64_C(100000000)
#define TENSORS_MAX 65536
#define NAME_MAX_BYTES 1024

struct entry {
	fv_tensor tensor;
	uint64_t begin, end; /* in the data */
	size_t key_at;       /* byte of its key, for messages */
};

struct meta_entry {
	core_meta meta;
	size_t key_at;
};

struct parser {
	fv_ctx *ctx;
	fv_checkpoint *file;
	size_t at, end; /* of the header, in the file */
	struct entry *entry;
	struct meta_entry *meta;
	size_t n, room, n_meta, meta_room;
	bool has_meta;
};

static fv_status refuse(const struct parser *p, size_t at, const char *rule, const char *format,
	...) FV_PRINTF(4, 5);

static fv_status refuse(
	const struct parser *p, size_t at, const char *rule, const char *format, ...)
{
	char text[1280];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return fv_fail(p->ctx, FV_DATA, "%s: byte %zu: %s: %s", p->file->path, at, rule, text);
}

static fv_status out_of_memory(const struct parser *p)
{
	return fv_fail(p->ctx, FV_FAILED, "%s: out of memory", p->file->path);
}

static uint64_t header_length(const fv_checkpoint *file)
{
	uint64_t length = 0;
	for (int i = 7; i >= 0; i--)
		length = length << 8 | file->data[i];
	return length;
}

int core_safetensors_looks_so(const fv_checkpoint *file)
{
	return file->size > 8 && header_length(file) <= file->size - 8 && file->data[8] == '{';
}

/* --- JSON ----------------------------------------------------------------------------------------
 */

static int peek(const struct parser *p)
{
	return p->at < p->end ? p->file->data[p->at] : -1;
}

static void skip_space(struct parser *p)
{
	while (peek(p) == ' ' || peek(p) == '\t' || peek(p) == '\n' || peek(p) == '\r')
		p->at++;
}

/* The next character after spaces must be `c`. */
static fv_status expect(struct parser *p, char c, const char *rule)
{
	skip_space(p);
	if (peek(p) == c) {
		p->at++;
		return FV_OK;
	}
	if (peek(p) < 0)
		return refuse(p, p->at, "JSON", "the header ends where '%c' should be", c);
	return refuse(p, p->at, rule, "'%c' should be here", c);
}

/* After an element: true and past the comma, or false and past `close`. */
static fv_status more(struct parser *p, char close, bool *again)
{
	skip_space(p);
	int c = peek(p);
	if (c != ',' && c != close)
		return refuse(p, p->at, "JSON", "',' or '%c' should be here", close);
	p->at++;
	*again = c == ',';
	return FV_OK;
}

/* Past `open` and, when nothing is inside, past `close`. */
static fv_status enter(struct parser *p, char open, char close, const char *rule, bool *any)
{
	fv_status status = expect(p, open, rule);
	if (status)
		return status;
	skip_space(p);
	*any = peek(p) != close;
	if (!*any)
		p->at++;
	return FV_OK;
}

static bool read_hex4(struct parser *p, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++, p->at++) {
		int c = peek(p);
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

static size_t put_utf8(char *out, uint32_t code)
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

/* p->at is past \u; appends the character. */
static fv_status read_escaped_unicode(struct parser *p, char *out, size_t *n)
{
	size_t at = p->at - 2;
	uint32_t code, low;
	if (!read_hex4(p, &code))
		return refuse(p, at, "JSON", "\\u needs four hexadecimal digits");
	if (code == 0)
		return refuse(p, at, "name", "a NUL in a string");
	if (code >= 0xdc00 && code < 0xe000)
		return refuse(p, at, "UTF-8", "second half of a surrogate pair alone");
	if (code >= 0xd800 && code < 0xdc00) {
		if (peek(p) != '\\' || p->at + 1 >= p->end || p->file->data[p->at + 1] != 'u')
			return refuse(p, at, "UTF-8", "first half of a surrogate pair alone");
		p->at += 2;
		if (!read_hex4(p, &low) || low < 0xdc00 || low >= 0xe000)
			return refuse(p, at, "UTF-8", "first half of a surrogate pair alone");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	*n += put_utf8(out + *n, code);
	return FV_OK;
}

static fv_status read_escape(struct parser *p, char *out, size_t *n)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	p->at++;
	int c = peek(p);
	const char *found = c > 0 ? strchr(from, c) : NULL;
	p->at++;
	if (c == 'u')
		return read_escaped_unicode(p, out, n);
	if (!found)
		return refuse(p, p->at - 2, "JSON", "unknown escape");
	out[(*n)++] = to[found - from];
	return FV_OK;
}

size_t core_utf8_length(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n == 0 || n > left || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
	bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
	bool beyond = s[0] == 0xf4 && s[1] >= 0x90;
	return overlong || surrogate || beyond ? 0 : n;
}

/* A string, decoded and NUL-terminated. It cannot be longer than what it is written as. */
static fv_status read_string(struct parser *p, const char *rule, char **out)
{
	fv_status status = expect(p, '"', rule);
	if (status)
		return status;
	size_t start = p->at, length = 0;
	for (size_t i = start; i < p->end && p->file->data[i] != '"'; i++, length++)
		if (p->file->data[i] == '\\' && i + 1 < p->end)
			i++, length++;
	char *text = core_arena_alloc(&p->file->memory, length + 1);
	if (!text)
		return out_of_memory(p);
	size_t n = 0;
	for (int c; (c = peek(p)) != '"';) {
		if (c < 0)
			return refuse(p, start, "JSON", "a string without an end");
		if (c < 0x20)
			return refuse(p, p->at, "JSON", "control character in a string");
		if (c == '\\') {
			if ((status = read_escape(p, text, &n)))
				return status;
			continue;
		}
		size_t bytes = core_utf8_length(p->file->data + p->at, p->end - p->at);
		if (!bytes)
			return refuse(p, p->at, "UTF-8", "not a UTF-8 character");
		memcpy(text + n, p->file->data + p->at, bytes);
		n += bytes;
		p->at += bytes;
	}
	p->at++;
	text[n] = '\0';
	*out = text;
	return FV_OK;
}

/* 0 or digits without a leading zero, below 2^63. */
static fv_status read_integer(struct parser *p, uint64_t *out)
{
	skip_space(p);
	size_t start = p->at;
	uint64_t value = 0;
	for (int c; (c = peek(p)) >= '0' && c <= '9'; p->at++) {
		uint64_t digit = (uint64_t)(c - '0');
		if (value > (INT64_MAX - digit) / 10)
			return refuse(p, start, "integer", "2^63 or more");
		value = value * 10 + digit;
	}
	int next = peek(p);
	bool plain = p->at > start && next != '.' && next != 'e' && next != 'E';
	if (!plain || (p->file->data[start] == '0' && p->at > start + 1))
		return refuse(p, start, "integer", "a plain decimal number should be here");
	*out = value;
	return FV_OK;
}

/* --- entries -------------------------------------------------------------------------------------
 */

static fv_status read_shape(struct parser *p, fv_tensor *tensor)
{
	bool again;
	fv_status status = enter(p, '[', ']', "entry fields", &again);
	while (!status && again) {
		uint64_t dim;
		skip_space(p);
		size_t at = p->at;
		if ((status = read_integer(p, &dim)))
			break;
		if (tensor->rank == FV_TENSOR_RANK_MAX)
			return refuse(p, at, "bounds", "rank above %d", FV_TENSOR_RANK_MAX);
		tensor->shape[tensor->rank++] = (int64_t)dim;
		status = more(p, ']', &again);
	}
	return status;
}

static fv_status read_offsets(struct parser *p, struct entry *entry)
{
	bool again;
	skip_space(p);
	size_t start = p->at;
	fv_status status = enter(p, '[', ']', "entry fields", &again);
	int n = 0;
	while (!status && again) {
		uint64_t value;
		if ((status = read_integer(p, &value)))
			break;
		if (n == 0)
			entry->begin = value;
		else
			entry->end = value;
		n++;
		status = more(p, ']', &again);
	}
	if (!status && n != 2)
		return refuse(p, start, "offsets", "%d numbers in data_offsets, not 2", n);
	if (!status && entry->begin > entry->end)
		return refuse(p, start, "offsets", "the begin is past the end");
	return status;
}

static fv_status read_dtype(struct parser *p, fv_tensor *tensor)
{
	char *name;
	skip_space(p);
	size_t at = p->at;
	fv_status status = read_string(p, "entry fields", &name);
	if (status)
		return status;
	if (!core_dtype_size(name))
		return refuse(p, at, "dtype", "'%.40s' is not read", name);
	tensor->dtype = name;
	return FV_OK;
}

/* Size of the tensor against its range and the file. */
static fv_status check_entry(const struct parser *p, struct entry *entry)
{
	const fv_tensor *tensor = &entry->tensor;
	uint64_t count = 1, bytes, data = p->file->size - p->end;
	for (int32_t i = 0; i < tensor->rank; i++)
		if (__builtin_mul_overflow(count, (uint64_t)tensor->shape[i], &count))
			return refuse(p, entry->key_at, "overflow",
				"the shape of '%s' has 2^64 elements or more", tensor->name);
	if (__builtin_mul_overflow(count, core_dtype_size(tensor->dtype), &bytes) ||
		count > INT64_MAX)
		return refuse(
			p, entry->key_at, "overflow", "'%s' has 2^63 bytes or more", tensor->name);
	if (bytes != entry->end - entry->begin)
		return refuse(p, entry->key_at, "size",
			"'%s' needs %llu bytes, data_offsets span %llu", tensor->name,
			(unsigned long long)bytes, (unsigned long long)(entry->end - entry->begin));
	if (entry->end > data)
		return refuse(p, entry->key_at, "data end",
			"'%s' ends at %llu, there are %llu bytes of data", tensor->name,
			(unsigned long long)entry->end, (unsigned long long)data);
	entry->tensor.count = (int64_t)count;
	entry->tensor.data = p->file->data + p->end + entry->begin;
	return FV_OK;
}

static fv_status read_entry(struct parser *p, struct entry *entry)
{
	static const char *const fields[] = {"dtype", "shape", "data_offsets"};
	unsigned seen = 0;
	bool again;
	fv_status status = enter(p, '{', '}', "entry fields", &again);
	while (!status && again) {
		char *key;
		skip_space(p);
		size_t at = p->at, field = 0;
		if ((status = read_string(p, "JSON", &key)) || (status = expect(p, ':', "JSON")))
			break;
		while (field < 3 && strcmp(key, fields[field]))
			field++;
		if (field == 3)
			return refuse(p, at, "entry fields", "unknown field '%.40s'", key);
		if (seen & 1u << field)
			return refuse(p, at, "duplicate key", "'%s' is there twice", key);
		seen |= 1u << field;
		status = field == 0   ? read_dtype(p, &entry->tensor)
			 : field == 1 ? read_shape(p, &entry->tensor)
				      : read_offsets(p, entry);
		if (!status)
			status = more(p, '}', &again);
	}
	for (size_t field = 0; !status && field < 3; field++)
		if (!(seen & 1u << field))
			return refuse(p, entry->key_at, "entry fields", "'%s' has no %s",
				entry->tensor.name, fields[field]);
	return status ? status : check_entry(p, entry);
}

static fv_status read_metadata(struct parser *p, size_t key_at)
{
	bool again;
	if (p->has_meta)
		return refuse(p, key_at, "duplicate key", "'__metadata__' is there twice");
	p->has_meta = true;
	fv_status status = enter(p, '{', '}', "metadata", &again);
	while (!status && again) {
		skip_space(p);
		size_t at = p->at;
		char *key, *value;
		if ((status = read_string(p, "metadata", &key)) ||
			(status = expect(p, ':', "JSON")) ||
			(status = read_string(p, "metadata", &value)))
			break;
		if (p->n_meta == TENSORS_MAX)
			return refuse(
				p, at, "bounds", "more than %d pairs of metadata", TENSORS_MAX);
		if (p->n_meta == p->meta_room) {
			size_t room = p->meta_room ? 2 * p->meta_room : 16;
			struct meta_entry *grown = realloc(p->meta, room * sizeof *grown);
			if (!grown)
				return out_of_memory(p);
			p->meta = grown;
			p->meta_room = room;
		}
		p->meta[p->n_meta++] = (struct meta_entry){{key, value}, at};
		status = more(p, '}', &again);
	}
	return status;
}

static fv_status read_member(struct parser *p)
{
	char *key;
	skip_space(p);
	size_t at = p->at;
	fv_status status = read_string(p, "JSON", &key);
	if (!status)
		status = expect(p, ':', "JSON");
	if (status)
		return status;
	if (!strcmp(key, "__metadata__"))
		return read_metadata(p, at);
	if (strlen(key) > NAME_MAX_BYTES)
		return refuse(p, at, "bounds", "a name of %zu bytes, more than %d", strlen(key),
			NAME_MAX_BYTES);
	if (p->n == TENSORS_MAX)
		return refuse(p, at, "bounds", "more than %d tensors", TENSORS_MAX);
	if (p->n == p->room) {
		size_t room = p->room ? 2 * p->room : 64;
		struct entry *grown = realloc(p->entry, room * sizeof *grown);
		if (!grown)
			return out_of_memory(p);
		p->entry = grown;
		p->room = room;
	}
	struct entry *entry = &p->entry[p->n++];
	*entry = (struct entry){.tensor.name = key, .key_at = at};
	return read_entry(p, entry);
}

static fv_status read_header(struct parser *p)
{
	bool again;
	fv_status status = enter(p, '{', '}', "JSON", &again);
	while (!status && again) {
		status = read_member(p);
		if (!status)
			status = more(p, '}', &again);
	}
	if (status)
		return status;
	skip_space(p);
	if (p->at != p->end)
		return refuse(p, p->at, "JSON", "something follows the object");
	return FV_OK;
}

/* --- the whole -----------------------------------------------------------------------------------
 */

static int by_range(const void *a, const void *b)
{
	const struct entry *s = a, *t = b;
	if (s->begin != t->begin)
		return s->begin < t->begin ? -1 : 1;
	return (s->end > t->end) - (s->end < t->end);
}

static int by_name(const void *a, const void *b)
{
	const struct entry *s = a, *t = b;
	int order = strcmp(s->tensor.name, t->tensor.name);
	return order ? order : (s->key_at > t->key_at) - (s->key_at < t->key_at);
}

static int by_key(const void *a, const void *b)
{
	const struct meta_entry *s = a, *t = b;
	int order = strcmp(s->meta.key, t->meta.key);
	return order ? order : (s->key_at > t->key_at) - (s->key_at < t->key_at);
}

static fv_status check_cover(struct parser *p)
{
	uint64_t covered = 0, data = p->file->size - p->end;
	if (p->n)
		qsort(p->entry, p->n, sizeof *p->entry, by_range);
	for (size_t i = 0; i < p->n; i++) {
		const struct entry *entry = &p->entry[i];
		if (entry->begin > covered)
			return refuse(p, p->end + (size_t)covered, "hole",
				"no tensor covers the bytes before '%s'", entry->tensor.name);
		if (entry->begin < covered)
			return refuse(p, entry->key_at, "overlap", "'%s' overlaps '%s'",
				entry->tensor.name, p->entry[i - 1].tensor.name);
		covered = entry->end;
	}
	if (covered != data)
		return refuse(p, p->end + (size_t)covered, "data end",
			"%llu bytes follow the last tensor", (unsigned long long)(data - covered));
	return FV_OK;
}

/* Sorts by name and moves the tables to the checkpoint. */
static fv_status settle(struct parser *p)
{
	fv_checkpoint *file = p->file;
	file->tensor = core_arena_alloc(&file->memory, p->n * sizeof *file->tensor);
	file->meta = core_arena_alloc(&file->memory, p->n_meta * sizeof *file->meta);
	if (!file->tensor || !file->meta)
		return out_of_memory(p);
	if (p->n)
		qsort(p->entry, p->n, sizeof *p->entry, by_name);
	if (p->n_meta)
		qsort(p->meta, p->n_meta, sizeof *p->meta, by_key);
	for (size_t i = 0; i < p->n; i++) {
		file->tensor[i] = p->entry[i].tensor;
		if (i && !strcmp(file->tensor[i].name, file->tensor[i - 1].name))
			return refuse(p, p->entry[i].key_at, "duplicate key", "'%s' is there twice",
				file->tensor[i].name);
	}
	for (size_t i = 0; i < p->n_meta; i++) {
		file->meta[i] = p->meta[i].meta;
		if (i && !strcmp(file->meta[i].key, file->meta[i - 1].key))
			return refuse(p, p->meta[i].key_at, "duplicate key", "'%s' is there twice",
				file->meta[i].key);
	}
	file->n = (int64_t)p->n;
	file->n_meta = (int64_t)p->n_meta;
	return FV_OK;
}

fv_status core_safetensors_read(fv_ctx *ctx, fv_checkpoint *file)
{
	struct parser p = {.ctx = ctx, .file = file, .at = 8};
	if (file->size < 8)
		return refuse(&p, 0, "too short", "%zu bytes, the header's length alone takes 8",
			file->size);
	uint64_t length = header_length(file), room = file->size - 8;
	if (length > HEADER_MAX || length > room || length < 2)
		return refuse(&p, 0, "header length", "%llu, at least 2 and at most %llu",
			(unsigned long long)length,
			(unsigned long long)(room < HEADER_MAX ? room : HEADER_MAX));
	p.end = 8 + (size_t)length;
	if (file->data[8] != '{')
		return refuse(&p, 8, "JSON", "the header must begin with '{'");
	fv_status status = read_header(&p);
	if (!status)
		status = settle(&p);
	if (!status)
		status = check_cover(&p);
	free(p.entry);
	free(p.meta);
	return status;
}
