/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by speaker: the unit that is permuted, redrawn or exchanged.
 *
 * Speakers are sorted by name and every draw walks them in that order, so the order of rows changes
 * nothing. Shapes: n rows, S speakers, G groups, F folds. Everything lives as long as the context.
 */
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

/* Errors: FV_DATA for a row without speaker, or a speaker in two folds (pooled figures need every
 * speaker once). */
FV_NODISCARD fv_status core_speakers_make(
	fv_ctx *ctx, const core_eval_rows *rows, core_speakers *out);

/* The speakers by one attribute. */
typedef struct core_cohort {
	const core_speakers *speakers;
	const char *attribute;
	int32_t G;
	const char *const *group; /* [G] names */
	int32_t *of_speaker;      /* [S] group; -1: unknown in all rows of the speaker */
	int64_t *size;            /* [G] speakers */
} core_cohort;

/* A speaker's group is that of its rows where it is known. Errors: FV_DATA, two values for one
 * speaker. */
FV_NODISCARD fv_status core_cohort_make(fv_ctx *ctx, const core_eval_rows *rows,
	const core_speakers *speakers, const core_eval_attribute *attribute, core_cohort *out);

/* One system's predictions as counts by speaker; one entry a training seed. */
typedef struct core_system {
	int32_t n_seeds;
	core_tally *all;   /* [n_seeds] every row */
	core_tally *known; /* [n_seeds] rows whose group is known; NULL without attribute */
} core_system;

/* sets [n_seeds]: the same rows with the same labels (FV_DATA otherwise). attribute NULL: none. */
FV_NODISCARD fv_status core_system_make(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets,
	const core_speakers *speakers, const core_eval_attribute *attribute, core_system *out);

/* How often, and from which stream, something is drawn. given [n, S], for tests: the draws. */
typedef struct core_draws {
	int64_t n;
	uint64_t seed;
	const int32_t *given;
} core_draws;

#define CORE_DRAWS_DEFAULT 5000
#define CORE_DRAWS_SEED 1
static inline core_draws core_draws_default(void)
{
	core_draws draws = {CORE_DRAWS_DEFAULT, CORE_DRAWS_SEED, NULL};
	return draws;
}

/* The three kinds of draw, number b. out [2 S]: the first S entries are the draw, the rest is
 * scratch.
 *
 * permutation: out[s] is the speaker whose group s receives; within a fold, among speakers with a
 * known group; the others keep theirs. speakers: out[s] is how often s is in the resample: drawn
 * with replacement within each group, unknown being one of its own, as many as the group has;
 * cohort NULL: among all S. signs: out[s] is +1 or -1, each with probability one half, the same for
 * every attribute. */
void core_draw_permutation(
	const core_cohort *cohort, const core_draws *draws, int64_t b, int32_t *out);
void core_draw_speakers(const core_speakers *speakers, const core_cohort *cohort,
	const core_draws *draws, int64_t b, int32_t *out);
void core_draw_signs(
	const core_speakers *speakers, const core_draws *draws, int64_t b, int32_t *out);

#endif
