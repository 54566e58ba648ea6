/* SPDX-License-Identifier: Apache-2.0 */
/* The data of a run: its rows, features and groups, and what training makes of them. The steps of a run
 * (runner.h) fill it one after another; its files (output.h) are written from it. */
#ifndef CORE_RUN_RUN_DATA_H
#define CORE_RUN_RUN_DATA_H

#include "base/text.h"
#include "run/data.h"
#include "run/grouping.h"
#include "run/shared_matrix.h"
#include "run/study_types.h"
#include "train/trainer.h"

/* The data of a run, shared by its steps. Memory of the context of the run. */
typedef struct core_run_data {
	const core_study *study;
	const core_run *run;
	const core_variant *variant;
	const core_corpus *corpus;
	core_rows rows;    /* each split in the order of stems */
	core_matrix input; /* features, standardised; of shared_input */
	core_shared_matrix *shared_input;
	core_matrices *matrices;              /* that the input is shared among; NULL: it is not */
	struct core_training_device *trainer; /* where it trains; NULL: on the CPU */
	core_groups groups;
	fv_rows train, dev; /* what the objective sees; dev in file order */
	int32_t *dev_order; /* [n dev] dev.n's row i is row dev_order[i] of rows */
	int32_t *dev_index; /* [n dev] of dev's rows in input.x; set when the run trains */
	core_head_shape shape;
	core_train_result result;
	float *prob
		[CORE_SPLITS_MAX]; /* [n, C] of development and test rows; NULL: of training rows */
	core_text history;         /* metrics.jsonl */
	core_text log;             /* lines of the file `log` */
	bool transductive;
	core_run_checkpoint *checkpoint; /* NULL: the run is not saved before its end */
} core_run_data;

/* Makes the rows and groups of a run without training, for `groups` and `explain`. The encodings of
 * the run must be loaded. */
FV_NODISCARD fv_status core_run_data_make_groups(fv_ctx *ctx, core_run_data *r);

/* Infers the groups of r->rows with the given groupers: those of the variant, or copies with other
 * seeds. */
FV_NODISCARD fv_status core_run_data_infer_groups(
	fv_ctx *ctx, const core_run_data *r, const core_grouper_spec *grouper, core_groups *out);

/* Makes labels, classes, groups and stems of a split; row i of the result is row order[i] of the
 * split. */
FV_NODISCARD fv_status core_run_data_make_rows(
	fv_ctx *ctx, const core_run_data *r, int split, const int32_t *order, fv_rows *out);

/* Finds the rows of each split after exclusion and bias; sets variant and corpus. */
FV_NODISCARD fv_status core_run_data_find_rows(fv_ctx *ctx, core_run_data *r);

/* Returns the shape of a variant's head for features [layers,dims]. */
core_head_shape core_run_data_shape(
	const core_variant *variant, int32_t layers, int32_t dims, int32_t classes);

/* Scales the features of the rows; sets input and shape. Call core_matrix_unshare(r->shared_input) in the end. */
FV_NODISCARD fv_status core_run_data_make_input(fv_ctx *ctx, core_run_data *r);

/* Makes the rows that the objective sees; sets train, dev and dev_order. */
FV_NODISCARD fv_status core_run_data_make_training(fv_ctx *ctx, core_run_data *r);

/* Indexes the development rows of the features in the order of the trainer; sets dev_index. */
FV_NODISCARD fv_status core_run_data_order_dev_index(fv_ctx *ctx, core_run_data *r);

/* Adds the features to the rows of a split, which are in the order of core_run_data_make_rows; those
 * of CORE_DEV are in file order. */
core_train_data core_run_data_make_split(const core_run_data *r, int split, fv_rows rows);

#endif
