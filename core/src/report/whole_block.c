/* SPDX-License-Identifier: Apache-2.0 */
#include "report/whole_block.h"

#include <stdlib.h>

/* A seed of a variant and how many of its folds are done. */
struct seed {
	int64_t seed;
	int32_t done;
};

static int compare_seeds_by_done(const void *a, const void *b)
{
	const struct seed *x = a, *y = b;
	if (x->done != y->done)
		return x->done > y->done ? -1 : 1;
	return (x->seed > y->seed) - (x->seed < y->seed);
}

static int compare_numbers(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static const core_run_result *find_done(
	const core_variant_result *variant, int64_t fold, int64_t seed)
{
	for (size_t i = 0; i < variant->n; i++)
		if (variant->run[i].fold == fold && variant->run[i].seed == seed)
			return variant->run[i].status == CORE_RUN_DONE ? &variant->run[i] : NULL;
	return NULL;
}

static size_t count_seeds(const core_variant_result *variant, struct seed *list)
{
	size_t n = 0;
	for (size_t i = 0; i < variant->n; i++) {
		size_t k = 0;
		if (variant->run[i].status != CORE_RUN_DONE)
			continue;
		while (k < n && list[k].seed != variant->run[i].seed)
			k++;
		if (k == n)
			list[n++] = (struct seed){variant->run[i].seed, 0};
		list[k].done++;
	}
	qsort(list, n, sizeof *list, compare_seeds_by_done);
	return n;
}

/* Finds the folds that the first n seeds of the list have all done; returns how many. */
static int32_t find_whole_folds(
	const core_variant_result *variant, const struct seed *list, size_t n, int64_t *fold)
{
	int32_t folds = 0;
	for (size_t i = 0; i < variant->n; i++) {
		bool whole = i == 0 || variant->run[i].fold != variant->run[i - 1].fold;
		for (size_t k = 0; k < n && whole; k++)
			whole = find_done(variant, variant->run[i].fold, list[k].seed) != NULL;
		if (whole && n)
			fold[folds++] = variant->run[i].fold;
	}
	return folds;
}

fv_status core_whole_block_find(fv_ctx *ctx, core_variant_result *variant)
{
	struct seed *list = core_alloc(ctx, variant->n + 1, sizeof *list);
	variant->fold = core_alloc(ctx, variant->n + 1, sizeof *variant->fold);
	variant->seed = core_alloc(ctx, variant->n + 1, sizeof *variant->seed);
	variant->used = core_alloc(ctx, variant->n + 1, sizeof *variant->used);
	if (!list || !variant->fold || !variant->seed || !variant->used)
		return FV_FAILED;
	size_t n = count_seeds(variant, list), best = 0, most = 0;
	for (size_t k = 1; k <= n; k++) {
		size_t runs = k * (size_t)find_whole_folds(variant, list, k, variant->fold);
		if (runs > most) {
			most = runs;
			best = k;
		}
	}
	variant->n_folds = find_whole_folds(variant, list, best, variant->fold);
	variant->n_seeds = (int32_t)best;
	for (size_t k = 0; k < best; k++)
		variant->seed[k] = list[k].seed;
	qsort(variant->seed, best, sizeof *variant->seed, compare_numbers);
	for (int32_t f = 0; f < variant->n_folds; f++)
		for (int32_t s = 0; s < variant->n_seeds; s++)
			variant->used[f * variant->n_seeds + s] =
				find_done(variant, variant->fold[f], variant->seed[s]);
	return FV_OK;
}
