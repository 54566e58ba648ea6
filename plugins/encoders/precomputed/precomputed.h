/* SPDX-License-Identifier: Apache-2.0 */
/* Features that another program wrote: declarations that the files of this plugin share. */
#ifndef PRECOMPUTED_H
#define PRECOMPUTED_H

#include <stdio.h>

#include <fairvox/csv.h>
#include <fairvox/fairvox.h>

typedef struct feature_row {
	const char *name;        /* as in the file, for messages */
	const char *id;          /* fv_path_id of it */
	const char *stem;        /* last part of id */
	const fv_tensor *tensor; /* NULL: of a CSV */
	int64_t row;             /* row in the table of a CSV */
	int64_t line;            /* 0: the file has no lines */
} feature_row;

typedef struct precomputed_state {
	const char *file, *names; /* parameters */
	fv_checkpoint *tensors;
	fv_tensor *view; /* [n] rows of a .npy array */
	float *table;    /* [rows, D] of a CSV */
	int64_t n, room, table_room;
	feature_row *row; /* [n] sorted by stem, then id */
	const char **columns;
	int32_t layers, dims;
	fv_output output;
	char identity[32]; /* of the list of names; empty: none */
} precomputed_state;

/* --- rows.c --- */

/* Adds a row; fills in id and stem. */
FV_NODISCARD fv_status precomputed_add_row(precomputed_state *s, fv_ctx *ctx, feature_row row);
/* Sorts the rows and reports recordings that are there twice. */
FV_NODISCARD fv_status precomputed_sort_rows(precomputed_state *s, fv_ctx *ctx);

/* Finds the row of a recording: of those whose path agrees with `id` in at least the last `parts`
 * parts the one that agrees in most. Returns NULL, with a message, if there is none or if several
 * agree equally well. */
const feature_row *precomputed_find_row(
	const precomputed_state *s, fv_ctx *ctx, const char *id, int32_t parts);

/* --- tensors.c: safetensors, .npz, .npy --- */

FV_NODISCARD fv_status precomputed_read_tensors(precomputed_state *s, fv_ctx *ctx);
/* Reads a row's numbers, which must be finite, into out [L,D]. */
FV_NODISCARD fv_status precomputed_copy_tensor(
	const precomputed_state *s, fv_ctx *ctx, const feature_row *row, float *out);
extern const fv_fits_1 precomputed_fits;

/* --- table.c: text with a row for each recording --- */

FV_NODISCARD fv_status precomputed_read_table(precomputed_state *s, fv_ctx *ctx, FILE *file);

/* --- names.c: the recordings of a .npy array --- */

/* Reads the n names of the rows into *out, from the file of the parameter or the one beside the
 * features. */
FV_NODISCARD fv_status precomputed_read_names(
	precomputed_state *s, fv_ctx *ctx, int64_t n, const char ***out);

#endif
