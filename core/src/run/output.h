/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a finished run (core/docs/results.md). */
#ifndef CORE_RUN_OUTPUT_H
#define CORE_RUN_OUTPUT_H

#include "run/folder.h"
#include "run/model.h"
#include "run/run_data.h"

/* Returns the id of a recording, given its row in the run's corpus. */
static inline const char *core_run_data_find_id(const core_run_data *r, int32_t row)
{
	const core_fold *fold = &r->study->fold[r->run->fold];
	return r->study->set[fold->set].id[fold->row[row]];
}

/* Adds an epoch's line to the history. */
FV_NODISCARD fv_status core_output_add_epoch(
	fv_ctx *ctx, core_run_data *r, const core_train_epoch *epoch);

/* Writes all files except `done`. */
FV_NODISCARD fv_status core_output_write(fv_ctx *ctx, core_run_data *r, const core_folder *folder);

/* Returns metrics.json of the predictions that the run holds. */
FV_NODISCARD fv_status core_output_measure(fv_ctx *ctx, const core_run_data *r, char **json);

/* Writes config.yaml. */
FV_NODISCARD fv_status core_output_write_config(
	fv_ctx *ctx, const core_study *study, const core_run *run, const core_folder *folder);

/* Formats groups.csv: FileName, group, prob_<group>... of all splits, in the order of stems. */
FV_NODISCARD fv_status core_output_format_groups(
	fv_ctx *ctx, const core_run_data *r, core_text *out);

/* Formats env.json: how and on which machine a run was computed. */
FV_NODISCARD fv_status core_output_format_env(fv_ctx *ctx, const core_run_data *r, char **text);

#endif
