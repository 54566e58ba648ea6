/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that read a corpus. */
#ifndef CORE_CORPUS_PRIVATE_H
#define CORE_CORPUS_PRIVATE_H

#include "base/csv.h"
#include "corpus/corpus.h"

/* The label file being read. A column that does not exist is -1. */
typedef struct core_label_file {
	const core_corpus_spec *spec;
	int64_t fold;
	core_label_table table;
	int64_t file, gender, split, label; /* columns */
	int64_t *speaker_key;               /* [n_speaker_key] columns */
	int32_t n_speaker_key;
	int64_t *class_column; /* [C]; NULL: one label per row */
	bool classes_found;    /* the class list was not given but found */
	const char **stem;     /* [table.csv.n_rows] */
	const char **speaker;  /* [table.csv.n_rows] joined key */
	int32_t *part;         /* [table.csv.n_rows] split, or -1: left out */
	int32_t *row;          /* [corpus n] row of each utterance */
	int32_t *
		utterance; /* [table.csv.n_rows] utterance of each row, in file order; -1: excluded */
} core_label_file;

/* labels.c */
FV_NODISCARD fv_status core_labels_find_columns(
	fv_ctx *ctx, core_label_file *file, core_corpus *corpus);
FV_NODISCARD fv_status core_labels_read(
	fv_ctx *ctx, const core_label_file *file, core_corpus *corpus);

/* splits.c: sets the split of every row and the names of further test sets. */
FV_NODISCARD fv_status core_splits_read(fv_ctx *ctx, core_label_file *file, core_corpus *corpus);

/* folds.c: sets the split of every row, from the column or from seeded folds. */
FV_NODISCARD fv_status core_folds_assign(fv_ctx *ctx, core_label_file *file, core_corpus *corpus);

/* attributes.c */
FV_NODISCARD fv_status core_attributes_read(
	fv_ctx *ctx, const core_label_file *file, core_corpus *corpus);

/* Reports an error in a row of the label files, with its file and line. */
#define CORE_ROW_FAIL(ctx, f, row, ...)                                                            \
	core_fail_at(                                                                              \
		ctx, FV_DATA, (f)->table.path[row], (int)(f)->table.csv.line[row], 0, __VA_ARGS__)

/* Reports an error of the configuration; `place` precedes the message if it has a file. */
fv_status core_corpus_fail(fv_ctx *ctx, const core_place *place, const char *format, ...)
	FV_PRINTF(3, 4);

/* Finds the distinct names among n names (NULL: none), sorted by bytes, and sets id to the index
 * of each name in them (-1 for NULL). */
FV_NODISCARD fv_status core_names_index(fv_ctx *ctx, const char *const *name, int64_t n,
	int32_t *id, const char ***distinct, int32_t *n_distinct);

#endif
