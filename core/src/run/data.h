/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of one run as matrices: which of the corpus's features they are, standardised by what the
 * training rows alone say. */
#ifndef CORE_RUN_DATA_H
#define CORE_RUN_DATA_H

#include "corpus/corpus.h"
#include "run/features.h"

/* How features become the model's input: x' = (x - mean) * scale, per layer and dimension. */
typedef struct core_scaling {
	fv_standardize kind;
	int32_t layers, dims;
	float *mean, *scale; /* [L,D]; for FV_STANDARDIZE_NONE 0 and 1; NULL with SPEAKER */
} core_scaling;

typedef struct core_matrix {
	int32_t n[CORE_SPLITS];
	/* Row i of a split, in the order of core_rows, has its [L,D] at x + index[i] L D (index NULL: i),
	 * still to be scaled by mean and scale [L,D] where these are not NULL. */
	const float *x[CORE_SPLITS];
	const int32_t *index[CORE_SPLITS];
	const float *mean[CORE_SPLITS], *scale[CORE_SPLITS];
	core_scaling scaling;
	float *memory; /* of the copies; NULL: x are the features themselves */
} core_matrix;

/* Copies the rows, so that those of a split stand side by side, scaled. `corpus_row` gives each
 * utterance's row in the features, which may hold more. x is freed with core_matrix_free; the scaling
 * lives as long as the context. Means and standard deviations (population) run over the training rows
 * in order, in double; a dimension that does not vary there keeps its scale. FV_STANDARDIZE_SPEAKER
 * uses all recordings of each speaker, test speakers included: no label is seen, but the result is
 * transductive. */
FV_NODISCARD fv_status core_matrix_copy(fv_ctx *ctx, const core_features *features,
	const int64_t *corpus_row, const core_corpus *corpus, const core_rows *rows,
	fv_standardize kind, core_matrix *out);

/* Gives the same numbers to training, which follows index and scales what it reads. The features must
 * outlive the matrix. Only rows that are scaled and read in every epoch are copied: scaling training and
 * development rows at every use took 18% more processor time; test rows are read once. */
FV_NODISCARD fv_status core_matrix_make(fv_ctx *ctx, const core_features *features,
	const int64_t *corpus_row, const core_corpus *corpus, const core_rows *rows,
	fv_standardize kind, core_matrix *out);
void core_matrix_free(core_matrix *matrix);

#endif
