/* SPDX-License-Identifier: Apache-2.0 */
#include "run/study.h"

#include <string.h>

#include <fairvox/grouper.h>

#include "base/file.h"
#include "base/text.h"
#include "config/select_rule.h"
#include "config/yaml.h"
#include "run/copies.h"
#include "run/durations.h"
#include "run/encodings.h"
#include "run/failures.h"
#include "run/fingerprint.h"
#include "run/folder.h"
#include "run/grouping.h"
#include "run/identity.h"
#include "run/ids.h"
#include "run/reference.h"
#include "run/refresh.h"
#include "run/sets.h"
#include "run/tune.h"
#include "run/variants.h"

/* Adds the runs of one fold of a variant, one for each seed. */
static fv_status add_fold_runs(fv_ctx *ctx, core_study *study, int32_t variant_index, int64_t fold)
{
	const core_variant *variant = &study->config->variants[variant_index];
	const core_reason *failure = NULL;
	int32_t index;
	fv_status status = core_set_add_fold(ctx, study, &variant->corpus, fold, &index, &failure);
	for (int32_t s = 0; s < variant->train.n_seeds && !status; s++) {
		const core_failed_run failed = {.variant = variant_index,
			.fold = fold,
			.seed = variant->train.seeds[s],
			.reason = failure,
			.number = study->n_numbers};
		study->n_numbers += !variant->tune;
		if (failure) {
			status = core_study_add_failed(ctx, study, &failed);
			continue;
		}
		core_run *run = &study->run[study->n_runs];
		*run = (core_run){.variant = variant_index,
			.seed = failed.seed,
			.fold = index,
			.number = failed.number};
		status = core_encodings_add_run(ctx, study, run);
		study->n_runs += !status;
	}
	return status;
}

/* Lists the folds that a column tells. Variants with one corpus block share them. */
static fv_status list_folds(fv_ctx *ctx, core_study *study)
{
	core_config *config = study->config;
	for (size_t i = 0; i < config->n_variants; i++) {
		core_corpus_spec *spec = &config->variants[i].corpus;
		const core_corpus_spec *before = i ? &config->variants[i - 1].corpus : NULL;
		if (before && !spec->n_folds && !strcmp(before->key, spec->key)) {
			spec->folds = before->folds;
			spec->n_folds = before->n_folds;
		}
		core_failed_run failed = {.variant = (int32_t)i, .all = true};
		fv_status status = core_study_move_failure(
			ctx, study, core_corpus_list_folds(ctx, spec), &failed.reason);
		if (!status && failed.reason)
			status = core_study_add_failed(ctx, study, &failed);
		if (status)
			return status;
	}
	return FV_OK;
}

static fv_status add_runs(fv_ctx *ctx, core_study *study)
{
	const core_config *config = study->config;
	size_t runs = 0, folds = 0;
	for (size_t i = 0; i < config->n_variants; i++) {
		const core_variant *variant = &config->variants[i];
		runs += (size_t)variant->corpus.n_folds * (size_t)variant->train.n_seeds;
		folds += (size_t)variant->corpus.n_folds;
	}
	study->run = core_alloc(ctx, runs, sizeof *study->run);
	study->fold = core_alloc(ctx, folds, sizeof *study->fold);
	study->set = core_alloc(ctx, config->n_variants, sizeof *study->set);
	study->encoding = core_alloc(ctx, runs * (1 + CORE_PRODUCT_MAX), sizeof *study->encoding);
	study->identity = core_alloc(ctx, config->n_variants, sizeof *study->identity);
	study->bad_fold = core_alloc(ctx, folds, sizeof *study->bad_fold);
	if (!study->run || !study->fold || !study->set || !study->encoding || !study->identity ||
		!study->bad_fold)
		return FV_FAILED;
	for (size_t i = 0; i < config->n_variants; i++) {
		const core_variant *variant = &config->variants[i];
		for (int32_t f = 0; f < variant->corpus.n_folds; f++) {
			fv_status status =
				add_fold_runs(ctx, study, (int32_t)i, variant->corpus.folds[f]);
			if (status)
				return status;
		}
	}
	fv_status status = core_sets_join(ctx, study);
	if (!status)
		status = core_reference_order_classes(ctx, study);
	return status ? status : core_study_pass_on_failures(ctx, study);
}

/* The setting that names an attribute. */
static core_key_ref find_attribute_key(const core_corpus_spec *spec, const char *name)
{
	const char *key = "columns";
	for (int32_t d = 0; d < spec->n_attribute_columns; d++)
		if (!strcmp(spec->attribute_columns[d].attribute, name))
			key = "attributes.columns";
	return (core_key_ref){spec->block, key, name};
}

/* Refuses attributes named like other columns of predictions.csv. */
static fv_status check_attribute_names(
	fv_ctx *ctx, const core_corpus *corpus, const core_corpus_spec *spec)
{
	static const char *const own[] = {"FileName", "SpkrID", "group", "split"};
	for (int32_t i = 0; i < corpus->n_attributes; i++) {
		const char *name = corpus->attribute[i].name;
		bool taken = !strncmp(name, "prob_", 5) || !strncmp(name, "label_", 6);
		for (size_t k = 0; k < sizeof own / sizeof *own; k++)
			taken |= !strcmp(name, own[k]);
		if (taken)
			return core_fail_key(ctx, FV_CONFIG, find_attribute_key(spec, name),
				"attribute '%s': predictions.csv has a column of that name: "
				"rename the attribute",
				name);
	}
	return FV_OK;
}

/* Checks the attribute by whose groups the epoch is chosen. */
static fv_status check_select_groups(fv_ctx *ctx, const core_study *study, const core_run *run)
{
	const char *name = core_run_variant(study, run)->train.select_groups;
	const core_yaml *train = core_yaml_get(study->config->trees[run->variant], "train");
	if (!name || !strcmp(name, CORE_INFERRED_GROUPS))
		return FV_OK;
	return core_corpus_check_attribute(ctx, study->fold[run->fold].corpus,
		(core_key_ref){train, "select_groups", NULL}, "train.select_groups", name);
}

/* Whether the bias leaves two runs of one fold the same rows. */
static bool has_rows_of(const core_study *study, const core_run *run, const core_run *other)
{
	if (!other || run->seed != other->seed)
		return false;
	const core_yaml *own = core_run_variant(study, run)->bias.block;
	const core_yaml *its = core_run_variant(study, other)->bias.block;
	return own && its ? core_yaml_equal(own, its) : own == its;
}

/* Checks before the training that the named attributes exist and the bias leaves rows. `checked` is an earlier run of the
 * fold whose bias did; NULL: none. */
static fv_status check_run(
	fv_ctx *ctx, const core_study *study, const core_run *run, const core_run **checked)
{
	const core_variant *variant = core_run_variant(study, run);
	const core_fold *fold = &study->fold[run->fold];
	fv_status status = check_attribute_names(ctx, fold->corpus, &variant->corpus);
	for (int32_t i = 0; i < variant->n_groupers && !status; i++)
		if ((variant->groupers[i].uses & FV_USE_COLUMN) && variant->groupers[i].column)
			status = core_corpus_check_attribute(ctx, fold->corpus,
				(core_key_ref){variant->groupers[i].block, "column", NULL},
				"grouper.column", variant->groupers[i].column);
	if (!status)
		status = check_select_groups(ctx, study, run);
	if (status || has_rows_of(study, run, *checked))
		return status;
	core_rows rows;
	status = core_bias_rows(
		ctx, fold->corpus, &variant->bias, (uint64_t)run->seed, fold->fold, &rows);
	if (!status)
		*checked = run;
	return status;
}

static fv_status check_runs(fv_ctx *ctx, core_study *study)
{
	fv_ctx *own = core_ctx_aside(ctx); /* drops rows and warnings, which the runs repeat */
	const core_run **checked =
		own ? core_alloc(own, (size_t)study->n_folds, sizeof *checked) : NULL;
	fv_status status = checked ? FV_OK : FV_FAILED;
	for (int64_t i = 0; i < study->n_runs && !status; i++) {
		core_run *run = &study->run[i];
		if (run->failure)
			continue;
		status = check_run(own, study, run, &checked[run->fold]);
		if (core_study_goes_on(study, status)) {
			run->failure = core_error_take(ctx, own, status);
			status = FV_OK;
		}
	}
	return own ? core_ctx_rejoin(ctx, own, status) : status;
}

/* Identifies a variant by one of its runs. */
static fv_status identify_variant(fv_ctx *ctx, core_study *study, core_run *run)
{
	core_identity *identity = &study->identity[run->variant];
	if (*identity->sha256)
		return FV_OK;
	fv_status status = core_tune_pass_on_failure(ctx, study, run);
	if (status || run->failure)
		return status;
	status = core_identify_variant(ctx, study, run, identity);
	if (!status)
		return FV_OK;
	*identity = (core_identity){0};
	return core_study_fail_variant(ctx, study, run->variant, status);
}

static fv_status identify_variants(fv_ctx *ctx, core_study *study)
{
	fv_status status = FV_OK;
	for (int64_t i = 0; i < study->n_runs && !status; i++)
		if (!study->run[i].failure)
			status = identify_variant(ctx, study, &study->run[i]);
	return status ? status : core_variants_place(ctx, study);
}

/* Returns true if the study already has the run, from a variant with the same content. */
static bool is_repeated(core_study *study, const core_run *run)
{
	const char *own = study->identity[run->variant].sha256;
	int64_t fold = study->fold[run->fold].fold;
	for (int64_t i = 0; i < study->n_runs; i++) {
		const core_run *other = &study->run[i];
		if (study->fold[other->fold].fold == fold && other->seed == run->seed &&
			!strcmp(study->identity[other->variant].sha256, own))
			return true;
	}
	return false;
}

/* Removes runs of variants that differ only in file names from earlier ones. */
static void drop_repeated(fv_ctx *ctx, core_study *study)
{
	int64_t all = study->n_runs;
	for (size_t i = 1; i < study->config->n_variants; i++) {
		core_identity *identity = &study->identity[i];
		for (size_t j = 0; j < i && *identity->sha256 && !identity->repeats; j++)
			identity->repeats = !strcmp(study->identity[j].sha256, identity->sha256);
		if (identity->repeats)
			core_log(ctx, CORE_INFO,
				"variant %s has the same content as an earlier one: it is computed "
				"once",
				study->config->variants[i].slug);
	}
	study->n_runs = 0;
	for (int64_t i = 0; i < all; i++) {
		const core_run run = study->run[i];
		if (!study->identity[run.variant].repeats || !is_repeated(study, &run))
			study->run[study->n_runs++] = run;
	}
}

/* Finds the folder and fingerprint of the run, and whether it is done. */
static fv_status resolve_run(fv_ctx *ctx, core_study *study, core_run *run, bool force)
{
	const core_fold *fold = &study->fold[run->fold];
	fv_status status = core_tune_pass_on_failure(ctx, study, run);
	if (status || run->failure)
		return status;
	run->dir = core_format(ctx, "%s/fold%lld-seed%lld", study->identity[run->variant].dir,
		(long long)fold->fold, (long long)run->seed);
	if (!run->dir)
		return FV_FAILED;
	status = core_run_make_fingerprint(ctx, study, run);
	if (status)
		return core_study_fail_run(ctx, study, run, status);
	run->done = !force && core_folder_is_done(ctx, run);
	if (run->done && !core_run_variant(study, run)->tune)
		run->done = core_refresh_find(study, run, &run->stale);
	return FV_OK;
}

/* Shares the evaluation among runs of one variant and fold. Attributes that are left out are logged
 * once per corpus. */
static fv_status find_evaluations(fv_ctx *ctx, core_study *study)
{
	fv_status status = FV_OK;
	int32_t told = -1;
	for (int64_t i = 0; i < study->n_runs && !status; i++) {
		core_run *run = &study->run[i];
		const core_run *before = i ? run - 1 : NULL;
		const core_fold *fold = &study->fold[run->fold];
		if (run->failure)
			continue;
		if (before && before->variant == run->variant && before->fold == run->fold &&
			before->evaluation)
			run->evaluation = before->evaluation;
		else
			status = core_evaluation_make(ctx, core_run_variant(study, run),
				study->config->trees[run->variant], fold->corpus, told != fold->set,
				&run->evaluation);
		status = core_study_fail_run(ctx, study, run, status);
		told = fold->set;
	}
	return status;
}

/* Checks a planned study, and finds the folders of its runs. */
static fv_status resolve_study(fv_ctx *ctx, core_study *study, const core_study_options *options)
{
	fv_status status = find_evaluations(ctx, study);
	if (!status)
		status = check_runs(ctx, study);
	if (!status)
		status = core_encodings_prepare(ctx, study, options->jobs, options->keep_waves);
	if (!status)
		status = core_durations_prepare(ctx, study);
	if (!status)
		status = core_study_pass_on_failures(ctx, study);
	if (!status)
		status = core_ids_make(ctx, study);
	if (!status)
		status = identify_variants(ctx, study);
	if (!status)
		drop_repeated(ctx, study);
	for (int64_t i = 0; i < study->n_runs && !status; i++)
		if (!study->run[i].failure)
			status = resolve_run(ctx, study, &study->run[i], options->force);
	return status ? status : core_study_set_failed_apart(ctx, study);
}

static fv_status open_study(fv_ctx *ctx, core_config *config, const core_study_options *options,
	bool keep_going, core_study **out)
{
	core_study *study = core_alloc(ctx, 1, sizeof *study);
	if (!study)
		return FV_FAILED;
	*study = (core_study){.config = config,
		.results = options->results,
		.cache = options->cache,
		.device = options->device,
		.keep_going = keep_going};
	*out = study;
	fv_status status = list_folds(ctx, study);
	if (!status)
		status = add_runs(ctx, study);
	if (!status)
		status = resolve_study(ctx, study, options);
	if (status)
		core_study_close(study);
	return status;
}

fv_status core_study_open(
	fv_ctx *ctx, core_config *config, const core_study_options *options, core_study **out)
{
	fv_status status = open_study(ctx, config, options, options->keep_going, out);
	if (status || (*out)->n_runs || !(*out)->n_failed)
		return status;
	/* Nothing can be computed: what is wrong concerns the study as a whole. */
	core_study_close(*out);
	return open_study(ctx, config, options, false, out);
}

void core_study_close(core_study *study)
{
	core_encodings_close(study);
}

fv_status core_study_load_run(
	fv_ctx *ctx, core_study *study, int64_t index, const core_encode_job *job)
{
	fv_status status = core_encoding_load(ctx, study, study->run[index].encoding, job);
	return status ? status : core_study_load_groups(ctx, study, index, job);
}

fv_status core_study_load_groups(
	fv_ctx *ctx, core_study *study, int64_t index, const core_encode_job *job)
{
	const core_run *run = &study->run[index];
	fv_status status = FV_OK;
	for (int32_t i = 0; i < core_run_variant(study, run)->n_groupers && !status; i++)
		if (run->group_encoding[i] >= 0)
			status = core_encoding_load(ctx, study, run->group_encoding[i], job);
	return status;
}

fv_status core_study_load(fv_ctx *ctx, core_study *study, const core_encode_job *job)
{
	fv_status status = FV_OK;
	bool loaded = false;
	for (int64_t i = 0; i < study->n_runs && !status; i++)
		if (!study->run[i].done && !study->run[i].aside &&
			!core_run_variant(study, &study->run[i])->tune) {
			status = core_study_load_run(ctx, study, i, job);
			loaded = true;
		}
	if (!status && loaded)
		status = core_copies_warn(ctx, study);
	core_encodings_close_waves(study); /* their disk space is no longer needed */
	if (status || !study->keep_going)
		return status;
	status = core_study_pass_on_failures(ctx, study);
	return status ? status : core_study_set_failed_apart(ctx, study);
}
