/* SPDX-License-Identifier: Apache-2.0 */
/* Zip archives of other programs, told by the names of their entries. */
#include "base/content.h"
#include "base/content_private.h"

#define HEADER_SIZE 30 /* of a local header, before the name */

/* True if an entry's name, in one of the local headers, ends with `end` and, unless `start` is
 * empty, starts with it. */
static bool has_entry(const uint8_t *zip, size_t n, const char *start, const char *end)
{
	size_t start_size = strlen(start), end_size = strlen(end);
	for (size_t at = 0; at + HEADER_SIZE <= n; at++) {
		if (!core_has(zip, n, at, "PK\3\4"))
			continue;
		size_t size = zip[at + 26] | (size_t)zip[at + 27] << 8;
		const uint8_t *name = zip + at + HEADER_SIZE;
		if (size > n - at - HEADER_SIZE || size < start_size || size < end_size)
			continue;
		if (memcmp(name, start, start_size) == 0 &&
			memcmp(name + size - end_size, end, end_size) == 0)
			return true;
	}
	return false;
}

/* OpenDocument files and e-books start with a stored entry `mimetype`, whose content follows. */
static const char *name_by_mimetype(const uint8_t *zip, size_t n)
{
	if (!core_has(zip, n, HEADER_SIZE, "mimetype"))
		return NULL;
	if (core_has(zip, n, 38, "application/vnd.oasis.opendocument.spreadsheet"))
		return "an OpenDocument spreadsheet (ods)";
	if (core_has(zip, n, 38, "application/vnd.oasis.opendocument."))
		return "an OpenDocument file";
	return core_has(zip, n, 38, "application/epub+zip") ? "an e-book (epub)" : NULL;
}

const char *core_zip_content(const uint8_t *zip, size_t n)
{
	if (!core_has(zip, n, 0, "PK\3\4"))
		return NULL;
	const char *name = name_by_mimetype(zip, n);
	if (name)
		return name;
	static const struct {
		const char *start, *end, *name;
	} kinds[] = {
		{"xl/", "", "an Excel workbook (xlsx)"},
		{"word/", "", "a Word document (docx)"},
		{"ppt/", "", "a PowerPoint file (pptx)"},
		{"[Content_Types].xml", "", "an Office file (xlsx, docx)"},
		{"", ".npy", CORE_CONTENT_NPZ},
		{"", "/constants.pkl", CORE_CONTENT_TORCHSCRIPT},
		{"", "data.pkl", CORE_CONTENT_TORCH},
		{"", "/.format_version", CORE_CONTENT_TORCH},
		{"", "/.storage_alignment", CORE_CONTENT_TORCH},
		{"", "/byteorder", CORE_CONTENT_TORCH},
		{"", "model.weights.h5", "a Keras model"},
		{"META-INF/", "", "a Java archive"},
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (has_entry(zip, n, kinds[i].start, kinds[i].end))
			return kinds[i].name;
	return CORE_CONTENT_ZIP;
}
