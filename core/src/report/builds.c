/* SPDX-License-Identifier: Apache-2.0 */
#include "report/builds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "report/notes.h"
#include "run/folder.h"

enum { MOST_NOTES = 3, MOST_BUILDS = 4, FEWEST_DIGITS = 7 };

static const char *const block_names[CORE_PLUGIN_BLOCKS] = {"loss", "grouper", "encoder"};

/* --- which builds there are ------------------------------------------------------------------- */

/* Adds the plugins of a variant, each build with the last end of a run of it: {NAME: {HASH: ENDED}}. */
static fv_status add_plugins(fv_ctx *ctx, json_t *builds, const core_variant_result *variant)
{
	const core_run_facts *facts = core_variant_facts(variant);
	size_t i;
	json_t *plugin;
	json_array_foreach(facts ? facts->plugins : NULL, i, plugin)
	{
		const char *name = json_string_value(json_object_get(plugin, "name"));
		const char *hash = json_string_value(json_object_get(plugin, "sha256"));
		if (!name || !hash)
			continue;
		json_t *own = json_object_get(builds, name);
		if (!own && !json_object_set_new(builds, name, json_object()))
			own = json_object_get(builds, name);
		double ended = json_real_value(json_object_get(own, hash));
		ended = variant->ended > ended ? variant->ended : ended;
		if (!own || json_object_set_new(own, hash, json_real(ended)))
			return fv_fail(ctx, FV_FAILED, "out of memory");
	}
	return FV_OK;
}

static size_t count_same(const char *a, const char *b)
{
	size_t n = 0;
	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* Returns how many digits tell all builds of each plugin apart. */
static int count_digits(json_t *builds)
{
	size_t most = FEWEST_DIGITS;
	const char *name, *a, *b;
	json_t *own, *unused;
	json_object_foreach(builds, name, own) json_object_foreach(own, a, unused)
		json_object_foreach(own, b, unused)
	{
		size_t same = strcmp(a, b) ? count_same(a, b) : 0;
		most = same + 1 > most ? same + 1 : most;
	}
	return (int)most;
}

/* --- the builds of a variant ------------------------------------------------------------------ */

/* Sets when the last of its runs ended. */
static fv_status find_end(fv_ctx *ctx, core_variant_result *variant)
{
	variant->ended = 0;
	for (int32_t k = 0; k < variant->n_folds * variant->n_seeds; k++) {
		const char *dir = variant->used[k]->dir;
		char *done = core_path_join(ctx, dir, "done");
		double seconds, ended;
		struct stat at;
		fv_status status = done ? core_folder_times(ctx, dir, &seconds, &ended) : FV_FAILED;
		if (status)
			return status;
		if (isnan(ended) && !stat(done, &at))
			ended = (double)at.st_mtime;
		variant->ended = ended > variant->ended ? ended : variant->ended;
	}
	return FV_OK;
}

/* Tells the build of a plugin in the block that names it. */
static fv_status tell_plugin(
	fv_ctx *ctx, const json_t *plugin, int digits, core_variant_result *variant)
{
	const char *hash = json_string_value(json_object_get(plugin, "sha256"));
	const char *block = json_string_value(json_object_get(plugin, "block"));
	for (int k = 0; k < CORE_PLUGIN_BLOCKS; k++) {
		const char **own = &variant->build[k];
		if (!block || strcmp(block, block_names[k]) != 0)
			continue;
		*own = core_format(
			ctx, "%s%s%.*s", *own ? *own : "", *own ? "+" : "", digits, hash);
		if (!*own)
			return FV_FAILED;
	}
	return FV_OK;
}

static fv_status tell_variant(
	fv_ctx *ctx, const json_t *builds, int digits, core_variant_result *variant)
{
	const core_run_facts *facts = core_variant_facts(variant);
	fv_status status = FV_OK;
	size_t i;
	json_t *plugin;
	json_array_foreach(facts ? facts->plugins : NULL, i, plugin)
	{
		const char *name = json_string_value(json_object_get(plugin, "name"));
		const json_t *own = name ? json_object_get(builds, name) : NULL;
		if (!status && json_object_size(own) > 1)
			status = tell_plugin(ctx, plugin, digits, variant);
	}
	const char *text = status ? NULL : core_builds_text(ctx, variant);
	if (!text || !*text)
		return status || text ? status : FV_FAILED;
	variant->label = core_format(ctx, "%s@%s", variant->slug, text);
	return variant->label ? find_end(ctx, variant) : FV_FAILED;
}

const char *core_builds_text(fv_ctx *ctx, const core_variant_result *variant)
{
	const char *text = "";
	for (int k = 0; k < CORE_PLUGIN_BLOCKS && text; k++)
		if (variant->build[k])
			text = core_format(
				ctx, "%s%s%s", text, *text ? "+" : "", variant->build[k]);
	return text;
}

fv_status core_builds_tell(fv_ctx *ctx, core_results *results)
{
	json_t *builds = json_object();
	fv_status status = builds ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < results->n && !status; i++)
		status = add_plugins(ctx, builds, &results->variant[i]);
	int digits = count_digits(builds);
	for (size_t i = 0; i < results->n && !status; i++)
		status = tell_variant(ctx, builds, digits, &results->variant[i]);
	json_decref(builds);
	return status;
}

/* --- older builds ----------------------------------------------------------------------------- */

static bool is_other_build(const core_variant_result *a, const core_variant_result *b)
{
	const core_run_facts *x = core_variant_facts(a), *y = core_variant_facts(b);
	return a != b && x && y && *x->settings && !strcmp(x->settings, y->settings) &&
	       !json_equal((json_t *)x->plugins, (json_t *)y->plugins);
}

static bool has_build(const core_variant_result *variant)
{
	for (int k = 0; k < CORE_PLUGIN_BLOCKS; k++)
		if (variant->build[k])
			return true;
	return false;
}

void core_builds_mark_older(core_results *results)
{
	for (size_t i = 0; i < results->n; i++) {
		core_variant_result *own = &results->variant[i];
		if (!has_build(own))
			continue; /* its plugins have one build each */
		for (size_t k = 0; k < results->n; k++) {
			const core_variant_result *other = &results->variant[k];
			if (is_other_build(own, other))
				own->older |= other->ended > own->ended ||
					      (other->ended == own->ended && k > i);
		}
	}
}

/* --- the note --------------------------------------------------------------------------------- */

struct build {
	const char *hash;
	double ended;
};

/* The newest first. */
static int compare_builds(const void *a, const void *b)
{
	const struct build *x = a, *y = b;
	if (x->ended != y->ended)
		return x->ended > y->ended ? -1 : 1;
	return strcmp(x->hash, y->hash);
}

/* Lists the builds of a plugin, the newest first: "@b12ac5d, @c6ae34c". NULL: out of memory. */
static const char *list_builds(fv_ctx *ctx, json_t *own, int digits)
{
	struct build *list = core_alloc(ctx, json_object_size(own), sizeof *list);
	const char *text = list ? "" : NULL, *hash;
	size_t n = 0;
	json_t *ended;
	json_object_foreach(own, hash, ended)
	{
		if (list)
			list[n++] = (struct build){hash, json_real_value(ended)};
	}
	if (list)
		qsort(list, n, sizeof *list, compare_builds);
	for (size_t k = 0; k < n && k < MOST_BUILDS && text; k++)
		text = core_format(ctx, "%s%s@%.*s", text, k ? ", " : "", digits, list[k].hash);
	return text && n > MOST_BUILDS ? core_format(ctx, "%s and %zu more", text, n - MOST_BUILDS)
				       : text;
}

fv_status core_note_builds(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	json_t *builds = json_object(), *own;
	fv_status status = builds ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
	const char *name;
	size_t notes = 0;
	bool older = false;
	for (size_t i = 0; i < grid->n_rows && !status; i++) {
		status = add_plugins(ctx, builds, grid->row[i].variant);
		older |= grid->row[i].variant->older;
	}
	int digits = count_digits(builds);
	json_object_foreach(builds, name, own)
	{
		size_t n = json_object_size(own);
		if (status || n < 2 || notes++ >= MOST_NOTES)
			continue;
		const char *list = list_builds(ctx, own, digits);
		status =
			!list ? FV_FAILED
			      : core_document_note(ctx, d,
					"rows of %zu builds of plugin %s (newest first: %s)%s: "
					"'fairvox table CONFIG' shows the runs of the one in use",
					n, name, list,
					older ? ", the older of a variant neither ranked nor tested"
					      : "");
	}
	json_decref(builds);
	return status;
}
