/* SPDX-License-Identifier: Apache-2.0 */
/* How long a study would take on one worker of this machine, from a few real encodings and training
 * steps; and how many rows each run would train on. */
#ifndef CORE_RUN_ESTIMATE_H
#define CORE_RUN_ESTIMATE_H

#include "run/study.h"
#include "train/trainer.h"

/* Seconds to encode one recording of the encoding: the mean over up to three of its recordings, the
 * first, the middle and the last. 0 for encoders that read by name. */
FV_NODISCARD fv_status core_estimate_recording(
	fv_ctx *ctx, const core_study *study, const core_encoding *encoding, double *seconds);

/* Seconds of one training step of the run's shape. */
FV_NODISCARD fv_status core_estimate_step(
	fv_ctx *ctx, const core_study *study, const core_run *run, double *seconds);

/* Rows of the splits after the bias, and what is trained on them; preview.n is 0 when that depends
 * on features (groups that are inferred from them). */
typedef struct core_run_rows {
	int32_t train, dev, test;
	core_train_preview preview;
} core_run_rows;
FV_NODISCARD fv_status core_estimate_rows(
	fv_ctx *ctx, const core_study *study, const core_run *run, core_run_rows *out);

#endif
