/* SPDX-License-Identifier: Apache-2.0 */
/* The corpora of a study. Every fold that a variant names is read once, and its recordings are found and
 * hashed once. */
#ifndef CORE_RUN_SETS_H
#define CORE_RUN_SETS_H

#include "run/study_types.h"

/* Finds the fold of a corpus in study->fold, and reads it now if it is new. study->fold and study->set have
 * room for all folds of all variants. */
FV_NODISCARD fv_status core_set_add_fold(
	fv_ctx *ctx, core_study *study, const core_corpus_spec *spec, int64_t fold, int32_t *index);

/* Makes the union of the recordings of all folds, and each fold's rows in it. Call it once all folds are in. */
FV_NODISCARD fv_status core_sets_join(fv_ctx *ctx, core_study *study);

/* Finds the recordings of a set below its audio folder and hashes them. Every missing one is named. */
FV_NODISCARD fv_status core_set_find_audio(fv_ctx *ctx, core_study *study, core_set *set);

#endif
