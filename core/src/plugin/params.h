/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's parameters from text, as a default in its table or `-p key=value` writes them. */
#ifndef CORE_PLUGIN_PARAMS_H
#define CORE_PLUGIN_PARAMS_H

#include <fairvox/plugin.h>

#include "base/context.h"

/* Writes `text` (a YAML scalar, or a flow list for FV_LIST; NULL and "null": no value) into the
 * state at the parameter's offset. Strings and lists live as long as the context. Errors: FV_CONFIG
 * for text of the wrong type, out of range or not among the choices. */
FV_NODISCARD fv_status core_param_set(
	fv_ctx *ctx, const fv_param *param, void *state, const char *text);

/* Every parameter's default in `profile` ("paper" or "official") into a zeroed state. */
FV_NODISCARD fv_status core_params_default(
	fv_ctx *ctx, const fv_descriptor *descriptor, const char *profile, void *state);

/* NULL: the plugin has no such parameter. */
const fv_param *core_param_find(const fv_descriptor *descriptor, const char *name);

#endif
