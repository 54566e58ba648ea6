/* SPDX-License-Identifier: Apache-2.0 */
#include "run/study.h"

#include <string.h>

#include <fairvox/grouper.h>

#include "base/file.h"
#include "base/text.h"
#include "run/folder.h"
#include "run/grouping.h"
#include "run/identity.h"
#include "run/ids.h"
#include "run/inputs.h"
#include "run/refresh.h"
#include "run/sets.h"
#include "run/variants.h"

static fv_status add_table(
	fv_ctx *ctx, core_study *study, const core_encoder_spec *spec, int32_t fold, int32_t *index)
{
	core_table table = {.key = spec->key,
		.set = study->fold[fold].set,
		.fold = spec->normalize == CORE_NORMALIZE_CORPUS ? fold : -1};
	for (*index = 0; *index < study->n_tables; ++*index) {
		const core_table *other = &study->table[*index];
		if (other->set == table.set && other->fold == table.fold &&
			!strcmp(other->key, table.key))
			return FV_OK;
	}
	fv_status status = core_encoder_open(ctx, spec, &table.encoder);
	if (!status)
		study->table[study->n_tables++] = table;
	return status;
}

static fv_status add_group_tables(
	fv_ctx *ctx, core_study *study, const core_cell *cell, core_run *run)
{
	if (cell->n_groupers > CORE_PRODUCT_MAX)
		return fv_fail(ctx, FV_CONFIG, "a product of over %d groupers", CORE_PRODUCT_MAX);
	for (int32_t i = 0; i < cell->n_groupers; i++) {
		const core_grouper_spec *g = &cell->groupers[i];
		run->group_table[i] = -1;
		if (!(core_grouper_uses(g) & FV_USE_TABLE))
			continue;
		fv_status status =
			add_table(ctx, study, g->has_encoder ? &g->encoder : &cell->encoder,
				run->fold, &run->group_table[i]);
		if (status)
			return status;
	}
	return FV_OK;
}

static fv_status add_run(
	fv_ctx *ctx, core_study *study, int32_t cell_index, int64_t fold, int64_t seed)
{
	const core_cell *cell = &study->config->cells[cell_index];
	core_run *run = &study->run[study->n_runs];
	*run = (core_run){.cell = cell_index, .seed = seed};
	fv_status status = core_set_fold(ctx, study, &cell->corpus, fold, &run->fold);
	if (!status)
		status = add_table(ctx, study, &cell->encoder, run->fold, &run->table);
	if (!status)
		status = add_group_tables(ctx, study, cell, run);
	study->n_runs += !status;
	return status;
}

static fv_status add_runs(fv_ctx *ctx, core_study *study)
{
	const core_config *config = study->config;
	size_t runs = 0, folds = 0;
	for (size_t i = 0; i < config->n_cells; i++) {
		const core_cell *cell = &config->cells[i];
		runs += (size_t)cell->corpus.n_folds * (size_t)cell->train.n_seeds;
		folds += (size_t)cell->corpus.n_folds;
	}
	study->run = core_alloc(ctx, runs, sizeof *study->run);
	study->fold = core_alloc(ctx, folds, sizeof *study->fold);
	study->set = core_alloc(ctx, config->n_cells, sizeof *study->set);
	study->table = core_alloc(ctx, runs * (1 + CORE_PRODUCT_MAX), sizeof *study->table);
	study->identity = core_alloc(ctx, config->n_cells, sizeof *study->identity);
	if (!study->run || !study->fold || !study->set || !study->table || !study->identity)
		return FV_FAILED;
	for (size_t i = 0; i < config->n_cells; i++) {
		const core_cell *cell = &config->cells[i];
		for (int32_t f = 0; f < cell->corpus.n_folds; f++)
			for (int32_t s = 0; s < cell->train.n_seeds; s++) {
				fv_status status = add_run(ctx, study, (int32_t)i,
					cell->corpus.folds[f], cell->train.seeds[s]);
				if (status)
					return status;
			}
	}
	return core_sets_join(ctx, study);
}

/* Those of another table with the same recordings, rate and length, or new ones. */
static fv_status find_waves(
	fv_ctx *ctx, core_study *study, core_table *table, const core_study_options *options)
{
	const core_recordings *r = &study->set[table->set].recordings;
	const core_waves_options wanted = {.cache = study->cache,
		.rate_hz = table->encoder->info.rate_hz,
		.max_seconds = table->encoder->spec->max_seconds,
		.keep = options->keep_waves};
	for (int32_t i = 0; i < study->n_tables && !table->waves; i++) {
		core_waves *other = study->table[i].waves;
		if (other && core_waves_are(other, r, wanted.rate_hz, wanted.max_seconds))
			table->waves = other;
	}
	return table->waves ? FV_OK : core_waves_open(ctx, r, &wanted, &table->waves);
}

/* Mean and sd over all samples of the fold's training recordings, before any bias. */
static fv_status set_corpus_moments(
	fv_ctx *ctx, core_study *study, core_table *table, const core_study_options *options)
{
	const core_fold *fold = &study->fold[table->fold];
	int64_t *row = core_alloc(ctx, (size_t)fold->corpus->n, sizeof *row), n = 0;
	core_moments all;
	fv_status status = row ? find_waves(ctx, study, table, options) : FV_FAILED;
	if (status)
		return status;
	for (int32_t i = 0; i < fold->corpus->n; i++)
		if (fold->corpus->split[i] == CORE_TRAIN)
			row[n++] = fold->row[i];
	int jobs = options->jobs > 0 ? options->jobs : 1;
	status = core_waves_measure(ctx, table->waves, row, n, jobs, &all);
	return status ? status
		      : core_encoder_set_corpus(
				ctx, table->encoder, all.mean, all.n ? all.m2 / (double)all.n : 0);
}

static fv_status prepare_tables(fv_ctx *ctx, core_study *study, const core_study_options *options)
{
	for (int32_t i = 0; i < study->n_tables; i++) {
		core_table *table = &study->table[i];
		if (table->encoder->info.by_name)
			continue;
		fv_status status = core_set_find_audio(ctx, study, &study->set[table->set]);
		if (!status && table->fold >= 0)
			status = set_corpus_moments(ctx, study, table, options);
		if (status)
			return status;
	}
	return FV_OK;
}

static fv_status check_attribute(
	fv_ctx *ctx, const core_corpus *corpus, const char *key, const char *name)
{
	if (core_corpus_attribute(corpus, name))
		return FV_OK;
	return fv_fail(ctx, FV_CONFIG, "%s: %s has no attribute '%s'", key, corpus->labels, name);
}

/* predictions.csv has columns of its own beside the attributes. */
static fv_status check_names(fv_ctx *ctx, const core_corpus *corpus)
{
	static const char *const own[] = {"FileName", "SpkrID", "group", "split"};
	for (int32_t i = 0; i < corpus->n_attributes; i++) {
		const char *name = corpus->attribute[i].name;
		bool taken = !strncmp(name, "prob_", 5) || !strncmp(name, "label_", 6);
		for (size_t k = 0; k < sizeof own / sizeof *own; k++)
			taken |= !strcmp(name, own[k]);
		if (taken)
			return fv_fail(ctx, FV_CONFIG,
				"attribute '%s': predictions.csv has a column of that name: give "
				"the attribute another name",
				name);
	}
	return FV_OK;
}

/* Before hours of training: do the attributes named exist, and does the bias leave rows? */
static fv_status check_run(fv_ctx *ctx, const core_study *study, const core_run *run)
{
	const core_cell *cell = core_run_cell(study, run);
	const core_fold *fold = &study->fold[run->fold];
	fv_status status = check_names(ctx, fold->corpus);
	for (int32_t i = 0; i < cell->n_groupers && !status; i++)
		if ((core_grouper_uses(&cell->groupers[i]) & FV_USE_COLUMN) &&
			cell->groupers[i].column)
			status = check_attribute(
				ctx, fold->corpus, "grouper.column", cell->groupers[i].column);
	core_rows rows;
	if (!status)
		status = core_bias_rows(
			ctx, fold->corpus, &cell->bias, (uint64_t)run->seed, fold->fold, &rows);
	return status;
}

static fv_status check_runs(fv_ctx *ctx, const core_study *study)
{
	fv_ctx *own =
		core_ctx_aside(ctx); /* rows and warnings are those of the runs: not kept here */
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
		core_identity *identity = &study->identity[run->cell];
		if (!*identity->sha256)
			status = core_identify(ctx, study, run, identity);
	}
	return status ? status : core_variants_place(ctx, study);
}

/* Is the run there already, of a variant that is the same by content? */
static bool is_repeated(core_study *study, const core_run *run)
{
	const char *own = study->identity[run->cell].sha256;
	int64_t fold = study->fold[run->fold].fold;
	for (int64_t i = 0; i < study->n_runs; i++) {
		const core_run *other = &study->run[i];
		if (study->fold[other->fold].fold == fold && other->seed == run->seed &&
			!strcmp(study->identity[other->cell].sha256, own))
			return true;
	}
	return false;
}

/* Runs of variants that only names of files tell apart are kept once. */
static void drop_repeated(fv_ctx *ctx, core_study *study)
{
	int64_t all = study->n_runs;
	for (size_t i = 1; i < study->config->n_cells; i++) {
		core_identity *identity = &study->identity[i];
		for (size_t j = 0; j < i && !identity->repeats; j++)
			identity->repeats = !strcmp(study->identity[j].sha256, identity->sha256);
		if (identity->repeats)
			core_log(ctx, CORE_INFO,
				"variant %s is another by the same content: it is computed once",
				study->config->cells[i].slug);
	}
	study->n_runs = 0;
	for (int64_t i = 0; i < all; i++) {
		const core_run run = study->run[i];
		if (!study->identity[run.cell].repeats || !is_repeated(study, &run))
			study->run[study->n_runs++] = run;
	}
}

/* Where the run lies, what it depends on, how it is judged, and whether that is done. */
static fv_status settle_run(fv_ctx *ctx, core_study *study, core_run *run, bool force)
{
	const core_fold *fold = &study->fold[run->fold];
	run->dir = core_format(ctx, "%s/fold%lld-seed%lld", study->identity[run->cell].dir,
		(long long)fold->fold, (long long)run->seed);
	if (!run->dir)
		return FV_FAILED;
	fv_status status = core_run_inputs(ctx, study, run);
	if (status)
		return status;
	run->done = !force && core_folder_is_done(ctx, run) &&
		    core_refresh_find(study, run, &run->stale);
	return FV_OK;
}

/* Runs of one cell and fold are judged alike. What is left out is told once a corpus. */
static fv_status find_evaluations(fv_ctx *ctx, core_study *study)
{
	fv_status status = FV_OK;
	int32_t told = -1;
	for (int64_t i = 0; i < study->n_runs && !status; i++) {
		core_run *run = &study->run[i];
		const core_run *before = i ? run - 1 : NULL;
		const core_fold *fold = &study->fold[run->fold];
		if (before && before->cell == run->cell && before->fold == run->fold)
			run->evaluation = before->evaluation;
		else
			status = core_evaluation_make(ctx, core_run_cell(study, run),
				study->config->trees[run->cell], fold->corpus, told != fold->set,
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
	fv_status status = add_runs(ctx, study);
	if (!status)
		status = find_evaluations(ctx, study);
	if (!status)
		status = check_runs(ctx, study);
	if (!status)
		status = prepare_tables(ctx, study, options);
	if (!status)
		status = core_ids_make(ctx, study);
	if (!status)
		status = identify_variants(ctx, study);
	if (!status)
		drop_repeated(ctx, study);
	for (int64_t i = 0; i < study->n_runs && !status; i++)
		status = settle_run(ctx, study, &study->run[i], options->force);
	if (status)
		core_study_close(study);
	return status;
}

/* Waves are closed with the first table that has them. */
static void close_waves(core_study *study)
{
	for (int32_t i = 0; i < study->n_tables; i++) {
		core_waves *waves = study->table[i].waves;
		for (int32_t j = i; waves && j < study->n_tables; j++)
			if (study->table[j].waves == waves)
				study->table[j].waves = NULL;
		core_waves_close(waves);
	}
}

void core_study_close(core_study *study)
{
	close_waves(study);
	for (int32_t i = 0; i < study->n_tables; i++) {
		core_encoder_close(study->table[i].encoder);
		core_features_free(&study->table[i].features);
	}
	study->n_tables = 0;
}

static fv_status load_table(
	fv_ctx *ctx, core_study *study, int32_t index, const core_encode_job *job)
{
	core_table *table = &study->table[index];
	if (table->loaded)
		return FV_OK;
	const core_encode_job own = {.cache = job->cache, .jobs = job->jobs, .waves = table->waves};
	fv_status status = core_features_load(
		ctx, table->encoder, &study->set[table->set].recordings, &own, &table->features);
	table->loaded = !status;
	return status;
}

fv_status core_study_load_run(
	fv_ctx *ctx, core_study *study, int64_t index, const core_encode_job *job)
{
	fv_status status = load_table(ctx, study, study->run[index].table, job);
	return status ? status : core_study_load_groups(ctx, study, index, job);
}

fv_status core_study_load_groups(
	fv_ctx *ctx, core_study *study, int64_t index, const core_encode_job *job)
{
	const core_run *run = &study->run[index];
	fv_status status = FV_OK;
	for (int32_t i = 0; i < core_run_cell(study, run)->n_groupers && !status; i++)
		if (run->group_table[i] >= 0)
			status = load_table(ctx, study, run->group_table[i], job);
	return status;
}

fv_status core_study_load(fv_ctx *ctx, core_study *study, const core_encode_job *job)
{
	fv_status status = FV_OK;
	for (int64_t i = 0; i < study->n_runs && !status; i++)
		if (!study->run[i].done)
			status = core_study_load_run(ctx, study, i, job);
	close_waves(study); /* what they hold on the disk is not needed by the runs */
	return status;
}
