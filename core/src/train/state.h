/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a run in the middle of its training: everything that later steps depend on, saved so
 * that they give the same bits after a restart. It is one safetensors file: the parts that were
 * added, and the named arrays of the context (those of the plugins) as array.NAME. Metadata:
 * format, key, and a checksum over names, types, shapes and bytes.
 *
 * The key says what the state belongs to (data, settings, plugins, kernels). A file of another key,
 * or one that is damaged or does not fit, is no error: a warning says so, the file is removed, and
 * the run starts over.
 */
#ifndef CORE_TRAIN_STATE_H
#define CORE_TRAIN_STATE_H

#include <stdint.h>

#include "base/text.h"

typedef struct core_state core_state;

typedef struct core_state_options {
	const char *path;           /* where it is saved */
	const char *key;            /* printable */
	double every_s;             /* seconds between two savings; 0: only when told to stop */
	bool (*told_to_stop)(void); /* NULL: never */
} core_state_options;

/* Memory of the context. */
FV_NODISCARD fv_status core_state_new(
	fv_ctx *ctx, const core_state_options *options, core_state **out);

/* A part: n numbers at `data`, which is read when the state is saved and written to when it is
 * restored. A part added again under its name takes the place of the first. At most 256. */
void core_state_add(core_state *state, const char *name, fv_type type, int64_t n, void *data);
void core_state_add_text(core_state *state, const char *name, core_text *text);

/* Opens what an interrupted run has left, if it is of this key and whole. */
void core_state_open(core_state *state);
bool core_state_is_open(const core_state *state);
/* Numbers in a part of the open file, for parts whose size is known to it alone; -1: no such part. */
int64_t core_state_count(const core_state *state, const char *name);
/* Fills this part alone; false when the open file has none of that type and size. */
bool core_state_take(core_state *state, const char *name);

/* Fills all parts and arrays from the open file and closes it. The loss must be open, so that its
 * arrays exist; others are made. Errors: FV_DATA, as core_state_refuse. */
FV_NODISCARD fv_status core_state_restore(core_state *state);
/* For what its key and checksum do not keep out: says so and removes the file. Returns FV_DATA. */
FV_NODISCARD fv_status core_state_refuse(core_state *state);
void core_state_close(core_state *state); /* NULL is allowed; the file stays */

/* Is it to be saved now: has every_s passed, or was the run told to stop? */
bool core_state_is_due(const core_state *state);
/* Errors: FV_STOPPED when told to stop, whether or not it could be saved, which the message says.
 * When it cannot be saved otherwise, a warning says so and the run goes on. */
FV_NODISCARD fv_status core_state_save(core_state *state);

#endif
