/* SPDX-License-Identifier: Apache-2.0 */
/* A study: the corpora of one configuration, the encodings that its variants need, and its runs
 * (variant x fold x seed). Variants with the same corpus or encoder share it. */
#ifndef CORE_RUN_STUDY_H
#define CORE_RUN_STUDY_H

#include "run/study_types.h"

typedef struct core_study_options {
	const char *results, *cache;
	bool force; /* no run counts as done */
	/* What fails is set apart, as long as a run remains (failures.h). */
	bool keep_going;
	int jobs; /* worker processes for decoding recordings; 0: 1 */
	/* Keep the waves of recordings that are decoded now, for core_study_load. */
	bool keep_waves;
	core_device_choice *device; /* where recordings are encoded; NULL: on the CPU */
} core_study_options;

/* Reads corpora, finds and hashes recordings, opens encoders, identifies the variants, and finds
 * which runs are done. Variants with the same content share a folder, and each of their runs exists
 * once. */
FV_NODISCARD fv_status core_study_open(
	fv_ctx *ctx, core_config *config, const core_study_options *options, core_study **out);
void core_study_close(core_study *study);

/* Loads the encodings of all runs that are not done and not set aside. With study->keep_going, runs whose encodings fail are
 * moved to study->failed. */
FV_NODISCARD fv_status core_study_load(fv_ctx *ctx, core_study *study, const core_encode_job *job);
/* Loads the encodings of one run. */
FV_NODISCARD fv_status core_study_load_run(
	fv_ctx *ctx, core_study *study, int64_t run, const core_encode_job *job);
/* Loads only the encodings of the groupers of one run. */
FV_NODISCARD fv_status core_study_load_groups(
	fv_ctx *ctx, core_study *study, int64_t run, const core_encode_job *job);

#endif
