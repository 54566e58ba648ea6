/* SPDX-License-Identifier: Apache-2.0 */
#include "run/copies.h"

#include <stdlib.h>
#include <string.h>

#include "base/plural.h"

/* How many of the copies a warning names. */
#define COPIES_NAMED 3

static int compare_hashes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The copies among the recordings of one fold. */
struct copies {
	const core_fold *fold;
	const core_recordings *recordings;
	const char **trained; /* [n_trained] hashes of the training recordings, sorted */
	size_t n_trained;
	const char *names, *counts; /* "a, b, c", "100 of 250 test and 3 of 80 dev" */
	int32_t n;
};

static fv_status list_trained(fv_ctx *ctx, struct copies *c)
{
	const core_corpus *corpus = c->fold->corpus;
	c->trained = core_alloc(ctx, (size_t)corpus->n, sizeof *c->trained);
	if (!c->trained)
		return FV_FAILED;
	for (int32_t i = 0; i < corpus->n; i++)
		if (corpus->split[i] == CORE_TRAIN)
			c->trained[c->n_trained++] = c->recordings->sha256[c->fold->row[i]];
	qsort(c->trained, c->n_trained, sizeof *c->trained, compare_hashes);
	return FV_OK;
}

static bool is_copy(const struct copies *c, int64_t row)
{
	const char *own = c->recordings->sha256[row];
	return bsearch(&own, c->trained, c->n_trained, sizeof *c->trained, compare_hashes);
}

/* Counts the copies of one split. */
static fv_status add_split(fv_ctx *ctx, struct copies *c, int32_t split)
{
	const core_corpus *corpus = c->fold->corpus;
	int32_t found = 0, all = 0;
	for (int32_t i = 0; i < corpus->n; i++) {
		if (corpus->split[i] != split)
			continue;
		all++;
		if (!is_copy(c, c->fold->row[i]))
			continue;
		found++;
		if (c->n++ < COPIES_NAMED && c->names)
			c->names = core_format(ctx, "%s%s%s", c->names, c->n > 1 ? ", " : "",
				c->recordings->name[c->fold->row[i]]);
	}
	if (found && c->counts)
		c->counts =
			core_format(ctx, "%s%s%d of %d %s", c->counts, *c->counts ? " and " : "",
				(int)found, (int)all, core_corpus_split_name(corpus, split));
	return c->names && c->counts ? FV_OK : FV_FAILED;
}

static fv_status warn_fold(fv_ctx *ctx, const core_recordings *recordings, const core_fold *fold)
{
	struct copies c = {.fold = fold, .recordings = recordings, .names = "", .counts = ""};
	fv_status status = list_trained(ctx, &c);
	for (int32_t k = CORE_DEV; k < CORE_SPLITS + fold->corpus->n_sets && !status; k++)
		status = add_split(ctx, &c, k);
	if (!status && c.n)
		fv_warn(ctx,
			"%s: fold %lld: %s recording%s %s the same bytes as training recordings: "
			"%s%s: results on them say nothing about new speech",
			fold->corpus->labels, (long long)fold->fold, c.counts, core_plural(c.n),
			c.n == 1 ? "has" : "have", c.names, c.n > COPIES_NAMED ? ", ..." : "");
	return status;
}

fv_status core_copies_warn(fv_ctx *ctx, const core_study *study)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < study->n_folds && !status; i++) {
		const core_set *set = &study->set[study->fold[i].set];
		if (set->hashed)
			status = warn_fold(ctx, &set->recordings, &study->fold[i]);
	}
	return status;
}
