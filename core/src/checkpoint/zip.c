/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/zip.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "checkpoint/crc32.h"
#include "checkpoint/zip_entry.h"

#define RECORDS_MAX 65600 /* one for each tensor that may be read, and a few more */

enum { FLAG_DESCRIPTOR = 0x0008, FLAG_UTF8 = 0x0800 };
enum { EXTRA_PADDING = 0x4246 };

struct extent {
	size_t begin, end; /* byte range of the central directory */
	uint64_t count;
};

/* --- the end of the file --- */

/* End record, zip64 locator and zip64 end record: the last 98 bytes of the file. */
static fv_status read_end(core_zip *zip, struct extent *central)
{
	const core_scan *s = &zip->scan;
	const size_t tail = CORE_ZIP_END + CORE_ZIP_LOCATOR64 + CORE_ZIP_END64;
	if (s->end < tail + CORE_ZIP_LOCAL)
		return core_scan_fail(
			s, s->end, "end record", "the file is too short for an archive");
	const unsigned char *end = s->data + s->end - CORE_ZIP_END,
			    *locator = end - CORE_ZIP_LOCATOR64, *end64 = locator - CORE_ZIP_END64;
	size_t at = s->end - CORE_ZIP_END;
	if (memcmp(end, "PK\5\6", 4) != 0 || core_read_little(end + 20, 2) != 0)
		return core_scan_fail(s, at, "end record",
			"not at the end of the file: the file is cut short or has extra bytes");
	if (memcmp(locator, "PK\6\7", 4) != 0 || memcmp(end64, "PK\6\6", 4) != 0)
		return core_scan_fail(s, at - CORE_ZIP_LOCATOR64, "end record",
			"the zip64 end record is missing");
	at = s->end - tail;
	if (core_read_little(locator + 8, 8) != at || core_read_little(locator + 4, 4) != 0 ||
		core_read_little(locator + 16, 4) != 1 ||
		core_read_little(end64 + 4, 8) != CORE_ZIP_END64 - 12 ||
		core_read_little(end64 + 16, 8) != 0)
		return core_scan_fail(s, at, "end record", "not a single archive in one file");
	uint64_t n = core_read_little(end64 + 32, 8), size = core_read_little(end64 + 40, 8),
		 begin = core_read_little(end64 + 48, 8);
	if (core_read_little(end64 + 24, 8) != n)
		return core_scan_fail(s, at + 24, "count", "two different numbers of records");
	if (size > at || begin != at - size)
		return core_scan_fail(s, at + 40, "end record",
			"the central directory does not end where the end record starts");
	if (n > size / CORE_ZIP_CENTRAL || n > RECORDS_MAX)
		return core_scan_fail(s, at + 32, "count", "%llu records, at most %llu",
			(unsigned long long)n,
			(unsigned long long)(size / CORE_ZIP_CENTRAL < RECORDS_MAX
						     ? size / CORE_ZIP_CENTRAL
						     : RECORDS_MAX));
	uint64_t n32 = core_read_little(end + 10, 2), size32 = core_read_little(end + 12, 4),
		 begin32 = core_read_little(end + 16, 4);
	if (core_read_little(end + 4, 4) != 0 || core_read_little(end + 8, 2) != n32 ||
		(n32 != n && n32 != UINT16_MAX) || (size32 != size && size32 != UINT32_MAX) ||
		(begin32 != begin && begin32 != UINT32_MAX))
		return core_scan_fail(s, s->end - CORE_ZIP_END, "end record",
			"differs from the zip64 end record");
	*central = (struct extent){(size_t)begin, at, n};
	return FV_OK;
}

/* --- the central directory --- */

/* Sizes and offsets that do not fit 32 bits stand in an extra field, in this order. */
static fv_status read_zip64(const core_zip *zip, core_zip_entry *e)
{
	const unsigned char *extra = e->extra;
	uint64_t *wide[3] = {&e->size, &e->packed, &e->offset};
	uint64_t left = e->extra_n;
	while (left >= 4) {
		uint64_t id = core_read_little(extra, 2), n = core_read_little(extra + 2, 2);
		if (n > left - 4)
			break;
		extra += 4;
		left -= 4 + n;
		for (int i = 0; i < 3 && id == CORE_ZIP_EXTRA_ZIP64; i++)
			if (*wide[i] == UINT32_MAX && n >= 8) {
				*wide[i] = core_read_little(extra, 8);
				extra += 8;
				n -= 8;
			}
		if (id != CORE_ZIP_EXTRA_ZIP64 || n)
			return core_scan_fail(
				&zip->scan, e->at, "size", "an extra field other than zip64");
	}
	return left ? core_scan_fail(&zip->scan, e->at, "size", "an extra field is cut short")
		    : FV_OK;
}

static fv_status check_name(const core_zip *zip, size_t at, const core_zip_entry *e)
{
	const char *name = (const char *)e->name;
	size_t n = (size_t)e->name_n;
	const char *why = NULL;
	if (memchr(name, '\\', n))
		why = "a backslash";
	else if (memchr(name, '\0', n))
		why = "a NUL";
	for (size_t i = 0; i < n && !why;) {
		const char *slash = memchr(name + i, '/', n - i);
		size_t part = slash ? (size_t)(slash - name) - i : n - i;
		if (part == 0)
			why = i ? "an empty part" : "it is absolute";
		else if ((part == 2 && !memcmp(name + i, "..", 2)) || (part == 1 && name[i] == '.'))
			why = "a part that is . or ..";
		i += part + 1;
	}
	for (size_t i = 0, step; i < n && !why; i += step)
		if (!(step = core_utf8_length(e->name + i, n - i)))
			why = "not UTF-8";
	if (n == 0 || (!why && name[n - 1] == '/'))
		why = "not a file name";
	return why ? core_scan_fail(&zip->scan, at, "name", "in a record: %s", why) : FV_OK;
}

static fv_status check_folder(
	core_zip *zip, size_t at, const core_zip_entry *e, const unsigned char *first)
{
	const unsigned char *slash = memchr(e->name, '/', (size_t)e->name_n);
	if (!zip->prefix && slash)
		zip->prefix = (size_t)(slash - e->name) + 1;
	if (!slash || (size_t)(slash - e->name) + 1 != zip->prefix ||
		memcmp(e->name, first, zip->prefix) != 0)
		return core_scan_fail(
			&zip->scan, at, "folder", "the records are not in one folder");
	return FV_OK;
}

static fv_status check_entry(const core_zip *zip, size_t at, const core_zip_entry *e, size_t limit)
{
	const core_scan *s = &zip->scan;
	if (e->flags & ~(uint64_t)(FLAG_DESCRIPTOR | FLAG_UTF8))
		return core_scan_fail(s, at, "flags", "0x%04llx: encrypted or not written by torch",
			(unsigned long long)e->flags);
	if (e->method != 0)
		return core_scan_fail(s, at, "method",
			"%llu: only uncompressed records are supported",
			(unsigned long long)e->method);
	if (e->packed != e->size)
		return core_scan_fail(s, at, "size",
			"an uncompressed record of %llu bytes takes %llu",
			(unsigned long long)e->size, (unsigned long long)e->packed);
	if (e->disk != 0 || e->offset > limit || limit - e->offset < CORE_ZIP_LOCAL)
		return core_scan_fail(s, at, "offset",
			"%llu: too close to the central directory for a local header",
			(unsigned long long)e->offset);
	if (e->size > limit)
		return core_scan_fail(s, at, "size",
			"%llu bytes, but only %zu precede the central directory",
			(unsigned long long)e->size, limit);
	return FV_OK;
}

/* Reads the entry at *at and moves *at past it. */
static fv_status read_entry(core_zip *zip, size_t *at, size_t end, core_zip_entry *e)
{
	fv_status status = core_zip_entry_read(&zip->scan, at, end, e);
	if (!status)
		status = core_zip_entry_check_version(&zip->scan, e);
	if (!status)
		status = read_zip64(zip, e);
	return status ? status : check_name(zip, e->at, e);
}

/* --- local headers --- */

/* Accepts only padding and zip64 fields. *wide: the descriptor has 64-bit sizes. */
static bool read_local_extra(const unsigned char *extra, uint64_t left, bool *wide)
{
	*wide = false;
	while (left >= 4) {
		uint64_t id = core_read_little(extra, 2), n = core_read_little(extra + 2, 2);
		if (n > left - 4 || (id != CORE_ZIP_EXTRA_ZIP64 && id != EXTRA_PADDING))
			return false;
		*wide |= id == CORE_ZIP_EXTRA_ZIP64;
		extra += 4 + n;
		left -= 4 + n;
	}
	return left == 0;
}

static fv_status fail_local_header(const core_zip *zip, uint64_t at, const char *why)
{
	return core_scan_fail(&zip->scan, (size_t)at, "local header", "%s", why);
}

/* Checks the descriptor after the data: signature, CRC and the two sizes. */
static fv_status check_descriptor(const core_zip *zip, const core_zip_entry *e, uint64_t at,
	size_t limit, bool wide, uint64_t *end)
{
	const unsigned char *b = zip->scan.data + at;
	int bytes = wide ? 8 : 4;
	*end = at + 8 + 2 * (uint64_t)bytes;
	if (limit - at < *end - at)
		return core_scan_fail(
			&zip->scan, (size_t)at, "size", "the data overlap the central directory");
	if (memcmp(b, "PK\7\10", 4) != 0 || core_read_little(b + 4, 4) != e->crc ||
		core_read_little(b + 8, bytes) != e->size ||
		core_read_little(b + 8 + bytes, bytes) != e->size)
		return fail_local_header(zip, at,
			"the descriptor after the data differs from the central directory");
	return FV_OK;
}

static fv_status read_local(
	const core_zip *zip, const core_zip_entry *e, size_t limit, core_zip_record *record)
{
	const unsigned char *b = zip->scan.data + e->offset;
	uint64_t at = e->offset, name_n = core_read_little(b + 26, 2),
		 extra_n = core_read_little(b + 28, 2);
	if (memcmp(b, "PK\3\4", 4) != 0)
		return fail_local_header(zip, at, "not found");
	if (core_read_little(b + 6, 2) != e->flags || core_read_little(b + 8, 2) != e->method)
		return fail_local_header(
			zip, at, "flags or method differ from the central directory");
	uint64_t data = at + CORE_ZIP_LOCAL + name_n + extra_n;
	if (name_n != e->name_n || data > limit ||
		memcmp(b + CORE_ZIP_LOCAL, e->name, (size_t)name_n) != 0)
		return fail_local_header(zip, at, "the name differs from the central directory");
	bool wide, later = e->flags & FLAG_DESCRIPTOR;
	if (!read_local_extra(b + CORE_ZIP_LOCAL + name_n, extra_n, &wide))
		return fail_local_header(zip, at, "an extra field that torch does not write");
	uint64_t crc = core_read_little(b + 14, 4), packed = core_read_little(b + 18, 4),
		 size = core_read_little(b + 22, 4);
	if (later ? crc || packed || size : crc != e->crc || packed != e->size || size != e->size)
		return fail_local_header(zip, at, "CRC or sizes differ from the central directory");
	if (e->size > limit - data)
		return core_scan_fail(&zip->scan, record->central_at, "size",
			"the data overlap the central directory");
	record->begin = at;
	record->data = zip->scan.data + data;
	record->size = e->size;
	record->crc = (uint32_t)e->crc;
	record->end = data + e->size;
	return later ? check_descriptor(zip, e, record->end, limit, wide, &record->end) : FV_OK;
}

/* --- all records --- */

static fv_status read_records(core_zip *zip, const struct extent *central)
{
	size_t at = central->begin;
	const unsigned char *first = zip->scan.data + at + CORE_ZIP_CENTRAL;
	for (uint64_t i = 0; i < central->count; i++) {
		core_zip_entry e;
		core_zip_record *record = &zip->record[i];
		record->central_at = at;
		fv_status status = read_entry(zip, &at, central->end, &e);
		if (!status)
			status = check_entry(zip, record->central_at, &e, central->begin);
		if (!status)
			status = check_folder(zip, record->central_at, &e, first);
		if (!status)
			status = read_local(zip, &e, central->begin, record);
		if (status)
			return status;
		record->name = (const char *)e.name + zip->prefix;
		record->n = (size_t)e.name_n - zip->prefix;
		zip->n++;
	}
	if (at != central->end)
		return core_scan_fail(&zip->scan, at, "count",
			"the central directory has more bytes than its records");
	return FV_OK;
}

static int by_place(const void *a, const void *b)
{
	const core_zip_record *s = a, *t = b;
	if (s->begin != t->begin)
		return s->begin < t->begin ? -1 : 1;
	return (s->central_at > t->central_at) - (s->central_at < t->central_at);
}

static fv_status check_cover(core_zip *zip, size_t end)
{
	uint64_t covered = 0;
	if (zip->n)
		qsort(zip->record, zip->n, sizeof *zip->record, by_place);
	for (size_t i = 0; i < zip->n; i++) {
		const core_zip_record *record = &zip->record[i];
		if (record->begin < covered)
			return core_scan_fail(&zip->scan, (size_t)record->begin, "overlap",
				"a record overlaps another one");
		if (record->begin > covered)
			return core_scan_fail(
				&zip->scan, (size_t)covered, "gap", "bytes belong to no record");
		covered = record->end;
	}
	if (covered != end)
		return core_scan_fail(
			&zip->scan, (size_t)covered, "gap", "bytes belong to no record");
	return FV_OK;
}

static int to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : (unsigned char)c;
}

static int compare_names(const char *s, size_t s_n, const char *t, size_t t_n)
{
	for (size_t i = 0; i < s_n && i < t_n; i++)
		if (to_lower(s[i]) != to_lower(t[i]))
			return to_lower(s[i]) < to_lower(t[i]) ? -1 : 1;
	return (s_n > t_n) - (s_n < t_n);
}

static int by_name(const void *a, const void *b)
{
	const core_zip_record *s = a, *t = b;
	return compare_names(s->name, s->n, t->name, t->n);
}

static fv_status check_names(core_zip *zip)
{
	if (zip->n)
		qsort(zip->record, zip->n, sizeof *zip->record, by_name);
	for (size_t i = 1; i < zip->n; i++)
		if (!by_name(&zip->record[i - 1], &zip->record[i])) {
			size_t s = zip->record[i - 1].central_at, t = zip->record[i].central_at;
			return core_scan_fail(&zip->scan, s > t ? s : t, "duplicate name",
				"'%.*s' appears twice when case is ignored",
				(int)(zip->record[i].n < 80 ? zip->record[i].n : 80),
				zip->record[i].name);
		}
	return FV_OK;
}

static fv_status check_sums(const core_zip *zip)
{
	core_crc32 *crc = malloc(sizeof *crc);
	if (!crc)
		return core_scan_fail_memory(&zip->scan);
	core_crc32_init(crc);
	fv_status status = FV_OK;
	for (size_t i = 0; i < zip->n && !status; i++) {
		const core_zip_record *record = &zip->record[i];
		uint32_t sum = core_crc32_compute(crc, record->data, (size_t)record->size);
		if (sum != record->crc)
			status = core_scan_fail(&zip->scan, (size_t)(record->data - zip->scan.data),
				"CRC",
				"'%.*s' is damaged: its checksum is %08x, not %08x: download the "
				"file again",
				(int)(record->n < 80 ? record->n : 80), record->name, sum,
				record->crc);
	}
	free(crc);
	return status;
}

fv_status core_zip_read(core_zip *zip)
{
	struct extent central = {0};
	fv_status status = read_end(zip, &central);
	if (status)
		return status;
	zip->record = calloc((size_t)central.count + 1, sizeof *zip->record);
	if (!zip->record)
		return core_scan_fail_memory(&zip->scan);
	status = read_records(zip, &central);
	if (!status)
		status = check_cover(zip, central.begin);
	if (!status)
		status = check_names(zip);
	return status ? status : check_sums(zip);
}

void core_zip_free(core_zip *zip)
{
	free(zip->record);
}

const core_zip_record *core_zip_find(const core_zip *zip, const char *name)
{
	size_t n = strlen(name), low = 0, high = zip->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const core_zip_record *record = &zip->record[middle];
		int order = compare_names(name, n, record->name, record->n);
		if (order == 0)
			return memcmp(name, record->name, n) ? NULL : record;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
