/* SPDX-License-Identifier: Apache-2.0 */
/* Logits of any rows by a trained model, and whether their features can be trained on at all. */
#ifndef CORE_TRAIN_PREDICT_H
#define CORE_TRAIN_PREDICT_H

#include "nn/plan.h"
#include "train/batches.h"

/* Errors: FV_DATA names every row whose features hold NaN or infinity. */
FV_NODISCARD fv_status core_check_features(
	fv_ctx *ctx, const core_train_data *data, const core_head_shape *shape);

/* Logits [data->rows.n, C] of any rows (only rows.n, rows.stem, x and index are read). Those of a
 * row do not depend on the rows beside it. Errors: FV_DATA names the recording when a feature is
 * not finite; FV_FAILED when the logits overflow. */
FV_NODISCARD fv_status core_train_predict(fv_ctx *ctx, const core_plan *plan, const float *params,
	const core_train_data *data, float *logits);

/* Returns the width of what the output layer of a model that is a single head reads; 0, with a message, if the
 * model has networks of its own. */
int32_t core_train_representation_width(fv_ctx *ctx, const core_plan *plan);
/* Writes what the output layer reads, x [data->rows.n, width]; rows and errors as above. FV_CONFIG if the
 * width is 0. */
FV_NODISCARD fv_status core_train_represent(fv_ctx *ctx, const core_plan *plan, const float *params,
	const core_train_data *data, float *x);

#endif
