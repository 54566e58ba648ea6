/* SPDX-License-Identifier: Apache-2.0 */
/* Debias objectives. The core owns the base loss (class-balanced soft cross-entropy); an objective
 * turns per-sample losses l_i into weights v_i, and the model takes the gradient sum_i v_i dl_i,
 * v_i held constant. It may also choose the rows of a run, their order, and partners to mix with.
 * Objectives that need more than one head's weights and those that train more than once have
 * extensions, networks.h and stages.h.
 *
 * Shapes: N training rows, B rows in a batch, C classes, G groups. `row` is the position in the
 * training rows after exclusion and bias and before subsample(): the only key of per-utterance state.
 * Group -1 is unknown. G = 0 when the objective uses no groups.
 *
 * The core refuses what an op must not give: a v, value or lambda that is not finite, rows and
 * positions out of range. fv_array()s of type FV_F64 and shape [1,n] (group weights, counts of wins) are
 * written to metrics.jsonl after each epoch under their names.
 */
#ifndef FAIRVOX_LOSS_H
#define FAIRVOX_LOSS_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

typedef struct fv_rows {
	uint32_t size;
	int32_t n, classes, groups;
	const float *label;      /* [n,C], rows sum to 1 */
	const int32_t *klass;    /* [n] argmax of label, first on ties */
	const int32_t *group;    /* [n], or NULL when groups == 0 */
	const float *member;     /* [n,G] or NULL: hard groups only */
	const char *const *stem; /* [n] */
	const int32_t *speaker;  /* [n] ids of no meaning but who is who: for hold-outs without a
	                          * speaker on both sides, for nothing else. NULL: not known */
} fv_rows;

/* Counts over the training rows. */
typedef struct fv_counts {
	uint32_t size;
	const double *c;         /* [C] rows per class (argmax) */
	const double *g;         /* [G] rows per group, unknown left out */
	const double *cg;        /* [C,G] */
	const double *g_soft;    /* [G] sums of memberships; = g where there are none */
	const double *cg_soft;   /* [C,G] */
	const double *c_unknown; /* [C] rows with group -1 */
} fv_counts;

typedef struct fv_loss_setup {
	uint32_t size;
	const fv_rows *train, *dev;
	const fv_counts *count;
	const double *class_weight; /* [C] w_k of the base loss */
	int32_t epochs, batch;
	int32_t member_is_probability; /* memberships are a classifier's probabilities */
	const char *const *class_name; /* [C] */
} fv_loss_setup;                       /* it and what it points to live until close */

typedef struct fv_batch {
	uint32_t size;
	int32_t n, classes, groups; /* B, C, G */
	int64_t step, steps, epoch; /* step and epoch count from 1; steps in the whole run */
	const int32_t *row;         /* [B] */
	const double *loss;         /* [B] base losses l_i */
	const float *logits;        /* [B,C] */
	const float *label;         /* [B,C] */
	const int32_t *klass;       /* [B] */
	const int32_t *group;       /* [B] or NULL */
	const float *member;        /* [B,G] or NULL */
	const char *const *stem;    /* [B] */
} fv_batch;

typedef struct fv_loss_ops {
	uint32_t size;
	int32_t uses_groups; /* 0: sees no groups; a grouper that nothing else uses is dropped */
	/* Reads counts, prepares tables. Errors: FV_CONFIG, FV_DATA. NULL: nothing to do. [run] */
	fv_status (*open)(void *state, fv_ctx *ctx, const fv_loss_setup *setup);
	/* The rows of this run, once, before the first epoch: at most cap = N max(2, G) entries into row,
	 * their count into n; repeats allowed. `train.order` counts positions in this list, so give it
	 * in ascending order unless there is a reason not to. NULL: all rows. [run] */
	fv_status (*subsample)(void *state, fv_ctx *ctx, int32_t *row, int64_t cap, int64_t *n);
	/* Positions in the kept list for one epoch, n of them; repeats allowed. `position` holds the
	 * core's shuffle on entry: an op that leaves it alone gets that. NULL: the shuffle. [run] */
	fv_status (*order)(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n);
	/* A partner row and a share lambda in [0,1] for every sample: the model is trained on
	 * lambda x_i + (1 - lambda) x_partner, labels alike. Called before the forward pass: loss and
	 * logits are NULL. On entry partner_row is the sample itself and lambda 1. weigh() then sees the
	 * mixed labels; row, klass, group and member stay those of x_i. NULL: none. [run] */
	fv_status (*mix)(void *state, fv_ctx *ctx, const fv_batch *batch, int32_t *partner_row,
		double *lambda);
	/* v [B] (set to zero before the call) and the objective's value. NULL: 1/B and the mean. [run] */
	fv_status (*weigh)(
		void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value);
	/* The objective's value on a development batch (row = development row). Changes no state.
	 * NULL: the mean. [run] */
	fv_status (*evaluate)(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value);
	void (*close)(void *state); /* NULL: nothing to do */
} fv_loss_ops;

FV_END_DECLS

#endif
