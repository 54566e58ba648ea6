/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up rows and batches that the suite of losses shows an objective. */
#ifndef CORE_CONTRACT_LOSS_FIXTURE_H
#define CORE_CONTRACT_LOSS_FIXTURE_H

#include "contract/suite.h"

/* There are more development rows than training rows: some of their own, and then one like each training row. */
enum {
	N = CORE_CONTRACT_ROWS,
	OWN = 16,
	N_DEV = OWN + N,
	CLASSES = 4,
	GROUPS_MAX = 3,
	BATCH = 8,
	LARGE_BATCH = 40
};

/* What a loss is shown. */
struct loss_case {
	int32_t groups, met; /* the first `met` groups have rows */
	bool soft;           /* there are memberships */
	bool recordings;     /* false: no durations are known, as in a corpus of features alone */
};

/* Rows of a set. */
struct loss_rows {
	float label[N_DEV * CLASSES], member[N_DEV * GROUPS_MAX];
	int32_t klass[N_DEV], group[N_DEV], speaker[N_DEV];
	const char *stem[N_DEV];
	double duration[N_DEV];
};

/* A training set and a development set. */
struct loss_fixture {
	int32_t groups;
	bool soft;
	int32_t met; /* number of groups that have rows */
	struct loss_rows of_train, of_dev;
	double c[CLASSES], g[GROUPS_MAX], cg[CLASSES * GROUPS_MAX], g_soft[GROUPS_MAX],
		cg_soft[CLASSES * GROUPS_MAX], c_unknown[CLASSES], class_weight[CLASSES];
	fv_rows train, dev; /* in memory that cannot be written to */
	fv_counts count;
	fv_loss_setup setup;
	core_fence *shown;
};

/* A batch and the arrays it points to. */
struct loss_batch {
	fv_batch batch;
	int32_t row[LARGE_BATCH], klass[LARGE_BATCH], group[LARGE_BATCH];
	double loss[LARGE_BATCH], v[LARGE_BATCH], value;
	float logits[LARGE_BATCH * CLASSES], label[LARGE_BATCH * CLASSES],
		member[LARGE_BATCH * GROUPS_MAX];
	const char *stem[LARGE_BATCH];
};

enum { PLAIN, ALONE, TIED, ONE_GROUP, UNKNOWN, EXTREME, ZERO, LARGE, KINDS };
/* What each kind is called in messages. */
extern const char *const contract_batch_kinds[KINDS];

/* Tells the ops of a loss and what it is shown. */
void contract_tell_loss(struct contract *c);

/* NULL (and a failure) when memory is out. Close `shown`. */
struct loss_fixture *contract_make_loss_fixture(struct contract *c, struct loss_case of);

/* Draws a batch of training rows of a kind; the same one for the same kind and step. */
void contract_draw_batch(
	const struct loss_fixture *w, int32_t kind, int64_t step, struct loss_batch *out);

/* Fills in the same batch of the development rows that are like its rows. */
void contract_make_dev_batch(
	const struct loss_fixture *w, const struct loss_batch *b, struct loss_batch *out);

#endif
