/* SPDX-License-Identifier: Apache-2.0 */
/* Matrices that several runs of a process use, at the same time or one after the other. For one thread. */
#ifndef CORE_RUN_SHARED_MATRIX_H
#define CORE_RUN_SHARED_MATRIX_H

#include "run/data.h"

typedef struct core_shared_matrix core_shared_matrix;

/* Those that are in use, and the one that was used last; start with {0}. Features and corpora of the runs must live as
 * long. */
typedef struct core_matrices {
	core_shared_matrix *first;
} core_matrices;

/* As core_matrix_make, or with `indexed` core_matrix_index -> *matrix; runs that read the same rows get the same one. matrices NULL: this
 * run has one of its own.
 * Call core_matrix_unshare(*shared) after its last use. Errors: FV_FAILED (memory). */
FV_NODISCARD fv_status core_matrix_share(fv_ctx *ctx, core_matrices *matrices,
	const core_features *features, const int64_t *corpus_row, const core_corpus *corpus,
	const core_rows *rows, fv_standardize kind, bool indexed, core_matrix *matrix,
	core_shared_matrix **shared);
void core_matrix_unshare(core_shared_matrix *shared); /* NULL is allowed */
/* Frees the last one. No matrix may be in use. */
void core_matrices_free(core_matrices *matrices);

#endif
