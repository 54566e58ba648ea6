/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox verify: recomputes metrics and tables from the predictions. */
#include "report/verify.h"

#include <getopt.h>

#include "base/plural.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox verify RESULTS\n"
	"\n"
	"Recomputes every metric of every finished run from its predictions.csv, and the\n"
	"result table from the runs. Lists each value that differs in any bit; exit code 1\n"
	"if there is one.\n";

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	static const struct option longs[] = {{0}};
	if (cli_option(ctx, argc, argv, "", longs) != -1)
		return FV_CONFIG;
	if (optind + 1 != argc)
		return fv_fail(ctx, FV_CONFIG, "verify: name one results folder");
	core_results *results;
	core_verified v;
	fv_status status = cli_check_exists(ctx, argv[optind]);
	if (!status)
		status = core_results_read(ctx, argv[optind], &results);
	if (status)
		return status;
	status = core_verify(ctx, results, &v);
	core_results_free(results);
	cli_printf("%lld run%s, %lld value%s recomputed, %lld different\n", (long long)v.runs,
		core_plural(v.runs), (long long)v.values, core_plural(v.values),
		(long long)v.different);
	return status ? status : cli_flush(ctx);
}

const cli_verb cli_verb_verify = {
	"verify", "recompute every metric from the predictions", usage, run};
