/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a run. Its files are written atomically, `done` last, and they alone decide whether
 * the run is done. A lease (base/lease.h) prevents two processes from computing the same run, also on several
 * machines, and shows `status` which runs are in progress. */
#ifndef CORE_RUN_FOLDER_H
#define CORE_RUN_FOLDER_H

#include <stdbool.h>

#include "base/lease.h"
#include "run/study_types.h"

typedef enum core_folder_answer {
	/* the caller holds the folder; it is empty except for the checkpoint of an interrupted run,
	 * which `force` removes */
	CORE_CLAIMED,
	CORE_WAS_DONE, /* it is done; another process may have finished it */
	CORE_TAKEN,    /* another process is computing it */
} core_folder_answer;

typedef struct core_folder {
	core_lease *lease;
	const char *dir;
	double begun_s; /* of core_lockstep_clock_s: when it was leased */
} core_folder;

/* Returns true if `done` holds the run's fingerprint and all output files exist. */
bool core_folder_is_done(fv_ctx *ctx, const core_run *run);

/* Makes the folder and takes its lease. `view`: what is known of the lease of another process; NULL: nothing. *taken is
 * false if another process holds it. */
FV_NODISCARD fv_status core_folder_lock(
	fv_ctx *ctx, const core_run *run, core_lease_view *view, core_folder *folder, bool *taken);
/* Takes the lease for computing the run, and empties the folder. */
FV_NODISCARD fv_status core_folder_claim(fv_ctx *ctx, const core_run *run, bool force,
	core_lease_view *view, core_folder *folder, core_folder_answer *end);
/* Returns false if this process stood still for so long that another one took the run over. */
bool core_folder_is_kept(const core_folder *folder);
/* Removes the folder of a run with its files, unless a process is computing it. */
FV_NODISCARD fv_status core_folder_remove(fv_ctx *ctx, const char *dir);
/* Writes one file of the run. */
FV_NODISCARD fv_status core_folder_write(
	fv_ctx *ctx, const core_folder *folder, const char *name, const void *data, size_t size);
/* Returns the path of the checkpoint of the run. */
char *core_folder_find_checkpoint(fv_ctx *ctx, const core_folder *folder);
/* After a failure to write the results of a finished training: if the disk is full, removes the checkpoint, which is larger
 * than they are, and forgets the failure. Returns false if that frees nothing. */
bool core_folder_make_room(fv_ctx *ctx, const core_folder *folder);
/* Removes the checkpoint and marks the run done, and reads that back. */
FV_NODISCARD fv_status core_folder_finish(
	fv_ctx *ctx, const core_folder *folder, const core_run *run);
/* Writes the errors to the file `failed`, which the next attempt removes. */
void core_folder_fail(fv_ctx *ctx, const core_folder *folder);
/* The same for a run that could not do so itself: it was not started, it crashed, or its folder cannot be
 * written. Then the file is beside it, DIR.failed. A finished run is left as it is. */
void core_folder_record_failure(fv_ctx *ctx, const char *dir, const char *reason);
/* Reads the first line of the reason why a run or variant failed; NULL: there is none. */
FV_NODISCARD fv_status core_folder_read_failure(fv_ctx *ctx, const char *dir, const char **reason);
void core_folder_release(core_folder *folder);

typedef enum core_folder_state {
	CORE_FOLDER_DONE,
	CORE_FOLDER_RUNNING, /* a process is computing the run */
	CORE_FOLDER_FAILED,
	CORE_FOLDER_INTERRUPTED, /* begun; the next attempt continues it */
	CORE_FOLDER_PENDING,     /* there is no folder */
	CORE_FOLDER_STATES,
} core_folder_state;

/* Finds the state of a run that is not done. `view`: of an observer that looks again, or NULL. A holder on another
 * machine counts as running until it was watched for long enough. *reason: of a failed run, the first line of its errors; else
 * NULL. */
FV_NODISCARD fv_status core_folder_find_state(fv_ctx *ctx, const char *dir, core_lease_view *view,
	core_folder_state *state, const char **reason);
/* The seconds that the last attempt at a run that is done took, without those spent on runs in lockstep with it, and the time
 * at which it ended, in seconds of Unix, which a copy of the folder keeps. NaN: not known. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_folder_times(
	fv_ctx *ctx, const char *dir, double *seconds, double *ended);
/* How many warnings the log of a run holds; 0 if it cannot be read. */
int64_t core_folder_count_warnings(fv_ctx *ctx, const char *dir);

#endif
