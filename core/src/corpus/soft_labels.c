/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of several raters. Shares of raters are used as they are. Votes, a row for each rater or
 * counts in the class columns, become shares that are smoothed as EMO-SUPERB smooths them:
 * y' = (1 - e C/(C-1)) y + e/(C-1). */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/probability.h"
#include "corpus/corpus_private.h"

#define SUM_TOLERANCE 5e-3
#define USUAL_SMOOTHING 0.05

double core_label_smoothing(const core_corpus_spec *spec)
{
	return spec->has_label_smoothing || spec->label_column ? spec->label_smoothing
							       : USUAL_SMOOTHING;
}

/* Sets y [C] from votes [C] whose sum is above 0. */
static void smooth_votes(
	const core_corpus_spec *spec, const double *votes, double sum, int32_t classes, float *y)
{
	double e = core_label_smoothing(spec), others = classes - 1;
	for (int32_t k = 0; k < classes; k++)
		y[k] = (float)((1 - e * classes / others) * (votes[k] / sum) + e / others);
}

/* --- class columns ---------------------------------------------------------------------------- */

/* Words for dimensions of emotion: whole numbers below them are no counts. */
static bool is_dimension_word(const char *name)
{
	static const char *const words[] = {"valence", "arousal", "activation", "dominance", "val",
		"act", "dom", "age", "length", "duration"};
	for (size_t w = 0; w < sizeof words / sizeof *words; w++)
		if (!strcasecmp(name, words[w]))
			return true;
	return false;
}

/* Whether all class columns hold whole numbers, and some row of them sums to more than 1. */
static bool hold_counts(const core_label_file *f)
{
	bool above = false;
	for (int32_t s = 0; s < f->n_sources; s++)
		if (f->classes_found && is_dimension_word(f->source_class[s]))
			return false;
	for (int64_t r = 0; r < f->table.csv.n_rows; r++) {
		int64_t sum = 0, count;
		for (int32_t s = 0; s < f->n_sources; s++) {
			const char *cell = core_csv_cell(&f->table.csv, r, f->class_column[s]);
			double number;
			if (!core_parse_double(cell, &number) || number < 0 || number > 1e6 ||
				number != floor(number))
				return false;
			count = (int64_t)number;
			sum += count;
		}
		above = above || sum > 1;
	}
	return above;
}

fv_status core_counts_detect(fv_ctx *ctx, core_label_file *f, const core_corpus *c)
{
	const core_corpus_spec *spec = f->spec;
	f->counts = hold_counts(f);
	if (f->counts)
		fv_note(ctx,
			"%s: the %d class columns ('%s', '%s', ...) count raters: they become "
			"shares, smoothed by %g (corpus.label_smoothing)",
			c->labels, (int)f->n_sources, f->source_class[0], f->source_class[1],
			core_label_smoothing(spec));
	if (!f->counts && spec->has_label_smoothing && !spec->label_column)
		return core_fail_key(ctx, FV_CONFIG,
			(core_key_ref){spec->block, "label_smoothing", NULL},
			"corpus.label_smoothing has no effect: the class columns of %s hold shares",
			c->labels);
	return FV_OK;
}

/* What is wrong with a cell, or NULL. */
static const char *read_share(const core_label_file *f, const char *cell, double *share)
{
	if (!f->counts)
		return core_parse_probability(cell, share);
	return core_parse_double(cell, share) ? NULL : "not a finite number";
}

/* Follows a message where the class columns were guessed. */
static const char *hint_at_classes(const core_label_file *f)
{
	return f->classes_found ? " (all columns between file and speaker except EmoAct, "
				  "EmoVal, EmoDom): name others with corpus.classes"
				: "";
}

/* Adds up the cells of each class in double, for counts and where corpus.map merges columns. */
static fv_status sum_columns(fv_ctx *ctx, core_label_file *f, const core_corpus *c, int64_t r,
	double *sum_of_all, double *votes)
{
	fv_status status = FV_OK;
	*sum_of_all = 0;
	memset(votes, 0, (size_t)c->classes * sizeof *votes);
	for (int32_t s = 0; s < f->n_sources; s++) {
		const char *cell = core_csv_cell(&f->table.csv, r, f->class_column[s]);
		double share;
		const char *why = read_share(f, cell, &share);
		if (why) {
			status = CORE_ROW_FAIL(ctx, f, r, "%s is '%s', %s%s", f->source_class[s],
				cell, why, hint_at_classes(f));
			continue;
		}
		*sum_of_all += (float)share;
		if (f->target[s] >= 0)
			votes[f->target[s]] += share;
	}
	return status;
}

static bool is_class_column(const core_label_file *f, int64_t column)
{
	for (int32_t s = 0; s < f->n_sources; s++)
		if (f->class_column[s] == column)
			return true;
	return false;
}

/* The columns that corpus.classes does not name and whose shares in row r are all that is missing: "happy, sad".
 * NULL: there are none. */
static const char *find_rest(fv_ctx *ctx, const core_label_file *f, int64_t r, double missing)
{
	const char *names = NULL;
	double sum = 0, share;
	for (int64_t i = 0; f->spec->classes.n && i < f->table.csv.n_columns; i++) {
		const char *cell = core_csv_cell(&f->table.csv, r, i);
		if (is_class_column(f, i) || !core_may_be_class(f, i) ||
			core_parse_probability(cell, &share))
			continue;
		sum += share;
		names = core_format(ctx, "%s%s%s", names ? names : "", names ? ", " : "",
			f->table.csv.header[i]);
		if (!names)
			return NULL;
	}
	return fabs(sum - missing) <= SUM_TOLERANCE ? names : NULL;
}

static fv_status check_sum(fv_ctx *ctx, core_label_file *f, int64_t r, double sum)
{
	if (fabs(sum - 1) <= SUM_TOLERANCE)
		return FV_OK;
	if (f->told_subset)
		return FV_CONFIG;
	const char *left_out = find_rest(ctx, f, r, 1 - sum);
	if (!left_out)
		return CORE_ROW_FAIL(
			ctx, f, r, "labels sum to %.6g, not 1%s", sum, hint_at_classes(f));
	f->told_subset = true;
	return core_fail_key(ctx, FV_CONFIG, (core_key_ref){f->spec->block, "classes", NULL},
		"corpus.classes: the labels sum to %.6g, not 1, in %s:%lld; columns that are not "
		"named have the rest: %s: name them too, or drop them: 'map: {NAME: null}'",
		sum, f->table.path[r], (long long)f->table.csv.line[r], left_out);
}

fv_status core_shares_read(
	fv_ctx *ctx, core_label_file *f, const core_corpus *c, int64_t r, float *y)
{
	double sum, kept = 0, *votes = f->votes_of_row;
	fv_status status = sum_columns(ctx, f, c, r, &sum, votes);
	if (!status && !f->counts)
		status = check_sum(ctx, f, r, sum);
	if (status)
		return status;
	for (int32_t k = 0; k < c->classes; k++)
		kept += votes[k];
	if (kept <= 0) {
		f->dropped[r] = f->counts ? "without a vote that counts"
					  : "of classes that corpus.map drops";
		return FV_OK;
	}
	if (f->counts) {
		smooth_votes(f->spec, votes, kept, c->classes, y);
		return FV_OK;
	}
	bool dropped = false;
	for (int32_t s = 0; s < f->n_sources; s++)
		dropped = dropped || f->target[s] < 0;
	for (int32_t k = 0; k < c->classes; k++)
		y[k] = (float)(dropped ? votes[k] / kept : votes[k]);
	return FV_OK;
}

/* --- votes ------------------------------------------------------------------------------------ */

void core_row_votes_read(core_label_file *f, const core_corpus *c, int64_t r, float *y)
{
	int32_t at = core_votes_find(f->votes, f->id[r], f->stem[r]);
	const double *count = at < 0 ? NULL : f->votes->count + (int64_t)at * f->votes->n_classes;
	double sum = 0, *votes = f->votes_of_row;
	memset(votes, 0, (size_t)c->classes * sizeof *votes);
	for (int32_t s = 0; count && s < f->n_sources; s++) {
		if (f->target[s] < 0)
			continue;
		votes[f->target[s]] += count[s];
		sum += count[s];
	}
	if (sum > 0)
		smooth_votes(f->spec, votes, sum, c->classes, y);
	else
		f->dropped[r] = count ? "without a vote that counts" : "without votes";
}
