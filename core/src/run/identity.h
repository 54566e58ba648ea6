/* SPDX-License-Identifier: Apache-2.0 */
/* The identity of a variant: a SHA-256 of everything that its models and predictions depend on
 * except fold and seed. It covers the resolved configuration, with each file replaced by the hash
 * of its content, and the plugins with what they report about themselves. It does not cover `eval`,
 * the requested folds and seeds, file names, and the label of the variant. If a file name contains
 * {fold}, the file of the lowest existing fold counts; the fingerprint of a run covers the files of
 * its own fold. */
#ifndef CORE_RUN_IDENTITY_H
#define CORE_RUN_IDENTITY_H

#include "run/study_types.h"

/* Call it once corpora are read, recordings hashed and encoders open. `run` is any run of the
 * variant. */
FV_NODISCARD fv_status core_identify_variant(
	fv_ctx *ctx, core_study *study, const core_run *run, core_identity *out);

/* Returns the SHA-256 of a file, which is read once per study. `place`: where the configuration names it. */
FV_NODISCARD fv_status core_content_sha256(
	fv_ctx *ctx, core_study *study, core_place place, const char *path, const char **hex);

/* Returns true if the run reads recordings with any of its encoders. */
bool core_run_reads_audio(const core_study *study, const core_run *run);

#endif
