/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/speakers.h"

#include <stdlib.h>
#include <string.h>

#include "base/stream.h"

static fv_status fail_row(fv_ctx *ctx, const core_eval_rows *rows, int64_t row, const char *text)
{
	if (!text)
		return FV_FAILED;
	if (rows->path && rows->line)
		return core_fail_at(ctx, FV_DATA, rows->path, (int)rows->line[row], 0, "%s", text);
	return fv_fail(ctx, FV_DATA, "%s", text);
}

static int compare_numbers(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static fv_status find_folds(fv_ctx *ctx, const core_eval_rows *rows, core_speakers *s)
{
	s->F = 1;
	if (!rows->fold) {
		s->fold_name = core_alloc(ctx, 1, sizeof *s->fold_name);
		return s->fold_name ? FV_OK : FV_FAILED;
	}
	int64_t *sorted = malloc(((size_t)rows->n + 1) * sizeof *sorted);
	if (!sorted)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	memcpy(sorted, rows->fold, (size_t)rows->n * sizeof *sorted);
	qsort(sorted, (size_t)rows->n, sizeof *sorted, compare_numbers);
	for (int64_t i = 1; i < rows->n; i++)
		if (sorted[i] != sorted[s->F - 1])
			sorted[s->F++] = sorted[i];
	s->fold_name = core_alloc(ctx, (size_t)s->F, sizeof *s->fold_name);
	if (s->fold_name)
		memcpy(s->fold_name, sorted, (size_t)s->F * sizeof *sorted);
	free(sorted);
	return s->fold_name ? FV_OK : FV_FAILED;
}

static int32_t find_fold(const core_eval_rows *rows, const core_speakers *s, int64_t row)
{
	if (!rows->fold)
		return 0;
	const int64_t *found = bsearch(&rows->fold[row], s->fold_name, (size_t)s->F,
		sizeof *s->fold_name, compare_numbers);
	return (int32_t)(found - s->fold_name);
}

static fv_status place_speakers(fv_ctx *ctx, const core_eval_rows *rows, core_speakers *s)
{
	fv_status status = FV_OK;
	for (int32_t k = 0; k < s->S; k++)
		s->fold[k] = -1;
	for (int64_t i = 0; i < rows->n; i++) {
		int32_t k = s->of_row[i], fold = find_fold(rows, s, i);
		if (k < 0) {
			status = fail_row(ctx, rows, i, "no speaker");
		} else if (s->fold[k] < 0) {
			s->fold[k] = fold;
		} else if (s->fold[k] != fold) {
			status = fail_row(ctx, rows, i,
				core_format(ctx,
					"speaker '%s' is in the test sets of folds %lld and %lld; "
					"pooled "
					"figures need every speaker once",
					s->name[k], (long long)s->fold_name[s->fold[k]],
					(long long)s->fold_name[fold]));
			return status;
		}
	}
	return status;
}

fv_status core_speakers_make(fv_ctx *ctx, const core_eval_rows *rows, core_speakers *out)
{
	core_eval_attribute speakers;
	*out = (core_speakers){0};
	fv_status status = core_eval_attribute_make(
		ctx, "speaker", rows->n, rows->speaker, NULL, 0, &speakers);
	if (!status)
		status = find_folds(ctx, rows, out);
	if (status)
		return status;
	out->S = speakers.G;
	out->name = core_alloc(ctx, (size_t)out->S + 1, sizeof *out->name);
	out->of_row = core_alloc(ctx, (size_t)rows->n + 1, sizeof *out->of_row);
	out->fold = core_alloc(ctx, (size_t)out->S + 1, sizeof *out->fold);
	if (!out->name || !out->of_row || !out->fold)
		return FV_FAILED;
	memcpy(out->name, speakers.group, (size_t)out->S * sizeof *out->name);
	memcpy(out->of_row, speakers.id, (size_t)rows->n * sizeof *out->of_row);
	return place_speakers(ctx, rows, out);
}

static fv_status report_two_values(fv_ctx *ctx, const core_eval_rows *rows,
	const core_cohort *cohort, int64_t first, int64_t row, const core_eval_attribute *a)
{
	const char *name = cohort->speakers->name[cohort->speakers->of_row[row]];
	const char *was = a->group[a->id[first]], *is = a->group[a->id[row]];
	return fail_row(ctx, rows, row,
		rows->line ? core_format(ctx, "speaker '%s' has %s '%s' here and '%s' in line %lld",
				     name, a->name, is, was, (long long)rows->line[first])
			   : core_format(ctx, "speaker '%s' has %s '%s' and '%s'", name, a->name,
				     was, is));
}

fv_status core_cohort_make(fv_ctx *ctx, const core_eval_rows *rows, const core_speakers *speakers,
	const core_eval_attribute *attribute, core_cohort *out)
{
	int32_t S = speakers->S;
	*out = (core_cohort){.speakers = speakers,
		.attribute = attribute->name,
		.G = attribute->G,
		.group = attribute->group};
	out->of_speaker = core_alloc(ctx, (size_t)S + 1, sizeof *out->of_speaker);
	out->size = core_alloc(ctx, (size_t)out->G + 1, sizeof *out->size);
	int64_t *first = core_alloc(ctx, (size_t)S + 1, sizeof *first);
	if (!out->of_speaker || !out->size || !first)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (int32_t s = 0; s < S; s++)
		out->of_speaker[s] = -1;
	for (int64_t i = 0; i < rows->n; i++) {
		int32_t s = speakers->of_row[i], g = attribute->id[i];
		if (s < 0 || g < 0)
			continue;
		if (out->of_speaker[s] < 0) {
			out->of_speaker[s] = g;
			out->size[g]++;
			first[s] = i;
		} else if (out->of_speaker[s] != g) {
			status = report_two_values(ctx, rows, out, first[s], i, attribute);
		}
	}
	return status;
}

static fv_status check_same_labels(fv_ctx *ctx, const core_eval_set *a, const core_eval_set *b)
{
	if (a->n == b->n && a->C == b->C &&
		!memcmp(a->label, b->label, (size_t)a->n * (size_t)a->C * sizeof *a->label))
		return FV_OK;
	return fv_fail(ctx, FV_DATA,
		"predictions of two seeds are not about the same rows and "
		"labels");
}

fv_status core_system_make(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets,
	const core_speakers *speakers, const core_eval_attribute *attribute, core_system *out)
{
	*out = (core_system){.n_seeds = n_seeds};
	out->all = core_alloc(ctx, (size_t)n_seeds, sizeof *out->all);
	out->known = attribute ? core_alloc(ctx, (size_t)n_seeds, sizeof *out->known) : NULL;
	if (!out->all || (attribute && !out->known))
		return FV_FAILED;
	fv_status status = FV_OK;
	for (int32_t k = 0; k < n_seeds && !status; k++) {
		status = check_same_labels(ctx, &sets[0], &sets[k]);
		if (!status)
			status = core_tally_make(
				ctx, &sets[k], speakers->S, speakers->of_row, NULL, &out->all[k]);
		if (!status && attribute)
			status = core_tally_make(ctx, &sets[k], speakers->S, speakers->of_row,
				attribute->id, &out->known[k]);
	}
	return status;
}

/* Opens a separate stream for every draw of an attribute. */
static fv_stream open_stream(const core_draws *draws, int64_t fold, const char *purpose, int64_t b,
	const char *attribute)
{
	return core_stream(draws->seed, fold, purpose, b, attribute ? fv_name_hash(attribute) : 0);
}

/* Fisher-Yates shuffle of the members, in place. */
static void shuffle_members(fv_stream *stream, int32_t *member, int32_t n)
{
	for (int32_t i = n - 1; i > 0; i--) {
		int32_t j = (int32_t)fv_below(stream, (uint64_t)i + 1), swap = member[i];
		member[i] = member[j];
		member[j] = swap;
	}
}

void core_draw_permutation(
	const core_cohort *cohort, const core_draws *draws, int64_t b, int32_t *out)
{
	const core_speakers *speakers = cohort->speakers;
	int32_t S = speakers->S, *list = out + S;
	if (draws->given) {
		memcpy(out, draws->given + b * S, (size_t)S * sizeof *out);
		return;
	}
	for (int32_t f = 0; f < speakers->F; f++) {
		fv_stream stream = open_stream(
			draws, speakers->fold_name[f], "eval.permutation", b, cohort->attribute);
		int32_t n = 0;
		for (int32_t s = 0; s < S; s++)
			if (speakers->fold[s] == f && cohort->of_speaker[s] >= 0)
				list[n++] = s;
		shuffle_members(&stream, list, n);
		n = 0;
		for (int32_t s = 0; s < S; s++)
			if (speakers->fold[s] == f)
				out[s] = cohort->of_speaker[s] >= 0 ? list[n++] : s;
	}
}

static void draw_stratum(fv_stream *stream, const core_cohort *cohort, int32_t S, int32_t group,
	int32_t *list, int32_t *out)
{
	int32_t n = 0;
	for (int32_t s = 0; s < S; s++)
		if (!cohort || cohort->of_speaker[s] == group)
			list[n++] = s;
	for (int32_t k = 0; k < n; k++)
		out[list[fv_below(stream, (uint64_t)n)]]++;
}

void core_draw_speakers(const core_speakers *speakers, const core_cohort *cohort,
	const core_draws *draws, int64_t b, int32_t *out)
{
	int32_t S = speakers->S, *list = out + S;
	memset(out, 0, (size_t)S * sizeof *out);
	if (draws->given) {
		for (int32_t s = 0; s < S; s++)
			out[draws->given[b * S + s]]++;
		return;
	}
	fv_stream stream =
		open_stream(draws, 0, "eval.bootstrap", b, cohort ? cohort->attribute : NULL);
	if (!cohort)
		draw_stratum(&stream, NULL, S, 0, list, out);
	else
		for (int32_t g = -1; g < cohort->G; g++)
			draw_stratum(&stream, cohort, S, g, list, out);
}

void core_draw_signs(
	const core_speakers *speakers, const core_draws *draws, int64_t b, int32_t *out)
{
	int32_t S = speakers->S;
	if (draws->given) {
		memcpy(out, draws->given + b * S, (size_t)S * sizeof *out);
		return;
	}
	fv_stream stream = open_stream(draws, 0, "eval.exchange", b, NULL);
	uint64_t bits = 0;
	for (int32_t s = 0; s < S; s++) {
		bits = s % 64 ? bits >> 1 : fv_next(&stream);
		out[s] = bits & 1 ? 1 : -1;
	}
}
