/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of a plugin with files replaced by their content hash, for keys and
 * fingerprints. */
#ifndef CORE_RUN_PARAMS_H
#define CORE_RUN_PARAMS_H

#include <jansson.h>

#include "config/spec.h"

/* Returns the parameters, with the SHA-256 of the content in place of each file: a new reference.
 * Errors: FV_DATA for a file that cannot be read, FV_CONFIG for text that is not UTF-8. */
FV_NODISCARD fv_status core_params_by_content(
	fv_ctx *ctx, const core_plugin_spec *use, json_t **out);

#endif
