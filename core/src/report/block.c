/* SPDX-License-Identifier: Apache-2.0 */
#include "report/block.h"

#include <stdlib.h>

/* A seed of a cell and how many of its folds are done. */
struct seed {
	int64_t seed;
	int32_t done;
};

static int by_done(const void *a, const void *b)
{
	const struct seed *x = a, *y = b;
	if (x->done != y->done)
		return x->done > y->done ? -1 : 1;
	return (x->seed > y->seed) - (x->seed < y->seed);
}

static int by_seed(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static const core_result *find_done(const core_result_cell *cell, int64_t fold, int64_t seed)
{
	for (size_t i = 0; i < cell->n; i++)
		if (cell->run[i].fold == fold && cell->run[i].seed == seed)
			return cell->run[i].state == CORE_RUN_DONE ? &cell->run[i] : NULL;
	return NULL;
}

static size_t count_seeds(const core_result_cell *cell, struct seed *list)
{
	size_t n = 0;
	for (size_t i = 0; i < cell->n; i++) {
		size_t k = 0;
		if (cell->run[i].state != CORE_RUN_DONE)
			continue;
		while (k < n && list[k].seed != cell->run[i].seed)
			k++;
		if (k == n)
			list[n++] = (struct seed){cell->run[i].seed, 0};
		list[k].done++;
	}
	qsort(list, n, sizeof *list, by_done);
	return n;
}

/* The folds that the first n seeds of the list have all done; returns how many. */
static int32_t whole_folds(
	const core_result_cell *cell, const struct seed *list, size_t n, int64_t *fold)
{
	int32_t folds = 0;
	for (size_t i = 0; i < cell->n; i++) {
		bool whole = i == 0 || cell->run[i].fold != cell->run[i - 1].fold;
		for (size_t k = 0; k < n && whole; k++)
			whole = find_done(cell, cell->run[i].fold, list[k].seed) != NULL;
		if (whole && n)
			fold[folds++] = cell->run[i].fold;
	}
	return folds;
}

fv_status core_block_find(fv_ctx *ctx, core_result_cell *cell)
{
	struct seed *list = core_alloc(ctx, cell->n + 1, sizeof *list);
	cell->fold = core_alloc(ctx, cell->n + 1, sizeof *cell->fold);
	cell->seed = core_alloc(ctx, cell->n + 1, sizeof *cell->seed);
	cell->used = core_alloc(ctx, cell->n + 1, sizeof *cell->used);
	if (!list || !cell->fold || !cell->seed || !cell->used)
		return FV_FAILED;
	size_t n = count_seeds(cell, list), best = 0, most = 0;
	for (size_t k = 1; k <= n; k++) {
		size_t runs = k * (size_t)whole_folds(cell, list, k, cell->fold);
		if (runs > most) {
			most = runs;
			best = k;
		}
	}
	cell->n_folds = whole_folds(cell, list, best, cell->fold);
	cell->n_seeds = (int32_t)best;
	for (size_t k = 0; k < best; k++)
		cell->seed[k] = list[k].seed;
	qsort(cell->seed, best, sizeof *cell->seed, by_seed);
	for (int32_t f = 0; f < cell->n_folds; f++)
		for (int32_t s = 0; s < cell->n_seeds; s++)
			cell->used[f * cell->n_seeds + s] =
				find_done(cell, cell->fold[f], cell->seed[s]);
	return FV_OK;
}
