/* SPDX-License-Identifier: Apache-2.0 */
#include "run/group_features.h"

#include <string.h>

#include "run/output.h"
#include "run/run_data.h"

/* Returns the encoding of the first grouper that has one; -1: none. */
static int32_t find_encoding(const core_study *study, const core_run *run, int32_t *grouper)
{
	int32_t n = core_run_variant(study, run)->n_groupers;
	for (*grouper = 0; *grouper < n; ++*grouper)
		if (run->group_encoding[*grouper] >= 0)
			return run->group_encoding[*grouper];
	return -1;
}

/* Fails if the cache lacks features, because encoding can take hours. */
static fv_status check_cache(fv_ctx *ctx, const core_study *study, const core_encoding *encoding)
{
	int64_t missing;
	const core_recordings *recordings = &study->set[encoding->set].recordings;
	fv_status status = core_features_count_missing(
		ctx, encoding->encoder, recordings, study->cache, &missing);
	if (status || !missing)
		return status;
	return fv_fail(ctx, FV_DATA,
		"%s: %lld of %lld recordings have no features of %s in this cache: name the cache "
		"of the "
		"study with --cache, or fill it with 'fairvox run'",
		study->cache, (long long)missing, (long long)recordings->n,
		encoding->encoder->name);
}

static fv_status copy_rows(
	fv_ctx *ctx, const core_run_data *r, const core_matrix *matrix, core_group_features *out)
{
	for (int k = 0; k < core_rows_splits(&r->rows); k++)
		out->n += r->rows.n[k];
	out->x = core_alloc(ctx, (size_t)(out->n * out->dims) + 1, sizeof *out->x);
	out->id = core_alloc(ctx, (size_t)out->n + 1, sizeof *out->id);
	if (!out->x || !out->id)
		return FV_FAILED;
	int64_t at = 0;
	for (int k = 0; k < core_rows_splits(&r->rows); k++) {
		size_t size = (size_t)r->rows.n[k] * (size_t)out->dims;
		if (size)
			memcpy(out->x + at * out->dims, matrix->x[k], size * sizeof *out->x);
		for (int32_t i = 0; i < r->rows.n[k]; i++)
			out->id[at + i] = core_run_data_find_id(r, r->rows.row[k][i]);
		at += r->rows.n[k];
	}
	return FV_OK;
}

static fv_status read_rows(fv_ctx *ctx, const core_run_data *r, const core_encoding *encoding,
	int32_t grouper, core_group_features *out)
{
	const core_grouper_spec *spec = &r->variant->groupers[grouper];
	const core_features *features = &encoding->features;
	core_matrix matrix = {0};
	fv_standardize kind = core_find_standardize(
		spec->has_encoder ? &spec->encoder : &r->variant->encoder, features->output);
	fv_status status = core_matrix_copy(ctx, features, r->study->fold[r->run->fold].row,
		r->corpus, &r->rows, kind, &matrix);
	out->dims = (int64_t)features->layers * features->dims;
	if (!status)
		status = copy_rows(ctx, r, &matrix, out);
	core_matrix_free(&matrix);
	return status;
}

fv_status core_group_features_read(
	fv_ctx *ctx, core_study *study, int64_t run, core_group_features *out)
{
	core_run_data r = {.study = study, .run = &study->run[run]};
	const core_encode_job job = {.cache = study->cache, .jobs = 1};
	int32_t grouper, index = find_encoding(study, r.run, &grouper);
	*out = (core_group_features){0};
	if (index < 0)
		return fv_fail(
			ctx, FV_DATA, "%s: its groups are made without features", r.run->dir);
	const core_encoding *encoding = &study->encoding[index];
	out->encoder = encoding->encoder->name;
	fv_status status = check_cache(ctx, study, encoding);
	if (!status)
		status = core_study_load_groups(ctx, study, run, &job);
	if (!status)
		status = core_run_data_find_rows(ctx, &r);
	return status ? status : read_rows(ctx, &r, encoding, grouper, out);
}
