/* SPDX-License-Identifier: Apache-2.0 */
/* The share of a study that a process computes. The other runs are set aside: they stay in the study, because tuned
 * variants choose among them, but they are neither computed nor counted. */
#ifndef CORE_RUN_SHARE_H
#define CORE_RUN_SHARE_H

#include "run/study_types.h"

/* Keeps the runs whose number is `shard` - 1 modulo `shards`. Numbers count all runs that are trained, in the order of
 * the study, done or not, so every process divides a study alike. */
void core_share_keep_shard(core_study *study, int64_t shard, int64_t shards);

/* Keeps the runs that have failed before, and those that cannot be planned. */
FV_NODISCARD fv_status core_share_keep_failed(fv_ctx *ctx, core_study *study);

#endif
