/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"

#define JSON_BYTES_MAX ((size_t)1 << 26)

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

json_t *core_json_number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

fv_status core_json_read(fv_ctx *ctx, const char *dir, const char *name, json_t **out)
{
	char *path = core_path_join(ctx, dir, name), *text;
	size_t size;
	fv_status status =
		path ? core_file_read(ctx, path, JSON_BYTES_MAX, &text, &size) : FV_FAILED;
	if (status)
		return status;
	json_error_t error;
	*out = json_loadb(text, size, 0, &error);
	if (!*out)
		return fv_fail(ctx, FV_DATA, "%s: byte %d: %s", path, error.position, error.text);
	return FV_OK;
}
