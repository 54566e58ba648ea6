/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a variant on the axes of the matrix, as JSON. env.json stores it, and tables group
 * by it. */
#include "config/loader.h"

/* Copies the keys of a resolved block that are written, without the defaults. */
static core_yaml *copy_written_part(fv_ctx *ctx, core_yaml *resolved, const core_yaml *written)
{
	if (resolved->kind != CORE_YAML_MAP || !written || written->kind != CORE_YAML_MAP)
		return resolved;
	core_yaml *out = core_yaml_map(ctx, resolved->place, resolved->origin, resolved->n);
	for (size_t i = 0; out && i < resolved->n; i++) {
		const core_entry *entry = &resolved->entry[i];
		const core_yaml *own = core_yaml_get(written, entry->key);
		core_yaml *part = own ? copy_written_part(ctx, entry->value, own) : NULL;
		if (own && !part)
			return NULL;
		if (own)
			core_yaml_add(out, entry->key, entry->key_place, part);
	}
	return out;
}

static bool add_axis(core_loader *loader, const char *key, const core_combination *combination,
	const core_yaml *resolved, core_yaml *out)
{
	core_yaml *value = core_key_find((core_yaml *)resolved, key);
	if (!value) { /* dropped, or a default without a value: the axis has no effect here */
		value = core_yaml_scalar(loader->ctx, out->place, out->origin, "null");
		if (value)
			value->value = CORE_VALUE_NUMBER; /* written without quotes */
	} else {
		value = copy_written_part(
			loader->ctx, value, core_key_find(combination->tree, key));
	}
	if (value)
		core_yaml_add(out, key, out->place, value);
	return value != NULL;
}

const char *core_axes_json(core_loader *loader, const core_matrix *matrix,
	const core_combination *combination, const core_yaml *resolved)
{
	fv_ctx *ctx = loader->ctx;
	core_yaml *out = core_yaml_map(ctx, resolved->place, resolved->origin, matrix->n_axes);
	for (size_t i = 0; out && i < matrix->n_axes; i++)
		if (!add_axis(loader, matrix->axis[i].key, combination, resolved, out))
			return NULL;
	if (!out)
		return NULL;
	return core_yaml_canonical_text(ctx, out, NULL);
}
