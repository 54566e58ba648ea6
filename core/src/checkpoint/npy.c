/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/npy.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define HEADER_MAX 65536

/* --- the header, a dictionary in Python's syntax --- */

struct parser {
	const core_scan *scan;
	const char *at, *end;
	core_npy *out;
	bool has_type, has_order, has_shape;
};

static fv_status fail_header(const struct parser *p, const char *rule, const char *why)
{
	size_t at = (size_t)((const unsigned char *)p->at - p->scan->data);
	return core_scan_fail(p->scan, at, rule, "%s", why);
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\t'))
		p->at++;
}

/* Skips blanks and reads `c` if it follows. */
static bool read_char(struct parser *p, char c)
{
	skip_blanks(p);
	if (p->at == p->end || *p->at != c)
		return false;
	p->at++;
	return true;
}

/* Reads a quoted text without escapes into text [size]. */
static bool read_text(struct parser *p, char *text, size_t size)
{
	skip_blanks(p);
	if (p->at == p->end || (*p->at != '\'' && *p->at != '"'))
		return false;
	char quote = *p->at++;
	size_t n = 0;
	while (p->at < p->end && *p->at != quote && *p->at != '\\' && *p->at && n + 1 < size)
		text[n++] = *p->at++;
	text[n] = '\0';
	return p->at < p->end && *p->at++ == quote;
}

static bool read_word(struct parser *p, const char *word)
{
	size_t n = strlen(word);
	skip_blanks(p);
	if ((size_t)(p->end - p->at) < n || memcmp(p->at, word, n) != 0)
		return false;
	p->at += n;
	return true;
}

/* "<f4": byte order, kind and bytes; characters of U have four bytes. */
static fv_status read_type(struct parser *p)
{
	core_npy *a = p->out;
	char text[16];
	skip_blanks(p);
	if (p->at < p->end && *p->at == '[')
		return fail_header(p, "type",
			"a structured array (several fields): save one array of numbers");
	if (!read_text(p, text, sizeof text) || strlen(text) < 2)
		return fail_header(p, "header", "descr is no type");
	char order = text[0];
	const char *rest = strchr("<>|=", order) ? text + 1 : text;
	if (strchr(rest, 'O'))
		return fail_header(p, "objects",
			"it holds Python objects (dtype object), which are not loaded: save "
			"numbers, and texts as dtype str");
	char *end;
	a->kind = rest[0];
	unsigned long size = rest[0] ? strtoul(rest + 1, &end, 10) : 0;
	bool digit = rest[0] && rest[1] >= '0' && rest[1] <= '9';
	if (!strchr("fiubSU", a->kind) || !digit || *end || size > 1 << 20)
		return core_scan_fail(p->scan,
			(size_t)((const unsigned char *)p->at - p->scan->data), "type",
			"'%s' is not supported: save float32", text);
	a->size = a->kind == 'U' ? 4 * (size_t)size : (size_t)size;
	a->big = order == '>';
	p->has_type = true;
	return FV_OK;
}

static fv_status read_order(struct parser *p)
{
	p->out->fortran = read_word(p, "True");
	if (!p->out->fortran && !read_word(p, "False"))
		return fail_header(p, "header", "fortran_order is neither True nor False");
	p->has_order = true;
	return FV_OK;
}

/* "(3, 4)", "(3,)" or "()"; Python 2 writes "3L". "(3)" is a number, and "03" no number of Python. */
static fv_status read_shape(struct parser *p)
{
	core_npy *a = p->out;
	bool comma = false;
	a->count = 1;
	if (!read_char(p, '('))
		return fail_header(p, "shape", "shape is no tuple");
	while (!read_char(p, ')')) {
		if (a->rank == FV_TENSOR_RANK_MAX)
			return fail_header(p, "shape", "more than 8 dimensions");
		int64_t dim = 0;
		const char *first = p->at;
		for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++)
			if (__builtin_mul_overflow(dim, 10, &dim) ||
				__builtin_add_overflow(dim, *p->at - '0', &dim))
				return fail_header(p, "shape", "a dimension is too large");
		if (p->at == first || (p->at - first > 1 && *first == '0'))
			return fail_header(p, "shape", "a dimension is no number");
		(void)read_word(p, "L");
		a->shape[a->rank++] = dim;
		if (__builtin_mul_overflow(a->count, dim, &a->count))
			return fail_header(p, "shape", "more elements than can be counted");
		comma = read_char(p, ',');
		if (!comma && (p->at == p->end || *p->at != ')'))
			return fail_header(
				p, "shape", "a dimension is followed by neither , nor )");
	}
	if (a->rank == 1 && !comma)
		return fail_header(p, "shape", "shape is no tuple");
	p->has_shape = true;
	return FV_OK;
}

static fv_status read_entry(struct parser *p)
{
	char key[32];
	if (!read_text(p, key, sizeof key) || !read_char(p, ':'))
		return fail_header(p, "header", "expected a key and a colon");
	if (!strcmp(key, "descr") && !p->has_type)
		return read_type(p);
	if (!strcmp(key, "fortran_order") && !p->has_order)
		return read_order(p);
	if (!strcmp(key, "shape") && !p->has_shape)
		return read_shape(p);
	return fail_header(
		p, "header", "a key other than descr, fortran_order and shape, once each");
}

static fv_status read_dictionary(struct parser *p)
{
	if (!read_char(p, '{'))
		return fail_header(p, "header", "it is no dictionary");
	while (!read_char(p, '}')) {
		fv_status status = read_entry(p);
		if (status)
			return status;
		if (!read_char(p, ',') && (p->at == p->end || *p->at != '}'))
			return fail_header(p, "header", "a value is followed by neither , nor }");
	}
	skip_blanks(p);
	if (p->at != p->end || !p->has_type || !p->has_order || !p->has_shape)
		return fail_header(
			p, "header", "it does not end after descr, fortran_order and shape");
	return FV_OK;
}

/* Finds the header's text [*size]. */
static fv_status find_header(const core_scan *s, const char **text, size_t *size)
{
	if (s->end < 10 || memcmp(s->data, "\x93NUMPY", 6) != 0 || s->data[6] < 1 || s->data[6] > 3)
		return core_scan_fail(s, 0, "magic", "not an array of NumPy's format 1, 2 or 3");
	size_t width = s->data[6] == 1 ? 2 : 4, length = 0, room = s->end - 8;
	for (size_t i = width; i > 0 && width <= room; i--)
		length = length << 8 | s->data[7 + i];
	if (width > room || length > HEADER_MAX || length > room - width)
		return core_scan_fail(
			s, 8, "header", "it reaches past the end: the file is cut short");
	*text = (const char *)s->data + 8 + width;
	*size = length;
	return FV_OK;
}

fv_status core_npy_parse(const core_scan *s, core_npy *out)
{
	const char *text = NULL;
	size_t length = 0;
	*out = (core_npy){0};
	fv_status status = find_header(s, &text, &length);
	if (status)
		return status;
	struct parser p = {.scan = s, .at = text, .end = text + length, .out = out};
	status = read_dictionary(&p);
	if (status)
		return status;
	out->data = (const unsigned char *)text + length;
	size_t begin = (size_t)(out->data - s->data), bytes;
	bool fits = !__builtin_mul_overflow((size_t)out->count, out->size, &bytes);
	if (fits && bytes == s->end - begin)
		return FV_OK;
	return core_scan_fail(s, begin, "size",
		"%lld elements of %zu bytes do not fit the %zu bytes that follow%s",
		(long long)out->count, out->size, s->end - begin,
		fits && bytes < s->end - begin ? "" : ": the file is cut short");
}

/* --- tensors --- */

static const char *find_dtype(const core_npy *a)
{
	static const struct {
		char kind;
		size_t size;
		const char *dtype;
	} types[] = {{'f', 4, "F32"}, {'f', 8, "F64"}, {'f', 2, "F16"}, {'i', 8, "I64"},
		{'i', 4, "I32"}, {'i', 2, "I16"}, {'i', 1, "I8"}, {'u', 1, "U8"}, {'b', 1, "BOOL"}};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].kind == a->kind && types[i].size == a->size)
			return types[i].dtype;
	return NULL;
}

/* Copies into C order and little endian. */
static void copy_elements(const core_npy *a, unsigned char *to)
{
	int64_t index[FV_TENSOR_RANK_MAX] = {0}, stride[FV_TENSOR_RANK_MAX], step = 1, from = 0;
	for (int32_t d = 0; d < a->rank; d++) {
		int32_t k = a->fortran ? d : a->rank - 1 - d;
		stride[k] = step;
		step *= a->shape[k];
	}
	for (int64_t i = 0; i < a->count; i++) {
		const unsigned char *element = a->data + (size_t)from * a->size;
		for (size_t b = 0; b < a->size; b++)
			*to++ = element[a->big ? a->size - 1 - b : b];
		for (int32_t d = a->rank - 1; d >= 0; d--) {
			from += stride[d];
			if (++index[d] < a->shape[d])
				break;
			from -= stride[d] * a->shape[d];
			index[d] = 0;
		}
	}
}

fv_status core_npy_to_tensor(const core_scan *scan, const core_npy *a, fv_tensor *out)
{
	*out = (fv_tensor){
		.dtype = find_dtype(a), .rank = a->rank, .count = a->count, .data = a->data};
	memcpy(out->shape, a->shape, sizeof out->shape);
	if (!out->dtype)
		return core_scan_fail(scan, (size_t)(a->data - scan->data), "type",
			"'%c%zu' is not supported: save float32", a->kind, a->size);
	bool turned = a->fortran && a->rank > 1, swapped = a->big && a->size > 1;
	if (!a->count || (!turned && !swapped))
		return FV_OK;
	unsigned char *copy = core_arena_alloc(scan->arena, (size_t)a->count * a->size);
	if (!copy)
		return core_scan_fail_memory(scan);
	copy_elements(a, copy);
	out->data = copy;
	return FV_OK;
}

/* --- texts --- */

/* Writes a character as UTF-8 and returns its bytes; 0 for what is no character. */
static size_t write_utf8(uint32_t c, char *to)
{
	if (c >= 0x110000 || (c >= 0xd800 && c < 0xe000) || c == 0)
		return 0;
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	if (n == 1) {
		*to = (char)c;
		return 1;
	}
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	to[0] = (char)(first[n] | c);
	return n;
}

fv_status core_npy_read_text(const core_scan *scan, const core_npy *a, int64_t i, char **out)
{
	const unsigned char *from = a->data + (size_t)i * a->size;
	size_t width = a->kind == 'U' ? 4 : 1, length = a->size / width, n = 0;
	static const unsigned char zero[4];
	while (length && !memcmp(from + (length - 1) * width, zero, width))
		length--;
	char *text = core_arena_alloc(scan->arena, length * width + 1);
	if (!text)
		return core_scan_fail_memory(scan);
	for (size_t k = 0; k < length; k++) {
		uint32_t c = 0;
		for (size_t b = 0; b < width; b++)
			c = c << 8 | from[k * width + (a->big ? b : width - 1 - b)];
		size_t bytes = width == 1 ? (size_t)(c != 0) : write_utf8(c, text + n);
		if (!bytes)
			return core_scan_fail(scan, (size_t)(from - scan->data), "texts",
				"text %lld has a character that is none", (long long)i);
		if (width == 1)
			text[n] = (char)c;
		n += bytes;
	}
	text[n] = '\0';
	*out = text;
	return core_is_utf8(text) ? FV_OK
				  : core_scan_fail(scan, (size_t)(from - scan->data), "texts",
					    "text %lld is not UTF-8", (long long)i);
}

/* --- a file of one array --- */

fv_status core_npy_read(fv_ctx *ctx, fv_checkpoint *file)
{
	core_scan scan = {.ctx = ctx,
		.path = file->path,
		.data = file->data,
		.end = file->size,
		.arena = &file->memory};
	core_npy array;
	fv_status status = core_npy_parse(&scan, &array);
	if (status)
		return status;
	file->tensor = core_arena_alloc(&file->memory, sizeof *file->tensor);
	if (!file->tensor)
		return core_scan_fail_memory(&scan);
	status = core_npy_to_tensor(&scan, &array, file->tensor);
	file->tensor->name = "array";
	file->n = 1;
	return status;
}
