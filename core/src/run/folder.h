/* SPDX-License-Identifier: Apache-2.0 */
/* A run's folder. Files in it are written whole or not at all, `done` last; the folder is the truth.
 * A lock keeps two processes from doing the same run, and tells `status` what is being worked on; it
 * goes with the process that holds it, however that ends. */
#ifndef CORE_RUN_FOLDER_H
#define CORE_RUN_FOLDER_H

#include <stdbool.h>

#include "run/study_types.h"

typedef enum core_claim {
	/* the folder is ours and empty but for the state of an interrupted run, which `force` removes */
	CORE_CLAIMED,
	CORE_WAS_DONE, /* another process finished it meanwhile */
	CORE_TAKEN,    /* another process is at it */
} core_claim;

typedef struct core_folder {
	int lock;
	const char *dir;
} core_folder;

/* Compares `done` with the run's fingerprint; what is said in it of outputs must be there. */
bool core_folder_is_done(fv_ctx *ctx, const core_run *run);

/* Makes the folder and locks it; *taken false: another process has it. */
FV_NODISCARD fv_status core_folder_lock(
	fv_ctx *ctx, const core_run *run, core_folder *folder, bool *taken);
FV_NODISCARD fv_status core_folder_claim(
	fv_ctx *ctx, const core_run *run, bool force, core_folder *folder, core_claim *claim);
/* Writes one file of the run. */
FV_NODISCARD fv_status core_folder_write(
	fv_ctx *ctx, const core_folder *folder, const char *name, const void *data, size_t size);
/* Where the state of a run in the middle of its training is kept. */
char *core_folder_find_checkpoint(fv_ctx *ctx, const core_folder *folder);
/* Removes the state and marks the run done. */
FV_NODISCARD fv_status core_folder_finish(
	fv_ctx *ctx, const core_folder *folder, const core_run *run);
/* Notes why it failed; the next attempt removes the note. */
void core_folder_fail(fv_ctx *ctx, const core_folder *folder);
void core_folder_release(core_folder *folder);

/* For `status`: is a process at work in this folder? */
bool core_folder_is_locked(fv_ctx *ctx, const char *dir);

#endif
