/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a study for SLURM. A script is a job array: it holds its own tasks, so that what waits in the queue does
 * not change with later plans, and each of its tasks can also be run without SLURM, as `bash SCRIPT TASK`. */
#ifndef CORE_RUN_SLURM_H
#define CORE_RUN_SLURM_H

#include "run/task_list.h"

#define CORE_SLURM_WARNING_S 120 /* before its end a task is told to stop */
/* sbatch may send the signal a minute earlier, so a task of this time could be stopped before it has begun */
#define CORE_SLURM_SHORTEST_S (CORE_SLURM_WARNING_S + 60)
#define CORE_SLURM_ARRAY_SIZE 1001 /* tasks of an array, where scontrol does not say */

typedef struct core_slurm_script {
	const char *path; /* PLAN/run.sh, or run-1.sh ... */
	int64_t n_tasks;
	core_text text;
} core_slurm_script;

typedef struct core_slurm_plan {
	const core_slurm_spec *spec;
	const char *config;  /* its path, for the name of the jobs */
	const char *results; /* absolute */
	const char *working; /* the folder that the command is run in, absolute */
	/* words of the shell: the program, and its arguments without those of a task */
	const char *program, *arguments;
	int jobs; /* workers of a task, if the scheduler does not say */
	/* made by core_slurm_write */
	const char *folder; /* RESULTS/.slurm/HASH */
	size_t n_scripts;
	core_slurm_script *script;
} core_slurm_plan;

/* Seconds until a task is told to stop; INFINITY without a limit. */
double core_slurm_find_limit(const core_slurm_spec *spec);

/* The largest array of this cluster, or CORE_SLURM_ARRAY_SIZE. Errors: FV_FAILED if it allows no arrays. */
FV_NODISCARD fv_status core_slurm_find_array_size(fv_ctx *ctx, int64_t *out);

/* Writes the scripts, in memory, with at most `array_size` tasks each. Release them with core_slurm_free. */
FV_NODISCARD fv_status core_slurm_write(
	fv_ctx *ctx, core_slurm_plan *plan, const core_task_list *list, int64_t array_size);
void core_slurm_free(core_slurm_plan *plan);

/* Makes the folders of the plan and its logs, and writes the scripts there. */
FV_NODISCARD fv_status core_slurm_store(fv_ctx *ctx, const core_slurm_plan *plan);

/* What sbatch made of a script. */
typedef struct core_slurm_job {
	char id[32];
	bool encodes;
	int64_t n_tasks;
} core_slurm_job;

/* Submits the stored scripts: with `encode` first a job that encodes, for which the tasks wait; without `tasks` that
 * job alone. jobs [n_scripts + 1]. If sbatch refuses one, those submitted before it are cancelled. Errors: FV_FAILED
 * with sbatch's words, or if there is no sbatch. */
FV_NODISCARD fv_status core_slurm_submit(fv_ctx *ctx, const core_slurm_plan *plan, bool encode,
	bool tasks, core_slurm_job *jobs, size_t *n_jobs);

#endif
