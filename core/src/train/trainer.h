/* SPDX-License-Identifier: Apache-2.0 */
/* One run: trains the head on the training rows with a loss plugin and keeps the best epoch's
 * model.
 *
 * An epoch visits the rows of the subsample in batches (the last one may be short). A step: logits, base
 * losses, the plugin's v, gradient sum_i v_i dl_i, one joint norm, clipping, Adam. An objective
 * with networks of its own puts its step in place of v and the gradient; the rest is the same, and
 * "base loss" is that of the value it predicts with. After each epoch
 *
 *     dev_loss       mean base loss over the development rows
 *     dev_objective  mean over development batches of 32 in file order of the plugin's value, the
 *                    short last batch at full weight
 *
 * and further values if the rule of train.select needs them (train/select.h). The model with the lowest
 * value of that rule is kept: only a strictly lower value wins, a value that is not finite never does, and a
 * run without any finite value has failed. The start model is no candidate; epochs count from 1.
 *
 * Everything random is keyed by file names (streams init and shuffle), and sums run in the order of
 * file names, so the order of rows in a label file changes nothing, dev_objective's batches apart.
 *
 * An objective with fv.stages/1 has such a training for each stage (stages.c); result and model are
 * the last one's.
 *
 * The files of train/ are layers, and each calls only those below it: trainer decides whether a run is
 * one pass or several, stages goes through the training stages of fv.stages/1, pass trains a model from
 * start to kept epoch, select and validation evaluate it, and objective, networks, batches,
 * run_checkpoint and predict do one thing each. The types that all of them share are in job.h.
 *
 * Arithmetic that leaves the numbers is an error that names the step and the tensor (FV_FAILED): a
 * run that overflows has a wrong setting, and a model of an earlier epoch would hide it. Features
 * that are not finite are an error that names the recording (FV_DATA). A development value that is
 * not finite although model and features are is no error; it does not win.
 *
 * A context serves one run: fv_array()s and streams belong to it.
 */
#ifndef CORE_TRAIN_TRAINER_H
#define CORE_TRAIN_TRAINER_H

#include "train/job.h"

/* With a checkpoint in the job, returns FV_STOPPED when told to stop. The checkpoint's file is never removed
 * here, not even after the end. */
FV_NODISCARD fv_status core_train_run(
	fv_ctx *ctx, const core_train_job *job, core_train_result *result);

/* Finds out what a run would train. Uses up the loss state; features are not read and may be NULL. */
FV_NODISCARD fv_status core_train_preview_run(
	fv_ctx *ctx, const core_train_job *job, core_train_preview *out);

#endif
