/* SPDX-License-Identifier: Apache-2.0 */
/* A file of claims. */
#include "fuzz.h"
#include "report/claims_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	core_claims claims;
	fv_status status = core_claims_read(ctx, fuzz_write_file(data, size), &claims);
	fuzz_check_status(ctx, status);
	for (size_t i = 0; !status && i < claims.n; i++)
		fuzz_require(claims.claim[i].rows.n && claims.claim[i].against.n,
			"a claim that selects nothing");
	core_ctx_free(ctx);
	return 0;
}
