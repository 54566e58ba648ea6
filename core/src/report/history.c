/* SPDX-License-Identifier: Apache-2.0 */
#include "report/history.h"

#include <string.h>

#include "base/file.h"
#include "base/path.h"

static fv_status give_line(fv_ctx *ctx, const char *path, int number, const char *text, size_t n,
	core_history_line line, void *user)
{
	json_error_t error;
	json_t *epoch = json_loadb(text, n, 0, &error);
	fv_status status = json_is_object(epoch) ? line(user, epoch)
						 : core_fail_at(ctx, FV_DATA, path, number, 0,
							   "no JSON object: %s", error.text);
	json_decref(epoch);
	return status;
}

fv_status core_history_each(
	fv_ctx *ctx, const core_run_result *run, core_history_line line, void *user)
{
	fv_ctx *own = core_ctx_aside(ctx); /* holds the text of the file */
	char *path = own ? core_path_join(own, run->dir, "metrics.jsonl") : NULL;
	char *text = NULL;
	size_t size;
	fv_status status = path ? core_file_read(own, path, 0, &text, &size) : FV_FAILED;
	int number = 0;
	for (char *at = text; !status && at && *at;) {
		size_t n = strcspn(at, "\n");
		status = give_line(own, path, ++number, at, n, line, user);
		at += n + (at[n] == '\n');
	}
	return own ? core_ctx_rejoin(ctx, own, status) : FV_FAILED;
}
