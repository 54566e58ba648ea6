/* SPDX-License-Identifier: Apache-2.0 */
#include "run/study.h"

#include <string.h>

#include <fairvox/grouper.h>

#include "base/file.h"
#include "base/text.h"
#include "run/fingerprint.h"
#include "run/folder.h"
#include "run/grouping.h"
#include "run/identity.h"
#include "run/ids.h"
#include "run/refresh.h"
#include "run/sets.h"
#include "run/variants.h"

static fv_status add_encoding(
	fv_ctx *ctx, core_study *study, const core_encoder_spec *spec, int32_t fold, int32_t *index)
{
	core_encoding encoding = {.key = spec->key,
		.set = study->fold[fold].set,
		.fold = spec->normalize == CORE_NORMALIZE_CORPUS ? fold : -1};
	for (*index = 0; *index < study->n_encodings; ++*index) {
		const core_encoding *other = &study->encoding[*index];
		if (other->set == encoding.set && other->fold == encoding.fold &&
			!strcmp(other->key, encoding.key))
			return FV_OK;
	}
	fv_status status = core_encoder_open(ctx, spec, &encoding.encoder);
	if (!status)
		study->encoding[study->n_encodings++] = encoding;
	return status;
}

static fv_status add_group_encodings(
	fv_ctx *ctx, core_study *study, const core_variant *variant, core_run *run)
{
	if (variant->n_groupers > CORE_PRODUCT_MAX)
		return fv_fail(ctx, FV_CONFIG, "a product has over %d groupers: use fewer",
			CORE_PRODUCT_MAX);
	for (int32_t i = 0; i < variant->n_groupers; i++) {
		const core_grouper_spec *g = &variant->groupers[i];
		run->group_encoding[i] = -1;
		if (!(core_grouper_uses(g) & FV_USE_FEATURES))
			continue;
		fv_status status =
			add_encoding(ctx, study, g->has_encoder ? &g->encoder : &variant->encoder,
				run->fold, &run->group_encoding[i]);
		if (status)
			return status;
	}
	return FV_OK;
}

static fv_status add_run(
	fv_ctx *ctx, core_study *study, int32_t variant_index, int64_t fold, int64_t seed)
{
	const core_variant *variant = &study->config->variants[variant_index];
	core_run *run = &study->run[study->n_runs];
	*run = (core_run){.variant = variant_index, .seed = seed};
	fv_status status = core_set_add_fold(ctx, study, &variant->corpus, fold, &run->fold);
	if (!status)
		status = add_encoding(ctx, study, &variant->encoder, run->fold, &run->encoding);
	if (!status)
		status = add_group_encodings(ctx, study, variant, run);
	study->n_runs += !status;
	return status;
}

/* Lists the folds that a column tells. Variants with one corpus block share them. */
static fv_status list_folds(fv_ctx *ctx, core_config *config)
{
	for (size_t i = 0; i < config->n_variants; i++) {
		core_corpus_spec *spec = &config->variants[i].corpus;
		const core_corpus_spec *before = i ? &config->variants[i - 1].corpus : NULL;
		if (before && !spec->n_folds && !strcmp(before->key, spec->key)) {
			spec->folds = before->folds;
			spec->n_folds = before->n_folds;
		}
		fv_status status = core_corpus_list_folds(ctx, spec);
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
	if (!study->run || !study->fold || !study->set || !study->encoding || !study->identity)
		return FV_FAILED;
	for (size_t i = 0; i < config->n_variants; i++) {
		const core_variant *variant = &config->variants[i];
		for (int32_t f = 0; f < variant->corpus.n_folds; f++)
			for (int32_t s = 0; s < variant->train.n_seeds; s++) {
				fv_status status = add_run(ctx, study, (int32_t)i,
					variant->corpus.folds[f], variant->train.seeds[s]);
				if (status)
					return status;
			}
	}
	return core_sets_join(ctx, study);
}

/* Shares the waves of another encoding with the same recordings, rate and length, or opens new
 * ones. */
static fv_status find_waves(
	fv_ctx *ctx, core_study *study, core_encoding *encoding, const core_study_options *options)
{
	const core_recordings *r = &study->set[encoding->set].recordings;
	const core_waves_options wanted = {.cache = study->cache,
		.rate_hz = encoding->encoder->info.rate_hz,
		.max_seconds = encoding->encoder->spec->max_seconds,
		.keep = options->keep_waves};
	for (int32_t i = 0; i < study->n_encodings && !encoding->waves; i++) {
		core_waves *other = study->encoding[i].waves;
		if (other && core_waves_match(other, r, wanted.rate_hz, wanted.max_seconds))
			encoding->waves = other;
	}
	return encoding->waves ? FV_OK : core_waves_open(ctx, r, &wanted, &encoding->waves);
}

/* Sets the encoder's mean and variance over all samples of the fold's training recordings, before
 * any bias. */
static fv_status set_corpus_moments(
	fv_ctx *ctx, core_study *study, core_encoding *encoding, const core_study_options *options)
{
	const core_fold *fold = &study->fold[encoding->fold];
	int64_t *row = core_alloc(ctx, (size_t)fold->corpus->n, sizeof *row), n = 0;
	core_moments all;
	fv_status status = row ? find_waves(ctx, study, encoding, options) : FV_FAILED;
	if (status)
		return status;
	for (int32_t i = 0; i < fold->corpus->n; i++)
		if (fold->corpus->split[i] == CORE_TRAIN)
			row[n++] = fold->row[i];
	int jobs = options->jobs > 0 ? options->jobs : 1;
	status = core_waves_measure(ctx, encoding->waves, row, n, jobs, &all);
	return status ? status
		      : core_encoder_set_corpus(ctx, encoding->encoder, all.mean,
				all.n ? all.m2 / (double)all.n : 0);
}

static fv_status prepare_encodings(
	fv_ctx *ctx, core_study *study, const core_study_options *options)
{
	for (int32_t i = 0; i < study->n_encodings; i++) {
		core_encoding *encoding = &study->encoding[i];
		if (encoding->encoder->info.by_name)
			continue;
		fv_status status = core_set_find_audio(ctx, study, &study->set[encoding->set]);
		if (!status && encoding->fold >= 0)
			status = set_corpus_moments(ctx, study, encoding, options);
		if (status)
			return status;
	}
	return FV_OK;
}

/* Refuses attributes named like other columns of predictions.csv. */
static fv_status check_attribute_names(fv_ctx *ctx, const core_corpus *corpus)
{
	static const char *const own[] = {"FileName", "SpkrID", "group", "split"};
	for (int32_t i = 0; i < corpus->n_attributes; i++) {
		const char *name = corpus->attribute[i].name;
		bool taken = !strncmp(name, "prob_", 5) || !strncmp(name, "label_", 6);
		for (size_t k = 0; k < sizeof own / sizeof *own; k++)
			taken |= !strcmp(name, own[k]);
		if (taken)
			return fv_fail(ctx, FV_CONFIG,
				"attribute '%s': predictions.csv has a column of that name: "
				"rename the attribute",
				name);
	}
	return FV_OK;
}

/* Checks before the training that the named attributes exist and the bias leaves rows. */
static fv_status check_run(fv_ctx *ctx, const core_study *study, const core_run *run)
{
	const core_variant *variant = core_run_variant(study, run);
	const core_fold *fold = &study->fold[run->fold];
	fv_status status = check_attribute_names(ctx, fold->corpus);
	for (int32_t i = 0; i < variant->n_groupers && !status; i++)
		if ((core_grouper_uses(&variant->groupers[i]) & FV_USE_COLUMN) &&
			variant->groupers[i].column)
			status = core_corpus_check_attribute(
				ctx, fold->corpus, "grouper.column", variant->groupers[i].column);
	core_rows rows;
	if (!status)
		status = core_bias_rows(
			ctx, fold->corpus, &variant->bias, (uint64_t)run->seed, fold->fold, &rows);
	return status;
}

static fv_status check_runs(fv_ctx *ctx, const core_study *study)
{
	fv_ctx *own = core_ctx_aside(ctx); /* drops rows and warnings, which the runs repeat */
	fv_status status = FV_OK;
	if (!own)
		return FV_FAILED;
	for (int64_t i = 0; i < study->n_runs && !status; i++)
		status = check_run(own, study, &study->run[i]);
	return core_ctx_rejoin(ctx, own, status);
}

static fv_status identify_variants(fv_ctx *ctx, core_study *study)
{
	fv_status status = FV_OK;
	for (int64_t i = 0; i < study->n_runs && !status; i++) {
		const core_run *run = &study->run[i];
		core_identity *identity = &study->identity[run->variant];
		if (!*identity->sha256)
			status = core_identify_variant(ctx, study, run, identity);
	}
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
		for (size_t j = 0; j < i && !identity->repeats; j++)
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
	run->dir = core_format(ctx, "%s/fold%lld-seed%lld", study->identity[run->variant].dir,
		(long long)fold->fold, (long long)run->seed);
	if (!run->dir)
		return FV_FAILED;
	fv_status status = core_run_make_fingerprint(ctx, study, run);
	if (status)
		return status;
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
		if (before && before->variant == run->variant && before->fold == run->fold)
			run->evaluation = before->evaluation;
		else
			status = core_evaluation_make(ctx, core_run_variant(study, run),
				study->config->trees[run->variant], fold->corpus, told != fold->set,
				&run->evaluation);
		told = fold->set;
	}
	return status;
}

fv_status core_study_open(
	fv_ctx *ctx, core_config *config, const core_study_options *options, core_study **out)
{
	core_study *study = core_alloc(ctx, 1, sizeof *study);
	if (!study)
		return FV_FAILED;
	*study = (core_study){
		.config = config, .results = options->results, .cache = options->cache};
	*out = study;
	fv_status status = list_folds(ctx, config);
	if (!status)
		status = add_runs(ctx, study);
	if (!status)
		status = find_evaluations(ctx, study);
	if (!status)
		status = check_runs(ctx, study);
	if (!status)
		status = prepare_encodings(ctx, study, options);
	if (!status)
		status = core_ids_make(ctx, study);
	if (!status)
		status = identify_variants(ctx, study);
	if (!status)
		drop_repeated(ctx, study);
	for (int64_t i = 0; i < study->n_runs && !status; i++)
		status = resolve_run(ctx, study, &study->run[i], options->force);
	if (status)
		core_study_close(study);
	return status;
}

/* Closes all waves, each once although encodings share them. */
static void close_waves(core_study *study)
{
	for (int32_t i = 0; i < study->n_encodings; i++) {
		core_waves *waves = study->encoding[i].waves;
		for (int32_t j = i; waves && j < study->n_encodings; j++)
			if (study->encoding[j].waves == waves)
				study->encoding[j].waves = NULL;
		core_waves_close(waves);
	}
}

void core_study_close(core_study *study)
{
	close_waves(study);
	for (int32_t i = 0; i < study->n_encodings; i++) {
		core_encoder_close(study->encoding[i].encoder);
		core_features_free(&study->encoding[i].features);
	}
	study->n_encodings = 0;
}

/* Warns of silent recordings once for each set, not once for each of its encodings. */
static void warn_silent(fv_ctx *ctx, core_set *set, const core_features *features)
{
	int64_t count = 0;
	for (int64_t i = 0; i < features->n; i++)
		count += features->silent[i];
	if (count > set->told_silent)
		core_recordings_warn_silent(
			ctx, set->recordings.name, features->silent, features->n);
	if (count > set->told_silent)
		set->told_silent = count;
}

static fv_status load_encoding(
	fv_ctx *ctx, core_study *study, int32_t index, const core_encode_job *job)
{
	core_encoding *encoding = &study->encoding[index];
	if (encoding->loaded)
		return FV_OK;
	const core_encode_job own = {
		.cache = job->cache, .jobs = job->jobs, .waves = encoding->waves};
	fv_status status = core_features_load(ctx, encoding->encoder,
		&study->set[encoding->set].recordings, &own, &encoding->features);
	encoding->loaded = !status;
	if (!status)
		warn_silent(ctx, &study->set[encoding->set], &encoding->features);
	return status;
}

fv_status core_study_load_run(
	fv_ctx *ctx, core_study *study, int64_t index, const core_encode_job *job)
{
	fv_status status = load_encoding(ctx, study, study->run[index].encoding, job);
	return status ? status : core_study_load_groups(ctx, study, index, job);
}

fv_status core_study_load_groups(
	fv_ctx *ctx, core_study *study, int64_t index, const core_encode_job *job)
{
	const core_run *run = &study->run[index];
	fv_status status = FV_OK;
	for (int32_t i = 0; i < core_run_variant(study, run)->n_groupers && !status; i++)
		if (run->group_encoding[i] >= 0)
			status = load_encoding(ctx, study, run->group_encoding[i], job);
	return status;
}

fv_status core_study_load(fv_ctx *ctx, core_study *study, const core_encode_job *job)
{
	fv_status status = FV_OK;
	for (int64_t i = 0; i < study->n_runs && !status; i++)
		if (!study->run[i].done && !core_run_variant(study, &study->run[i])->tune)
			status = core_study_load_run(ctx, study, i, job);
	close_waves(study); /* their disk space is no longer needed */
	return status;
}
