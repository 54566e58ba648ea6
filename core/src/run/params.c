/* SPDX-License-Identifier: Apache-2.0 */
#include "run/params.h"

#include "base/hash_memory.h"

/* Replaces file names by the hash of the content, so that the location of a file does not
 * matter. */
static fv_status hash_files(fv_ctx *ctx, const core_plugin_spec *use, json_t *params)
{
	const fv_descriptor *d = use->plugin->descriptor;
	for (uint32_t i = 0; i < d->n_params; i++) {
		char hex[CORE_SHA256_HEX];
		const char *path = json_string_value(json_object_get(params, d->params[i].name));
		if (d->params[i].type != FV_PATH || !path)
			continue;
		fv_status status = core_sha256_file_once(ctx, path, hex);
		if (status)
			return status;
		json_object_set_new(params, d->params[i].name, json_string(hex));
	}
	return FV_OK;
}

fv_status core_params_by_content(fv_ctx *ctx, const core_plugin_spec *use, json_t **out)
{
	json_error_t error;
	*out = json_loads(use->params_json, 0, &error);
	if (!*out)
		return fv_fail(ctx, FV_CONFIG, "parameters of %s: %s",
			use->plugin->descriptor->name, error.text);
	fv_status status = hash_files(ctx, use, *out);
	if (status) {
		json_decref(*out);
		*out = NULL;
	}
	return status;
}
