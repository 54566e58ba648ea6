/* SPDX-License-Identifier: Apache-2.0 */
/* The list of an array job's tasks: as it is, and as lines behind the right hash. A list that is read is written again as the
 * same text. */
#include <string.h>

#include "fuzz.h"
#include "run/task_list.h"

static void read_list(fv_ctx *ctx, const char *text)
{
	core_task_list list;
	fv_status status = core_task_list_read(ctx, "tasks", text, &list);
	fuzz_check_status(ctx, status);
	if (status || !list.n_runs)
		return;
	core_text back = {0};
	char hash[CORE_TASK_DIGITS + 1];
	core_task_list again;
	fuzz_require(!core_task_list_write(ctx, &list, 0, list.n_tasks, &back, hash),
		"a list that cannot be written");
	fuzz_require(!core_task_list_read(ctx, "back", back.data, &again) &&
			     again.n_runs == list.n_runs && again.n_tasks == list.n_tasks &&
			     !memcmp(again.run, list.run, (size_t)list.n_runs * sizeof *list.run),
		"what was written is another list");
	core_text_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	core_text text = {0}, lines = {0};
	char hex[CORE_SHA256_HEX];
	core_text_put(&text, (const char *)data, size);
	read_list(ctx, text.data ? text.data : "");
	const char *end = text.data ? strchr(text.data, '\n') : NULL;
	core_sha256_bytes(end ? end + 1 : "", end ? strlen(end + 1) : 0, hex);
	core_text_add(&lines, "fairvox-tasks 1 %.16s\n%s", hex, end ? end + 1 : "");
	core_error_clear(ctx);
	read_list(ctx, lines.data);
	core_text_free(&text);
	core_text_free(&lines);
	core_ctx_free(ctx);
	return 0;
}
