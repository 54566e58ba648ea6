/* SPDX-License-Identifier: Apache-2.0 */
/* The corpora of a study. Each fold is read once, and its recordings are found and hashed once. */
#ifndef CORE_RUN_SETS_H
#define CORE_RUN_SETS_H

#include "run/study_types.h"

/* Finds the fold of a corpus in study->fold, or reads and adds it. study->fold, bad_fold and set must
 * have room for all folds of all variants. With study->keep_going, *failure tells why it cannot be read (NULL:
 * it can, and *index is set). */
FV_NODISCARD fv_status core_set_add_fold(fv_ctx *ctx, core_study *study,
	const core_corpus_spec *spec, int64_t fold, int32_t *index, const core_reason **failure);

/* Makes the union of the recordings of all folds, and the rows of each fold in it. Call it once all
 * folds are added. */
FV_NODISCARD fv_status core_sets_join(fv_ctx *ctx, core_study *study);

/* Finds the recordings of a set below its audio folder and hashes them. Every missing one is
 * reported. */
FV_NODISCARD fv_status core_set_find_audio(fv_ctx *ctx, core_study *study, core_set *set);

#endif
