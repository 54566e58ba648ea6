/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.dev.share: takes development rows from the training rows, whole speakers.
 *
 * Speakers are sorted by a draw keyed by their names. Each in turn moves to dev if that brings the
 * number of rows nearer to the share; at least one moves, and at least one stays. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/plural.h"
#include "base/stream.h"
#include "corpus/corpus_private.h"

struct speaker {
	const char *name;
	int32_t id, rows;
	uint64_t draw;
};

static int by_draw(const void *a, const void *b)
{
	const struct speaker *s = a, *t = b;
	if (s->draw != t->draw)
		return s->draw < t->draw ? -1 : 1;
	return strcmp(s->name, t->name);
}

static bool is_in(const core_label_file *f, int64_t r, core_split split)
{
	return core_row_stays(f, r) && f->part[r] == (int32_t)split;
}

static fv_status list_speakers(
	fv_ctx *ctx, const core_label_file *f, int32_t *id, struct speaker **out, int32_t *n)
{
	int64_t rows = f->table.csv.n_rows;
	const char **name = core_alloc(ctx, (size_t)rows, sizeof *name), **distinct;
	if (!name)
		return FV_FAILED;
	for (int64_t r = 0; r < rows; r++)
		name[r] = is_in(f, r, CORE_TRAIN) ? f->speaker[r] : NULL;
	fv_status status = core_names_index(ctx, name, rows, id, &distinct, n);
	struct speaker *speaker = status ? NULL : core_alloc(ctx, (size_t)*n, sizeof *speaker);
	if (!speaker)
		return FV_FAILED;
	for (int32_t s = 0; s < *n; s++) {
		fv_stream stream = core_stream(0, 0, "dev", 0, fv_name_hash(distinct[s]));
		speaker[s] = (struct speaker){distinct[s], s, 0, fv_next(&stream)};
	}
	for (int64_t r = 0; r < rows; r++)
		if (id[r] >= 0)
			speaker[id[r]].rows++;
	*out = speaker;
	return FV_OK;
}

/* Marks the speakers that move. */
static void choose_speakers(struct speaker *speaker, int32_t n, double wanted, bool *moves)
{
	int64_t taken = 0;
	int32_t moved = 0;
	qsort(speaker, (size_t)n, sizeof *speaker, by_draw);
	for (int32_t s = 0; s < n && moved < n - 1; s++) {
		double with = fabs(wanted - (double)(taken + speaker[s].rows));
		if (moved && with >= fabs(wanted - (double)taken))
			continue;
		taken += speaker[s].rows;
		moves[speaker[s].id] = true;
		moved++;
	}
}

fv_status core_dev_take(fv_ctx *ctx, core_label_file *f)
{
	int64_t rows = f->table.csv.n_rows, train = 0, dev = 0;
	int32_t *id = core_alloc(ctx, (size_t)rows, sizeof *id), n;
	struct speaker *speaker;
	for (int64_t r = 0; r < rows; r++) {
		train += is_in(f, r, CORE_TRAIN);
		dev += is_in(f, r, CORE_DEV);
	}
	if (dev) {
		fv_note(ctx, "%s: corpus.dev.share is not used: %lld row%s %s in dev",
			f->table.csv.path, (long long)dev, core_plural(dev),
			dev == 1 ? "is" : "are");
		return FV_OK;
	}
	if (!id || list_speakers(ctx, f, id, &speaker, &n))
		return FV_FAILED;
	if (n < 2)
		return core_fail_key(ctx, FV_DATA,
			(core_key_ref){f->spec->block, "dev.share", NULL},
			"%s: corpus.dev.share takes whole speakers, and train has %d",
			f->table.csv.path, (int)n);
	bool *moves = core_alloc(ctx, (size_t)n, sizeof *moves);
	if (!moves)
		return FV_FAILED;
	choose_speakers(speaker, n, f->spec->dev_share * (double)train, moves);
	for (int64_t r = 0; r < rows; r++)
		if (id[r] >= 0 && moves[id[r]])
			f->part[r] = CORE_DEV;
	return FV_OK;
}
