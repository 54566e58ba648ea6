/* SPDX-License-Identifier: Apache-2.0 */
/* What every plugin must keep to, whatever it computes: checked by running it on small made-up
 * data.
 *
 * Descriptor: defaults of the profile parse and lie in range, choices are distinct, parameters do
 * not overlap in the state. Loss: batches of one, ties, one group only, groups unknown, groups
 * without rows, huge and tiny losses give finite weights; the same again gives the same bytes;
 * subsample, order and mix stay in range; evaluate changes nothing; v is the derivative of the value. With
 * networks of its own: the same of steps and their gradients, logits in the thousands included. In
 * stages: rows, weights, groups and rates of every stage in range, whatever the model before it
 * predicts, and the same again gives the same stages.
 * (Losses that are not finite never reach a plugin: the trainer stops at the logits.) Grouper: ids
 * in range, names distinct, unknown stays -1, not-a-number is refused, a row's group does not
 * depend on its company, the same again gives the same bytes. Encoder: silence, the shortest
 * recording, noise, an offset and clipping give finite numbers; the same again, after other
 * recordings and on two threads gives the same bytes; nothing is written past the end.
 *
 * Every op leaves the process as it was (surroundings.h), and comes back from no copy that fork() made.
 *
 * All of it with the defaults and the settings given, and again with each value of each choice and
 * switch, one at a time.
 *
 * The plugin runs in this process: one that crashes takes the caller along.
 */
#ifndef CORE_CONTRACT_CONTRACT_H
#define CORE_CONTRACT_CONTRACT_H

#include <stdbool.h>

#include <fairvox/plugin.h>

#include "base/context.h"

/* Rows are called row_00 .. row_63, the first half for training: what a parameter that names a file
 * should cover. */
enum { CORE_CONTRACT_ROWS = 64 };

typedef struct core_contract_setting {
	const char *name, *text; /* parameter and its value as YAML text */
} core_contract_setting;

typedef struct core_contract_options {
	const char *profile; /* "paper" or "official" */
	const char *weights; /* for an encoder; NULL: none */
	const char *stem;    /* a recording that an encoder by name knows; NULL: not looked up */
	const core_contract_setting *setting;
	size_t n_settings;
} core_contract_options;

/* A fault breaks the contract; a note is what a reader should know: a check that could not be made,
 * or a property that most plugins have and this one has not. */
typedef struct core_finding {
	bool fault;
	const char *check, *text;
} core_finding;

typedef struct core_contract {
	size_t n, n_faults, n_checks; /* findings, faults among them, checks made */
	core_finding *finding;        /* [n] in the order met */
} core_contract;

/* `descriptor` as the registry gives it. The findings live as long as the context. Errors:
 * FV_CONFIG for a setting that the plugin does not take, FV_FAILED when memory is out. Faults are
 * no error. */
FV_NODISCARD fv_status core_contract_check(fv_ctx *ctx, const fv_descriptor *descriptor,
	const core_contract_options *options, core_contract *out);

#endif
