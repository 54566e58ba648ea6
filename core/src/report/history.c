/* SPDX-License-Identifier: Apache-2.0 */
#include "report/history.h"

#include <string.h>

#include "base/file.h"
#include "base/path.h"

static fv_status add_line(
	fv_ctx *ctx, const char *path, int number, const char *text, size_t n, json_t *epochs)
{
	json_error_t error;
	json_t *epoch = json_loadb(text, n, 0, &error);
	if (!json_is_object(epoch)) {
		json_decref(epoch);
		return core_fail_at(
			ctx, FV_DATA, path, number, 0, "no JSON object: %s", error.text);
	}
	return json_array_append_new(epochs, epoch) ? fv_fail(ctx, FV_FAILED, "out of memory")
						    : FV_OK;
}

fv_status core_history_read(fv_ctx *ctx, const core_run_result *run, json_t **out)
{
	fv_ctx *own = core_ctx_aside(ctx); /* holds the text of the file */
	if (!own)
		return FV_FAILED;
	char *path = core_path_join(own, run->dir, "metrics.jsonl"), *text = NULL;
	size_t size;
	fv_status status = path ? core_file_read(own, path, 0, &text, &size) : FV_FAILED;
	json_t *epochs = json_array();
	int number = 0;
	for (const char *at = text; !status && at && *at;) {
		size_t n = strcspn(at, "\n");
		status = add_line(own, path, ++number, at, n, epochs);
		at += n + (at[n] == '\n');
	}
	if (status)
		json_decref(epochs);
	else
		*out = epochs;
	return core_ctx_rejoin(ctx, own, status);
}
