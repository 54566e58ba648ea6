/* SPDX-License-Identifier: Apache-2.0 */
/* The contract that every plugin must keep, checked by running it on small synthetic data.
 *
 * Descriptor: the profile's defaults parse and are in range, choices are distinct, parameters do
 * not overlap in the state.
 *
 * Loss: batches of one row, ties, a single group, unknown groups, groups without rows, and huge and
 * tiny losses give finite weights; repeating gives the same bytes; subsample, order and mix stay in
 * range; evaluate changes nothing and does not fall where losses rise; v is the derivative of the value. A loss with its
 * own networks: the same for its steps and gradients, also with logits in the thousands. A loss in stages: rows,
 * weights, groups and rates of every stage are in range, whatever the previous model predicts, and
 * repeating gives the same stages. Losses that are not finite never reach a plugin, because the
 * trainer stops at the logits.
 *
 * Grouper: ids are in range, names distinct, unknown stays -1, some row has a group, a row's group
 * and memberships do not depend on other rows, nor on how many layers the features have, repeating gives the same bytes.
 *
 * Encoder: silence, the shortest recording, noise, an offset and clipping give finite numbers, and
 * not all the same, nor the same for recordings of one length; all of an output is written; the mean over frames is the
 * pooled result; repeating, encoding after other recordings and encoding on two threads give the same bytes, and no static
 * variable changes; a text file is refused as weights.
 *
 * Every op leaves the state of the process unchanged (surroundings.h, process.h), prints nothing to
 * standard output, and does not return in a child process made by fork(). It writes neither beside
 * its arrays nor into its inputs (fence.h); most such writes are a crash.
 *
 * The suite runs with the defaults and the given settings; again in another second, with other bytes in memory without a
 * value and beside arrays, which must give the same bytes (rounds.c); and with each value of each choice and switch, one
 * at a time. A fault that several of these have is found once. The plugin runs in this process, so
 * a crash ends the caller too; core_call_current() tells then what it was doing. */
#ifndef CORE_CONTRACT_CONTRACT_H
#define CORE_CONTRACT_CONTRACT_H

#include <stdbool.h>

#include <fairvox/plugin.h>

#include "base/context.h"

/* Rows have the ids row_00 .. row_63, the first half for training: a file that a parameter names
 * should cover them. */
enum { CORE_CONTRACT_ROWS = 64 };

struct core_finding;

typedef struct core_contract_setting {
	const char *name, *text; /* parameter and its value as YAML text */
} core_contract_setting;

typedef struct core_contract_options {
	const char *profile; /* "paper" or "official" */
	const char *weights; /* for an encoder; NULL: none */
	const char *stem;    /* id of a recording that an encoder finds by name; NULL: no lookup */
	const core_contract_setting *setting;
	size_t n_settings;
	const char *columns; /* names of the features' columns of a grouper, separated by commas; a
	                      * name may end in :probability or :value; NULL: p0, p1, p2 and
	                      * f0, f1, f2, or what parameters of type FV_STRING name */
	bool same_second; /* do not wait for another second: plugins that use time() are not found */
	/* Called with each finding when it is made, and with what is shown and tried (check NULL).
	 * NULL: not called. */
	void (*found)(void *user, const struct core_finding *finding);
	void *user;
} core_contract_options;

/* A fault breaks the contract. A note tells of a check that could not be made, or of a property
 * that most plugins have and this one does not. */
typedef struct core_finding {
	bool fault;
	const char *check,
		*text;      /* text: with "with KEY: VALUE: " in front where a setting was tried */
	size_t prefix;      /* bytes of that part */
	const char *advice; /* core_contract_advise(advice) says what to do */
	const char *cause;  /* NULL: the text tells it */
	size_t more;        /* findings of the same cause that were left out */
} core_finding;

typedef struct core_contract {
	size_t n, n_faults, n_checks; /* findings, faults among them, checks made */
	core_finding *finding;        /* [n] in the order found */
	const char *
		advice; /* core_contract_advise(advice) tells of a crash in what is tried now; NULL: what its cause says */
} core_contract;

/* Checks a descriptor from the registry. The findings live as long as the context. Faults are not
 * an error. Errors: FV_CONFIG for a setting that the plugin does not take, or if it needs one that
 * is not given; FV_FAILED when memory is out. */
FV_NODISCARD fv_status core_contract_check(fv_ctx *ctx, const fv_descriptor *descriptor,
	const core_contract_options *options, core_contract *out);

/* What to do about a fault with this key of advice; NULL: its text says so. */
const char *core_contract_advise(const char *key);

#endif
