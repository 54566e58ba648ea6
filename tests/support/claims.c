/* SPDX-License-Identifier: Apache-2.0 */
#include "claims.h"

#include <string.h>

#include "base/file.h"

fv_status test_claims_read(fv_ctx *ctx, const char *text, core_claims *out)
{
	const char *path = core_path_join(ctx, test_folder("claims-file"), "claims.yaml");
	test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
	return core_claims_read(ctx, path, out);
}
