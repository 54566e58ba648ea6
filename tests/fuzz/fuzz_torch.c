/* SPDX-License-Identifier: Apache-2.0 */
/* Files of torch.save: an archive or legacy file is used as it is; any other input becomes the
 * pickle inside a valid archive, because checksums would reject nearly every change otherwise. */
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>

#include "fuzz.h"
#include "torch_files.h"

static void check_file(const void *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	fv_checkpoint *file;
	fv_status status = fv_checkpoint_open(ctx, fuzz_write_file(data, size), &file);
	fuzz_check_status(ctx, status);
	for (int64_t i = 0; !status && i < fv_checkpoint_count(file); i++) {
		const fv_tensor *t = fv_checkpoint_at(file, i);
		fuzz_require(fv_checkpoint_find(file, t->name) != NULL, "a tensor is not found");
		fuzz_require(
			t->count >= 0 && (uint64_t)t->count <= size, "more elements than bytes");
		float *out = malloc(((size_t)t->count + 1) * sizeof *out);
		fv_ctx *own = core_ctx_new();
		fuzz_check_status(own, fv_tensor_to_f32(own, t, out));
		core_ctx_free(own);
		free(out);
	}
	if (!status)
		fv_checkpoint_close(file);
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
