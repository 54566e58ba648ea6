/* SPDX-License-Identifier: Apache-2.0 */
/* Which epoch's model is kept: the rules of train.select.
 *
 *   dev_loss         mean base loss over the development rows
 *   dev_objective    mean over development batches of the objective's own value
 *   dev_f1, dev_uar  macro F1 or UAR of the development rows; 1 minus it is what is compared
 *   dev_worst_group  largest over groups of the mean base loss of a group's development rows
 *   dev_tpr_gap      TPR gap of the development rows, of the epochs whose F1 there is at least
 *                    select_f1_floor times the largest F1 of any epoch
 *   oracle           dev_tpr_gap on the test rows
 *
 * Lowest wins; of equal ones the first. A value that is not finite never does. F1 and TPR gap are
 * those of eval/tally.h (positive above 1/C in float32, predictions of a sigmoid above 0.5). Rows of an unknown group (-1) take no part
 * in the two values of groups, but in F1.
 *
 * The floor moves up with the best F1 so far, so an epoch that was chosen may lose its place to an
 * earlier one. The models kept on the way are those that can still win: at or above the floor, and
 * no other has both an F1 as high and a gap as low. The other rules keep one.
 *
 * A rule that looks at groups wants select_support positives (label > 1/C) of each class in each
 * group and refuses (FV_DATA, each subgroup that lacks them named) where there are fewer. */
#ifndef CORE_TRAIN_SELECT_H
#define CORE_TRAIN_SELECT_H

#include "config/select_rule.h"
#include "eval/metric.h"
#include "train/job.h"
#include "train/validation.h"

/* A model that can still be chosen. */
typedef struct core_candidate {
	int32_t epoch;
	double f1, value; /* f1: 1 where the rule has no floor */
	int32_t place;    /* of the model, in core_select.models */
} core_candidate;

typedef struct core_select {
	fv_ctx *ctx;
	const core_train_job *job;
	const core_select_rule *rule;
	core_validation *rows; /* that the rule reads: development rows of the pass, or `test` */
	core_validation test;
	core_base base;
	float *prob, *cut;    /* [n,C] predictions and their thresholds */
	core_tally all, each; /* of all rows; of each group */
	core_rates rates[CORE_READINGS];
	int32_t judged; /* epochs so far */
	double best_f1;
	/* The models that can still win, by epoch. Entries from [n] on are free for reuse. */
	int32_t n, capacity;
	core_candidate *candidate;
	float *models; /* [capacity, count] */
	int64_t count; /* numbers of a model */
	double *packed; /* [capacity, 4] as the checkpoint of the run holds them: epoch, f1, value, place of the model */
} core_select;

/* Checks that the rule has enough rows. Reads job->spec, dev or test, select_groups and class_name. */
FV_NODISCARD fv_status core_select_check(fv_ctx *ctx, const core_train_job *job);

/* `dev` is the validation pass of the training; a model has `count` numbers. Memory is the
 * context's. Call core_select_check first. */
FV_NODISCARD fv_status core_select_init(fv_ctx *ctx, const core_train_job *job,
	core_validation *dev, const core_base *base, int64_t count, core_select *out);

/* Judges the model that `networks` hold and `params` are. dev_loss and dev_objective of the epoch
 * are filled in, and `dev` holds the losses and logits they came from. Fills in the epoch's values
 * of the rule and `best`. *finite: on a device, whether the logits of `dev` are; becomes false when a logit of the
 * test rows is not. */
FV_NODISCARD fv_status core_select_judge(core_select *select, core_networks *networks,
	const float *params, core_train_epoch *epoch, bool *finite);

/* Makes room for more models; for select*.c. Returns false if memory is out. */
bool core_select_grow(core_select *select, int32_t capacity);

/* Adds what was judged so far to the checkpoint of the run. */
FV_NODISCARD fv_status core_select_add(core_select *select, core_run_checkpoint *state);
/* Makes room for what the open checkpoint holds. Call it before core_select_add and core_run_checkpoint_restore. */
FV_NODISCARD fv_status core_select_reserve(core_select *select, const core_run_checkpoint *state);
/* Unpacks what core_run_checkpoint_restore has read. Returns false if a run cannot be in that state in `epoch`. */
bool core_select_unpack(core_select *select, int32_t epoch);

/* The model chosen so far; NULL: no epoch had a finite value. */
const core_candidate *core_select_chosen(const core_select *select);
float *core_select_model(const core_select *select, const core_candidate *candidate);

#endif
