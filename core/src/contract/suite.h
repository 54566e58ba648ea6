/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the contract suite. */
#ifndef CORE_CONTRACT_SUITE_H
#define CORE_CONTRACT_SUITE_H

#include <fairvox/fairvox.h>

#include "base/fence.h"
#include "contract/contract.h"
#include "contract/process.h"
#include "contract/trail.h"
#include "plugin/surroundings.h"

enum { CONTRACT_OUTPUTS = 8, CONTRACT_REPEATED = 9 /* ops that are called again and again */ };

/* An array for an op to write to. */
struct contract_output {
	core_fence *fence;
	void *data;
	size_t size;
};

struct contract {
	fv_ctx *ctx;
	const fv_descriptor *plugin;
	const core_contract_options *options;
	core_contract *out;
	size_t capacity;
	core_contract_setting varied; /* one more setting under test; name NULL: none */
	core_surroundings before;     /* state of the process before any op */
	char changes[512];            /* the last changes reported, which each op may repeat */
	struct core_process process;
	const char *op; /* in progress; NULL: none that the suite itself called */
	bool printed;   /* output on stdout was reported */
	bool needs;     /* a parameter without a value is needed */
	struct contract_output output[CONTRACT_OUTPUTS]; /* what the op in progress writes */
	size_t n_outputs;
	struct contract_trail *trail; /* what ops gave */
	core_fill fill;               /* of scratch memory before an op writes to it */
	bool beside;                  /* other bytes than usual lie beside arrays */
	bool fill_stack;    /* other bytes than usual lie on the stack before an op writes to it */
	const char *advice; /* about the findings that follow; NULL: that of their check */
	const char *cause;  /* findings of a check that follow and have the same one are one */
	bool quiet;         /* findings are dropped */
	const char *absent; /* what the plugin is shown as NULL (plugin/absent.h) */
	bool used_scratch;  /* an op asked for scratch memory */
	core_fence *batch_fence; /* what is shown of a batch */
	fv_batch batch, batch_before;
};

/* A plugin state with its parameters, in its own context. */
struct instance {
	fv_ctx *ctx;
	void *state;
	bool opened;                  /* close must be called */
	size_t given;                 /* bytes from fv_alloc so far */
	int grown[CONTRACT_REPEATED]; /* how many calls of each op asked for more */
};

/* Sets what to do about the findings that follow, as a key of contract_advise, and their common cause; NULL: as the
 * check and the text say. */
void contract_classify(struct contract *c, const char *advice, const char *cause);

void contract_fault(struct contract *c, const char *check, const char *format, ...) FV_PRINTF(3, 4);
void contract_note(struct contract *c, const char *check, const char *format, ...) FV_PRINTF(3, 4);

/* Counts one check and records a fault with the text unless `ok`. Returns `ok`. */
bool contract_expect(struct contract *c, bool ok, const char *check, const char *format, ...)
	FV_PRINTF(4, 5);

/* settings.c: the text of a parameter's value: given, under test, or its default; NULL: none. */
const char *contract_find_value(const struct contract *c, const fv_param *param);
bool contract_is_given(const struct contract *c, const char *name);
/* Writes all values into a zeroed state. */
fv_status contract_fill_params(const struct contract *c, fv_ctx *ctx, void *state);
/* FV_CONFIG (and messages) for given values that the plugin does not take, and required ones that were not given. */
fv_status contract_check_settings(const struct contract *c);
/* Was a value given, or has a parameter neither a default nor a given value? A refusal of the plugin may be
 * about these. */
bool contract_can_be_set(const struct contract *c);
/* Ends the suite with the plugin's refusal. */
void contract_refuse_settings(struct contract *c, const char *words);
void contract_tell_parameters(struct contract *c);

/* Tells what is shown and tried, in the first round alone: "ops: open, weigh". */
void contract_tell(struct contract *c, const char *format, ...) FV_PRINTF(2, 3);

/* Around each call of an op. `what` is what it is tried with, or NULL. */
void contract_begin(struct contract *c, const char *op, const char *what);
/* Called by contract_expect_ok and the like. Compares the process and what lies before outputs. */
void contract_end(struct contract *c, const char *check);
#define contract_call(c, op, what, call) (contract_begin(c, op, what), (call))

/* Zeroed memory for an op to write to, with fences around it, until contract_drop_outputs. */
void *contract_make_output(struct contract *c, const char *name, size_t size);
void contract_drop_outputs(struct contract *c);

/* A copy of the batch that cannot be written to, until contract_hide_batch. */
const fv_batch *contract_show_batch(struct contract *c, const fv_batch *batch);
void contract_hide_batch(struct contract *c, const char *check);

/* Notes what the op that was called last gave, to find out whether it always gives the same. Arrays of
 * contract_make_output are noted when they are dropped. */
void contract_record(struct contract *c, const void *data, size_t size);

/* Opens an instance; false (and a fault) when parameters or memory fail. Close it in any case. */
bool contract_open_instance(struct contract *c, struct instance *instance);
void contract_close_instance(struct contract *c, struct instance *instance);

/* Ends the call of an op that was begun: compares the process and the memory, and resets scratch memory. Writes the
 * plugin's message; a failure without one is a fault, and "" is written. Returns the status, of FV_FAILED that of the
 * message. */
fv_status contract_finish_op(struct contract *c, struct instance *instance, fv_status status,
	const char *check, char words[512]);
/* Afterwards: a status other than FV_OK is a fault with the plugin's message, unless its lack was the fault. Returns
 * status == FV_OK. */
bool contract_expect_status(
	struct contract *c, fv_status status, const char *check, const char *words);
/* Both. */
bool contract_expect_ok(
	struct contract *c, struct instance *instance, fv_status status, const char *check);
/* The same where the plugin may refuse: FV_CONFIG or FV_DATA with a message is a note. */
bool contract_allow_refusal(
	struct contract *c, struct instance *instance, fv_status status, const char *check);
/* For open and fit: with a setting under test a refusal is allowed, because that value may need
 * another parameter. */
bool contract_expect_start(
	struct contract *c, struct instance *instance, fv_status status, const char *check);
/* The second half of it, after contract_finish_op. */
bool contract_judge_start(
	struct contract *c, fv_status status, const char *check, const char *words);
/* For calls that the plugin must refuse. */
void contract_expect_refusal(
	struct contract *c, struct instance *instance, fv_status status, const char *check);

/* Zeroed memory from the report's context; NULL (and a failure) when it is out. */
void *contract_alloc(struct contract *c, size_t n, size_t size);

bool contract_is_finite_f32(const float *x, int64_t n);
bool contract_is_finite_f64(const double *x, int64_t n);
const char *contract_make_stem(struct contract *c, int32_t row);

/* A hash of what evaluate() must not change: the state and the named arrays. */
uint64_t contract_hash_state(const struct contract *c, const struct instance *instance);

/* Copies the named arrays of one context to another, as resuming a run does. */
bool contract_copy_arrays(struct contract *c, const struct instance *from, struct instance *to);

/* Runs the suite of the plugin's kind with the settings and what is varied. */
void contract_check_kind(struct contract *c);
#define CONTRACT_OTHER_BYTE                                                                        \
	0x7f /* what memory without a value holds in another round: large numbers */
/* Runs it again, in another second, with other bytes in memory without a value and beside arrays, and compares. */
void contract_check_rounds(struct contract *c);
void contract_check_descriptor(struct contract *c);
void contract_check_encoder(struct contract *c);
void contract_check_grouper(struct contract *c);
void contract_check_loss(struct contract *c);
/* Are the memberships of a row [G] the same alone as among others? */
bool contract_compare_memberships(
	struct contract *c, int32_t row, int32_t groups, const float *alone, const float *among);
/* Notes the first of n rows that is not in the group of its largest membership, and the first whose memberships do not
 * sum to 1, of a grouping whose memberships [n,G] are probabilities. Rows without a group are left
 * out. `pooled`: over speakers, perhaps with a median, which keeps no sum. */
void contract_note_probabilities(struct contract *c, const int32_t *id, const float *member,
	int32_t n, int32_t groups, bool pooled);
/* Opens the encoder with weights that it must refuse. */
void contract_check_weights(struct contract *c);
/* Is the mean over the n frames [L,n,D] of a recording its pooled result [L,D]? */
bool contract_compare_frames(struct contract *c, const fv_output *o, const char *wave,
	const float *frames, int64_t n, const float *pooled);
/* Fills n numbers of an output before an encoder writes them. */
void contract_mark_unwritten(float *out, int64_t n);
/* Has the encoder written all numbers of `out`, [L,frames,D], or [L,D] if frames is 0? `shown`: the recording. */
bool contract_expect_written(struct contract *c, const char *check, const fv_output *o,
	const float *out, int64_t frames, const char *shown);
/* Checks fv.networks/1; does nothing for losses without it. */
void contract_check_networks(struct contract *c, const fv_loss_setup *setup);
/* Checks fv.stages/1; does nothing for losses without it. */
void contract_check_stages(struct contract *c, const fv_loss_setup *setup);

#endif
