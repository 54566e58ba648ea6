/* SPDX-License-Identifier: Apache-2.0 */
/* Computes one run: from loaded features to a finished folder. */
#ifndef CORE_RUN_RUNNER_H
#define CORE_RUN_RUNNER_H

#include "eval/metrics.h"
#include "run/folder.h"
#include "run/grouping.h"
#include "train/trainer.h"

/* The data of a run, shared by its steps. Memory of the context of the run. */
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
	core_text log;            /* lines of the file `log` */
	bool transductive;
	core_run_checkpoint *checkpoint; /* NULL: the run is not saved before its end */
} core_runner;

typedef struct core_run_options {
	bool force; /* compute it again, from the start, even if it is done */
	double save_every_s;
} core_run_options;

typedef enum core_run_outcome {
	CORE_RUN_COMPUTED,
	CORE_RUN_SKIPPED,   /* another process is computing or has finished it */
	CORE_RUN_REFRESHED, /* it was done; its metadata are new, its metrics are not */
	CORE_RUN_JUDGED,    /* it was done; its metrics are new */
} core_run_outcome;

/* Claims the run's folder, continues from the checkpoint of an interrupted run if the fingerprint
 * is the same, computes and writes all files, and marks the run done. A run that is done is
 * refreshed (refresh.h). Errors: FV_STOPPED if the pool was told to stop. */
FV_NODISCARD fv_status core_runner_run(fv_ctx *ctx, const core_study *study, const core_run *run,
	const core_run_options *options, core_run_outcome *outcome);

/* Makes the rows and groups of a run without training, for `groups` and `explain`. The encodings of
 * the run must be loaded. Free input with core_matrix_free. */
FV_NODISCARD fv_status core_runner_make_groups(fv_ctx *ctx, core_runner *r);

/* Infers the groups of r->rows with the given groupers: those of the variant, or copies with other
 * seeds. */
FV_NODISCARD fv_status core_runner_infer_groups(
	fv_ctx *ctx, const core_runner *r, const core_grouper_spec *grouper, core_groups *out);

/* Makes labels, classes, groups and stems of a split; row i of the result is row order[i] of the
 * split. */
FV_NODISCARD fv_status core_runner_make_rows(
	fv_ctx *ctx, const core_runner *r, int split, const int32_t *order, fv_rows *out);

/* Adds the features to the rows of a split, which are in the order of core_runner_make_rows; those
 * of CORE_DEV are in file order. */
core_train_data core_runner_make_data(const core_runner *r, int split, fv_rows rows);

/* Previews the training; only the encodings of the groupers must be loaded. With `groups` false, no
 * groups are inferred: for objectives whose stages do not depend on them. */
FV_NODISCARD fv_status core_runner_preview(
	fv_ctx *ctx, core_runner *r, bool groups, core_train_preview *out);

#endif
