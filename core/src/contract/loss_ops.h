/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the ops of losses by their suite: each one records the faults that it finds. */
#ifndef CORE_CONTRACT_LOSS_OPS_H
#define CORE_CONTRACT_LOSS_OPS_H

#include "contract/loss_fixture.h"

enum { EPOCH_STEPS = 3 /* of the checks that go on for several epochs */ };

const fv_loss_ops *contract_loss_ops(const struct contract *c);
fv_status contract_open_loss(struct contract *c, const struct loss_fixture *w, struct instance *in);
/* Opens the loss in a new instance; false: a fault is recorded. */
bool contract_start_loss(struct contract *c, const struct loss_fixture *w, struct instance *in);
/* Weighs a batch and writes b->v and b->value, which must be finite. */
bool contract_weigh(
	struct contract *c, struct instance *in, struct loss_batch *b, const char *what);
/* Evaluates the development rows that are like those of a batch. */
double contract_evaluate(struct contract *c, const struct loss_fixture *w, struct instance *in,
	const struct loss_batch *b);
/* The number of rows that subsample keeps; -1 (and a fault) when they are out of range. */
int64_t contract_subsample(struct contract *c, struct instance *in, int32_t *row);
/* Calls order with positions [n], which hold the core's shuffle. */
bool contract_order(
	struct contract *c, struct instance *in, int64_t epoch, int32_t *position, int64_t n);
/* Calls mix with the values that a run passes in. */
bool contract_mix(struct contract *c, struct instance *in, const struct loss_batch *b,
	int32_t *partner, double *lambda);
/* Ends an epoch: shows the loss a validation pass with all rows and drawn losses. Groups and classes differ in them by as
 * much in every epoch, so that what an objective learns of them adds up. */
bool contract_end_epoch(
	struct contract *c, const struct loss_fixture *w, struct instance *in, int32_t step);

/* loss_notes.c: notes of what most losses have and this one has not. */
void contract_note_weights(struct contract *c, const struct loss_fixture *w);
void contract_note_evaluate(struct contract *c, const struct loss_fixture *w);
/* Of subsample and order. */
void contract_note_draws(struct contract *c, const struct loss_fixture *w);

#endif
