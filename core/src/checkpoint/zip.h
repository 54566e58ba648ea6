/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the records of a zip archive as torch.save writes it: uncompressed, with zip64 end
 * records, all in one folder. The central directory, local headers and descriptors must agree,
 * the records must follow each other without a gap, and every checksum is verified. Rules: end
 * record, count, offset, size, method, flags, name, folder, duplicate name, local header, gap,
 * overlap, CRC. */
#ifndef CORE_CHECKPOINT_ZIP_H
#define CORE_CHECKPOINT_ZIP_H

#include "checkpoint/scan.h"

typedef struct core_zip_record {
	const char *name; /* path below the folder; points into the file, no NUL after it */
	size_t n;         /* length of name */
	const unsigned char *data;
	uint64_t size;
	uint64_t begin, end; /* byte range of local header, data and descriptor */
	size_t central_at;   /* byte of its entry in the central directory */
	uint32_t crc;
} core_zip_record;

typedef struct core_zip {
	core_scan scan;          /* set by the caller to the whole file */
	core_zip_record *record; /* [n] sorted by name; ASCII case is ignored */
	size_t n;
	size_t prefix; /* length of the folder name with its slash */
} core_zip;

/* Call core_zip_free also after an error. */
FV_NODISCARD fv_status core_zip_read(core_zip *zip);
void core_zip_free(core_zip *zip);

/* Finds a record by its path below the folder; NULL when there is none. */
const core_zip_record *core_zip_find(const core_zip *zip, const char *name);

#endif
