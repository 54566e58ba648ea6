/* SPDX-License-Identifier: Apache-2.0 */
/* What a variant is: a SHA-256 of all that its models and predictions depend on but fold and seed.
 * Counted are the resolved blocks with each file as the hash of its content, the plugins and what
 * they say of themselves. Not counted are `eval`, the folds and seeds asked for, names of files and
 * the label of the variant. Of files that {fold} names the one of the lowest fold there is counts;
 * `done` of a run holds those of its own. */
#ifndef CORE_RUN_IDENTITY_H
#define CORE_RUN_IDENTITY_H

#include "run/study_types.h"

/* Once corpora are read, recordings hashed and encoders open; `run` is any of the variant's runs. */
FV_NODISCARD fv_status core_identify_variant(
	fv_ctx *ctx, core_study *study, const core_run *run, core_identity *out);

/* SHA-256 of a file, read once a study. */
FV_NODISCARD fv_status core_content_sha256(
	fv_ctx *ctx, core_study *study, const char *path, const char **hex);

/* Does the run read recordings, under any of its encoders? */
bool core_run_reads_audio(const core_study *study, const core_run *run);

#endif
