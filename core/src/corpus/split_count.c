/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "corpus/split_report.h"

/* Allocates [A][n_values * times], zeroed. */
static int32_t **alloc_counts(fv_ctx *ctx, const core_corpus *c, int32_t times)
{
	int32_t **rows = core_alloc(ctx, (size_t)c->n_attributes, sizeof *rows);
	for (int32_t a = 0; rows && a < c->n_attributes; a++) {
		rows[a] = core_alloc(
			ctx, (size_t)c->attribute[a].n_values * (size_t)times, sizeof **rows);
		if (!rows[a])
			return NULL;
	}
	return rows;
}

static fv_status open_counts(fv_ctx *ctx, const core_corpus *c, bool ranges, core_split_counts *s)
{
	*s = (core_split_counts){0};
	s->klass = core_alloc(ctx, (size_t)c->classes, sizeof *s->klass);
	s->unknown = core_alloc(ctx, (size_t)c->n_attributes, sizeof *s->unknown);
	s->value = alloc_counts(ctx, c, 1);
	s->class_value = alloc_counts(ctx, c, c->classes);
	if (!s->klass || !s->unknown || !s->value || !s->class_value)
		return FV_FAILED;
	if (!ranges)
		return FV_OK;
	s->low = alloc_counts(ctx, c, 1);
	s->high = alloc_counts(ctx, c, 1);
	return s->low && s->high ? FV_OK : FV_FAILED;
}

static void count_row(const core_corpus *c, int32_t row, core_split_counts *s)
{
	int32_t class = c->strict[row];
	if (class < 0)
		s->no_majority++;
	else
		s->klass[class]++;
	for (int32_t a = 0; a < c->n_attributes; a++) {
		const core_attribute *attribute = &c->attribute[a];
		int32_t v = attribute->id[row];
		if (v < 0) {
			s->unknown[a]++;
			continue;
		}
		s->value[a][v]++;
		if (class >= 0)
			s->class_value[a][class * attribute->n_values + v]++;
	}
}

static fv_status count_split(
	fv_ctx *ctx, const core_corpus *c, const int32_t *row, int32_t n, core_split_counts *s)
{
	bool *seen = calloc((size_t)c->n_speakers + 1, sizeof *seen);
	if (!seen)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	s->n = n;
	for (int32_t i = 0; i < n; i++) {
		count_row(c, row[i], s);
		s->speakers += !seen[c->speaker[row[i]]];
		seen[c->speaker[row[i]]] = true;
	}
	free(seen);
	return FV_OK;
}

/* Widens low ... high by one more draw. */
static void widen_ranges(
	const core_corpus *c, const core_rows *rows, bool first, core_split_counts *split)
{
	for (int s = 0; s < core_rows_splits(rows); s++) {
		for (int32_t a = 0; a < c->n_attributes; a++) {
			const core_attribute *attribute = &c->attribute[a];
			int32_t *low = split[s].low[a], *high = split[s].high[a];
			for (int32_t v = 0; v < attribute->n_values; v++) {
				int32_t n = 0;
				for (int32_t i = 0; i < rows->n[s]; i++)
					n += attribute->id[rows->row[s][i]] == v;
				low[v] = first || n < low[v] ? n : low[v];
				high[v] = first || n > high[v] ? n : high[v];
			}
		}
	}
}

static fv_status draw_once(fv_ctx *ctx, const core_corpus *c, const core_bias_spec *bias,
	uint64_t seed, bool first, core_split_report *out)
{
	fv_ctx *own = core_ctx_aside(ctx); /* a draw's warnings and rows are not kept */
	if (!own)
		return FV_FAILED;
	core_rows rows;
	fv_status status = core_bias_rows(own, c, bias, seed, out->fold, &rows);
	if (!status)
		widen_ranges(c, &rows, first, out->split);
	return core_ctx_rejoin(ctx, own, status);
}

fv_status core_split_count(fv_ctx *ctx, const core_corpus *c, const core_bias_spec *bias,
	uint64_t seed, int64_t fold, int32_t draws, core_split_report *out)
{
	core_rows rows;
	fv_status status = core_bias_rows(ctx, c, bias, seed, fold, &rows);
	*out = (core_split_report){
		.corpus = c, .fold = fold, .draws = draws, .n_splits = CORE_SPLITS + c->n_sets};
	for (int s = 0; s < out->n_splits && !status; s++) {
		status = open_counts(ctx, c, draws > 0, &out->split[s]);
		if (!status)
			status = count_split(ctx, c, rows.row[s], rows.n[s], &out->split[s]);
	}
	core_bias_spec drawn = *bias;
	drawn.has_seed = false;
	uint64_t first = bias->has_seed ? (uint64_t)bias->seed : seed;
	for (int32_t d = 0; d < draws && !status; d++)
		status = draw_once(ctx, c, &drawn, first + (uint64_t)d, d == 0, out);
	return status;
}
