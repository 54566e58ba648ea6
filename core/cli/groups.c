/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox groups: infers the groups of one fold and compares them with the known attributes. */
#include <stdlib.h>

#include <jansson.h>

#include "base/file.h"
#include "report/split_tables.h"
#include "run/output.h"
#include "study.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox groups [OPTION...] CONFIG [KEY=VALUE...] --out groups.csv\n"
	"\n"
	"Infers the groups of one fold as 'fairvox run' would and writes them for all splits\n"
	"(FileName, group, and prob_<group> for soft memberships). Prints how well they agree\n"
	"with every attribute, the class and the speaker, over the rows left after exclusion and\n"
	"bias: accuracy (if the groups have the attribute's names; also by class and by length\n"
	"of the recording), purity, normalised mutual information and adjusted Rand index, each\n"
	"with its number of rows. The configuration must resolve to one variant.\n"
	"\n"
	"      --fold F       the fold (default: the first)\n"
	"      --out FILE     output file\n"
	"      --seeds N      also infer groups with the N - 1 seeds after the grouper's, and\n"
	"                     compare every pair\n"
	"      --json         print one JSON object\n"
	"  -j, --jobs N       worker processes for encoding (default 1)\n" CLI_OP_TIMEOUT_HELP
		CLI_DEVICE_HELP CLI_STUDY_OPTIONS;

/* Writes the values of the last variant on the axes of the matrix as overrides: 'grouper={"name": "truth"}'. "" where
 * they do not select it. NULL: memory is out. */
static const char *list_overrides(fv_ctx *ctx, const core_config *config)
{
	const char *list = "", *key;
	json_t *axes = json_loads(config->variants[config->n_variants - 1].axes_json, 0, NULL),
	       *value;
	json_object_foreach(axes, key, value)
	{
		char *text = json_is_null(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
		if (text && list)
			list = core_format(ctx, "%s '%s=%s'", list, key, text);
		free(text);
	}
	json_decref(axes);
	return list;
}

static fv_status refuse_variants(fv_ctx *ctx, const cli_study *cli, const core_config *config)
{
	const char *overrides = list_overrides(ctx, config);
	if (!overrides)
		return FV_FAILED;
	return fv_fail(ctx, FV_CONFIG, "%s resolves to %zu variants: choose one%s%s%s", cli->config,
		config->n_variants,
		*overrides ? " by its values; this is the last: fairvox groups "
			   : " with overrides",
		*overrides ? cli->config : "", overrides);
}

static fv_status find_run(fv_ctx *ctx, const cli_study *cli, const core_study *study, int64_t *out)
{
	if (study->config->n_variants != 1)
		return refuse_variants(ctx, cli, study->config);
	for (*out = 0; *out < study->n_runs; ++*out)
		if (!cli->has_fold || study->fold[study->run[*out].fold].fold == cli->fold)
			return FV_OK;
	return cli_refuse_fold(ctx, "groups", &study->config->variants[0].corpus, cli->fold);
}

static fv_status make_report(
	fv_ctx *ctx, const cli_study *cli, const core_run_data *r, core_text *out)
{
	core_group_report report;
	fv_status status = core_group_report_make(ctx, r, &report);
	if (!status && cli->seeds)
		status = core_group_report_add_seeds(ctx, (int32_t)cli->seeds, &report);
	if (status)
		return status;
	if (cli->json)
		return core_group_report_write_json(ctx, &report, out);
	core_document *document = core_document_new(ctx);
	status = document ? core_group_tables(ctx, &report, document) : FV_FAILED;
	if (!status)
		status = core_document_write(ctx, document, CORE_TABLE_TEXT, out);
	core_document_free(document);
	return status;
}

static fv_status infer_groups(fv_ctx *ctx, const cli_study *cli, core_study *study)
{
	int64_t index = 0;
	fv_status status = find_run(ctx, cli, study, &index);
	const core_encode_job job = {.cache = cli->cache, .jobs = (int)cli->jobs};
	if (!status)
		status = core_study_load_groups(ctx, study, index, &job);
	if (status)
		return status;
	core_run_data r = {.study = study, .run = &study->run[index]};
	core_text groups = {0}, report = {0};
	status = core_run_data_make_groups(ctx, &r);
	if (!status)
		status = make_report(ctx, cli, &r, &report);
	if (!status)
		status = core_output_format_groups(ctx, &r, &groups);
	if (!status)
		status = core_file_write(ctx, cli->out, groups.data, groups.size);
	if (!status)
		status = cli->json ? cli_print_json(ctx, report.data) : cli_print(ctx, &report);
	core_text_free(&groups);
	core_text_free(&report);
	return status ? status : cli_flush(ctx);
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	cli_study cli;
	core_study *study;
	fv_status status = cli_study_parse(ctx, argc, argv, "CRjFOJSTQ",
		CORE_NEED_CORPUS | CORE_NEED_ENCODER | CORE_NEED_GROUPER | CORE_NEED_LOSS, &cli);
	if (!status && !cli.out)
		status = fv_fail(ctx, FV_CONFIG, "groups: --out FILE is missing");
	if (!status)
		status = cli_study_open(ctx, &cli, &study);
	if (status)
		return status;
	status = infer_groups(ctx, &cli, study);
	core_study_close(study);
	return status;
}

const cli_verb cli_verb_groups = {
	"groups", "infer groups and compare them with known attributes", usage, run};
