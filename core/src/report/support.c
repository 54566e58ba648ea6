/* SPDX-License-Identifier: Apache-2.0 */
/* Notes on support: groups with few speakers, and subgroups with few positives. */
#include <string.h>

#include "base/plural.h"
#include "report/low_support.h"
#include "report/notes.h"

#define FEW_SPEAKERS 10

/* Finds the scores of any variant on a test set: all have the same support. */
static const core_scores *find_scores(
	const core_grid *grid, const core_test_set *test, int32_t attribute)
{
	for (size_t i = 0; i < grid->n_rows; i++)
		if (grid->row[i].scores.test == test)
			return &grid->row[i].scores.attribute[attribute];
	return NULL;
}

static fv_status add_speaker_notes(
	fv_ctx *ctx, const core_test_set *test, int32_t a, core_document *d)
{
	const core_eval_attribute *attribute = &test->attribute[a];
	fv_status status = FV_OK;
	for (int32_t g = 0; g < attribute->G && !status; g++) {
		int64_t n = test->speakers[a][g];
		if (n == 1)
			status = core_document_note(ctx, d,
				"° %s: %s has one speaker: its gap is that of one person.",
				attribute->name, attribute->group[g]);
		else if (n < FEW_SPEAKERS)
			status = core_document_note(ctx, d, "° %s: %s has only %lld speakers.",
				attribute->name, attribute->group[g], (long long)n);
	}
	return status;
}

/* Adds a note on the subgroups (class x group x fold) with fewer positives than min_support. */
static fv_status add_positive_notes(fv_ctx *ctx, const core_grid *grid, const core_test_set *test,
	int32_t a, const core_scores *s, core_document *d)
{
	int32_t G = s->G, F = s->n_folds;
	int64_t few = 0, subgroups = 0, least = INT64_MAX;
	int32_t at[3] = {0};
	for (int32_t c = 0; c < test->C; c++)
		for (int32_t g = 0; g < G; g++)
			for (int32_t f = 0; f < F; f++) {
				int64_t n = s->positives[(c * G + g) * F + f];
				if (!s->rows[g * F + f])
					continue;
				subgroups++;
				few += n < grid->options.min_support;
				if (n < least) {
					least = n;
					at[0] = c, at[1] = g, at[2] = f;
				}
			}
	if (!few)
		return FV_OK;
	return core_document_note(ctx, d,
		"%s: %lld of %lld subgroup%s (class x group x fold) %s fewer than %lld "
		"positive%s; fewest: %lld (%s, %s, fold %lld).",
		test->attribute[a].name, (long long)few, (long long)subgroups,
		core_plural(subgroups), few == 1 ? "has" : "have",
		(long long)grid->options.min_support, core_plural(grid->options.min_support),
		(long long)least, test->classes[at[0]], s->group[at[1]],
		(long long)s->fold_name[at[2]]);
}

/* Counts the pairs of groups, over classes, that a fold's TPR gap pools. */
static void count_pairs(
	const core_test_set *test, const core_scores *s, int32_t f, int64_t *used, int64_t *all)
{
	int32_t G = s->G, F = s->n_folds;
	*used = 0;
	*all = (int64_t)test->C * G * (G - 1) / 2;
	for (int32_t c = 0; c < test->C; c++) {
		int64_t defined = 0;
		for (int32_t g = 0; g < G; g++)
			defined += s->positives[(c * G + g) * F + f] > 0;
		*used += defined * (defined - 1) / 2;
	}
}

static fv_status add_pair_notes(
	fv_ctx *ctx, const core_test_set *test, int32_t a, const core_scores *s, core_document *d)
{
	core_text folds = {0};
	for (int32_t f = 0; f < s->n_folds; f++) {
		int64_t used, all;
		count_pairs(test, s, f, &used, &all);
		if (used < all)
			core_text_add(&folds, "%sfold %lld %lld of %lld", folds.size ? ", " : "",
				(long long)s->fold_name[f], (long long)used, (long long)all);
	}
	if (!folds.size)
		return FV_OK;
	const char *list = core_text_move(ctx, &folds);
	return list ? core_document_note(ctx, d,
			      "%s: pairs of groups in the TPR gap, over classes, where pairs "
			      "without "
			      "positives are left out: %s.",
			      test->attribute[a].name, list)
		    : FV_FAILED;
}

static fv_status add_absent_notes(
	fv_ctx *ctx, const core_test_set *test, int32_t a, const core_scores *s, core_document *d)
{
	fv_status status = FV_OK;
	for (int32_t f = 0; f < s->n_folds; f++)
		for (int32_t g = 0; g < s->G && !status; g++)
			if (!s->rows[g * s->n_folds + f])
				status = core_document_note(ctx, d,
					"%s: %s is absent from the test set of fold %lld, which "
					"leaves it out.",
					test->attribute[a].name, s->group[g],
					(long long)s->fold_name[f]);
	return status;
}

fv_status core_support_notes(fv_ctx *ctx, const core_grid *grid, core_document *d)
{
	fv_status status = FV_OK;
	if (core_document_has_low_support(d))
		status = core_document_note(ctx, d,
			"Low support (* or italics, grey in LaTeX): rests on a subgroup (class x "
			"group, and x fold in the mean over folds) with fewer than %lld "
			"positives, or rows for a DP gap.",
			(long long)grid->options.min_support);
	if (status)
		return status;
	for (int32_t t = 0; t < grid->tests.n_sets; t++) {
		const core_test_set *test = &grid->tests.set[t];
		for (int32_t a = 0; a < test->n_attributes && !status; a++) {
			const core_scores *s = find_scores(grid, test, a);
			if (!s)
				continue;
			status = add_speaker_notes(ctx, test, a, d);
			if (!status)
				status = add_absent_notes(ctx, test, a, s, d);
			if (!status)
				status = add_positive_notes(ctx, grid, test, a, s, d);
			if (!status)
				status = add_pair_notes(ctx, test, a, s, d);
		}
	}
	return status;
}
