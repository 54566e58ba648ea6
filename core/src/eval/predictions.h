/* SPDX-License-Identifier: Apache-2.0 */
/* PRED.csv: the predictions of any system.
 *
 * Columns: FileName; prob_<class>; label_<class> for the same classes; attribute columns; SpkrID;
 * group (inferred; empty: unknown); split, if the file has rows of several. The reader accepts any
 * order; the writer uses this one, with numbers as %.9g, which round-trips every float32 exactly.
 * The reader takes every table of base/csv.h, refuses numbers that are no probabilities and rounds
 * labels (base/positive.h). Everything lives as long as the context. */
#ifndef CORE_EVAL_PREDICTIONS_H
#define CORE_EVAL_PREDICTIONS_H

#include "base/text.h"
#include "eval/metric.h"

typedef struct core_text_column {
	const char *name;
	const char **value; /* [n]; "": unknown */
} core_text_column;

typedef struct core_predictions {
	const char *path; /* for messages; NULL when not from a file */
	int64_t n;
	int32_t C;
	const char **classes; /* [C] */
	const char **file;    /* [n] as written in the file */
	const char **stem;   /* [n] unique name: without folder and extension, or the whole id where
			      that repeats; not needed for writing */
	float *prob, *label; /* [n, C] */
	/* Not in the file: thresholds of prob [n, C], NULL: that of the labels; does the argmax reading
	 * leave out rows without a majority? */
	float *cut;
	bool majority_only;
	int32_t n_attributes; /* every column not listed here */
	core_text_column *attribute;
	core_text_column speaker; /* value NULL: no such column */
	core_text_column group;   /* value NULL: no such column */
	core_text_column
		split; /* for writing: train, dev, test or a name; value NULL: no such column */
	const int64_t *line; /* [n] line in the file; NULL when not from a file */
} core_predictions;

/* Reads the test rows if the file has a column `split`, else all rows. speaker_column NULL: SpkrID.
 * Reports all errors: FV_DATA with FILE:LINE for a missing or repeated column, an invalid number, or
 * two rows with the same recording; FV_CONFIG, with the nearest name, if speaker_column is given but
 * missing. */
FV_NODISCARD fv_status core_predictions_read(
	fv_ctx *ctx, const char *path, const char *speaker_column, core_predictions *out);

/* Reads the rows of the named split; NULL: as above. Errors: FV_CONFIG if the file does not have it. */
FV_NODISCARD fv_status core_predictions_read_split(fv_ctx *ctx, const char *path,
	const char *speaker_column, const char *split, core_predictions *out);

FV_NODISCARD fv_status core_predictions_write(
	fv_ctx *ctx, const char *path, const core_predictions *p);
void core_predictions_text(const core_predictions *p, core_text *out);

/* Finds an attribute, the speaker or the inferred group by its column name; NULL: none. */
const core_text_column *core_predictions_column(const core_predictions *p, const char *name);
/* The same, but an unknown name is FV_CONFIG with the nearest column. */
FV_NODISCARD fv_status core_predictions_need(fv_ctx *ctx, const core_predictions *p,
	const char *option, const char *name, const core_text_column **out);

/* Cleans a column as core_clean_column does (base/missing.h), with "" for missing values. For tables
 * that people wrote: ours are clean. */
FV_NODISCARD fv_status core_predictions_clean(
	fv_ctx *ctx, const core_predictions *p, const core_text_column *column);

/* Puts the rows and classes of `other` into the order of `base`, so that row i is the same recording
 * in both. Thresholds (cut) are not carried over. Errors: FV_DATA for classes that differ, recordings that only one has, and labels, speakers
 * or shared attribute values that differ. */
FV_NODISCARD fv_status core_predictions_align(fv_ctx *ctx, const core_predictions *base,
	const core_predictions *other, core_predictions *out);

/* Concatenates the rows of `parts` (the folds of a variant). block[i] is the block_name of the part
 * that row i came from. All parts must have the same classes and attributes in the same order, and
 * no recording may be in two. Errors: FV_DATA. */
FV_NODISCARD fv_status core_predictions_concat(fv_ctx *ctx, int32_t n_parts,
	const core_predictions *parts, const int64_t *block_name, core_predictions *out,
	int64_t **block);

/* Sets the threshold of every row's probabilities by class, from [C] -> p->cut. */
FV_NODISCARD fv_status core_predictions_set_cut(
	fv_ctx *ctx, core_predictions *p, const float *by_class);

static inline core_eval_set core_predictions_set(const core_predictions *p)
{
	core_eval_set set = {.n = p->n,
		.C = p->C,
		.prob = p->prob,
		.label = p->label,
		.cut = p->cut,
		.majority_only = p->majority_only};
	return set;
}

#endif
