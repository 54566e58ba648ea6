/* SPDX-License-Identifier: Apache-2.0 */
/* Reads safetensors as tensors and as a trained model. */
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>

#include "fuzz.h"
#include "run/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	fv_checkpoint *file;
	core_model model;
	const char *path = fuzz_write_file(data, size);
	fv_status status = fv_checkpoint_open(ctx, path, &file);
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
	if (!status) {
		fv_checkpoint_close(file);
		fuzz_check_status(ctx, core_model_read(ctx, path, &model));
	}
	core_ctx_free(ctx);
	return 0;
}
