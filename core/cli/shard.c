/* SPDX-License-Identifier: Apache-2.0 */
#include "shard.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "run/share.h"
#include "run/task_list.h"

fv_status cli_shard_check(fv_ctx *ctx, const cli_study *cli)
{
	if (cli->has_task != (cli->tasks != NULL))
		return fv_fail(ctx, FV_CONFIG, "--task and --tasks are given together");
	if (cli->has_task && cli->shards)
		return fv_fail(ctx, FV_CONFIG, "--task and --shard cannot be given together");
	if (cli->retry_failed && cli->force)
		return fv_fail(ctx, FV_CONFIG,
			"--retry-failed and --force cannot be given together: failed runs are "
			"computed again without --force");
	return FV_OK;
}

static fv_status read_standard_input(fv_ctx *ctx, const char **out)
{
	core_text text = {0};
	char buffer[4096];
	for (size_t n; (n = fread(buffer, 1, sizeof buffer, stdin));)
		core_text_put(&text, buffer, n);
	fv_status status = FV_OK;
	if (ferror(stdin))
		status = fv_fail(ctx, FV_DATA, "standard input: %s", strerror(errno));
	else if (text.failed)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	*out = status ? NULL : core_strdup(ctx, text.data ? text.data : "");
	core_text_free(&text);
	return status || *out ? status : FV_FAILED;
}

static fv_status select_task(fv_ctx *ctx, const cli_study *cli, core_study *study)
{
	bool piped = !strcmp(cli->tasks, "-");
	const char *name = piped ? "standard input" : cli->tasks, *text = NULL;
	core_task_list list;
	char *data;
	size_t size;
	fv_status status;
	if (piped) {
		status = read_standard_input(ctx, &text);
	} else {
		status = cli_check_exists(ctx, cli->tasks);
		if (!status)
			status = core_file_read(ctx, cli->tasks, 1 << 30, &data, &size);
		text = status ? NULL : data;
	}
	if (!status)
		status = core_task_list_read(ctx, name, text, &list);
	return status ? status : core_task_list_select(ctx, &list, name, cli->task, study);
}

fv_status cli_shard_select(fv_ctx *ctx, const cli_study *cli, core_study *study)
{
	fv_status status = cli->has_task ? select_task(ctx, cli, study) : FV_OK;
	if (cli->shards)
		core_share_keep_shard(study, cli->shard, cli->shards);
	if (!status && cli->retry_failed)
		status = core_share_keep_failed(ctx, study);
	return status;
}
