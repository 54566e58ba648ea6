/* SPDX-License-Identifier: Apache-2.0 */
/* Notes plugins of which the runs of a table used several builds, as happens while one is written. */
#include <string.h>

#include "report/notes.h"

enum { MOST_NOTES = 3 };

/* The plugins of the rows: {NAME: {HASH: null}} */
static fv_status add_build(fv_ctx *ctx, json_t *builds, const json_t *plugin)
{
	const char *name = json_string_value(json_object_get(plugin, "name"));
	const char *hash = json_string_value(json_object_get(plugin, "sha256"));
	if (!name || !hash)
		return FV_OK;
	json_t *own = json_object_get(builds, name);
	if (!own && !json_object_set_new(builds, name, json_object()))
		own = json_object_get(builds, name);
	return own && !json_object_set_new(own, hash, json_null())
		       ? FV_OK
		       : fv_fail(ctx, FV_FAILED, "out of memory");
}

static fv_status add_row(fv_ctx *ctx, json_t *builds, const core_grid_row *row)
{
	if (!row->variant || !row->variant->n_folds)
		return FV_OK;
	json_t *fingerprint = json_object_get(row->variant->used[0]->env, "fingerprint"), *grouper;
	size_t i;
	fv_status status = add_build(ctx, builds, json_object_get(fingerprint, "loss"));
	json_array_foreach(json_object_get(fingerprint, "groupers"), i, grouper) if (!status)
		status = add_build(ctx, builds, grouper);
	return status;
}

fv_status core_note_builds(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	json_t *builds = json_object(), *own;
	fv_status status = builds ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
	const char *name;
	int notes = 0;
	for (size_t i = 0; i < grid->n_rows && !status; i++)
		status = add_row(ctx, builds, &grid->row[i]);
	json_object_foreach(builds, name, own)
	{
		if (status || json_object_size(own) < 2 || notes++ == MOST_NOTES)
			continue;
		status = core_document_note(ctx, d,
			"rows of %zu builds of plugin %s: 'fairvox table CONFIG' shows the runs of "
			"the one in use",
			json_object_size(own), name);
	}
	json_decref(builds);
	return status;
}
