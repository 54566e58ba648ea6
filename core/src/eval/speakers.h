/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by speaker, the unit that is permuted, resampled or exchanged.
 *
 * Speakers are sorted by name and every draw visits them in that order, so the order of rows does not
 * matter. Shapes: n rows, S speakers, G groups, F folds. Everything lives as long as the context. */
#ifndef CORE_EVAL_SPEAKERS_H
#define CORE_EVAL_SPEAKERS_H

#include "eval/metrics.h"

typedef struct core_eval_rows {
	int64_t n;
	const char *const *speaker; /* [n] */
	const int64_t *fold; /* [n] names of folds, e.g. 1..5; NULL: all rows are one block */
	const char *path;    /* for messages; NULL: not from a file */
	const int64_t *line; /* [n]; NULL: not from a file */
} core_eval_rows;

typedef struct core_speakers {
	int32_t S, F;
	const char **name;  /* [S] sorted by bytes */
	int32_t *of_row;    /* [n] */
	int64_t *fold_name; /* [F] ascending */
	int32_t *fold;      /* [S] index of the fold */
} core_speakers;

/* Errors: FV_DATA for a row without a speaker, or for a speaker in two folds (pooled figures need
 * every speaker in one fold only). */
FV_NODISCARD fv_status core_speakers_make(
	fv_ctx *ctx, const core_eval_rows *rows, core_speakers *out);

/* The group of each speaker for one attribute. */
typedef struct core_cohort {
	const core_speakers *speakers;
	const char *attribute;
	int32_t G;
	const char *const *group; /* [G] names */
	int32_t *of_speaker;      /* [S] group; -1: unknown in all of the speaker's rows */
	int64_t *size;            /* [G] speakers */
} core_cohort;

/* A speaker gets the group of those of its rows in which it is known. Errors: FV_DATA for a speaker
 * with two values. */
FV_NODISCARD fv_status core_cohort_make(fv_ctx *ctx, const core_eval_rows *rows,
	const core_speakers *speakers, const core_eval_attribute *attribute, core_cohort *out);

/* Predictions of one system as counts per speaker, one tally per training seed. */
typedef struct core_system {
	int32_t n_seeds;
	core_tally *all;   /* [n_seeds] every row */
	core_tally *known; /* [n_seeds] rows whose group is known; NULL without attribute */
} core_system;

/* sets [n_seeds]: the same rows with the same labels (FV_DATA otherwise). attribute NULL: none. */
FV_NODISCARD fv_status core_system_make(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets,
	const core_speakers *speakers, const core_eval_attribute *attribute, core_system *out);

/* Number of draws and their stream. given [n, S] replaces the draws in tests. */
typedef struct core_draws {
	int64_t n;
	uint64_t seed;
	const int32_t *given;
	bool no_folds;         /* no nulls of the means over folds, which are most of the work */
	bool no_overall;       /* in a comparison: no test of the metrics over all rows */
	core_metric_mask only; /* the metrics that draws are made for; 0: all */
	/* Comparisons whose p-values are adjusted together; a paired test then goes on beyond n
	 * (eval/swap.h). 0: it does not. */
	int32_t family;
} core_draws;

/* Returns the metrics of these kinds that draws are made for. */
static inline core_metric_mask core_draws_metrics(const core_draws *draws, unsigned kinds)
{
	core_metric_mask all = core_metrics_of_kinds(kinds);
	return draws->only ? draws->only & all : all;
}

#define CORE_DRAWS_DEFAULT 5000
#define CORE_DRAWS_SEED 1
static inline core_draws core_draws_default(void)
{
	core_draws draws = {.n = CORE_DRAWS_DEFAULT, .seed = CORE_DRAWS_SEED};
	return draws;
}

/* The three kinds of draws; b is the number of the draw. out [2 S]: the first S entries are the draw,
 * the rest is scratch.
 *
 * permutation: out[s] is the speaker whose group s receives. It permutes speakers with a known group
 * within their fold; the others keep theirs. speakers: out[s] is how often s is in the resample, which
 * draws as many speakers as each group has, with replacement; unknown is a separate group; cohort
 * NULL: one group of all S. signs: out[s] is +1 or -1 with probability one half each, the same for
 * every attribute. */
void core_draw_permutation(
	const core_cohort *cohort, const core_draws *draws, int64_t b, int32_t *out);
void core_draw_speakers(const core_speakers *speakers, const core_cohort *cohort,
	const core_draws *draws, int64_t b, int32_t *out);
void core_draw_signs(
	const core_speakers *speakers, const core_draws *draws, int64_t b, int32_t *out);

#endif
