/* SPDX-License-Identifier: Apache-2.0 */
/* Training rows in batches. Their order depends on file names only. A batch points to the features of
 * its rows and copies them only to scale or mix them. */
#ifndef CORE_TRAIN_BATCHES_H
#define CORE_TRAIN_BATCHES_H

#include <fairvox/loss.h>

#include "base/context.h"

/* The rows of one split and their features: row i has its [L,D] at x + index[i] L D (index NULL: i),
 * each of which the model sees as (x - mean) * scale (mean NULL: as it is). */
typedef struct core_train_data {
	fv_rows rows;
	const float *x;
	const int32_t *index;
	const float *mean, *scale; /* [L,D] */
} core_train_data;

/* Returns where the features of a row are, counted in rows from x. */
static inline int32_t core_row_place(const core_train_data *data, int32_t row)
{
	return data->index ? data->index[row] : row;
}

/* Returns the model's input [width] for a row: the features themselves, or scaled into `scratch` [width]. */
const float *core_row_input(const core_train_data *data, int32_t row, size_t width, float *scratch);

/* Row numbers sorted by stem (bytes) -> order [n], memory of the context. */
FV_NODISCARD fv_status core_stem_order(fv_ctx *ctx, const fv_rows *rows, int32_t **order);

typedef struct core_batches {
	const core_train_data *data;
	size_t width;             /* L D */
	const int32_t *subsample; /* [n] rows of the subsample */
	int32_t n, size;          /* rows of the subsample; rows in a full batch */
	int32_t *position;        /* [n] this epoch's order */
	struct core_shuffle *shuffle;
	fv_batch batch; /* the current batch; its arrays are written by core_batches_gather */
	int32_t *row, *klass, *group, *partner;
	int32_t *copy; /* [size] how often a sample's row occurred earlier in the epoch */
	int32_t *uses; /* [rows] of the epoch so far */
	float *label, *member, *mixed, *scaled; /* scaled [size,width] */
	double *loss, *lambda;
	float *logits, *d_logits; /* [size,C] d_logits: room for their gradient */
	const float **x;          /* [size] features of the samples */
	int32_t *place;           /* [size] their rows in the features; NULL: x is wanted instead */
	const char **stem;        /* [size] */
} core_batches;

/* Buffers are memory of the context. `mixing` also reserves memory for mixed features. */
FV_NODISCARD fv_status core_batches_init(fv_ctx *ctx, core_batches *batches,
	const core_train_data *data, size_t width, const int32_t *subsample, int32_t n,
	int32_t size, bool mixing);

/* Sorts the positions of the subsample by draws from the stream ("shuffle", epoch, hash of the stem).
 * The second copy of a row uses the second draw, and so on. */
void core_batches_shuffle(fv_ctx *ctx, core_batches *batches, int64_t epoch);

/* Begins an epoch whose first `seen` samples have been visited. Reads position. */
void core_batches_start(core_batches *batches, int32_t seen);

/* Fills batch, its arrays and x with the samples first .. first+size of the epoch. */
void core_batches_gather(core_batches *batches, int32_t first);

/* Replaces x_i by lambda x_i + (1 - lambda) x_partner, and labels alike. Reads partner and lambda. */
void core_batches_mix(core_batches *batches);

#endif
