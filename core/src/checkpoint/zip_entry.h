/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of zip archives share: the sizes of the records of the format, and the entries of the
 * central directory. */
#ifndef CORE_CHECKPOINT_ZIP_ENTRY_H
#define CORE_CHECKPOINT_ZIP_ENTRY_H

#include "base/little_endian.h"
#include "checkpoint/scan.h"

/* Bytes of a local header, an entry of the central directory, the end record, the zip64 end record and its
 * locator, without the parts of variable length. */
enum {
	CORE_ZIP_LOCAL = 30,
	CORE_ZIP_CENTRAL = 46,
	CORE_ZIP_END = 22,
	CORE_ZIP_END64 = 56,
	CORE_ZIP_LOCATOR64 = 20,
};
enum { CORE_ZIP_EXTRA_ZIP64 = 0x0001 };

typedef struct core_zip_entry {
	size_t at; /* in the central directory */
	uint64_t flags, method, crc, packed, size, name_n, extra_n, comment_n, disk, offset;
	const unsigned char *name, *extra; /* [name_n], [extra_n] */
} core_zip_entry;

/* Reads the fields of the entry at *at, as they stand there, and moves *at past it. `end` is where the
 * central directory ends. Rules: count, size. */
FV_NODISCARD fv_status core_zip_entry_read(
	const core_scan *s, size_t *at, uint64_t end, core_zip_entry *out);

/* Fails for an entry of s that needs a later version of the zip format than its last one. Rule: version. */
FV_NODISCARD fv_status core_zip_entry_check_version(const core_scan *s, const core_zip_entry *e);

#endif
