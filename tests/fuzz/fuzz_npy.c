/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy's files: an array or archive is used as it is; of any other input the first byte tells where
 * it is split into two arrays of a valid archive, because checksums would reject nearly every change
 * otherwise. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "fuzz.h"
#include "torch_files.h"

static void check_file(const void *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	/* deflate shrinks to a 1032nd at most */
	(void)fuzz_read_tensors(ctx, fuzz_write_file(data, size), 1032 * size);
	core_ctx_free(ctx);
}

/* Adds a stored record: its local header and data, or its entry in the directory. */
static void add_record(core_text *out, const char *name, const uint8_t *data, size_t size,
	bool central, size_t offset)
{
	core_text_put(out, central ? "PK\1\2" : "PK\3\4", 4);
	test_add_little(out, 20, central ? 4 : 2);
	test_add_little(out, 0, 8);
	test_add_little(out, crc32(0, data, (uInt)size), 4);
	test_add_little(out, size, 4);
	test_add_little(out, size, 4);
	test_add_little(out, strlen(name), 2);
	test_add_little(out, 0, 2);
	if (central) {
		test_add_little(out, 0, 8);
		test_add_little(out, 0, 2);
		test_add_little(out, offset, 4);
	}
	core_text_put(out, name, strlen(name));
	if (!central)
		core_text_put(out, (const char *)data, size);
}

static void check_archive(const uint8_t *data, size_t size)
{
	size_t split = size > 1 ? 1 + (size - 1) * data[0] / 255 : size;
	core_text out = {0}, central = {0};
	for (int i = 0; i < 2; i++) {
		const uint8_t *part = i ? data + split : data + (size > 0);
		size_t n = i ? size - split : split - (size > 0);
		const char *name = i ? "names.npy" : "features.npy";
		add_record(&central, name, part, n, true, out.size);
		add_record(&out, name, part, n, false, 0);
	}
	size_t begin = out.size;
	core_text_put(&out, central.data, central.size);
	core_text_put(&out, "PK\5\6\0\0\0\0\2\0\2\0", 12);
	test_add_little(&out, central.size, 4);
	test_add_little(&out, begin, 4);
	test_add_little(&out, 0, 2);
	check_file(out.data, out.size);
	core_text_free(&out);
	core_text_free(&central);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 6 && (!memcmp(data, "PK\3\4", 4) || !memcmp(data, "\x93NUMPY", 6)))
		check_file(data, size);
	else
		check_archive(data, size);
	return 0;
}
