/* SPDX-License-Identifier: Apache-2.0 */
/* A study is one configuration at work: its corpora, the encodings its variants need, and its runs
 * (variant x fold x seed). Everything is shared: variants with the same corpus or encoder read it once. */
#ifndef CORE_RUN_STUDY_H
#define CORE_RUN_STUDY_H

#include "run/study_types.h"

typedef struct core_study_options {
	const char *results, *cache;
	bool force; /* nothing counts as done */
	int jobs;   /* worker processes for what recordings must be decoded for; 0: 1 */
	/* Recordings decoded now are to be encoded with core_study_load: their waves are kept. */
	bool keep_waves;
} core_study_options;

/* Reads corpora, finds and hashes recordings, opens encoders, says what each variant is, and finds which
 * runs are done. Variants that are the same by content have one folder, and each run of theirs is
 * there once. */
FV_NODISCARD fv_status core_study_open(
	fv_ctx *ctx, core_config *config, const core_study_options *options, core_study **out);
void core_study_close(core_study *study);

/* Loads the encodings that the runs not done need. */
FV_NODISCARD fv_status core_study_load(fv_ctx *ctx, core_study *study, const core_encode_job *job);
/* Loads the encodings of one run. */
FV_NODISCARD fv_status core_study_load_run(
	fv_ctx *ctx, core_study *study, int64_t run, const core_encode_job *job);
/* Only those that its groupers read. */
FV_NODISCARD fv_status core_study_load_groups(
	fv_ctx *ctx, core_study *study, int64_t run, const core_encode_job *job);

#endif
