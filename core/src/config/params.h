/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a plugin's parameters into its state, from a checked block of the configuration or from
 * the text of a default. */
#ifndef CORE_CONFIG_PARAMS_H
#define CORE_CONFIG_PARAMS_H

#include <fairvox/plugin.h>

#include "base/context.h"
#include "config/spec.h"

struct core_yaml;

/* Fills state, params_json and paths of `out`, whose plugin is set, from a resolved block with
 * values of the right types. Parameters that are not in the block stay zero. Relative paths are
 * joined to `folder`. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_params_fill(
	fv_ctx *ctx, const char *folder, const struct core_yaml *block, core_plugin_spec *out);

/* Writes `text` (a YAML scalar, or a flow list for FV_LIST; NULL and "null" mean no value) into the
 * state at the parameter's offset. Strings and lists live as long as the context. Errors: FV_CONFIG
 * for text of the wrong type, out of range or not among the choices, and for no value where one is
 * required; the message calls the parameter `path`. */
FV_NODISCARD fv_status core_param_set(
	fv_ctx *ctx, const fv_param *param, const char *path, void *state, const char *text);

/* Writes the default of a parameter in `profile` ("paper" or "official") into a zeroed state. Required parameters stay 0. */
FV_NODISCARD fv_status core_param_default(
	fv_ctx *ctx, const fv_param *param, const char *profile, void *state);
/* The same for all parameters. */
FV_NODISCARD fv_status core_params_default(
	fv_ctx *ctx, const fv_descriptor *descriptor, const char *profile, void *state);

/* Checks that a preset names a key of the block train and a value that it takes. Errors: FV_CONFIG. */
FV_NODISCARD fv_status core_preset_check(fv_ctx *ctx, const fv_preset *preset);

#endif
