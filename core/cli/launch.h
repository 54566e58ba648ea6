/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "study.h"

/* run --launcher slurm: submits the runs that are not done as job arrays; with --dry-run prints the scripts. Returns
 * FV_SOME_FAILED if some of the study cannot be planned. */
FV_NODISCARD fv_status cli_launch(fv_ctx *ctx, cli_study *cli);

#endif
