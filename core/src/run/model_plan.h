/* SPDX-License-Identifier: Apache-2.0 */
/* A plan (nn/plan.h) as the metadata `networks` of model.safetensors:
 *
 *     {"input": [L, D], "projection": H, "hidden": [64], "activation": "relu",
 *      "networks": [{"name": "", "kind": "encoder"}, {"name": "output", "kind": "linear", "inputs": 512,
 *                    "outputs": 6}, ...],
 *      "predict": ["apply", "output", ["concat", ["apply", "", ["input"]], ["apply", "biased.", ["input"]]]],
 *      "fold": 1, "seed": 1}
 *
 * Without projection there is no key "projection", without hidden layers none of the next two. The remaining
 * kind of value is ["uniform", PURPOSE, WIDTH]: draws that depend on fold, seed and the
 * recording's name. A model with one head applied to the input has no such entry.
 */
#ifndef CORE_RUN_MODEL_PLAN_H
#define CORE_RUN_MODEL_PLAN_H

#include "nn/plan.h"

/* The name of an activation, as in the configuration; and the reverse, which returns false if there is none
 * of that name. */
const char *core_activation_name(fv_activation activation);
bool core_activation_find(const char *name, fv_activation *out);

/* Returns false for a model with one head applied to the input. */
bool core_plan_is_special(const core_plan *plan);

/* Returns memory of the context, or NULL with a message. */
char *core_plan_to_json(fv_ctx *ctx, const core_plan *plan, int64_t fold, uint64_t seed);

/* `classes` is the number in the metadata. Errors: FV_DATA naming the file. */
FV_NODISCARD fv_status core_plan_from_json(fv_ctx *ctx, const char *path, const char *text,
	int32_t classes, core_plan **out, int64_t *fold, uint64_t *seed);

#endif
