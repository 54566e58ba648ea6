/* SPDX-License-Identifier: Apache-2.0 */
/* Estimates how long a study takes on one worker of this machine, from a few real encodings and
 * training steps, and how many rows each run trains on. */
#ifndef CORE_RUN_ESTIMATE_H
#define CORE_RUN_ESTIMATE_H

#include "nn/head.h"
#include "run/study.h"
#include "train/trainer.h"

/* What encoding costs. On the CPU: seconds of a recording on one worker, the mean over the first, the middle and
 * the last one; 0: not known. On a device: seconds until it is open, and of each recording from then on. */
typedef struct core_encoding_cost {
	double cpu_s, open_s, device_s;
} core_encoding_cost;

/* Measures it; on a device with `jobs` workers. All are 0 for encoders that look recordings up by name. */
FV_NODISCARD fv_status core_estimate_encoding(fv_ctx *ctx, const core_study *study,
	const core_encoding *encoding, int jobs, core_encoding_cost *out);

/* Rows of the splits after the bias, and a preview of the training. preview.n is 0 if it depends on
 * features (groups that are inferred from them). */
typedef struct core_run_rows {
	int32_t train, dev, test;
	core_train_preview preview;
} core_run_rows;
FV_NODISCARD fv_status core_estimate_rows(
	fv_ctx *ctx, const core_study *study, const core_run *run, core_run_rows *out);

/* Seconds of a training step, and of a forward pass, of a batch. */
typedef struct core_step_cost {
	core_head_shape shape;
	int32_t batch;
	double step_s, forward_s;
} core_step_cost;

/* What was measured for runs. Start with {0}: it keeps what runs of one evaluation, or of one shape, share. */
#define CORE_STEP_COSTS 16 /* shapes that are kept */
typedef struct core_run_costs {
	core_step_cost step[CORE_STEP_COSTS];
	size_t n_steps;         /* measured so far */
	const char *evaluation; /* core_evaluation.json of evaluate_s */
	int32_t set;
	double evaluate_s;
} core_run_costs;

/* Seconds of a run on one worker: training steps, validation passes and metrics. Without a preview, all
 * training rows are taken to be used. */
FV_NODISCARD fv_status core_estimate_run(fv_ctx *ctx, const core_study *study, const core_run *run,
	const core_run_rows *rows, core_run_costs *costs, double *seconds);

#endif
