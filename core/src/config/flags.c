/* SPDX-License-Identifier: Apache-2.0 */
/* An encoder given by command line flags, checked by the same tables as one in a file. */
#include <string.h>

#include "config/loader.h"
#include "config/resolve.h"

static fv_status add_flag(
	core_loader *loader, core_yaml *block, const char *flag, const char *key, const char *value)
{
	core_place place = {.file = flag};
	core_yaml *node = core_yaml_scalar(loader->ctx, place, CORE_FROM_COMMAND, value);
	if (!node)
		return FV_FAILED;
	node->plain = false;
	core_yaml_add(block, key, place, node);
	return FV_OK;
}

/* Reads "key=value". Commas separate the items of a list. */
static fv_status add_param(core_loader *loader, core_yaml *block, const char *param)
{
	const char *sign = strchr(param, '=');
	core_place place = {.file = core_format(loader->ctx, "-p %s", param)};
	if (!place.file)
		return FV_FAILED;
	if (!sign || sign == param)
		return core_loader_fail(loader, FV_CONFIG, place, "is not of the form KEY=VALUE");
	const char *key = core_strndup(loader->ctx, param, (size_t)(sign - param));
	core_yaml *words;
	fv_status status = key ? core_yaml_parse_values(
					 loader->ctx, place, CORE_FROM_COMMAND, sign + 1, &words)
			       : FV_FAILED;
	if (status) {
		core_loader_count_failure(loader, status);
		return status;
	}
	if (core_yaml_entry(block, key))
		return core_loader_fail(loader, FV_CONFIG, place, "'%s' is given twice", key);
	core_yaml_add(block, key, place, words->n == 1 ? words->entry[0].value : words);
	return FV_OK;
}

static fv_status read_flags(core_loader *loader, const char *name, const char *weights,
	const char *output, char *const *params, size_t n_params, core_yaml *block)
{
	fv_status status = add_flag(loader, block, "--encoder", "name", name);
	if (!status && weights)
		status = add_flag(loader, block, "--weights", "weights", weights);
	if (!status && output)
		status = add_flag(loader, block, "--output", "output", output);
	for (size_t i = 0; i < n_params && status != FV_FAILED; i++) {
		fv_status added = add_param(loader, block, params[i]);
		status = status ? status : added;
	}
	return status;
}

fv_status core_encoder_from_flags(fv_ctx *ctx, const core_registry *registry, const char *name,
	const char *weights, const char *output, char *const *params, size_t n_params,
	core_encoder_spec *out)
{
	core_loader loader;
	fv_status status = core_loader_open(&loader, ctx, registry, 0);
	core_yaml *block = core_yaml_map(
		ctx, (core_place){.file = "--encoder"}, CORE_FROM_COMMAND, n_params + 3);
	if (status || !block)
		return FV_FAILED;
	core_resolver r = {.loader = &loader};
	const core_yaml *resolved = NULL;
	status = read_flags(&loader, name, weights, output, params, n_params, block);
	if (!status)
		resolved = core_resolve_encoder(&r, "encoder", block, CORE_ENCODER_OF_FLAGS);
	if (loader.n_failed)
		return core_loader_close(&loader);
	return resolved ? core_variant_encoder(&loader, resolved, out) : FV_FAILED;
}
