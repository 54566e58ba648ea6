/* SPDX-License-Identifier: Apache-2.0 */
/* PRED.csv: an accepted file is written and read back with the same numbers. */
#include <string.h>

#include "eval/predictions.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	core_predictions p, back;
	fv_status status = core_predictions_read(ctx, fuzz_write_file(data, size), NULL, &p);
	fuzz_check_status(ctx, status);
	if (!status) {
		core_text text = {0};
		core_predictions_text(&p, &text);
		status = core_predictions_read(
			ctx, fuzz_write_file((const uint8_t *)text.data, text.size), NULL, &back);
		fuzz_require(!status, "what was written cannot be read");
		size_t bytes = (size_t)p.n * (size_t)p.C * sizeof(float);
		fuzz_require(p.n == back.n && p.C == back.C && !memcmp(p.prob, back.prob, bytes) &&
				     !memcmp(p.label, back.label, bytes),
			"what was written holds other numbers");
		core_text_free(&text);
	}
	core_ctx_free(ctx);
	return 0;
}
