/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/zip_entry.h"

#include <string.h>

/* Where an entry says which version of the format, in tenths, its reader must know; 6.3 is the last. */
enum { NEEDED = 6, VERSION_MAX = 63 };

fv_status core_zip_entry_read(const core_scan *s, size_t *at, uint64_t end, core_zip_entry *out)
{
	const unsigned char *b = s->data + *at;
	if (end - *at < CORE_ZIP_CENTRAL || memcmp(b, "PK\1\2", 4) != 0)
		return core_scan_fail(
			s, *at, "count", "expected an entry of the central directory");
	*out = (core_zip_entry){.at = *at,
		.flags = core_read_little(b + 8, 2),
		.method = core_read_little(b + 10, 2),
		.crc = core_read_little(b + 16, 4),
		.packed = core_read_little(b + 20, 4),
		.size = core_read_little(b + 24, 4),
		.name_n = core_read_little(b + 28, 2),
		.extra_n = core_read_little(b + 30, 2),
		.comment_n = core_read_little(b + 32, 2),
		.disk = core_read_little(b + 34, 2),
		.offset = core_read_little(b + 42, 4),
		.name = b + CORE_ZIP_CENTRAL};
	out->extra = out->name + out->name_n;
	uint64_t rest = out->name_n + out->extra_n + out->comment_n;
	if (rest > end - *at - CORE_ZIP_CENTRAL)
		return core_scan_fail(
			s, *at, "size", "an entry reaches past the central directory");
	*at += CORE_ZIP_CENTRAL + (size_t)rest;
	return FV_OK;
}

fv_status core_zip_entry_check_version(const core_scan *s, const core_zip_entry *e)
{
	unsigned long long needed = core_read_little(s->data + e->at + NEEDED, 2);
	if (needed > VERSION_MAX)
		return core_scan_fail(s, e->at, "version",
			"%llu.%llu of the zip format, which is not known", needed / 10,
			needed % 10);
	return FV_OK;
}
