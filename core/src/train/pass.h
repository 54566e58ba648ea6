/* SPDX-License-Identifier: Apache-2.0 */
/* One training of the model, from start weights to a kept epoch: an ordinary run is one pass, an
 * objective with fv.stages/1 has one for each training stage. A pass knows nothing of the others.
 * pass_open.c makes what it needs before the first step, pass.c trains, pass_checkpoint.c saves and
 * restores where it stands. */
#ifndef CORE_TRAIN_PASS_H
#define CORE_TRAIN_PASS_H

#include "train/job.h"
#include "train/objective.h"

/* What defines a pass beyond its job. In an ordinary run only `stage` and `objective` are set. */
typedef struct core_train_pass {
	int32_t stage;     /* from 1 */
	const char *place; /* in messages, "stage 2 (NAME), "; NULL in an ordinary run */
	/* An objective that is open and stays so, on rows that differ from the job's in labels and
	 * groups only; NULL: job->loss is opened on the job's rows. */
	core_objective *objective;
	const int32_t *row; /* [n] of the objective's training rows; NULL: its subsample */
	int32_t n;
	const double *class_weight; /* [C]; NULL: from the job's training rows */
	const double *row_weight;   /* [rows of the job]; NULL: 1 */
	const core_plan *from;      /* the model that it continues; NULL: a fresh start */
	const float *from_params;
	int64_t shuffled; /* epochs of the passes that it continues */
	double anchor, output_l1;
	bool output_only, fresh_output, use_last;
	bool untrained; /* the model is that of `from`; it is validated and kept */
} core_train_pass;

/* Opens the objective of job->loss on the job's rows. Its setup holds the class weights, which are memory of
 * the context. Close it also after an error. */
FV_NODISCARD fv_status core_train_open_objective(
	fv_ctx *ctx, const core_train_job *job, const double *class_weight, core_objective *out);

FV_NODISCARD fv_status core_train_pass_run(fv_ctx *ctx, const core_train_job *job,
	const core_train_pass *pass, core_train_result *result);

#endif
