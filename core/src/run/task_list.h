/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a study for several machines: its open runs, divided into tasks. As text it is a line "fairvox-tasks
 * 1 HASH" and a line "TASK VARIANT FOLD SEED" for each run, VARIANT being the first 16 digits of its hash. HASH are the
 * first 16 digits of the SHA-256 of all lines after the first, so that a list that was changed or mixed with another
 * is refused. */
#ifndef CORE_RUN_TASK_LIST_H
#define CORE_RUN_TASK_LIST_H

#include "base/hash.h"
#include "run/study_types.h"

#define CORE_TASK_DIGITS 16

typedef struct core_task_run {
	int64_t task; /* from 0, ascending in the list */
	char variant[CORE_TASK_DIGITS + 1];
	int64_t fold, seed;
} core_task_run;

typedef struct core_task_list {
	int64_t n_tasks, n_runs;
	core_task_run *run;
} core_task_list;

/* Divides the runs that are to be computed or evaluated again into tasks of about `target_s` seconds each, in the
 * order of the study. Runs that another process is computing are counted in *running and left out. *longest_s: what
 * the longest run takes. Seconds come from finished runs of the same variant, else from a measurement here
 * (estimate.h). */
FV_NODISCARD fv_status core_task_list_plan(fv_ctx *ctx, const core_study *study, double target_s,
	core_task_list *out, int64_t *running, double *longest_s);

/* Appends the tasks from `first` on, `n` of them, numbered from 0, as text. hash: of these lines. */
FV_NODISCARD fv_status core_task_list_write(fv_ctx *ctx, const core_task_list *list, int64_t first,
	int64_t n, core_text *out, char hash[CORE_TASK_DIGITS + 1]);

/* Reads a list; `name` is for messages. Errors: FV_DATA for another text, or one that does not match its hash. */
FV_NODISCARD fv_status core_task_list_read(
	fv_ctx *ctx, const char *name, const char *text, core_task_list *out);

/* Sets all runs of the study aside but those of one task. Errors: FV_CONFIG if there is no such task, or the study
 * lacks a run of it. */
FV_NODISCARD fv_status core_task_list_select(
	fv_ctx *ctx, const core_task_list *list, const char *name, int64_t task, core_study *study);

#endif
