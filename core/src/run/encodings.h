/* SPDX-License-Identifier: Apache-2.0 */
/* The encodings of a study: which its runs need, their encoders, and loading their features. With
 * study->keep_going what fails is the failure of an encoding; its runs get it by core_study_pass_on_failures. */
#ifndef CORE_RUN_ENCODINGS_H
#define CORE_RUN_ENCODINGS_H

#include "run/study_types.h"

/* Sets run->encoding and run->group_encoding, and opens encoders that the study does not have yet.
 * study->encoding must have room. */
FV_NODISCARD fv_status core_encodings_add_run(fv_ctx *ctx, core_study *study, core_run *run);

/* Finds the recordings that encoders read, and the moments for normalize: corpus, in `jobs` processes.
 * keep_waves: keep what is decoded for core_encoding_load. */
FV_NODISCARD fv_status core_encodings_prepare(
	fv_ctx *ctx, core_study *study, int jobs, bool keep_waves);

/* Loads the features of an encoding unless they are. */
FV_NODISCARD fv_status core_encoding_load(
	fv_ctx *ctx, core_study *study, int32_t index, const core_encode_job *job);

void core_encodings_close_waves(core_study *study);
void core_encodings_close(core_study *study);

#endif
