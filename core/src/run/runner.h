/* SPDX-License-Identifier: Apache-2.0 */
/* One run from loaded features to a finished folder. */
#ifndef CORE_RUN_RUNNER_H
#define CORE_RUN_RUNNER_H

#include "eval/metrics.h"
#include "run/folder.h"
#include "run/grouping.h"
#include "train/trainer.h"

/* What the steps of a run hand on. Memory of the run's context. */
typedef struct core_runner {
	const core_study *study;
	const core_run *run;
	const core_variant *variant;
	const core_corpus *corpus;
	core_rows rows;    /* each split in the order of stems */
	core_matrix input; /* features, standardised */
	core_groups groups;
	fv_rows train, dev; /* what the objective sees; dev in file order */
	int32_t *dev_order; /* [n dev] dev.n's row i is row dev_order[i] of rows */
	int32_t *dev_index; /* [n dev] of dev's rows in input.x; set when the run trains */
	core_head_shape shape;
	core_train_result result;
	float *prob[CORE_SPLITS]; /* [n, C] of development and test rows; NULL: of training rows */
	core_text history;        /* metrics.jsonl */
	core_text log;            /* what the run said */
	bool transductive;
	core_run_checkpoint *checkpoint; /* NULL: the run is not saved before its end */
} core_runner;

typedef struct core_run_options {
	bool force; /* also when it is done, and from the start */
	double save_every_s;
} core_run_options;

typedef enum core_run_outcome {
	CORE_RUN_COMPUTED,
	CORE_RUN_SKIPPED,   /* another process is at it, or has finished it */
	CORE_RUN_REFRESHED, /* it was done; what is said of it is new, its metrics are not */
	CORE_RUN_JUDGED,    /* it was done; its metrics are new */
} core_run_outcome;

/* Claims the run's folder, goes on where an interrupted run of the same fingerprint stood, computes and writes
 * everything, marks it done; a run that is done is refreshed (refresh.h). Errors: FV_STOPPED when
 * the pool was told to stop. */
FV_NODISCARD fv_status core_runner_run(fv_ctx *ctx, const core_study *study, const core_run *run,
	const core_run_options *options, core_run_outcome *outcome);

/* The rows of a run and its groups, without training: for `groups` and `explain`. The study's encodings
 * of this run must be loaded. Free input with core_matrix_free. */
FV_NODISCARD fv_status core_runner_make_groups(fv_ctx *ctx, core_runner *r);

/* The groups of r->rows by the groupers given: those of the variant, or variants of them. */
FV_NODISCARD fv_status core_runner_infer_groups(
	fv_ctx *ctx, const core_runner *r, const core_grouper_spec *grouper, core_groups *out);

/* Labels, classes, groups and stems of a split; row i of the result is row order[i] of the split. */
FV_NODISCARD fv_status core_runner_make_rows(
	fv_ctx *ctx, const core_runner *r, int split, const int32_t *order, fv_rows *out);

/* Rows of a split, in the order of core_runner_make_rows, with their features; those of CORE_DEV stand in
 * file order. */
core_train_data core_runner_make_data(const core_runner *r, int split, fv_rows rows);

/* What the run will train, without training; needs the encodings of the groupers only. `groups` false:
 * without inferring any, for an objective whose stages can be told without. */
FV_NODISCARD fv_status core_runner_preview(
	fv_ctx *ctx, core_runner *r, bool groups, core_train_preview *out);

#endif
