/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CONFIG_SLURM_TIME_H
#define CORE_CONFIG_SLURM_TIME_H

#include <stdbool.h>

/* Parses a time limit as sbatch does: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S, UNLIMITED or INFINITE. Seconds,
 * INFINITY without a limit. False: it is none of these. */
bool core_slurm_parse_time(const char *text, double *seconds);

#endif
