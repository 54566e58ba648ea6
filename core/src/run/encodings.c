/* SPDX-License-Identifier: Apache-2.0 */
#include "run/encodings.h"

#include <string.h>

#include <fairvox/grouper.h>

#include "run/failures.h"
#include "run/grouping.h"
#include "run/rehearse.h"
#include "run/sets.h"

/* A plugin of others is not trusted with the program while the study keeps going. */
static bool needs_rehearsal(const core_study *study, const core_encoder_spec *spec)
{
	return study->keep_going && !spec->use.plugin->own;
}

/* "encoder 'x'" */
static const char *describe_encoder(fv_ctx *ctx, const core_encoder_spec *spec)
{
	const char *name = spec->use.plugin->descriptor->name;
	const char *text = core_format(ctx, "encoder '%s'", name);
	return text ? text : name;
}

static fv_status rehearse_open(void *user, fv_ctx *own)
{
	core_encoder *encoder;
	fv_status status = core_encoder_open(own, user, NULL, &encoder);
	if (!status)
		core_encoder_close(encoder);
	return status;
}

static fv_status open_encoder(
	fv_ctx *ctx, const core_study *study, const core_encoder_spec *spec, core_encoder **out)
{
	fv_status status = FV_OK;
	if (needs_rehearsal(study, spec))
		status = core_rehearse(
			ctx, describe_encoder(ctx, spec), rehearse_open, (void *)spec);
	return status ? status : core_encoder_open(ctx, spec, study->device, out);
}

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
	fv_status status = open_encoder(ctx, study, spec, &encoding.encoder);
	status = core_study_move_failure(ctx, study, status, &encoding.failure);
	if (!status)
		study->encoding[study->n_encodings++] = encoding;
	return status;
}

static fv_status add_group_encodings(
	fv_ctx *ctx, core_study *study, const core_variant *variant, core_run *run)
{
	for (int32_t i = 0; i < variant->n_groupers; i++) {
		const core_grouper_spec *g = &variant->groupers[i];
		run->group_encoding[i] = -1;
		if (!(g->uses & FV_USE_FEATURES))
			continue;
		fv_status status =
			add_encoding(ctx, study, g->has_encoder ? &g->encoder : &variant->encoder,
				run->fold, &run->group_encoding[i]);
		if (status)
			return status;
	}
	return FV_OK;
}

fv_status core_encodings_add_run(fv_ctx *ctx, core_study *study, core_run *run)
{
	const core_variant *variant = core_run_variant(study, run);
	fv_status status = add_encoding(ctx, study, &variant->encoder, run->fold, &run->encoding);
	return status ? status : add_group_encodings(ctx, study, variant, run);
}

/* Shares the waves of another encoding with the same recordings, rate and length, or opens new
 * ones. */
static fv_status find_waves(fv_ctx *ctx, core_study *study, core_encoding *encoding, bool keep)
{
	const core_recordings *r = &study->set[encoding->set].recordings;
	const core_waves_options wanted = {.cache = study->cache,
		.rate_hz = encoding->encoder->info.rate_hz,
		.max_seconds = encoding->encoder->spec->max_seconds,
		.keep = keep};
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
	fv_ctx *ctx, core_study *study, core_encoding *encoding, int jobs, bool keep_waves)
{
	const core_fold *fold = &study->fold[encoding->fold];
	int64_t *row = core_alloc(ctx, (size_t)fold->corpus->n, sizeof *row), n = 0;
	core_moments all;
	fv_status status = row ? find_waves(ctx, study, encoding, keep_waves) : FV_FAILED;
	if (status)
		return status;
	for (int32_t i = 0; i < fold->corpus->n; i++)
		if (fold->corpus->split[i] == CORE_TRAIN)
			row[n++] = fold->row[i];
	status = core_waves_measure(ctx, encoding->waves, row, n, jobs > 0 ? jobs : 1, &all);
	return status ? status
		      : core_encoder_set_corpus(ctx, encoding->encoder, all.mean,
				all.n ? all.m2 / (double)all.n : 0);
}

/* Finds the recordings of a set once, even if that fails. */
static fv_status find_audio(fv_ctx *ctx, core_study *study, core_encoding *encoding)
{
	core_set *set = &study->set[encoding->set];
	fv_status status = FV_OK;
	if (!set->failure)
		status = core_study_move_failure(
			ctx, study, core_set_find_audio(ctx, study, set), &set->failure);
	encoding->failure = set->failure;
	return status;
}

/* Does a run that has not failed need the encoding? */
static bool is_needed(const core_study *study, int32_t index)
{
	for (int64_t i = 0; i < study->n_runs; i++) {
		const core_run *run = &study->run[i];
		bool uses = run->encoding == index;
		for (int32_t g = 0; g < core_run_variant(study, run)->n_groupers; g++)
			uses |= run->group_encoding[g] == index;
		if (uses && !run->failure)
			return true;
	}
	return false;
}

fv_status core_encodings_prepare(fv_ctx *ctx, core_study *study, int jobs, bool keep_waves)
{
	for (int32_t i = 0; i < study->n_encodings; i++) {
		core_encoding *encoding = &study->encoding[i];
		if (encoding->failure || encoding->encoder->info.by_name || !is_needed(study, i))
			continue;
		fv_status status = find_audio(ctx, study, encoding);
		if (!status && !encoding->failure && encoding->fold >= 0) {
			status = set_corpus_moments(ctx, study, encoding, jobs, keep_waves);
			status = core_study_move_failure(ctx, study, status, &encoding->failure);
		}
		if (status)
			return status;
	}
	return FV_OK;
}

/* Closes all waves, each once although encodings share them. */
void core_encodings_close_waves(core_study *study)
{
	for (int32_t i = 0; i < study->n_encodings; i++) {
		core_waves *waves = study->encoding[i].waves;
		for (int32_t j = i; waves && j < study->n_encodings; j++)
			if (study->encoding[j].waves == waves)
				study->encoding[j].waves = NULL;
		core_waves_close(waves);
	}
}

void core_encodings_close(core_study *study)
{
	core_encodings_close_waves(study);
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

struct load {
	const core_encoder *encoder;
	const core_recordings *recordings;
	const core_encode_job *job;
};

static fv_status rehearse_load(void *user, fv_ctx *own)
{
	const struct load *l = user;
	core_features features;
	fv_status status = core_features_load(own, l->encoder, l->recordings, l->job, &features);
	if (!status)
		core_features_free(&features);
	return status;
}

/* Loads features. Recordings are encoded in worker processes, but looked up by name in this one. */
static fv_status load_features(
	fv_ctx *ctx, const core_study *study, core_encoding *encoding, const core_encode_job *job)
{
	struct load load = {encoding->encoder, &study->set[encoding->set].recordings, job};
	const core_encoder_spec *spec = encoding->encoder->spec;
	fv_status status = FV_OK;
	if (encoding->encoder->info.by_name && needs_rehearsal(study, spec))
		status = core_rehearse(ctx, describe_encoder(ctx, spec), rehearse_load, &load);
	return status ? status
		      : core_features_load(
				ctx, load.encoder, load.recordings, job, &encoding->features);
}

fv_status core_encoding_load(
	fv_ctx *ctx, core_study *study, int32_t index, const core_encode_job *job)
{
	core_encoding *encoding = &study->encoding[index];
	if (encoding->loaded || encoding->failure)
		return FV_OK;
	const core_encode_job own = {
		.cache = job->cache, .jobs = job->jobs, .waves = encoding->waves};
	fv_status status = load_features(ctx, study, encoding, &own);
	encoding->loaded = !status;
	if (!status)
		warn_silent(ctx, &study->set[encoding->set], &encoding->features);
	return core_study_move_failure(ctx, study, status, &encoding->failure);
}
