/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of the contract suite. */
#ifndef CORE_CONTRACT_SUITE_H
#define CORE_CONTRACT_SUITE_H

#include <fairvox/fairvox.h>

#include "contract/contract.h"
#include "plugin/surroundings.h"

struct contract {
	fv_ctx *ctx;
	const fv_descriptor *plugin;
	const core_contract_options *options;
	core_contract *out;
	size_t room;
	core_contract_setting variant; /* one more setting; name NULL: none */
	core_surroundings before;      /* any op */
	char changes[512];             /* the last ones reported: each op may make them again */
};

/* One state with its parameters, in a context of its own. */
struct instance {
	fv_ctx *ctx;
	void *state;
	bool opened; /* close is called */
};

void contract_fault(struct contract *c, const char *check, const char *format, ...) FV_PRINTF(3, 4);
void contract_note(struct contract *c, const char *check, const char *format, ...) FV_PRINTF(3, 4);

/* Counts one check; a fault with the text unless ok. Returns ok. */
bool contract_expect(struct contract *c, bool ok, const char *check, const char *format, ...)
	FV_PRINTF(4, 5);

/* False and a fault when parameters or memory fail. Release it in any case. */
bool contract_make(struct contract *c, struct instance *instance);
void contract_release(struct contract *c, struct instance *instance);

/* After an op: reclaims scratch memory. A status other than FV_OK is a fault with the plugin's
 * words; without words that is a fault of its own. Returns status == FV_OK. */
bool contract_ok(
	struct contract *c, struct instance *instance, fv_status status, const char *check);
/* The same where the plugin may refuse: a note, and a fault only when it does so without words. */
bool contract_may(
	struct contract *c, struct instance *instance, fv_status status, const char *check);
/* For open and fit: a variant may be refused, for it may need another parameter. */
bool contract_starts(
	struct contract *c, struct instance *instance, fv_status status, const char *check);
/* Where it must refuse. */
void contract_refuses(
	struct contract *c, struct instance *instance, fv_status status, const char *check);

/* Memory of the report's context, zeroed; NULL and a fault when it is out. */
void *contract_alloc(struct contract *c, size_t n, size_t size);

bool contract_finite_f32(const float *x, int64_t n);
bool contract_finite_f64(const double *x, int64_t n);
const char *contract_stem(struct contract *c, int32_t row);

/* A hash of what evaluate() may not touch: the state and the named arrays. */
uint64_t contract_print(const struct contract *c, const struct instance *instance);

/* Copies the named arrays of one context to another, as a run that is taken up again finds them. */
bool contract_copy_arrays(struct contract *c, const struct instance *from, struct instance *to);

void contract_descriptor(struct contract *c);
void contract_encoder(struct contract *c);
void contract_grouper(struct contract *c);
void contract_loss(struct contract *c);
/* The part of it for fv.networks/1; nothing for losses without it. */
void contract_networks(struct contract *c, const fv_loss_setup *setup);
/* The part of it for fv.stages/1; nothing for losses without it. */
void contract_stages(struct contract *c, const fv_loss_setup *setup);

#endif
