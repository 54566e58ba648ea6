/* SPDX-License-Identifier: Apache-2.0 */
#include "run/share.h"

#include "run/folder.h"

void core_share_keep_shard(core_study *study, int64_t shard, int64_t shards)
{
	for (int64_t i = 0; i < study->n_runs; i++)
		study->run[i].aside |= study->run[i].number % shards != shard - 1;
	for (size_t i = 0; i < study->n_failed; i++)
		study->failed[i].aside |= study->failed[i].number % shards != shard - 1;
}

fv_status core_share_keep_failed(fv_ctx *ctx, core_study *study)
{
	fv_status status = FV_OK;
	fv_ctx *own = core_ctx_aside(ctx);
	if (!own)
		return FV_FAILED;
	for (int64_t i = 0; i < study->n_runs && !status; i++) {
		core_run *run = &study->run[i];
		core_folder_state state = CORE_FOLDER_DONE;
		const char *reason;
		if (!run->done)
			status = core_folder_find_state(own, run->dir, NULL, &state, &reason);
		run->aside |= state != CORE_FOLDER_FAILED;
	}
	return core_ctx_rejoin(ctx, own, status);
}
