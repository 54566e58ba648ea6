/* SPDX-License-Identifier: Apache-2.0 */
#include "results.h"

#include <getopt.h>

#include "base/file.h"
#include "report/builds.h"
#include "report/select_variants.h"
#include "report/study_results.h"
#include "report/tuning.h"

static fv_status read_study(fv_ctx *ctx, const cli_source *source, core_results **out)
{
	core_registry *registry;
	core_config *config;
	core_study *study;
	const core_study_options options = {
		.results = source->results ? source->results : "results",
		.cache = source->cache ? source->cache : "cache",
		.keep_going = true,
		.jobs = 1};
	fv_status status =
		core_registry_open(ctx, source->folders.path, source->folders.n, &registry);
	if (!status)
		status = core_config_load(ctx, registry, source->path, source->overrides,
			source->n_overrides, CORE_NEED_RUN | CORE_KEEP_GOING, &config);
	if (!status)
		status = core_study_open(ctx, config, &options, &study);
	if (status)
		return status;
	status = core_results_of_study(ctx, study, out);
	core_study_close(study);
	return status;
}

static fv_status read_folder(fv_ctx *ctx, const cli_source *source, core_results **out)
{
	if (source->n_overrides)
		return fv_fail(ctx, FV_CONFIG, "%s: name one results folder, or a configuration",
			source->overrides[0]);
	bool has_more = source->cache || source->folders.n;
	if (source->results || (has_more && !source->has_map))
		return fv_fail(ctx, FV_CONFIG,
			"%s is no configuration: --results, --cache and --plugins go with one",
			source->path);
	fv_status status = cli_check_exists(ctx, source->path);
	return status ? status : core_results_read(ctx, source->path, out);
}

fv_status cli_results_read(fv_ctx *ctx, const cli_source *source, core_results **out)
{
	bool is_file = core_file_exists(source->path) && !core_is_dir(source->path);
	fv_status status = is_file ? read_study(ctx, source, out) : read_folder(ctx, source, out);
	if (status)
		return status;
	if (!source->trials)
		status = core_hide_trials(ctx, *out);
	if (!status)
		status = core_builds_tell(ctx, *out);
	if (!status)
		status = core_results_tell_apart(ctx, *out);
	if (!status && source->rows)
		status = core_select_variants(ctx, source->rows, *out);
	if (!status)
		core_builds_mark_older(*out);
	else
		core_results_free(*out);
	return status;
}

fv_status cli_source_apply(fv_ctx *ctx, int option, cli_source *source)
{
	switch (option) {
	case CLI_ROWS:
		source->rows = optarg;
		return FV_OK;
	case CLI_TRIALS:
		source->trials = true;
		return FV_OK;
	case CLI_RESULTS:
		source->results = optarg;
		return FV_OK;
	case CLI_CACHE:
		source->cache = optarg;
		return FV_OK;
	case CLI_PLUGINS:
		return cli_add_folder(ctx, &source->folders, optarg);
	}
	return FV_CONFIG;
}

fv_status cli_source_set_path(fv_ctx *ctx, int argc, char **argv, int first, cli_source *source)
{
	if (first >= argc)
		return fv_fail(
			ctx, FV_CONFIG, "%s: name one results folder, or a configuration", argv[0]);
	source->path = argv[first];
	source->overrides = argv + first + 1;
	source->n_overrides = (size_t)(argc - first - 1);
	return FV_OK;
}
