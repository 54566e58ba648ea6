/* SPDX-License-Identifier: Apache-2.0 */
#include "results.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/study_results.h"

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

fv_status cli_results_read(fv_ctx *ctx, const cli_source *source, core_results **out)
{
	if (core_file_exists(source->path) && !core_is_dir(source->path))
		return read_study(ctx, source, out);
	if (source->n_overrides)
		return fv_fail(ctx, FV_CONFIG, "%s: name one results folder, or a configuration",
			source->overrides[0]);
	if (source->results || source->cache || source->folders.n)
		return fv_fail(ctx, FV_CONFIG,
			"%s is no configuration: --results, --cache and --plugins go with one",
			source->path);
	return core_results_read(ctx, source->path, out);
}
