/* SPDX-License-Identifier: Apache-2.0 */
/* The options that say which part of a study a process computes: --shard, --task, --retry-failed. */
#ifndef CLI_SHARD_H
#define CLI_SHARD_H

#include "study.h"

/* Refuses options that cannot stand together. */
FV_NODISCARD fv_status cli_shard_check(fv_ctx *ctx, const cli_study *cli);
/* Sets the runs aside that the options leave to other processes. */
FV_NODISCARD fv_status cli_shard_select(fv_ctx *ctx, const cli_study *cli, core_study *study);

#endif
