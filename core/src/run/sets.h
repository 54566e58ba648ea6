/* SPDX-License-Identifier: Apache-2.0 */
/* Corpora of a study: every fold that a cell names is read once, its recordings found and hashed
 * once. */
#ifndef CORE_RUN_SETS_H
#define CORE_RUN_SETS_H

#include "run/study_types.h"

/* Index of the fold of a corpus in study->fold, read now if it is new. study->fold and study->set
 * have room for all folds of all cells. */
FV_NODISCARD fv_status core_set_fold(
	fv_ctx *ctx, core_study *study, const core_corpus_spec *spec, int64_t fold, int32_t *index);

/* Once all folds are in: the union of their recordings, and each fold's rows in it. */
FV_NODISCARD fv_status core_sets_join(fv_ctx *ctx, core_study *study);

/* Finds the recordings of a set below its audio folder and hashes them. Every missing one is named. */
FV_NODISCARD fv_status core_set_find_audio(fv_ctx *ctx, core_study *study, core_set *set);

#endif
