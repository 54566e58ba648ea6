/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a zip archive as torch.save writes it: nothing compressed, end records of zip64,
 * one folder. Central directory, local headers and descriptors are all read and must agree, the
 * records must follow each other without a gap, and every checksum is computed. Rules: end record,
 * count, offset, size, method, flags, name, folder, duplicate name, local header, gap, overlap,
 * CRC. */
#ifndef CORE_CHECKPOINT_ZIP_H
#define CORE_CHECKPOINT_ZIP_H

#include "checkpoint/scan.h"

typedef struct core_zip_record {
	const char *name; /* below the folder; in the file, no NUL after it */
	size_t n;         /* its length */
	const unsigned char *data;
	uint64_t size;
	uint64_t begin, end; /* of local header, data and descriptor in the file */
	size_t central_at;   /* its entry in the central directory */
	uint32_t crc;
} core_zip_record;

typedef struct core_zip {
	core_scan scan; /* set by the caller: the whole file */
	core_zip_record
		*record; /* [n] sorted by name, without regard to the case of ASCII letters */
	size_t n;
	size_t prefix; /* length of the folder's name and its slash */
} core_zip;

/* Free in any case. */
FV_NODISCARD fv_status core_zip_read(core_zip *zip);
void core_zip_free(core_zip *zip);

/* The record of that name below the folder, or NULL. */
const core_zip_record *core_zip_find(const core_zip *zip, const char *name);

#endif
