/* SPDX-License-Identifier: Apache-2.0 */
/* Training rows as batches: an order that depends on file names only, and the rows of a batch side
 * by side. Features are never copied; a batch holds pointers to them, except where samples are
 * mixed. */
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

/* The model's input [width] of a row: scaled into `room` [width], or where it stands. */
const float *core_row_input(const core_train_data *data, int32_t row, size_t width, float *room);

/* Row numbers sorted by stem (bytes) -> order [n], memory of the context. */
FV_NODISCARD fv_status core_stem_order(fv_ctx *ctx, const fv_rows *rows, int32_t **order);

typedef struct core_batches {
	const core_train_data *data;
	size_t width;        /* L D */
	const int32_t *kept; /* [n] rows */
	int32_t n, size;     /* kept rows; rows in a full batch */
	int32_t *position;   /* [n] this epoch's order */
	struct core_shuffle *shuffle;
	fv_batch batch; /* the current batch; its arrays are written by core_batches_gather */
	int32_t *row, *klass, *group, *partner;
	float *label, *member, *mixed, *scaled; /* scaled [size,width] */
	double *loss, *lambda;
	float *logits;
	const float **x;   /* [size] features of the samples */
	const char **stem; /* [size] */
} core_batches;

/* Buffers are memory of the context. mixing: room for mixed features. */
FV_NODISCARD fv_status core_batches_init(fv_ctx *ctx, core_batches *batches,
	const core_train_data *data, size_t width, const int32_t *kept, int32_t n, int32_t size,
	bool mixing);

/* position = kept rows sorted by the draw of stream ("shuffle", epoch, hash of the stem); the
 * second copy of a row takes the second draw, and so on. */
void core_batches_shuffle(fv_ctx *ctx, core_batches *batches, int64_t epoch);

/* Fills batch, its arrays and x for samples first .. first+size of the epoch. */
void core_batches_gather(core_batches *batches, int32_t first);

/* x_i and labels become lambda x_i + (1 - lambda) x_partner; reads partner and lambda. */
void core_batches_mix(core_batches *batches);

#endif
