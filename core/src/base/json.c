/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdlib.h>

char *core_json_text(fv_ctx *ctx, json_t *root, size_t flags)
{
	char *dumped = root ? json_dumps(root, flags) : NULL;
	json_decref(root);
	if (!dumped) {
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
		return NULL;
	}
	char *text = core_strdup(ctx, dumped);
	free(dumped);
	return text;
}
