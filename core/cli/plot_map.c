/* SPDX-License-Identifier: Apache-2.0 */
#include "plot_map.h"

#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "run/group_features.h"

/* Does a grouper of the variant use features? */
static bool has_features(const core_run_facts *facts)
{
	bool any = false;
	for (int32_t k = 0; facts && k < facts->n_groupers; k++)
		any |= json_object_get(facts->grouper[k].json, "encoder") != NULL;
	return any;
}

/* Counts the groups in the groups.csv of a run. */
static fv_status count_groups(fv_ctx *ctx, const core_run_result *run, int64_t *out)
{
	core_csv csv;
	const char *path = core_path_join(ctx, run->dir, "groups.csv");
	*out = 0;
	if (!path || !core_file_exists(path))
		return path ? FV_OK : FV_FAILED;
	fv_status status = core_csv_read(ctx, path, &csv);
	const char **name = status ? NULL : core_alloc(ctx, (size_t)csv.n_rows + 1, sizeof *name);
	int64_t column = status ? -1 : core_csv_column(&csv, "group");
	if (!status && !name)
		return FV_FAILED;
	for (int64_t i = 0; column >= 0 && i < csv.n_rows; i++) {
		int64_t k = 0;
		while (k < *out && strcmp(name[k], core_csv_cell(&csv, i, column)) != 0)
			k++;
		if (k == *out)
			name[(*out)++] = core_csv_cell(&csv, i, column);
	}
	return status;
}

/* Finds the run of the fold, with the first seed, that has the most groups made of features: those of the
 * richest features, where a study compares several. */
static fv_status find_run(
	fv_ctx *ctx, const core_results *results, int64_t fold, const core_run_result **out)
{
	int64_t most = 0, n;
	*out = NULL;
	for (size_t i = 0; i < results->n; i++) {
		const core_variant_result *v = &results->variant[i];
		int32_t f = 0;
		while (f < v->n_folds && fold >= 0 && v->fold[f] != fold)
			f++;
		if (f == v->n_folds || !has_features(core_variant_facts(v)))
			continue;
		core_mark mark = core_ctx_mark(ctx);
		fv_status status = count_groups(ctx, v->used[f * v->n_seeds], &n);
		core_ctx_release(ctx, mark);
		if (status)
			return status;
		*out = n > most ? v->used[f * v->n_seeds] : *out;
		most = n > most ? n : most;
	}
	return FV_OK;
}

/* Opens the study of one run from the configuration in its folder, for the device that encoded it. */
static fv_status open_study(fv_ctx *ctx, const core_results *results, const core_run_result *run,
	const cli_map_options *options, core_study **out)
{
	core_registry *registry;
	core_config *config;
	core_device_choice *device = core_alloc(ctx, 1, sizeof *device);
	if (!device)
		return FV_FAILED;
	const char *numerics =
		json_string_value(json_object_get(json_object_get(run->env, "host"), "device"));
	if (numerics && strcmp(numerics, "cpu"))
		core_device_choose_elsewhere(numerics, device);
	const core_study_options study = {
		.results = results->dir, .cache = options->cache, .jobs = 1, .device = device};
	const char *path = core_path_join(ctx, run->dir, "config.yaml");
	fv_status status =
		path ? core_registry_open(ctx, options->folders.path, options->folders.n, &registry)
		     : FV_FAILED;
	if (!status)
		status = core_config_load(ctx, registry, path, NULL, 0, CORE_NEED_RUN, &config);
	return status ? status : core_study_open(ctx, config, &study, out);
}

static int64_t find_index(const core_study *study, const core_run_result *run)
{
	for (int64_t i = 0; i < study->n_runs; i++)
		if (study->fold[study->run[i].fold].fold == run->fold &&
			study->run[i].seed == run->seed)
			return i;
	return 0;
}

static fv_status map_features(fv_ctx *ctx, const core_group_features *features,
	const core_tsne_options *options, core_map *out)
{
	core_tsne_result result;
	float *map = core_alloc(ctx, 2 * (size_t)features->n + 1, sizeof *map);
	if (!map)
		return FV_FAILED;
	fv_status status =
		core_tsne(ctx, features->x, features->n, features->dims, options, map, &result);
	*out = (core_map){.n = features->n,
		.id = features->id,
		.xy = map,
		.features = features->encoder,
		.perplexity = status ? 0 : result.perplexity};
	return status;
}

fv_status cli_map_make(
	fv_ctx *ctx, const core_results *results, const cli_map_options *options, core_map *out)
{
	core_study *study;
	core_group_features features;
	const core_run_result *run;
	fv_status status = find_run(ctx, results, options->fold, &run);
	if (!status && !run)
		return fv_fail(ctx, FV_DATA,
			"tsne: no variant%s has groups inferred from features, such as clusters",
			options->fold < 0 ? "" : " of this fold");
	if (!status)
		status = open_study(ctx, results, run, options, &study);
	if (status)
		return status;
	status = core_group_features_read(ctx, study, find_index(study, run), &features);
	core_study_close(study);
	return status ? status : map_features(ctx, &features, &options->tsne, out);
}
