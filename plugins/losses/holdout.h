/* SPDX-License-Identifier: Apache-2.0 */
/* Speakers held out of the training rows, for objectives that train again on recordings that the first
 * model has not seen. */
#ifndef LOSSES_HOLDOUT_H
#define LOSSES_HOLDOUT_H

#include <stdlib.h>
#include <string.h>

#include <fairvox/fairvox.h>

/* The training rows in two parts, without a speaker in both. */
typedef struct holdout {
	int32_t *row; /* [N] the rows that train first, then those held out */
	int64_t first, second;
} holdout;

typedef struct holdout_row {
	int32_t speaker, row;
	const char *stem;
} holdout_row;

typedef struct holdout_voice {
	double draw;
	int64_t start, n; /* among the rows, sorted by speaker */
} holdout_voice;

static inline int holdout_compare_speaker(const void *a, const void *b)
{
	const holdout_row *x = a, *y = b;
	if (x->speaker != y->speaker)
		return x->speaker < y->speaker ? -1 : 1;
	return strcmp(x->stem, y->stem);
}

static inline int holdout_compare_draw(const void *a, const void *b)
{
	const holdout_voice *x = a, *y = b;
	return (x->draw > y->draw) - (x->draw < y->draw);
}

/* Draws the order in which speakers are held out and returns their number. */
static inline int64_t holdout_draw_voices(
	fv_ctx *ctx, const holdout_row *all, int32_t n, holdout_voice *out)
{
	int64_t voices = 0;
	for (int32_t i = 0; i < n; i++) {
		if (i && all[i].speaker == all[i - 1].speaker) {
			out[voices - 1].n++;
			continue;
		}
		fv_stream stream = fv_rng(ctx, "holdout", 0, fv_name_hash(all[i].stem));
		out[voices++] = (holdout_voice){fv_uniform(&stream), i, 1};
	}
	qsort(out, (size_t)voices, sizeof *out, holdout_compare_draw);
	return voices;
}

/* Holds out speakers in random order until they have share N rows, but never all of them. The draws
 * are keyed by each speaker's first file name. Errors: FV_DATA if there are fewer than two speakers. */
static inline fv_status holdout_draw(fv_ctx *ctx, const fv_rows *train, double share, holdout *out)
{
	size_t n = (size_t)train->n;
	if (!train->speaker)
		return fv_fail(ctx, FV_DATA,
			"needs speakers to hold out, but the corpus has none: set "
			"corpus.speaker_key");
	holdout_row *all = fv_scratch(ctx, n * sizeof *all);
	holdout_voice *speaker = fv_scratch(ctx, n * sizeof *speaker);
	*out = (holdout){.row = fv_alloc(ctx, n * sizeof *out->row)};
	if (!all || !speaker || !out->row)
		return FV_FAILED;
	for (int32_t i = 0; i < train->n; i++)
		all[i] = (holdout_row){train->speaker[i], i, train->stem[i]};
	qsort(all, n, sizeof *all, holdout_compare_speaker);
	int64_t voices = holdout_draw_voices(ctx, all, train->n, speaker), at = 0;
	if (voices < 2)
		return fv_fail(ctx, FV_DATA,
			"all training rows are of one speaker, so none can be held out: at least "
			"two are needed");
	for (; at < voices - 1 && (double)out->second < share * (double)n; at++)
		out->second += speaker[at].n;
	out->first = train->n - out->second;
	int32_t *to[2] = {out->row, out->row + out->first};
	for (int64_t v = 0; v < voices; v++)
		for (int64_t i = 0; i < speaker[v].n; i++)
			*to[v < at]++ = all[speaker[v].start + i].row;
	return FV_OK;
}

#endif
