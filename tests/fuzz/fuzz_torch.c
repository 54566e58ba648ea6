/* SPDX-License-Identifier: Apache-2.0 */
/* Files of torch.save: an archive or legacy file is used as it is; any other input becomes the
 * pickle inside a valid archive, because checksums would reject nearly every change otherwise. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "torch_files.h"

static void check_file(const void *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	(void)fuzz_read_tensors(ctx, fuzz_write_file(data, size), size);
	core_ctx_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool whole =
		size > 4 && (!memcmp(data, "PK\3\4", 4) || !memcmp(data, "\x80\x02\x8a\x0a", 4));
	if (whole) {
		check_file(data, size);
		return 0;
	}
	core_text file = {0};
	test_add_torch_zip(&file, data, size);
	check_file(file.data, file.size);
	core_text_free(&file);
	return 0;
}
