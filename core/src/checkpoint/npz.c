/* SPDX-License-Identifier: Apache-2.0 */
/* numpy.savez and savez_compressed: a zip archive of NAME.npy, with or without zip64 records. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/utf8.h"
#include "checkpoint/npy.h"
#include "checkpoint/zip_entry.h"

#define RECORDS_MAX 4194304
#define NAME_MAX_BYTES 1024

enum {
	COMMENT_MAX = 65535,
	STORED = 0,
	DEFLATED = 8,
	FLAG_ENCRYPTED = 1,
	FLAG_PATCHED = 32,
	FLAG_STRONG = 64
};

struct record {
	const char *name;          /* without .npy */
	const unsigned char *data; /* inflated */
	size_t size;
	core_npy array;
};

struct archive {
	core_scan scan;
	struct record *record; /* [n] in the order of the central directory */
	size_t n;
	uint64_t packed; /* bytes of the records so far */
};

/* --- the central directory --- */

struct extent {
	uint64_t begin, end, count;
};

/* Finds the end record behind which at most a comment follows. */
static fv_status find_end(const core_scan *s, size_t *at)
{
	size_t least =
		s->end > CORE_ZIP_END + COMMENT_MAX ? s->end - CORE_ZIP_END - COMMENT_MAX : 0;
	for (size_t i = s->end < CORE_ZIP_END ? 0 : s->end - CORE_ZIP_END + 1; i > least; i--) {
		const unsigned char *b = s->data + i - 1;
		if (!memcmp(b, "PK\5\6", 4) &&
			core_read_little(b + 20, 2) == s->end - (i - 1) - CORE_ZIP_END) {
			*at = i - 1;
			return FV_OK;
		}
	}
	return core_scan_fail(
		s, s->end, "end record", "not found: the file is cut short or has extra bytes");
}

static fv_status read_extent(const core_scan *s, struct extent *out)
{
	size_t at = 0;
	fv_status status = find_end(s, &at);
	if (status)
		return status;
	const unsigned char *b = s->data + at;
	*out = (struct extent){
		.begin = core_read_little(b + 16, 4), .count = core_read_little(b + 10, 2)};
	uint64_t size = core_read_little(b + 12, 4), end = at;
	bool wide = out->begin == UINT32_MAX || size == UINT32_MAX || out->count == UINT16_MAX;
	if (at >= CORE_ZIP_LOCATOR64 && !memcmp(b - CORE_ZIP_LOCATOR64, "PK\6\7", 4)) {
		uint64_t at64 = core_read_little(b - CORE_ZIP_LOCATOR64 + 8, 8);
		if (at64 > at - CORE_ZIP_LOCATOR64 ||
			at - CORE_ZIP_LOCATOR64 - at64 < CORE_ZIP_END64 ||
			memcmp(s->data + at64, "PK\6\6", 4) != 0)
			return core_scan_fail(s, at - CORE_ZIP_LOCATOR64, "end record",
				"the zip64 end record is not where its locator says");
		*out = (struct extent){.begin = core_read_little(s->data + at64 + 48, 8),
			.count = core_read_little(s->data + at64 + 32, 8)};
		size = core_read_little(s->data + at64 + 40, 8);
		end = at64;
	} else if (wide) {
		return core_scan_fail(s, at, "end record", "the zip64 end record is missing");
	}
	out->end = end;
	if (size > end || out->begin != end - size)
		return core_scan_fail(s, at, "end record",
			"the central directory does not end where the end record starts");
	if (out->count > size / CORE_ZIP_CENTRAL || out->count > RECORDS_MAX)
		return core_scan_fail(s, at, "count", "%llu records do not fit the directory",
			(unsigned long long)out->count);
	return FV_OK;
}

/* Sizes and offsets that do not fit 32 bits stand in the zip64 field, in this order. */
static fv_status read_zip64(const core_scan *s, core_zip_entry *e)
{
	const unsigned char *extra = e->extra;
	uint64_t *wide[3] = {&e->size, &e->packed, &e->offset};
	for (uint64_t left = e->extra_n; left >= 4;) {
		uint64_t id = core_read_little(extra, 2), n = core_read_little(extra + 2, 2);
		if (n > left - 4)
			return core_scan_fail(s, e->at, "size", "an extra field is cut short");
		uint64_t used = 0;
		for (int i = 0; i < 3 && id == CORE_ZIP_EXTRA_ZIP64; i++)
			if (*wide[i] == UINT32_MAX && n - used >= 8) {
				*wide[i] = core_read_little(extra + 4 + used, 8);
				used += 8;
			}
		extra += 4 + n;
		left -= 4 + n;
	}
	return FV_OK;
}

static fv_status read_entry(const core_scan *s, size_t *at, uint64_t end, core_zip_entry *e)
{
	fv_status status = core_zip_entry_read(s, at, end, e);
	if (status)
		return status;
	if (e->flags & (FLAG_ENCRYPTED | FLAG_STRONG))
		return core_scan_fail(s, e->at, "flags", "the record is encrypted");
	if (e->flags & FLAG_PATCHED)
		return core_scan_fail(s, e->at, "flags", "the record is a patch of another");
	if ((status = core_zip_entry_check_version(s, e)))
		return status;
	if (e->method != STORED && e->method != DEFLATED)
		return core_scan_fail(s, e->at, "method",
			"%llu: only stored and deflated records are read",
			(unsigned long long)e->method);
	return read_zip64(s, e);
}

/* --- records --- */

/* The name of an array, without the ending .npy of its record. */
static fv_status read_name(const core_scan *s, const core_zip_entry *e, const char **out)
{
	const char *name = (const char *)e->name;
	size_t n = (size_t)e->name_n;
	if (n < 5 || memcmp(name + n - 4, ".npy", 4) != 0)
		return core_scan_fail(s, e->at, "name", "record '%.*s' is no array (.npy)",
			(int)(n < 80 ? n : 80), name);
	n -= 4;
	char *copy = n > NAME_MAX_BYTES ? NULL : core_arena_alloc(s->arena, n + 1);
	if (!copy)
		return n > NAME_MAX_BYTES ? core_scan_fail(s, e->at, "name",
						    "it has more than %d bytes", NAME_MAX_BYTES)
					  : core_scan_fail_memory(s);
	memcpy(copy, name, n);
	copy[n] = '\0';
	if (memchr(copy, '\0', n) || !core_is_utf8(copy))
		return core_scan_fail(s, e->at, "name", "it is not UTF-8 without NUL");
	*out = copy;
	return FV_OK;
}

/* Finds the packed data behind the local header, which the central directory must agree with. */
static fv_status find_data(
	const core_scan *s, const core_zip_entry *e, uint64_t limit, const unsigned char **out)
{
	if (e->offset > limit || limit - e->offset < CORE_ZIP_LOCAL)
		return core_scan_fail(s, e->at, "local header", "outside the file");
	const unsigned char *b = s->data + e->offset;
	uint64_t name_n = core_read_little(b + 26, 2), extra_n = core_read_little(b + 28, 2);
	uint64_t skip = CORE_ZIP_LOCAL + name_n + extra_n, left = limit - e->offset;
	if (memcmp(b, "PK\3\4", 4) != 0 || core_read_little(b + 8, 2) != e->method ||
		name_n != e->name_n || skip > left ||
		memcmp(b + CORE_ZIP_LOCAL, e->name, (size_t)name_n))
		return core_scan_fail(
			s, (size_t)e->offset, "local header", "differs from the central directory");
	if (e->packed > left - skip)
		return core_scan_fail(
			s, (size_t)e->offset, "size", "the data reach past the central directory");
	*out = b + skip;
	return FV_OK;
}

/* Inflates a record into the arena. Deflate shrinks to a 1032nd at most, so that a size in the
 * directory that is larger is a lie and nothing of that size is allocated. */
static fv_status inflate_record(struct archive *a, const core_zip_entry *e,
	const unsigned char *packed, struct record *record)
{
	const core_scan *s = &a->scan;
	if (e->packed > UINT32_MAX || e->size > UINT32_MAX)
		return core_scan_fail(s, e->at, "size",
			"array '%s': more than 4 GiB deflated: save it with numpy.savez",
			record->name);
	if (e->size / 1032 > e->packed)
		return core_scan_fail(s, e->at, "size", "%llu bytes cannot be deflated to %llu",
			(unsigned long long)e->size, (unsigned long long)e->packed);
	unsigned char *data = core_arena_alloc(s->arena, (size_t)e->size + 1);
	if (!data)
		return core_scan_fail_memory(s);
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)packed,
		.avail_in = (uInt)e->packed,
		.next_out = data,
		.avail_out = (uInt)e->size};
	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		return core_scan_fail_memory(s);
	int result = inflate(&z, Z_FINISH);
	bool whole = result == Z_STREAM_END && !z.avail_in && !z.avail_out;
	(void)inflateEnd(&z);
	if (!whole)
		return core_scan_fail(s, (size_t)(packed - s->data), "deflate",
			"array '%s': the data are damaged", record->name);
	record->data = data;
	return FV_OK;
}

static uint32_t compute_crc(const unsigned char *data, size_t size)
{
	return (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, size);
}

static fv_status read_record(struct archive *a, const core_zip_entry *e, uint64_t limit)
{
	const core_scan *s = &a->scan;
	struct record *record = &a->record[a->n];
	const unsigned char *packed = NULL;
	fv_status status = read_name(s, e, &record->name);
	if (!status)
		status = find_data(s, e, limit, &packed);
	if (status)
		return status;
	a->packed += e->packed; /* no overflow: each is less than the file */
	if (a->packed > limit)
		return core_scan_fail(s, e->at, "size", "records overlap");
	record->size = (size_t)e->size;
	record->data = packed;
	if (e->method == STORED && e->packed != e->size)
		return core_scan_fail(s, e->at, "size",
			"array '%s': a stored record of %llu bytes takes %llu", record->name,
			(unsigned long long)e->size, (unsigned long long)e->packed);
	if (e->method == DEFLATED && (status = inflate_record(a, e, packed, record)))
		return status;
	if (compute_crc(record->data, record->size) != (uint32_t)e->crc)
		return core_scan_fail(s, (size_t)(packed - s->data), "CRC",
			"array '%s' is damaged: its checksum is another", record->name);
	a->n++;
	return FV_OK;
}

static fv_status read_records(struct archive *a)
{
	struct extent extent = {0};
	fv_status status = read_extent(&a->scan, &extent);
	if (status)
		return status;
	a->record = calloc((size_t)extent.count + 1, sizeof *a->record);
	if (!a->record)
		return core_scan_fail_memory(&a->scan);
	size_t at = (size_t)extent.begin;
	for (uint64_t i = 0; i < extent.count && !status; i++) {
		core_zip_entry entry;
		status = read_entry(&a->scan, &at, extent.end, &entry);
		if (!status)
			status = read_record(a, &entry, extent.begin);
	}
	if (!status && at != extent.end)
		status = core_scan_fail(&a->scan, at, "count", "bytes that belong to no entry");
	return status;
}

/* --- tensors --- */

/* A scan of one array; bytes are counted from its start. */
static core_scan scan_array(const struct archive *a, const struct record *r)
{
	core_scan scan = a->scan;
	scan.array = r->name;
	scan.data = r->data;
	scan.end = r->size;
	return scan;
}

static fv_status parse_arrays(struct archive *a)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < a->n && !status; i++) {
		core_scan scan = scan_array(a, &a->record[i]);
		status = core_npy_parse(&scan, &a->record[i].array);
	}
	return status;
}

static bool is_texts(const core_npy *array)
{
	return array->kind == 'U' || array->kind == 'S';
}

/* The only record of texts (or of numbers), or among several the one of that name. NULL: none. */
static const struct record *find_record(const struct archive *a, bool texts, const char *name)
{
	const struct record *only = NULL;
	size_t n = 0;
	for (size_t i = 0; i < a->n; i++) {
		const struct record *r = &a->record[i];
		bool fits = texts ? is_texts(&r->array) : r->array.kind == 'f';
		if (fits && !strcmp(r->name, name))
			return r;
		only = fits ? r : only;
		n += fits;
	}
	return n == 1 ? only : NULL;
}

static fv_status add_rows(struct archive *a, fv_checkpoint *file, const struct record *names,
	const struct record *values)
{
	const core_scan *s = &a->scan;
	fv_tensor all;
	core_scan scan = scan_array(a, values), texts = scan_array(a, names);
	fv_status status = core_npy_to_tensor(&scan, &values->array, &all);
	if (status)
		return status;
	int64_t n = all.shape[0], size = n ? all.count / n : 0;
	file->tensor = core_arena_alloc(s->arena, ((size_t)n + 1) * sizeof *file->tensor);
	if (!file->tensor)
		return core_scan_fail_memory(s);
	for (int64_t i = 0; i < n && !status; i++) {
		char *name = NULL;
		status = core_npy_read_text(&texts, &names->array, i, &name);
		fv_tensor *row = &file->tensor[file->n++];
		*row = (fv_tensor){.name = name,
			.dtype = all.dtype,
			.rank = all.rank - 1,
			.count = size,
			.data = (const unsigned char *)all.data +
				(size_t)(i * size) * values->array.size};
		memcpy(row->shape, all.shape + 1, (size_t)row->rank * sizeof *row->shape);
	}
	return status;
}

/* Rows called by their texts. */
static fv_status fill_rows(struct archive *a, fv_checkpoint *file)
{
	const core_scan *s = &a->scan;
	const struct record *names = find_record(a, true, "names"),
			    *values = find_record(a, false, "features");
	if (!names || !values)
		return core_scan_fail(s, 0, "texts",
			"several arrays of texts or numbers: call that of the recordings' names "
			"'names' and that of their features 'features'");
	if (names->array.rank != 1 || values->array.rank < 1 ||
		names->array.shape[0] != values->array.shape[0])
		return core_scan_fail(s, 0, "texts",
			"array '%s' does not hold one name for each row of array '%s'", names->name,
			values->name);
	if (a->n > 2)
		core_log(s->ctx, CORE_INFO, "%s: arrays besides '%s' and '%s' are left out",
			s->path, names->name, values->name);
	return add_rows(a, file, names, values);
}

static fv_status fill_arrays(struct archive *a, fv_checkpoint *file)
{
	const core_scan *s = &a->scan;
	fv_status status = FV_OK;
	file->tensor = core_arena_alloc(s->arena, (a->n + 1) * sizeof *file->tensor);
	if (!file->tensor)
		return core_scan_fail_memory(s);
	for (size_t i = 0; i < a->n && !status; i++) {
		const struct record *r = &a->record[i];
		core_scan scan = scan_array(a, r);
		status = core_npy_to_tensor(&scan, &r->array, &file->tensor[i]);
		file->tensor[i].name = r->name;
	}
	file->n = (int64_t)a->n;
	return status;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const fv_tensor *)a)->name, ((const fv_tensor *)b)->name);
}

static fv_status sort_tensors(const core_scan *s, fv_checkpoint *file)
{
	if (file->n)
		qsort(file->tensor, (size_t)file->n, sizeof *file->tensor, compare_names);
	for (int64_t i = 1; i < file->n; i++)
		if (!compare_names(&file->tensor[i - 1], &file->tensor[i]))
			return core_scan_fail(s, 0, "duplicate name", "'%.80s' appears twice",
				file->tensor[i].name);
	return FV_OK;
}

fv_status core_npz_read(fv_ctx *ctx, fv_checkpoint *file)
{
	struct archive a = {.scan = {.ctx = ctx,
				    .path = file->path,
				    .data = file->data,
				    .end = file->size,
				    .arena = &file->memory}};
	fv_status status = read_records(&a);
	if (!status)
		status = parse_arrays(&a);
	bool texts = false;
	for (size_t i = 0; i < a.n; i++)
		texts = texts || is_texts(&a.record[i].array);
	if (!status)
		status = texts ? fill_rows(&a, file) : fill_arrays(&a, file);
	if (!status)
		status = sort_tensors(&a.scan, file);
	free(a.record);
	return status;
}
