/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox split: counts the rows of a fold after exclusion and bias. */
#include <getopt.h>
#include <string.h>

#include "config/config.h"
#include "report/split_tables.h"
#include "study.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox split [--plugins DIR]... [--fold F] [--draws N] [--json] CONFIG\n"
	"                     [KEY=VALUE...]\n"
	"\n"
	"Counts recordings by split, class and attribute, after exclusion and the simulated\n"
	"bias, which is drawn with the seed of the run (bias.seed, or the first of train.seed).\n"
	"The class counts include only rows with a strict majority of raters, the attribute\n"
	"counts every row.\n"
	"\n"
	"  --fold F       the fold; optional if there is only one\n"
	"  --draws N      also print the smallest and largest counts over N draws of the bias,\n"
	"                 by attribute\n"
	"  --json         print one JSON object\n"
	"  --plugins DIR  search DIR first; may be repeated\n";

struct options {
	cli_folders folders;
	int64_t fold, draws;
	bool has_fold, json;
};

static fv_status parse_options(fv_ctx *ctx, int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"plugins", required_argument, NULL, 'P'},
		{"fold", required_argument, NULL, 'f'}, {"draws", required_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'}, {0}};
	fv_status status = FV_OK;
	for (int option; !status && (option = cli_option(ctx, argc, argv, "", longs)) != -1;) {
		if (option == 'P') {
			status = cli_add_folder(ctx, &o->folders, optarg);
		} else if (option == 'f') {
			status = cli_int(ctx, "--fold", optarg, 0, INT32_MAX, &o->fold);
			o->has_fold = true;
		} else if (option == 'd') {
			status = cli_int(ctx, "--draws", optarg, 1, 1000000, &o->draws);
		} else if (option == 'j') {
			o->json = true;
		} else {
			return FV_CONFIG;
		}
	}
	if (!status && optind == argc)
		return fv_fail(ctx, FV_CONFIG, "split: no configuration file given");
	return status;
}

/* Rejects a matrix that varies corpus or bias: the counts would not be unique. */
static fv_status check_axes(fv_ctx *ctx, const core_config *config)
{
	fv_status status = FV_OK;
	for (size_t a = 0; a < config->n_axes; a++) {
		const char *axis = config->axis[a];
		size_t n = strcspn(axis, ".");
		if ((n == 6 && !strncmp(axis, "corpus", n)) ||
			(n == 4 && !strncmp(axis, "bias", n)))
			status = fv_fail(ctx, FV_CONFIG,
				"split: the matrix varies %s: give it one value (%s=...)", axis,
				axis);
	}
	return status;
}

static fv_status choose_fold(fv_ctx *ctx, const core_corpus_spec *corpus, struct options *o)
{
	if (!o->has_fold && corpus->n_folds == 1)
		o->fold = corpus->folds[0];
	else if (!o->has_fold)
		return fv_fail(ctx, FV_CONFIG, "split: --fold is missing: there are %d folds",
			(int)corpus->n_folds);
	for (int32_t f = 0; f < corpus->n_folds; f++)
		if (corpus->folds[f] == o->fold)
			return FV_OK;
	return cli_refuse_fold(ctx, "split", corpus, o->fold);
}

static fv_status print_report(fv_ctx *ctx, const core_split_report *report, bool json)
{
	core_text text = {0};
	core_document *document = core_document_new(ctx);
	fv_status status = document ? FV_OK : FV_FAILED;
	if (!status && json)
		status = core_split_add_json(ctx, report, &text);
	else if (!status)
		status = core_split_tables(ctx, report, document);
	if (!status && !json)
		status = core_document_write(ctx, document, CORE_TABLE_TEXT, &text);
	if (!status)
		status = json ? cli_print_json(ctx, text.data) : cli_print(ctx, &text);
	core_document_free(document);
	core_text_free(&text);
	return status ? status : cli_flush(ctx);
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	struct options o = {0};
	core_registry *registry;
	core_config *config;
	fv_status status = parse_options(ctx, argc, argv, &o);
	if (!status)
		status = core_registry_open(ctx, o.folders.path, o.folders.n, &registry);
	if (!status)
		status = core_config_load(ctx, registry, argv[optind], argv + optind + 1,
			(size_t)(argc - optind - 1), CORE_NEED_CORPUS | CORE_KEEP_GOING, &config);
	if (!status)
		status = check_axes(ctx, config);
	if (status)
		return status;
	for (size_t i = 0; i < config->n_refused; i++) /* all variants have the same rows */
		core_log(ctx, CORE_WARNING, "%s cannot be run: %s", config->refused[i].slug,
			config->refused[i].reason->text);
	core_variant *variant = &config->variants[0];
	core_corpus *corpus;
	core_split_report report;
	status = core_corpus_list_folds(ctx, &variant->corpus);
	if (!status)
		status = choose_fold(ctx, &variant->corpus, &o);
	if (!status)
		status = core_corpus_read(ctx, &variant->corpus, o.fold, &corpus);
	if (!status)
		status = core_split_count(ctx, corpus, &variant->bias,
			(uint64_t)variant->train.seeds[0], o.fold, (int32_t)o.draws, &report);
	return status ? status : print_report(ctx, &report, o.json);
}

const cli_verb cli_verb_split = {"split", "count rows by split, class and attribute", usage, run};
