/* SPDX-License-Identifier: Apache-2.0 */
/* Sets the split of each row: as the label files say (splits.c), or from speaker-independent folds
 * drawn from the names of the speakers.
 *
 * Drawn folds: speakers sorted by (utterances, most first; a draw keyed by the name) each go to
 * the part with the fewest utterances so far, then the fewest of the same gender, then the
 * lowest number. Fold f of k: test = part f, dev = the next part, train = the rest. */
#include <stdlib.h>
#include <string.h>

#include "base/stream.h"
#include "corpus/corpus_private.h"

struct speaker {
	int32_t id, utterances, gender; /* gender of its first row by name; -1 unknown */
	uint64_t draw;
	const char *name;
};

static int by_size(const void *a, const void *b)
{
	const struct speaker *s = a, *t = b;
	if (s->utterances != t->utterances)
		return s->utterances > t->utterances ? -1 : 1;
	if (s->draw != t->draw)
		return s->draw < t->draw ? -1 : 1;
	return strcmp(s->name, t->name);
}

/* Sets part [speakers]; load [k] and of_gender [k, genders + 1] must be zeroed. */
static void assign_parts(const struct speaker *speaker, int32_t n, int32_t k, int32_t genders,
	int64_t *load, int64_t *of_gender, int32_t *part)
{
	for (int32_t s = 0; s < n; s++) {
		int32_t best = 0, g = speaker[s].gender < 0 ? genders : speaker[s].gender;
		for (int32_t p = 1; p < k; p++) {
			int64_t same = of_gender[p * (genders + 1) + g],
				best_same = of_gender[best * (genders + 1) + g];
			if (load[p] < load[best] || (load[p] == load[best] && same < best_same))
				best = p;
		}
		load[best] += speaker[s].utterances;
		of_gender[best * (genders + 1) + g] += speaker[s].utterances;
		part[speaker[s].id] = best;
	}
}

static fv_status list_speakers(fv_ctx *ctx, const core_label_file *f, int32_t *id,
	struct speaker **out, int32_t *n, int32_t *genders)
{
	size_t rows = (size_t)f->table.csv.n_rows;
	const char **name, **value, **gender = core_alloc(ctx, rows, sizeof *gender);
	int32_t *gender_id = core_alloc(ctx, rows, sizeof *gender_id);
	if (!gender || !gender_id)
		return FV_FAILED;
	for (size_t r = 0; r < rows; r++) {
		const char *cell =
			f->gender < 0 ? "" : core_csv_cell(&f->table.csv, (int64_t)r, f->gender);
		gender[r] = *cell ? cell : NULL;
	}
	fv_status status = core_names_index(ctx, f->speaker, f->table.csv.n_rows, id, &name, n);
	if (!status)
		status = core_names_index(
			ctx, gender, f->table.csv.n_rows, gender_id, &value, genders);
	struct speaker *speaker = status ? NULL : core_alloc(ctx, (size_t)*n, sizeof *speaker);
	if (!speaker)
		return FV_FAILED;
	for (size_t i = 0; i < rows; i++) {
		int32_t r = f->row[i]; /* in the order of stems, not of the file */
		struct speaker *s = &speaker[id[r]];
		if (!s->utterances++)
			s->gender = gender_id[r];
	}
	for (int32_t s = 0; s < *n; s++) {
		fv_stream stream = core_stream(
			(uint64_t)f->spec->make_folds_seed, 0, "folds", 0, fv_name_hash(name[s]));
		speaker[s].id = s;
		speaker[s].name = name[s];
		speaker[s].draw = fv_next(&stream);
	}
	*out = speaker;
	return FV_OK;
}

static fv_status draw_splits(fv_ctx *ctx, core_label_file *f)
{
	int32_t k = f->spec->make_folds, n, genders;
	if (k < 3)
		return core_corpus_fail(ctx, &f->spec->place,
			"corpus.make_folds: %d is too few: needs at least 3 (train, dev, test)",
			(int)k);
	if (f->fold < 1 || f->fold > k)
		return core_corpus_fail(ctx, &f->spec->place,
			"fold %lld: corpus.make_folds makes folds 1 to %d", (long long)f->fold,
			(int)k);
	int32_t *id = core_alloc(ctx, (size_t)f->table.csv.n_rows, sizeof *id);
	struct speaker *speaker;
	if (!id || list_speakers(ctx, f, id, &speaker, &n, &genders))
		return FV_FAILED;
	if (n < k)
		return fv_fail(ctx, FV_DATA,
			"%s: %d speakers are too few for corpus.make_folds: %d", f->table.csv.path,
			(int)n, (int)k);
	qsort(speaker, (size_t)n, sizeof *speaker, by_size);
	int64_t *load = core_alloc(ctx, (size_t)k, sizeof *load);
	int64_t *of_gender = core_alloc(ctx, (size_t)k * (size_t)(genders + 1), sizeof *of_gender);
	int32_t *part = core_alloc(ctx, (size_t)n, sizeof *part);
	if (!load || !of_gender || !part)
		return FV_FAILED;
	assign_parts(speaker, n, k, genders, load, of_gender, part);
	int32_t test = (int32_t)f->fold - 1, dev = (test + 1) % k;
	for (int64_t r = 0; r < f->table.csv.n_rows; r++) {
		int32_t p = part[id[r]];
		f->part[r] = p == test ? CORE_TEST : p == dev ? CORE_DEV : CORE_TRAIN;
	}
	return FV_OK;
}

fv_status core_folds_assign(fv_ctx *ctx, core_label_file *f, core_corpus *c)
{
	f->part = core_alloc(ctx, (size_t)f->table.csv.n_rows, sizeof *f->part);
	if (!f->part)
		return FV_FAILED;
	return f->spec->make_folds ? draw_splits(ctx, f) : core_splits_read(ctx, f, c);
}
