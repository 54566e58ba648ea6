/* SPDX-License-Identifier: Apache-2.0 */
/* model.safetensors: the tensors of the model's networks, the scaling of its input, and metadata
 * that describe the encoder of that input and how the networks are connected. Files are recorded by
 * the hash of their content, so their location changes no byte. */
#ifndef CORE_RUN_MODEL_H
#define CORE_RUN_MODEL_H

#include "config/spec.h"
#include "nn/plan.h"
#include "run/data.h"
#include "run/encoder.h"

typedef struct core_model {
	const core_plan *plan;
	const float *params; /* [plan->count] */
	int64_t fold; /* of the run; random draws of the plan depend on it; 0 without draws */
	uint64_t seed;
	core_scaling scaling; /* mean NULL: standardised by speaker, cannot predict alone */
	const char *const *class_name; /* [C] */
	bool sigmoid; /* probabilities are the sigmoid of each logit, not the softmax */
	/* How the encoder was opened; enough to open it again. */
	const char *encoder_json;
} core_model;

/* Returns the encoder's spec as JSON for the metadata. */
char *core_model_encoder_json(fv_ctx *ctx, const core_encoder *encoder);

FV_NODISCARD fv_status core_model_write(fv_ctx *ctx, const char *path, const core_model *model);

/* Errors: FV_DATA naming the tensor or key that is missing or of another shape. */
FV_NODISCARD fv_status core_model_read(fv_ctx *ctx, const char *path, core_model *out);

/* Reads only the plan's tensors -> params [plan->count], for train.init; input.* and metadata need
 * not exist. */
FV_NODISCARD fv_status core_model_read_params(
	fv_ctx *ctx, const char *path, const core_plan *plan, float *params);

/* Opens the encoder that a model was trained with. The model records only hashes of files: the
 * weights are found by `weights` (NULL: not given), otherwise by the config.yaml beside the model
 * at `path`. device: as in core_encoder_open. Errors: FV_DATA if the weights are missing or not those of the training. */
FV_NODISCARD fv_status core_model_open_encoder(fv_ctx *ctx, const core_registry *registry,
	const core_model *model, const char *path, const char *weights, core_device_choice *device,
	core_encoder **out);

#endif
