/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows of predictions are the same recording. Names are compared as core_path_id writes them;
 * two names are one recording if they are equal or one is the end of the other ("a", "DC/a"). */
#ifndef CORE_EVAL_PREDICTIONS_MATCH_H
#define CORE_EVAL_PREDICTIONS_MATCH_H

#include "eval/predictions.h"

/* Sets stem[i] from file[i] so that the stems are unique: the name without folder and extension,
 * and the whole id where several rows have that name in different folders. Reports every repeated
 * recording. Errors: FV_DATA. */
FV_NODISCARD fv_status core_predictions_tell_apart(fv_ctx *ctx, core_predictions *p);

/* Sets match[i], [base->n], to the row of `other` with the recording of row i of `base`: rows of one
 * stem are told apart by as many folders, from the end, as that needs in both files. Reports every
 * row that only one of them has. Errors: FV_DATA. */
FV_NODISCARD fv_status core_predictions_match(
	fv_ctx *ctx, const core_predictions *base, const core_predictions *other, int64_t *match);

/* What messages call the predictions: their file, or "the predictions". */
const char *core_predictions_name(const core_predictions *p);
/* Reports an error in one row, with its line if the rows come from a file. Returns FV_DATA, or
 * FV_FAILED if text is NULL. */
fv_status core_predictions_fail(
	fv_ctx *ctx, const core_predictions *p, int64_t row, const char *text);

#endif
