/* SPDX-License-Identifier: Apache-2.0 */
/* The features of one run's rows as matrices, standardised with statistics of the training rows
 * only. */
#ifndef CORE_RUN_DATA_H
#define CORE_RUN_DATA_H

#include "corpus/corpus.h"
#include "run/features.h"

/* The standardisation of the model's input: x' = (x - mean) * scale, per layer and dimension. */
typedef struct core_scaling {
	fv_standardize kind;
	int32_t layers, dims;
	float *mean, *scale; /* [L,D]; 0 and 1 with FV_STANDARDIZE_NONE, NULL with SPEAKER */
} core_scaling;

typedef struct core_matrix {
	int32_t n[CORE_SPLITS_MAX];
	/* Row i of a split, in the order of core_rows, begins at x + index[i] L D (index NULL: i).
	 * If mean and scale [L,D] are not NULL, the reader still has to apply them. */
	const float *x[CORE_SPLITS_MAX];
	const int32_t *index[CORE_SPLITS_MAX];
	const float *mean[CORE_SPLITS_MAX], *scale[CORE_SPLITS_MAX];
	core_scaling scaling;
	float *memory; /* of copied rows; NULL: x points to the features themselves */
} core_matrix;

/* Copies and scales the rows; those of a split are contiguous. corpus_row[u] is the row of
 * utterance u in the features, which may hold more rows. Free x with core_matrix_free; the scaling
 * lives as long as the context. Means and population standard deviations are summed over the
 * training rows in order, in double; a dimension that is constant there keeps scale 1.
 * FV_STANDARDIZE_SPEAKER uses all recordings of each speaker, including test speakers: no label is
 * used, but the result is transductive. */
FV_NODISCARD fv_status core_matrix_copy(fv_ctx *ctx, const core_features *features,
	const int64_t *corpus_row, const core_corpus *corpus, const core_rows *rows,
	fv_standardize kind, core_matrix *out);

/* Gives training the same numbers without copying all rows: it follows `index` and scales what it
 * reads. The features must outlive the matrix. Only rows that are scaled and read in every epoch
 * are copied, because scaling training and development rows at every use took 18% more processor
 * time; test rows are read once. */
FV_NODISCARD fv_status core_matrix_make(fv_ctx *ctx, const core_features *features,
	const int64_t *corpus_row, const core_corpus *corpus, const core_rows *rows,
	fv_standardize kind, core_matrix *out);
/* Copies nothing, for a reader that applies the scaling wherever it reads: a device. Not for FV_STANDARDIZE_SPEAKER; features have at most INT32_MAX
 * rows. */
FV_NODISCARD fv_status core_matrix_index(fv_ctx *ctx, const core_features *features,
	const int64_t *corpus_row, const core_rows *rows, fv_standardize kind, core_matrix *out);
void core_matrix_free(core_matrix *matrix);

#endif
