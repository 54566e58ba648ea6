/* SPDX-License-Identifier: Apache-2.0 */
/* Reads safetensors as tensors and as a trained model. */
#include "fuzz.h"
#include "run/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	core_model model;
	const char *path = fuzz_write_file(data, size);
	if (!fuzz_read_tensors(ctx, path, size))
		fuzz_check_status(ctx, core_model_read(ctx, path, &model));
	core_ctx_free(ctx);
	return 0;
}
