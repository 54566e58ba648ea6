/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that read a corpus. corpus.c calls them in this order. */
#ifndef CORE_CORPUS_PRIVATE_H
#define CORE_CORPUS_PRIVATE_H

#include "corpus/corpus.h"
#include "corpus/label_table.h"

/* The votes of all raters, counted for each recording. */
typedef struct core_votes {
	const char *path;
	int32_t n_classes; /* all that occur, before corpus.map */
	const char **class_name;
	int32_t n;        /* recordings */
	const char **id;  /* [n] core_path_id of their names, sorted by bytes */
	int32_t *by_stem; /* [n] the recordings, sorted by stem */
	double *count;    /* [n, n_classes] */
} core_votes;

enum {
	CORE_DROPPED_CLASS = -1, /* corpus.map: {class: null} */
	CORE_UNKNOWN_CLASS = -2, /* not one of corpus.classes */
};

/* What the configuration makes of a column. */
typedef enum core_column_use {
	CORE_COLUMN_FREE,
	CORE_COLUMN_ATTRIBUTE, /* may have a usual role, too, if no free column has it */
	CORE_COLUMN_ROLE,      /* file, speaker, split, ...: has no other role */
} core_column_use;

/* The label files being read. A column that does not exist is -1. */
typedef struct core_label_file {
	const core_corpus_spec *spec;
	int64_t fold;
	core_label_table table;
	core_votes *votes;                              /* NULL: none */
	int64_t file, gender, split, label, start, end; /* columns */
	core_column_use *used;                          /* [csv.n_columns] */
	int64_t *speaker_key;                           /* [n_speaker_key] columns */
	int32_t n_speaker_key;
	const char ***clean; /* [csv.n_columns] see core_label_values; NULL: not cleaned yet */

	/* The classes that the files have, of which corpus.map makes those of the corpus. */
	int32_t n_sources;
	const char **source_class; /* [n_sources] sorted by bytes, unless they are columns */
	int64_t *class_column;     /* [n_sources]; NULL: no class columns */
	int32_t *target;           /* [n_sources] index of the class, or one of those above */
	bool classes_found;        /* the class columns were not given but found */
	bool counts;               /* the class columns count raters */
	bool told_subset;          /* that corpus.classes leaves columns of classes out */

	/* all rows: [csv.n_rows] */
	const char **name;    /* file name as the label file or template has it */
	const char **id;      /* core_path_id of it */
	const char **stem;    /* the shortest end of the id that tells recordings apart */
	double *start_s;      /* segment in seconds; NULL: whole recordings */
	double *end_s;        /* INFINITY: up to the end */
	const char **speaker; /* joined key */
	bool *excluded;       /* by corpus.exclude */
	const char **dropped; /* why the row is left out; NULL: it stays */
	float *y;             /* [csv.n_rows, C] labels of the rows that stay */
	int32_t *part;        /* split */

	bool needs_audio;     /* corpus.where has read recordings */
	double *votes_of_row; /* [C] of the row being read */

	int32_t *row;       /* rows sorted by stem; then those of the corpus */
	int32_t *utterance; /* [csv.n_rows] utterance of each row, in file order; -1: left out */
} core_label_file;

/* Whether a row is used so far. Excluded rows still take part in making folds. */
static inline bool core_row_stays(const core_label_file *f, int64_t row)
{
	return !f->dropped[row];
}

/* Reports an error in a row of the label files, with its file and line. */
#define CORE_ROW_FAIL(ctx, f, row, ...)                                                            \
	core_fail_at(                                                                              \
		ctx, FV_DATA, (f)->table.path[row], (int)(f)->table.csv.line[row], 0, __VA_ARGS__)

/* votes.c: reads the table of votes; without label files its recordings are the rows of
 * file->table. */
FV_NODISCARD fv_status core_votes_read(fv_ctx *ctx, core_label_file *file);
/* The place in votes->id of a recording, by its id, or by its stem if `stem` is no longer than that and
 * no other recording with votes has it; -1: it has none. */
int32_t core_votes_find(const core_votes *votes, const char *id, const char *stem);
/* Counts the recordings with votes that are no rows. Errors: FV_DATA if all are. */
FV_NODISCARD fv_status core_votes_check(fv_ctx *ctx, const core_label_file *file);

/* columns.c: finds all columns but those of classes. */
FV_NODISCARD fv_status core_columns_find(fv_ctx *ctx, core_label_file *file);
/* Finds the column `given`, or the one of the usual names (ended by NULL) that has no other role;
 * *out = -1 when there is none. Errors: FV_CONFIG when `given` does not exist, FV_DATA when several
 * usual names do. */
FV_NODISCARD fv_status core_column_find(fv_ctx *ctx, const core_label_file *file, const char *key,
	const char *given, const char *const *usual, int64_t *out);
/* The same in any table; used [n_columns], NULL: all columns are free. */
FV_NODISCARD fv_status core_table_column_find(fv_ctx *ctx, const core_corpus_spec *spec,
	const core_csv *csv, const core_column_use *used, const char *key, const char *given,
	const char *const *usual, int64_t *out);
extern const char *const core_usual_files[], *const core_usual_speakers[];
extern const char *const core_usual_labels[];
/* The values of a column [csv.n_rows]: NULL where they are missing, with one spelling a value. */
FV_NODISCARD fv_status core_label_values(
	fv_ctx *ctx, core_label_file *file, int64_t column, const char *const **out);
/* The same of several columns, joined with "+"; NULL where one is missing. */
FV_NODISCARD fv_status core_label_joined(fv_ctx *ctx, core_label_file *file, const int64_t *column,
	int32_t n_columns, const char *const **out);
/* The same by header names. Errors: FV_CONFIG, with `key`, for a column that does not exist. */
FV_NODISCARD fv_status core_label_named(fv_ctx *ctx, core_label_file *file,
	const core_strings *columns, const char *key, const char *const **out);

/* recording_names.c: sets name, id, stem, segment and speaker of every row, and sorts the rows. */
FV_NODISCARD fv_status core_rows_name(fv_ctx *ctx, core_label_file *file);
FV_NODISCARD fv_status core_speakers_name(fv_ctx *ctx, core_label_file *file);
FV_NODISCARD fv_status core_rows_exclude(fv_ctx *ctx, core_label_file *file);

/* class_map.c: applies corpus.map to the n_sources classes, and sets those of the corpus. */
FV_NODISCARD fv_status core_classes_map(fv_ctx *ctx, core_label_file *file, core_corpus *corpus);

/* labels.c: finds the classes; reads the labels of all rows, and drops those without one. */
FV_NODISCARD fv_status core_labels_find(fv_ctx *ctx, core_label_file *file, core_corpus *corpus);
FV_NODISCARD fv_status core_labels_read(
	fv_ctx *ctx, core_label_file *file, const core_corpus *corpus);

/* labels.c: whether nothing else is known of a column than that it may be that of a class. */
bool core_may_be_class(const core_label_file *file, int64_t column);

/* soft_labels.c: class columns and votes. core_counts_detect tells shares of raters from counts. */
FV_NODISCARD fv_status core_counts_detect(
	fv_ctx *ctx, core_label_file *file, const core_corpus *corpus);
/* Set y [C] of one row, or drop the row. */
FV_NODISCARD fv_status core_shares_read(
	fv_ctx *ctx, core_label_file *file, const core_corpus *corpus, int64_t row, float *y);
void core_row_votes_read(core_label_file *file, const core_corpus *corpus, int64_t row, float *y);
/* The smoothing of labels that are not shares already. */
double core_label_smoothing(const core_corpus_spec *spec);

/* filter.c: drops the rows that corpus.where does not want. */
FV_NODISCARD fv_status core_rows_filter(fv_ctx *ctx, core_label_file *file);
/* The values [csv.n_rows] of what the configuration calls `name`: an attribute, `speaker`, a role
 * (gender, split, emotion), a header. NULL: missing. Errors: FV_CONFIG for a name that does not exist,
 * with `key` of the block, which names it. */
FV_NODISCARD fv_status core_row_values(fv_ctx *ctx, core_label_file *file, const char *key,
	const char *name, const char *const **out);

/* splits.c: sets the split of every row and the names of further test sets. */
FV_NODISCARD fv_status core_splits_read(fv_ctx *ctx, core_label_file *file, core_corpus *corpus);

/* folds.c: sets the split of every row, from the label files, from seeded folds or from the values
 * of a column. */
FV_NODISCARD fv_status core_folds_assign(fv_ctx *ctx, core_label_file *file, core_corpus *corpus);
/* fold_column.c: the distinct values of corpus.fold_by, numbers as numbers, else by bytes; id
 * [csv.n_rows] is the value of each row. Errors: FV_DATA for rows without one. */
FV_NODISCARD fv_status core_fold_values(
	fv_ctx *ctx, core_label_file *file, int32_t *id, const char ***value, int32_t *n);
/* dev_share.c: moves corpus.dev.share of the training rows to dev, whole speakers. */
FV_NODISCARD fv_status core_dev_take(fv_ctx *ctx, core_label_file *file);

/* attributes.c */
FV_NODISCARD fv_status core_attributes_read(
	fv_ctx *ctx, core_label_file *file, core_corpus *corpus);

/* attribute_table.c: opens corpus.attributes.file; row [corpus n] is the table row of each
 * utterance's speaker, -1: it has none. */
FV_NODISCARD fv_status core_attribute_table_open(fv_ctx *ctx, const core_corpus_spec *spec,
	const core_corpus *corpus, core_csv *table, int32_t *row);
/* Finds the column of an attribute. Errors: FV_CONFIG. */
FV_NODISCARD fv_status core_attribute_column_find(fv_ctx *ctx, const core_corpus_spec *spec,
	const core_csv *csv, const core_column *want, int64_t *column);
/* The values [csv rows] of a column; NULL where they are missing, or where `raw` is set only where
 * the cell is empty. */
FV_NODISCARD fv_status core_table_values(fv_ctx *ctx, const core_corpus_spec *spec,
	const core_csv *csv, int64_t column, bool raw, const char *const **out);
/* The values [rows of the label files] of an attribute of the table. */
FV_NODISCARD fv_status core_speaker_values(
	fv_ctx *ctx, core_label_file *file, const core_column *want, const char *const **out);

/* Refuses a file that corpus.KEY names and that does not exist. Errors: FV_DATA. */
FV_NODISCARD fv_status core_corpus_check_file(
	fv_ctx *ctx, const core_corpus_spec *spec, const char *key, const char *path);

/* Finds the distinct names among n names (NULL: none), sorted by bytes, and sets id to the index
 * of each name in them (-1 for NULL). */
FV_NODISCARD fv_status core_names_index(fv_ctx *ctx, const char *const *name, int64_t n,
	int32_t *id, const char ***distinct, int32_t *n_distinct);
/* The index of a name among names sorted by bytes; -1: it is not there. */
int32_t core_names_find(const char *const *names, int32_t n, const char *name);

#endif
