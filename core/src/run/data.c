/* SPDX-License-Identifier: Apache-2.0 */
#include "run/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/large.h"

struct source {
	const core_features *features;
	const int64_t *corpus_row;
	size_t width; /* L * D */
};

static struct source make_source(const core_features *features, const int64_t *corpus_row)
{
	return (struct source){
		features, corpus_row, (size_t)features->layers * (size_t)features->dims};
}

static core_matrix make_empty_matrix(
	const core_features *features, const core_rows *rows, fv_standardize kind)
{
	core_matrix m = {.scaling = {kind, features->layers, features->dims, NULL, NULL}};
	memcpy(m.n, rows->n, sizeof m.n);
	return m;
}

static const float *find_row(const struct source *s, int32_t utterance)
{
	return s->features->x + (size_t)s->corpus_row[utterance] * s->width;
}

/* Computes mean and scale = 1/sd over utterances[0..n), in two passes so that a large mean loses no digits. */
static fv_status find_moments(fv_ctx *ctx, const struct source *s, const int32_t *utterance,
	int32_t n, float *mean, float *scale)
{
	double *sum = calloc(2 * s->width, sizeof *sum);
	if (!sum)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	double *square = sum + s->width;
	for (int32_t i = 0; i < n; i++) {
		const float *x = find_row(s, utterance[i]);
		for (size_t j = 0; j < s->width; j++)
			sum[j] += (double)x[j];
	}
	for (size_t j = 0; j < s->width; j++)
		sum[j] /= n > 0 ? n : 1;
	for (int32_t i = 0; i < n; i++) {
		const float *x = find_row(s, utterance[i]);
		for (size_t j = 0; j < s->width; j++)
			square[j] += ((double)x[j] - sum[j]) * ((double)x[j] - sum[j]);
	}
	for (size_t j = 0; j < s->width; j++) {
		double sd = sqrt(square[j] / (n > 0 ? n : 1));
		mean[j] = (float)sum[j];
		/* Rounding alone makes a constant column vary by about 1e-7 of its size. */
		scale[j] = sd > 1e-6 * fabs(sum[j]) && sd > 1e-30 ? (float)(1 / sd) : 1.0f;
	}
	free(sum);
	return FV_OK;
}

static void scale_row(const float *mean, const float *scale, size_t width, float *x)
{
	for (size_t j = 0; j < width; j++)
		x[j] = (x[j] - mean[j]) * scale[j];
}

/* Returns the copy of a row of a split. */
static float *find_copy(const core_matrix *m, int split, int32_t i, size_t width)
{
	return m->memory + (m->x[split] - m->memory) + (size_t)i * width;
}

static fv_status scale_speaker(fv_ctx *ctx, const struct source *s, const core_corpus *corpus,
	const core_rows *rows, int32_t speaker, int32_t *own, float *mean, float *scale,
	core_matrix *m)
{
	int32_t n = 0;
	for (int32_t i = 0; i < corpus->n; i++)
		if (corpus->speaker[i] == speaker)
			own[n++] = i;
	fv_status status = find_moments(ctx, s, own, n, mean, scale);
	for (int k = 0; k < core_rows_splits(rows) && !status; k++)
		for (int32_t i = 0; i < rows->n[k]; i++)
			if (corpus->speaker[rows->row[k][i]] == speaker)
				scale_row(mean, scale, s->width, find_copy(m, k, i, s->width));
	return status;
}

static fv_status scale_by_speaker(fv_ctx *ctx, const struct source *s, const core_corpus *corpus,
	const core_rows *rows, core_matrix *m)
{
	int32_t *own = core_alloc(ctx, (size_t)corpus->n, sizeof *own);
	float *mean = core_alloc(ctx, s->width, sizeof *mean);
	float *scale = core_alloc(ctx, s->width, sizeof *scale);
	if (!own || !mean || !scale)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (int32_t k = 0; k < corpus->n_speakers && !status; k++)
		status = scale_speaker(ctx, s, corpus, rows, k, own, mean, scale, m);
	return status;
}

/* Computes mean and scale of every layer and dimension over the training rows; 0 and 1 with
 * FV_STANDARDIZE_NONE. */
static fv_status find_scaling(
	fv_ctx *ctx, const struct source *s, const core_rows *rows, core_scaling *scaling)
{
	scaling->mean = core_alloc(ctx, s->width, sizeof *scaling->mean);
	scaling->scale = core_alloc(ctx, s->width, sizeof *scaling->scale);
	if (!scaling->mean || !scaling->scale)
		return FV_FAILED;
	for (size_t j = 0; j < s->width; j++)
		scaling->scale[j] = 1;
	if (scaling->kind == FV_STANDARDIZE_NONE)
		return FV_OK;
	return find_moments(
		ctx, s, rows->row[CORE_TRAIN], rows->n[CORE_TRAIN], scaling->mean, scaling->scale);
}

/* Scales the copies of the first `splits` splits. */
static void scale_copies(const struct source *s, const core_rows *rows, int splits, core_matrix *m)
{
	for (int k = 0; k < splits; k++)
		for (int32_t i = 0; i < rows->n[k]; i++)
			scale_row(m->scaling.mean, m->scaling.scale, s->width,
				find_copy(m, k, i, s->width));
}

/* Copies the rows of the first `splits` splits, side by side. */
static fv_status copy_rows(
	fv_ctx *ctx, const struct source *s, const core_rows *rows, int splits, core_matrix *out)
{
	size_t total = 0;
	for (int k = 0; k < splits; k++)
		total += (size_t)rows->n[k];
	out->memory = core_large_alloc(total, s->width * sizeof *out->memory);
	if (!out->memory)
		return fv_fail(
			ctx, FV_FAILED, "out of memory for %zu x %zu features", total, s->width);
	float *at = out->memory;
	for (int k = 0; k < splits; k++) {
		out->x[k] = at;
		for (int32_t i = 0; i < rows->n[k]; i++, at += s->width)
			memcpy(at, find_row(s, rows->row[k][i]), s->width * sizeof *at);
	}
	return FV_OK;
}

/* Makes the rows of a split refer to the features by index. */
static fv_status index_rows(
	fv_ctx *ctx, const struct source *s, const core_rows *rows, int split, core_matrix *out)
{
	int32_t *index = core_alloc(ctx, (size_t)rows->n[split], sizeof *index);
	if (!index)
		return FV_FAILED;
	for (int32_t i = 0; i < rows->n[split]; i++)
		index[i] = (int32_t)s->corpus_row[rows->row[split][i]];
	out->x[split] = s->features->x;
	out->index[split] = index;
	return FV_OK;
}

fv_status core_matrix_copy(fv_ctx *ctx, const core_features *features, const int64_t *corpus_row,
	const core_corpus *corpus, const core_rows *rows, fv_standardize kind, core_matrix *out)
{
	struct source s = make_source(features, corpus_row);
	*out = make_empty_matrix(features, rows, kind);
	fv_status status = copy_rows(ctx, &s, rows, core_rows_splits(rows), out);
	if (!status)
		status = kind == FV_STANDARDIZE_SPEAKER
				 ? scale_by_speaker(ctx, &s, corpus, rows, out)
				 : find_scaling(ctx, &s, rows, &out->scaling);
	if (!status && kind == FV_STANDARDIZE_TRAIN)
		scale_copies(&s, rows, core_rows_splits(rows), out);
	if (status)
		core_matrix_free(out);
	return status;
}

/* Makes the rows of the splits from `first` on refer to the features, with the scaling that their reader applies unless all rows are
 * as they are. */
static fv_status index_splits(fv_ctx *ctx, const struct source *s, const core_rows *rows, int first,
	bool scaled, core_matrix *out)
{
	fv_status status = FV_OK;
	for (int k = first; k < core_rows_splits(rows) && !status; k++) {
		status = index_rows(ctx, s, rows, k, out);
		out->mean[k] = scaled ? out->scaling.mean : NULL;
		out->scale[k] = scaled ? out->scaling.scale : NULL;
	}
	return status;
}

fv_status core_matrix_make(fv_ctx *ctx, const core_features *features, const int64_t *corpus_row,
	const core_corpus *corpus, const core_rows *rows, fv_standardize kind, core_matrix *out)
{
	struct source s = make_source(features, corpus_row);
	if (kind == FV_STANDARDIZE_SPEAKER || features->n > INT32_MAX)
		return core_matrix_copy(ctx, features, corpus_row, corpus, rows, kind, out);
	*out = make_empty_matrix(features, rows, kind);
	int copied = kind == FV_STANDARDIZE_TRAIN ? CORE_TEST : 0;
	fv_status status = find_scaling(ctx, &s, rows, &out->scaling);
	if (!status && copied)
		status = copy_rows(ctx, &s, rows, copied, out);
	if (!status) {
		scale_copies(&s, rows, copied, out);
		status = index_splits(ctx, &s, rows, copied, copied > 0, out);
	}
	if (status)
		core_matrix_free(out);
	return status;
}

fv_status core_matrix_index(fv_ctx *ctx, const core_features *features, const int64_t *corpus_row,
	const core_rows *rows, fv_standardize kind, core_matrix *out)
{
	struct source s = make_source(features, corpus_row);
	*out = make_empty_matrix(features, rows, kind);
	fv_status status = find_scaling(ctx, &s, rows, &out->scaling);
	return status ? status : index_splits(ctx, &s, rows, 0, kind == FV_STANDARDIZE_TRAIN, out);
}

void core_matrix_free(core_matrix *matrix)
{
	free(matrix->memory);
	matrix->memory = NULL;
}
