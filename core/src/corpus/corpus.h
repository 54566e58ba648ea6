/* SPDX-License-Identifier: Apache-2.0 */
/* A corpus in memory: what the label files of one fold and the attribute table contain, checked.
 *
 * Utterances are sorted by the bytes of their stems, so that the order of rows in a file changes
 * nothing; file_order keeps the original order. n utterances, C classes. Everything lives as
 * long as the context.
 *
 * Beside train, dev and test a corpus may have further test sets (Test2): their rows have the
 * splits CORE_SPLITS, CORE_SPLITS + 1, ... */
#ifndef CORE_CORPUS_CORPUS_H
#define CORE_CORPUS_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"
#include "config/spec.h"
#include "corpus/label_table.h"

typedef enum core_split { CORE_TRAIN, CORE_DEV, CORE_TEST, CORE_SPLITS } core_split;

/* A property of speakers or utterances with named values. */
typedef struct core_attribute {
	const char *name;
	int32_t n_values;
	const char **value; /* [n_values] those that occur, sorted by bytes, bins by lower bound */
	bool *counted; /* [n_values] false: not in the metrics of this attribute, otherwise used */
	int32_t *id;   /* [n] index into value; -1 unknown */
} core_attribute;

/* Rows of the label files that are left out, by reason. */
typedef struct core_left_out {
	const char *why; /* "without a class" */
	int32_t n;
} core_left_out;

typedef struct core_corpus {
	const char *labels; /* path of the label file, the first of several */
	core_files files;   /* all files that the rows and labels come from */
	int32_t n, classes, n_speakers, n_attributes;
	int32_t n_rows; /* of the label files, those left out included */
	int32_t n_left_out;
	core_left_out *left_out;   /* [n_left_out] in the order in which they were found */
	bool needs_audio;          /* which rows are used depends on the recordings, too */
	const char **class_name;   /* [C] in column order, or sorted by bytes */
	const char **stem, **file; /* [n] */
	/* [n] the segment of the recording that the row is, in seconds; an end of INFINITY is that
	 * of the recording. NULL: whole recordings. */
	double *start, *end;
	const char **source;       /* [n] label file of the utterance */
	int32_t *line;             /* [n] in its label file, from 1 */
	int32_t *file_order;       /* [n] row, all label files counted through, from 0 */
	float *label;              /* [n,C] as in the file */
	int32_t *klass;            /* [n] argmax, the first on ties */
	int32_t *strict;           /* [n] the class with label > 0.5, or -1 */
	int32_t *split;            /* [n] a core_split, or CORE_SPLITS + index of set_name */
	int32_t n_sets;            /* further test sets */
	const char **set_name;     /* [n_sets] sorted by bytes */
	int32_t *speaker;          /* [n] index into speaker_name */
	const char **speaker_name; /* [n_speakers] sorted by bytes */
	core_attribute *attribute; /* [n_attributes] gender first, then in config order */
	/* [n_attributes][n_values] the values as numbers; NULL: not all are numbers, or they are
	 * bins */
	double **number;
} core_corpus;

/* The name of a segment: that of its recording with its bounds in seconds, "a@1.25-3.5", or
 * "a@1.25-" up to the end. Whole recordings (0, INFINITY) keep their name. */
char *core_segment_name(fv_ctx *ctx, const char *recording, double start, double end);

/* Reads the label files of a fold. Says how many rows are left out, and why. Errors: FV_DATA with FILE:line for every bad row, speaker or
 * stem; FV_CONFIG for columns, values or excluded stems that do not exist. */
FV_NODISCARD fv_status core_corpus_read(
	fv_ctx *ctx, const core_corpus_spec *spec, int64_t fold, core_corpus **out);

/* The SHA-256 of what decides the rows and labels of a corpus: the content of its files and, where
 * recordings decide which rows are used, the names of those rows. */
FV_NODISCARD fv_status core_corpus_sha256(
	fv_ctx *ctx, const core_corpus *corpus, char hex[CORE_SHA256_HEX]);

/* Sets the folds of specs whose folds a column tells (fold_by) and that name none. Errors: as
 * core_corpus_read. */
FV_NODISCARD fv_status core_corpus_list_folds(fv_ctx *ctx, core_corpus_spec *spec);

/* NULL when there is none of that name. */
const core_attribute *core_corpus_attribute(const core_corpus *corpus, const char *name);
/* Refuses a name that is no attribute. `at` is where the configuration gives it, `key` what messages
 * call that. Errors: FV_CONFIG, with the nearest attribute. */
FV_NODISCARD fv_status core_corpus_check_attribute(
	fv_ctx *ctx, const core_corpus *corpus, core_key_ref at, const char *key, const char *name);
/* ", did you mean 'NAME'?", or "" when no attribute is near. */
const char *core_corpus_suggest_attribute(fv_ctx *ctx, const core_corpus *corpus, const char *name);
int32_t core_attribute_value(
	const core_attribute *attribute, const char *name); /* index of the value; -1: none */
const char *core_split_name(core_split split);              /* "train", "dev", "test" */
/* The same for the splits of a corpus, further test sets included. */
const char *core_corpus_split_name(const core_corpus *corpus, int32_t split);

/* Sets klass [n] to the argmax of each row of label [n,C], the first on ties. */
void core_label_class(const float *label, int32_t n, int32_t classes, int32_t *klass);

/* Sets the class of each row, `klass` and `strict`, from the labels. */
void core_corpus_set_classes(core_corpus *corpus);

/* Returns the number of the class of this name; -1: there is none. */
int32_t core_corpus_find_class(const core_corpus *corpus, const char *name);

/* Gives the classes the order of name [classes]. *moved: it was another. A corpus with other classes stays
 * as it is. */
FV_NODISCARD fv_status core_corpus_order_classes(
	fv_ctx *ctx, core_corpus *corpus, const char *const *name, int32_t classes, bool *moved);

/* Train, dev, test and at most 13 further test sets. */
#define CORE_SPLITS_MAX 16

/* The rows of a run: positions in the corpus, ascending, for each split. Arrays of splits hold the
 * further test sets from CORE_SPLITS on. */
typedef struct core_rows {
	int32_t n_sets; /* further test sets */
	int32_t n[CORE_SPLITS_MAX];
	int32_t *row[CORE_SPLITS_MAX];
} core_rows;

static inline int core_rows_splits(const core_rows *rows)
{
	return CORE_SPLITS + rows->n_sets;
}

/* Selects the rows of each split after the simulated bias; all rows when it is off. `seed` is
 * that of the run, used unless the bias has its own. Warns when a class has no positive training
 * row (label > 1/C). Errors: FV_CONFIG for names that the corpus does not have, FV_DATA for an
 * empty split. */
FV_NODISCARD fv_status core_bias_rows(fv_ctx *ctx, const core_corpus *corpus,
	const core_bias_spec *bias, uint64_t seed, int64_t fold, core_rows *out);

#endif
