/* SPDX-License-Identifier: Apache-2.0 */
/* PRED.csv: the predictions of any system.
 *
 * Columns: FileName; prob_<class>; label_<class> for the same classes; attribute columns; SpkrID;
 * group (inferred, empty = unknown); split, where it holds rows of several. Read in any order; written in this one, numbers as %.9g, which
 * gives every float32 back bit by bit. Everything lives as long as the context. */
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
	const char **file;    /* [n] as in the file */
	const char **stem; /* [n] name without folder and audio extension, unique; the writer needs
			      none */
	float *prob, *label;  /* [n, C] */
	int32_t n_attributes; /* every column but those named here */
	core_text_column *attribute;
	core_text_column speaker; /* value NULL: no such column */
	core_text_column group;   /* value NULL: no such column */
	core_text_column split;   /* for writing: train, dev, test or a name; value NULL: none */
	const int64_t *line;      /* [n] line in the file; NULL when not from a file */
} core_predictions;

/* Of a file with a column `split` the test rows. speaker_column NULL: SpkrID. Errors, all reported: FV_DATA with FILE:line for a missing or
 * doubled column, a number that is none, two rows with one stem; FV_CONFIG when speaker_column is
 * given and not there (the nearest name is suggested). */
FV_NODISCARD fv_status core_predictions_read(
	fv_ctx *ctx, const char *path, const char *speaker_column, core_predictions *out);

/* The rows of a split by its name; NULL: as above. Errors: FV_CONFIG for a file that does not have it. */
FV_NODISCARD fv_status core_predictions_read_split(fv_ctx *ctx, const char *path,
	const char *speaker_column, const char *split, core_predictions *out);

FV_NODISCARD fv_status core_predictions_write(
	fv_ctx *ctx, const char *path, const core_predictions *p);
void core_predictions_text(const core_predictions *p, core_text *out);

/* An attribute, the speaker or the inferred group by its column name; NULL: none. */
const core_text_column *core_predictions_column(const core_predictions *p, const char *name);
/* The same; an unknown name is FV_CONFIG with the nearest column. */
FV_NODISCARD fv_status core_predictions_need(fv_ctx *ctx, const core_predictions *p,
	const char *option, const char *name, const core_text_column **out);

/* FV_DATA for every recording that is there twice. */
FV_NODISCARD fv_status core_predictions_check_stems(fv_ctx *ctx, const core_predictions *p);

/* out = the rows of `other` in the order of `base`, classes in base's order: row i is the same
 * recording in both. Errors: FV_DATA for classes that differ, recordings that only one has, labels
 * or shared speaker and attribute cells that differ. */
FV_NODISCARD fv_status core_predictions_align(fv_ctx *ctx, const core_predictions *base,
	const core_predictions *other, core_predictions *out);

/* The rows of `parts` one after another (the folds of a cell); block[i] = block_name of the part
 * row i came from. All parts need the same classes and attributes in the same order; stems must
 * stay unique. Errors: FV_DATA. */
FV_NODISCARD fv_status core_predictions_concat(fv_ctx *ctx, int32_t n_parts,
	const core_predictions *parts, const int64_t *block_name, core_predictions *out,
	int64_t **block);

static inline core_eval_set core_predictions_set(const core_predictions *p)
{
	core_eval_set set = {.n = p->n, .C = p->C, .prob = p->prob, .label = p->label};
	return set;
}

#endif
