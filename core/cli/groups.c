/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox groups: the inferred groups of one fold, and how they agree with the truth. */
#include <math.h>

#include "base/file.h"
#include "eval/agreement.h"
#include "run/output.h"
#include "study.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox groups [OPTION...] CONFIG [KEY=VALUE...] --out groups.csv\n\n"
	"Infers the groups of one fold as 'fairvox run' would, writes them for all splits (FileName,\n"
	"group, and prob_<group> where memberships are soft), and prints how they agree with every\n"
	"attribute that the corpus knows: accuracy (where groups carry the attribute's names), purity,\n"
	"normalised mutual information and adjusted Rand index. The configuration must come to one\n"
	"cell.\n\n"
	"      --fold F       which fold (default: the first)\n"
	"      --out FILE     where to write the groups\n"
	"  -j, --jobs N       worker processes for encoding (default 1)\n" CLI_STUDY_OPTIONS;

static fv_status find_run(fv_ctx *ctx, const cli_study *cli, const core_study *study, int64_t *out)
{
	if (study->config->n_cells != 1)
		return fv_fail(ctx, FV_CONFIG, "%s comes to %zu cells: name one by overrides",
			cli->config, study->config->n_cells);
	for (*out = 0; *out < study->n_runs; ++*out)
		if (!cli->has_fold || study->fold[study->run[*out].fold].fold == cli->fold)
			return FV_OK;
	return fv_fail(ctx, FV_CONFIG, "--fold: the configuration has no fold %lld",
		(long long)cli->fold);
}

static void print_number(double value)
{
	if (isnan(value))
		printf("%10s", "-");
	else
		printf("%10.3f", value);
}

static fv_status print_split(fv_ctx *ctx, const core_runner *r, const core_attribute *a, int split)
{
	int32_t n = r->rows.n[split];
	int32_t *truth = core_alloc(ctx, (size_t)n, sizeof *truth);
	if (!truth)
		return FV_FAILED;
	for (int32_t i = 0; i < n; i++)
		truth[i] = a->id[r->rows.row[split][i]];
	const core_partition inferred = {r->groups.groups, r->groups.name, r->groups.id[split]};
	const core_partition known = {a->n_values, a->value, truth};
	core_agreement g;
	fv_status status = core_agreement_compute(ctx, n, &inferred, &known, &g);
	if (status)
		return status;
	printf("%-12s %-6s %8lld", a->name, core_split_name((core_split)split), (long long)g.n);
	print_number(g.accuracy);
	print_number(g.purity);
	print_number(g.nmi);
	print_number(g.ari);
	printf("%10lld\n", (long long)(g.unknown_inferred + g.unknown_true));
	return FV_OK;
}

static fv_status print_agreement(fv_ctx *ctx, const core_runner *r)
{
	printf("%-12s %-6s %8s%10s%10s%10s%10s%10s\n", "attribute", "split", "rows", "accuracy",
		"purity", "NMI", "ARI", "unknown");
	for (int32_t i = 0; i < r->corpus->n_attributes; i++)
		for (int k = 0; k < CORE_SPLITS; k++) {
			fv_status status = print_split(ctx, r, &r->corpus->attribute[i], k);
			if (status)
				return status;
		}
	puts("\ngroup                    train     dev    test");
	for (int32_t g = -1; g < r->groups.groups; g++) {
		int32_t count[CORE_SPLITS] = {0};
		for (int k = 0; k < CORE_SPLITS; k++)
			for (int32_t i = 0; i < r->rows.n[k]; i++)
				count[k] += r->groups.id[k][i] == g;
		if (g >= 0 || count[CORE_TRAIN] || count[CORE_DEV] || count[CORE_TEST])
			printf("%-22s %7d %7d %7d\n", g < 0 ? "(unknown)" : r->groups.name[g],
				count[CORE_TRAIN], count[CORE_DEV], count[CORE_TEST]);
	}
	return cli_flush(ctx);
}

static fv_status infer(fv_ctx *ctx, const cli_study *cli, core_study *study)
{
	int64_t index = 0;
	fv_status status = find_run(ctx, cli, study, &index);
	const core_encode_job job = {cli->cache, (int)cli->jobs};
	if (!status)
		status = core_study_load_groups(ctx, study, index, &job);
	if (status)
		return status;
	core_runner r = {.study = study, .run = &study->run[index]};
	core_text text = {0};
	status = core_runner_groups(ctx, &r);
	if (!status)
		status = core_output_groups(ctx, &r, &text);
	if (!status)
		status = core_file_write(ctx, cli->out, text.data, text.size);
	core_text_free(&text);
	return status ? status : print_agreement(ctx, &r);
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	cli_study cli;
	core_study *study;
	fv_status status = cli_study_parse(ctx, argc, argv, "CRjFO",
		CORE_NEED_CORPUS | CORE_NEED_ENCODER | CORE_NEED_GROUPER | CORE_NEED_LOSS, &cli);
	if (!status && !cli.out)
		status = fv_fail(ctx, FV_CONFIG, "groups: --out FILE is needed");
	if (!status)
		status = cli_study_open(ctx, &cli, &study);
	if (status)
		return status;
	status = infer(ctx, &cli, study);
	core_study_close(study);
	return status;
}

const cli_verb cli_verb_groups = {"groups", "inferred groups, and their agreement with the truth",
	usage, run};
