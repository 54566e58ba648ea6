/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint of a run, which resume reads: everything that later steps depend on, so that they give
 * the same bits after a restart. It is one safetensors file with the parts that were added and the plugin
 * state (the named arrays of the context) as array.NAME. Its metadata are format, key, and a checksum over
 * names, types, shapes and bytes.
 *
 * The key says what the checkpoint belongs to (data, settings, plugins, kernels). A file that has another
 * key, is damaged or does not fit is no error: it is removed with a warning, and the run starts over.
 */
#ifndef CORE_TRAIN_RUN_CHECKPOINT_H
#define CORE_TRAIN_RUN_CHECKPOINT_H

#include <stdint.h>

#include "base/text.h"

typedef struct core_run_checkpoint core_run_checkpoint;

typedef struct core_run_checkpoint_options {
	const char *path; /* where it is saved */
	const char *key;  /* printable */
	/* seconds between two savings, more where they would take over 2% of the time; 0: only when told to stop */
	double every_s;
	bool (*should_stop)(void); /* NULL: never */
} core_run_checkpoint_options;

/* Memory of the context. */
FV_NODISCARD fv_status core_run_checkpoint_new(
	fv_ctx *ctx, const core_run_checkpoint_options *options, core_run_checkpoint **out);

/* Adds a part: n numbers at `data`, which core_run_checkpoint_save reads and core_run_checkpoint_restore writes. A part
 * that is added again under its name replaces the first. There are at most 512. */
void core_run_checkpoint_add(
	core_run_checkpoint *state, const char *name, fv_type type, int64_t n, void *data);
void core_run_checkpoint_add_text(core_run_checkpoint *state, const char *name, core_text *text);

/* Opens the file that an interrupted run left, if it has this key and is whole. */
void core_run_checkpoint_open(core_run_checkpoint *state);
bool core_run_checkpoint_is_open(const core_run_checkpoint *state);
/* Returns how many numbers a part of the open file has, or -1 if it is not there. For parts whose size only
 * the file knows. */
int64_t core_run_checkpoint_count(const core_run_checkpoint *state, const char *name);
/* Reads this part alone. Returns false if the open file has none of that type and size. */
bool core_run_checkpoint_read_part(core_run_checkpoint *state, const char *name);

/* Fills all parts and arrays from the open file and closes it. The loss must be open, so that its
 * arrays exist; others are made. Errors: FV_DATA, as core_run_checkpoint_refuse. */
FV_NODISCARD fv_status core_run_checkpoint_restore(core_run_checkpoint *state);
/* Refuses a file whose key and checksum are right but whose content is not: reports it and removes the
 * file. Returns FV_DATA. */
FV_NODISCARD fv_status core_run_checkpoint_refuse(core_run_checkpoint *state);
void core_run_checkpoint_close(core_run_checkpoint *state); /* NULL is allowed; the file stays */

/* Returns true if every_s has passed, and 49 times what the last saving took, or the run was told to stop. */
bool core_run_checkpoint_is_due(const core_run_checkpoint *state);
/* Errors: FV_STOPPED if told to stop; the message says whether the checkpoint could be saved. Otherwise a
 * failure to save is only a warning, and the run goes on. */
FV_NODISCARD fv_status core_run_checkpoint_save(core_run_checkpoint *state);

#endif
