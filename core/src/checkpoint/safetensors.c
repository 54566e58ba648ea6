/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: u64 length N of the header, a JSON object of N bytes, the data.
 *
 * The header uses so little of JSON (two levels of objects, strings, lists of non-negative
 * integers) that it is read token by token. Every error can then name its byte, and nothing
 * recurses. Stricter than the reference implementation: it rejects duplicate keys, unknown
 * fields, NUL in names, a rank above 8, more than 65,536 tensors and names of more than 1,024
 * bytes. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/checkpoint_private.h"
#include "checkpoint/scan.h"

#define HEADER_MAX UINT64_C(100000000)
#define TENSORS_MAX 65536
#define NAME_MAX_BYTES 1024

struct entry {
	fv_tensor tensor;
	uint64_t begin, end; /* byte range, counted from the start of the data */
	size_t key_at;       /* byte of its key, for messages */
};

struct meta_entry {
	core_meta meta;
	size_t key_at;
};

struct parser {
	core_scan scan; /* reads the header only */
	fv_checkpoint *file;
	struct entry *entry;
	struct meta_entry *meta;
	size_t n, room, n_meta, meta_room;
	bool has_meta;
};

static uint64_t header_length(const fv_checkpoint *file)
{
	uint64_t length = 0;
	for (int i = 7; i >= 0; i--)
		length = length << 8 | file->data[i];
	return length;
}

bool core_safetensors_fits(const fv_checkpoint *file)
{
	return file->size > 8 && header_length(file) <= file->size - 8;
}

bool core_is_safetensors(const fv_checkpoint *file)
{
	return core_safetensors_fits(file) && file->data[8] == '{';
}

/* --- entries --- */

static fv_status read_shape(struct parser *p, fv_tensor *tensor)
{
	bool again;
	fv_status status = core_scan_enter(&p->scan, '[', ']', "entry fields", &again);
	while (!status && again) {
		uint64_t dim;
		core_scan_skip_space(&p->scan);
		size_t at = p->scan.at;
		if ((status = core_scan_read_integer(&p->scan, &dim)))
			break;
		if (tensor->rank == FV_TENSOR_RANK_MAX)
			return core_scan_fail(
				&p->scan, at, "bounds", "rank above %d", FV_TENSOR_RANK_MAX);
		tensor->shape[tensor->rank++] = (int64_t)dim;
		status = core_scan_next_element(&p->scan, ']', &again);
	}
	return status;
}

static fv_status read_offsets(struct parser *p, struct entry *entry)
{
	bool again;
	core_scan_skip_space(&p->scan);
	size_t start = p->scan.at;
	fv_status status = core_scan_enter(&p->scan, '[', ']', "entry fields", &again);
	int n = 0;
	while (!status && again) {
		uint64_t value;
		if ((status = core_scan_read_integer(&p->scan, &value)))
			break;
		if (n == 0)
			entry->begin = value;
		else
			entry->end = value;
		n++;
		status = core_scan_next_element(&p->scan, ']', &again);
	}
	if (!status && n != 2)
		return core_scan_fail(
			&p->scan, start, "offsets", "data_offsets has %d numbers, not 2", n);
	if (!status && entry->begin > entry->end)
		return core_scan_fail(&p->scan, start, "offsets", "the start is past the end");
	return status;
}

static fv_status read_dtype(struct parser *p, fv_tensor *tensor)
{
	char *name;
	core_scan_skip_space(&p->scan);
	size_t at = p->scan.at;
	fv_status status = core_scan_read_string(&p->scan, "entry fields", &name);
	if (status)
		return status;
	if (!core_dtype_size(name))
		return core_scan_fail(&p->scan, at, "dtype", "'%.40s' is not supported", name);
	tensor->dtype = name;
	return FV_OK;
}

/* Checks the byte count of the tensor against data_offsets and the file size. */
static fv_status check_entry(const struct parser *p, struct entry *entry)
{
	const fv_tensor *tensor = &entry->tensor;
	uint64_t count = 1, bytes, data = p->file->size - p->scan.end;
	for (int32_t i = 0; i < tensor->rank; i++)
		if (__builtin_mul_overflow(count, (uint64_t)tensor->shape[i], &count))
			return core_scan_fail(&p->scan, entry->key_at, "overflow",
				"the shape of '%s' has 2^64 elements or more", tensor->name);
	if (__builtin_mul_overflow(count, core_dtype_size(tensor->dtype), &bytes) ||
		count > INT64_MAX)
		return core_scan_fail(&p->scan, entry->key_at, "overflow",
			"'%s' has 2^63 bytes or more", tensor->name);
	if (bytes != entry->end - entry->begin)
		return core_scan_fail(&p->scan, entry->key_at, "size",
			"'%s' needs %llu bytes, but data_offsets span %llu", tensor->name,
			(unsigned long long)bytes, (unsigned long long)(entry->end - entry->begin));
	if (entry->end > data)
		return core_scan_fail(&p->scan, entry->key_at, "data end",
			"'%s' ends at byte %llu of %llu bytes of data", tensor->name,
			(unsigned long long)entry->end, (unsigned long long)data);
	entry->tensor.count = (int64_t)count;
	entry->tensor.data = p->file->data + p->scan.end + entry->begin;
	return FV_OK;
}

static fv_status read_entry(struct parser *p, struct entry *entry)
{
	static const char *const fields[] = {"dtype", "shape", "data_offsets"};
	unsigned seen = 0;
	bool again;
	fv_status status = core_scan_enter(&p->scan, '{', '}', "entry fields", &again);
	while (!status && again) {
		char *key;
		core_scan_skip_space(&p->scan);
		size_t at = p->scan.at, field = 0;
		if ((status = core_scan_read_string(&p->scan, "JSON", &key)) ||
			(status = core_scan_expect(&p->scan, ':', "JSON")))
			break;
		while (field < 3 && strcmp(key, fields[field]))
			field++;
		if (field == 3)
			return core_scan_fail(
				&p->scan, at, "entry fields", "unknown field '%.40s'", key);
		if (seen & 1u << field)
			return core_scan_fail(
				&p->scan, at, "duplicate key", "'%s' appears twice", key);
		seen |= 1u << field;
		status = field == 0   ? read_dtype(p, &entry->tensor)
			 : field == 1 ? read_shape(p, &entry->tensor)
				      : read_offsets(p, entry);
		if (!status)
			status = core_scan_next_element(&p->scan, '}', &again);
	}
	for (size_t field = 0; !status && field < 3; field++)
		if (!(seen & 1u << field))
			return core_scan_fail(&p->scan, entry->key_at, "entry fields",
				"'%s' has no %s", entry->tensor.name, fields[field]);
	return status ? status : check_entry(p, entry);
}

static fv_status read_metadata(struct parser *p, size_t key_at)
{
	bool again;
	if (p->has_meta)
		return core_scan_fail(
			&p->scan, key_at, "duplicate key", "'__metadata__' appears twice");
	p->has_meta = true;
	fv_status status = core_scan_enter(&p->scan, '{', '}', "metadata", &again);
	while (!status && again) {
		core_scan_skip_space(&p->scan);
		size_t at = p->scan.at;
		char *key, *value;
		if ((status = core_scan_read_string(&p->scan, "metadata", &key)) ||
			(status = core_scan_expect(&p->scan, ':', "JSON")) ||
			(status = core_scan_read_string(&p->scan, "metadata", &value)))
			break;
		if (p->n_meta == TENSORS_MAX)
			return core_scan_fail(&p->scan, at, "bounds",
				"more than %d pairs of metadata", TENSORS_MAX);
		if (p->n_meta == p->meta_room) {
			size_t room = p->meta_room ? 2 * p->meta_room : 16;
			struct meta_entry *grown = realloc(p->meta, room * sizeof *grown);
			if (!grown)
				return core_scan_fail_memory(&p->scan);
			p->meta = grown;
			p->meta_room = room;
		}
		p->meta[p->n_meta++] = (struct meta_entry){{key, value}, at};
		status = core_scan_next_element(&p->scan, '}', &again);
	}
	return status;
}

static fv_status read_member(struct parser *p)
{
	char *key;
	core_scan_skip_space(&p->scan);
	size_t at = p->scan.at;
	fv_status status = core_scan_read_string(&p->scan, "JSON", &key);
	if (!status)
		status = core_scan_expect(&p->scan, ':', "JSON");
	if (status)
		return status;
	if (!strcmp(key, "__metadata__"))
		return read_metadata(p, at);
	if (strlen(key) > NAME_MAX_BYTES)
		return core_scan_fail(&p->scan, at, "bounds", "a name of %zu bytes, more than %d",
			strlen(key), NAME_MAX_BYTES);
	if (p->n == TENSORS_MAX)
		return core_scan_fail(&p->scan, at, "bounds", "more than %d tensors", TENSORS_MAX);
	if (p->n == p->room) {
		size_t room = p->room ? 2 * p->room : 64;
		struct entry *grown = realloc(p->entry, room * sizeof *grown);
		if (!grown)
			return core_scan_fail_memory(&p->scan);
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
	fv_status status = core_scan_enter(&p->scan, '{', '}', "JSON", &again);
	while (!status && again) {
		status = read_member(p);
		if (!status)
			status = core_scan_next_element(&p->scan, '}', &again);
	}
	if (status)
		return status;
	core_scan_skip_space(&p->scan);
	if (p->scan.at != p->scan.end)
		return core_scan_fail(&p->scan, p->scan.at, "JSON", "text follows the object");
	return FV_OK;
}

/* --- checks across entries and the result --- */

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
	uint64_t covered = 0, data = p->file->size - p->scan.end;
	if (p->n)
		qsort(p->entry, p->n, sizeof *p->entry, by_range);
	for (size_t i = 0; i < p->n; i++) {
		const struct entry *entry = &p->entry[i];
		if (entry->begin > covered)
			return core_scan_fail(&p->scan, p->scan.end + (size_t)covered, "hole",
				"no tensor covers the bytes before '%s'", entry->tensor.name);
		if (entry->begin < covered)
			return core_scan_fail(&p->scan, entry->key_at, "overlap",
				"'%s' overlaps '%s'", entry->tensor.name,
				p->entry[i - 1].tensor.name);
		covered = entry->end;
	}
	if (covered != data)
		return core_scan_fail(&p->scan, p->scan.end + (size_t)covered, "data end",
			"%llu bytes follow the last tensor", (unsigned long long)(data - covered));
	return FV_OK;
}

/* Sorts both tables by name, rejects duplicates and copies them into the checkpoint. */
static fv_status fill_tables(struct parser *p)
{
	fv_checkpoint *file = p->file;
	file->tensor = core_arena_alloc(&file->memory, p->n * sizeof *file->tensor);
	file->meta = core_arena_alloc(&file->memory, p->n_meta * sizeof *file->meta);
	if (!file->tensor || !file->meta)
		return core_scan_fail_memory(&p->scan);
	if (p->n)
		qsort(p->entry, p->n, sizeof *p->entry, by_name);
	if (p->n_meta)
		qsort(p->meta, p->n_meta, sizeof *p->meta, by_key);
	for (size_t i = 0; i < p->n; i++) {
		file->tensor[i] = p->entry[i].tensor;
		if (i && !strcmp(file->tensor[i].name, file->tensor[i - 1].name))
			return core_scan_fail(&p->scan, p->entry[i].key_at, "duplicate key",
				"'%s' appears twice", file->tensor[i].name);
	}
	for (size_t i = 0; i < p->n_meta; i++) {
		file->meta[i] = p->meta[i].meta;
		if (i && !strcmp(file->meta[i].key, file->meta[i - 1].key))
			return core_scan_fail(&p->scan, p->meta[i].key_at, "duplicate key",
				"'%s' appears twice", file->meta[i].key);
	}
	file->n = (int64_t)p->n;
	file->n_meta = (int64_t)p->n_meta;
	return FV_OK;
}

fv_status core_safetensors_read(fv_ctx *ctx, fv_checkpoint *file)
{
	struct parser p = {.file = file,
		.scan = {.ctx = ctx,
			.path = file->path,
			.data = file->data,
			.at = 8,
			.arena = &file->memory}};
	if (file->size < 8)
		return core_scan_fail(&p.scan, 0, "too short",
			"%zu bytes, but the header length alone takes 8", file->size);
	uint64_t length = header_length(file), room = file->size - 8;
	if (length > HEADER_MAX || length > room || length < 2)
		return core_scan_fail(&p.scan, 0, "header length",
			"%llu bytes, must be from 2 to %llu%s", (unsigned long long)length,
			(unsigned long long)(room < HEADER_MAX ? room : HEADER_MAX),
			length > room && length <= HEADER_MAX ? ": the file is cut short" : "");
	p.scan.end = 8 + (size_t)length;
	if (file->data[8] != '{')
		return core_scan_fail(&p.scan, 8, "JSON", "the header must begin with '{'");
	fv_status status = read_header(&p);
	if (!status)
		status = fill_tables(&p);
	if (!status)
		status = check_cover(&p);
	free(p.entry);
	free(p.meta);
	return status;
}
