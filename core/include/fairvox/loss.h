/* SPDX-License-Identifier: Apache-2.0 */
/* Debias objectives ("losses").
 *
 * The core owns the base loss, which is class-balanced soft cross-entropy unless the user chooses
 * another (train.base_loss, train.class_weights). An objective turns the per-sample
 * base losses l_i of a batch into weights v_i; the core then follows the gradient sum_i v_i dl_i,
 * in which v_i is a constant. An objective can also choose the training rows of a run, their order,
 * and partners to mix samples with. Objectives with networks of their own use the extension in
 * networks.h, objectives that train more than once the one in stages.h.
 *
 * Shapes: N training rows, B rows in a batch, C classes, G groups. `row` is the position of a
 * recording in the training rows after exclusion and bias simulation, before subsample(); state
 * about a recording is indexed by it and by nothing else. Group -1 means unknown; in a table [C,G] it would
 * be the last group of the class before. G = 0 if the objective uses no groups.
 *
 * The core stops the run if an op returns a v, value or lambda that is not finite, or a row or
 * position that is out of range. Every fv_array() of type FV_F64 and shape [1,n] (group weights,
 * for example) is written to metrics.jsonl under its name, as it is at the end of each epoch, after
 * validated().
 */
#ifndef FAIRVOX_LOSS_H
#define FAIRVOX_LOSS_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

typedef struct fv_rows {
	uint32_t size;
	int32_t n, classes, groups;
	const float *label;      /* [n,C], each row sums to 1 */
	const int32_t *klass;    /* [n] argmax of label; the first class on ties */
	const int32_t *group;    /* [n], or NULL if groups == 0 */
	const float *member;     /* [n,G] group memberships, or NULL if groups are hard */
	const char *const *stem; /* [n] names of the recordings */
	const int32_t
		*speaker; /* [n] equal ids for the same speaker, otherwise meaningless, or NULL
	                          * if unknown. Only for hold-outs that split by speaker. */
	const double *duration; /* [n] seconds of each recording or segment, NAN where unknown;
	                         * NULL if the loss does not set uses_duration, or if the corpus
	                         * has no recordings */
} fv_rows;

/* Counts over the training rows. */
typedef struct fv_counts {
	uint32_t size;
	const double *c;         /* [C] rows per class (argmax) */
	const double *g;         /* [G] rows per group; unknown rows are not counted */
	const double *cg;        /* [C,G] rows per subgroup (class x group) */
	const double *g_soft;    /* [G] sums of memberships; the same as g if groups are hard */
	const double *cg_soft;   /* [C,G] */
	const double *c_unknown; /* [C] rows of group -1 */
} fv_counts;

/* The base loss of a sample with label y [C], logits z [C] and class weights w [C]:
 *
 *     FV_SOFT_CE  (sum_k w_k y_k) (-sum_k y_k log p_k)                          p = softmax(z)
 *     FV_BCE      (1/C) sum_k w_k (-y_k log p_k - (1 - y_k) log(1 - p_k))      p = sigmoid(z)
 *     FV_FOCAL    sum_k w_k y_k (1 - p_k)^gamma (-log p_k)                      p = softmax(z) */
typedef enum fv_base_kind { FV_SOFT_CE, FV_BCE, FV_FOCAL } fv_base_kind;

/* What open() gets. It and everything it points to lives until close(). */
typedef struct fv_loss_setup {
	uint32_t size;
	const fv_rows *train, *dev;
	const fv_counts *count;
	const double *class_weight; /* [C] class weights w_k of the base loss */
	int32_t epochs, batch;
	int32_t member_is_probability; /* 1: memberships are a classifier's probabilities */
	const char *const *class_name; /* [C] */
	fv_base_kind base_kind;
	double focal_gamma; /* gamma of FV_FOCAL */
} fv_loss_setup;

/* Its arrays live until the op returns. */
typedef struct fv_batch {
	uint32_t size;
	int32_t n, classes, groups; /* B, C, G */
	int64_t step, steps, epoch; /* step and epoch count from 1; steps is the number of steps of
	                             * the whole run. In evaluate and validated: the steps done
	                             * so far, and the epoch that they ended */
	const int32_t *row;         /* [B] */
	const double *loss;         /* [B] base losses l_i */
	const float *logits;        /* [B,C] */
	const float *label;         /* [B,C] */
	const int32_t *klass;       /* [B] */
	const int32_t *group;       /* [B] or NULL */
	const float *member;        /* [B,G] or NULL */
	const char *const *stem;    /* [B] */
} fv_batch;

/* A loss needs at least one op that trains (subsample, order, mix or weigh) or an extension. Every
 * op may be NULL. */
typedef struct fv_loss_ops {
	uint32_t size;
	int32_t uses_groups; /* 0: the objective never sees groups, and a grouper that nothing else
	                      * uses is dropped */
	int32_t uses_duration;    /* 1: rows carry their durations (fv_rows.duration) */
	int32_t exact_derivative; /* 1: nothing is held constant in the value of weigh(), so that
	                           * v_i = d value / d l_i wherever that exists. `fairvox check`
	                           * compares both, and a difference is a fault. -1: something is
	                           * held constant, such as weights, so that they differ. 0: not
	                           * said, and a difference is noted. Of fv.networks/1: the
	                           * gradients that step() writes */
	/* Called once, before everything else: reads counts and prepares tables.
	 * Errors: FV_CONFIG, FV_DATA. NULL: nothing to prepare. [run] */
	fv_status (*open)(void *state, fv_ctx *ctx, const fv_loss_setup *setup);
	/* Called once, before the first epoch: writes the training rows of this run into row, at
	 * most cap = N max(2, G) of them, and their number into n. Rows may be repeated. A
	 * `train.order` file counts positions in this list, so write it in ascending order unless
	 * there is a reason not to. NULL: all rows. [run] */
	fv_status (*subsample)(void *state, fv_ctx *ctx, int32_t *row, int64_t cap, int64_t *n);
	/* Called before each epoch: writes the order of the epoch as n positions in the list of
	 * subsample(). Positions may be repeated. On entry `position` holds the core's shuffle,
	 * which stays in force if the op does not change it. NULL: the shuffle. [run] */
	fv_status (*order)(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n);
	/* Called in each step before the forward pass: writes a partner row and a share lambda in
	 * [0,1] for every sample. The model is trained on lambda x_i + (1 - lambda) x_partner, with
	 * labels mixed alike. On entry partner_row is the sample itself and lambda is 1;
	 * batch->loss and batch->logits are NULL. weigh() then sees the mixed labels, while row,
	 * klass, group and member stay those of x_i. NULL: no mixing. [run] */
	fv_status (*mix)(void *state, fv_ctx *ctx, const fv_batch *batch, int32_t *partner_row,
		double *lambda);
	/* Called in each step: writes the weights v [B], zero on entry, and the objective's value.
	 * NULL: v_i = 1/B and the mean base loss. [run] */
	fv_status (*weigh)(
		void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value);
	/* Called for each batch of a validation pass, 32 development rows or the rest of them,
	 * whatever train.batch is: writes the objective's value on them (row counts development
	 * rows). The value of the pass is the plain mean over the batches. Must not change any
	 * state. NULL: the mean base loss. [run] */
	fv_status (*evaluate)(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value);
	/* Called at the end of each validation pass, after evaluate() and before the next epoch's
	 * order(), with all M development rows as one batch in the order of setup->dev: n is M, and
	 * loss and logits are those of the model after this epoch. It may change the state, so that
	 * samplers can follow the development losses; keep what changes in fv_array(). Not called
	 * if a logit is not finite. The objective's value of the pass is already computed. NULL:
	 * nothing to learn from the pass. [run] */
	fv_status (*validated)(void *state, fv_ctx *ctx, const fv_batch *dev);
	/* Releases what did not come from fv_alloc(). NULL: nothing to release. */
	void (*close)(void *state);
} fv_loss_ops;

/* The base loss of one row, in double. logits and label are [C]; gradient [C] is with respect to the
 * logits, or NULL if it is not needed. Finite for any finite logits. */
double fv_base_loss(
	const fv_loss_setup *setup, const float *logits, const float *label, double *gradient);
/* What the model predicts for one row of logits [C]: softmax, or with FV_BCE sigmoid -> p [C] */
void fv_probability(const fv_loss_setup *setup, const float *logits, double *p);

#define FV_LOSS_OPS(...) FV_SIZED(fv_loss_ops, __VA_ARGS__)

FV_END_DECLS

#endif
