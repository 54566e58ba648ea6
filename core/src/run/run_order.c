/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run_order.h"

#include <stdlib.h>
#include <string.h>

#include <fairvox/loss.h>
#include <fairvox/networks.h>
#include <fairvox/stages.h>

#include "run/grouping.h"
#include "run/training_device.h"

/* Returns true if `weigh` is the only op that influences training. */
static bool only_weighs(const fv_descriptor *loss)
{
	const fv_loss_ops *ops = loss->ops;
	if (ops->subsample || ops->order || ops->mix)
		return false;
	return !loss->extension ||
	       (!loss->extension(FV_NETWORKS_1) && !loss->extension(FV_STAGES_1));
}

bool core_run_shares_worker(const core_study *study, const core_run *run)
{
	const core_variant *variant = core_run_variant(study, run);
	bool may = variant->loss.plugin->own && only_weighs(variant->loss.plugin->descriptor);
	for (int32_t i = 0; i < variant->n_groupers; i++)
		may &= variant->groupers[i].use.plugin->own;
	return may && !variant->loss.n_delegates;
}

enum {
	ROW_NUMBERS =
		2048, /* of features: with shorter rows, making a matrix takes no time to speak of */
	KEYS = 5,
	ALONE = -1,
	ON_DEVICE = -2
};

/* A run. Those that read the same rows have in common: features, their scaling, the first variant with such a bias, fold,
 * seed. key[0] ALONE: it stays where it is; ON_DEVICE: it needs nothing in common. */
struct member {
	int64_t key[KEYS];
	int64_t at; /* its place among the tasks */
};

static bool is_same_column(const core_column *a, const core_column *b)
{
	return !strcmp(a->attribute, b->attribute) && !strcmp(a->column, b->column);
}

static bool is_same_bias(const core_bias_spec *a, const core_bias_spec *b)
{
	if (!a->on || !b->on)
		return a->on == b->on;
	bool same = !strcmp(a->attribute, b->attribute) && a->n_majority == b->n_majority &&
		    !(a->minority_ratio < b->minority_ratio) &&
		    !(a->minority_ratio > b->minority_ratio) && a->has_seed == b->has_seed &&
		    (!a->has_seed || a->seed == b->seed);
	for (int32_t i = 0; same && i < a->n_majority; i++)
		same = is_same_column(&a->majority[i], &b->majority[i]);
	return same;
}

static int64_t find_bias(const core_study *study, int32_t variant)
{
	const core_variant *all = study->config->variants;
	for (int32_t i = 0; i < variant; i++)
		if (is_same_bias(&all[i].bias, &all[variant].bias))
			return i;
	return variant;
}

static struct member make_member(const core_study *study, const core_run *run, int64_t at)
{
	const core_variant *variant = core_run_variant(study, run);
	const core_features *features = &study->encoding[run->encoding].features;
	if (!run->done && core_run_trains_on_device(study, run))
		return (struct member){{ON_DEVICE}, at};
	if (run->done || (int64_t)features->layers * features->dims < ROW_NUMBERS)
		return (struct member){{ALONE, at}, at};
	return (struct member){
		{run->encoding, core_find_standardize(&variant->encoder, features->output),
			find_bias(study, run->variant), run->fold, run->seed},
		at};
}

static int compare_keys(const struct member *a, const struct member *b)
{
	for (int i = 0; i < KEYS; i++)
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i] ? -1 : 1;
	return 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	int order = compare_keys(left, right);
	return order ? order : (left->at > right->at) - (left->at < right->at);
}

/* Members [first, first + n) of the sorted list, whose keys are equal */
struct block {
	int64_t at, first, n; /* at: place of the first one among the tasks */
};

static int compare_blocks(const void *a, const void *b)
{
	const struct block *left = a, *right = b;
	return (left->at > right->at) - (left->at < right->at);
}

/* Divides sorted members into blocks. Returns their number. */
static int64_t make_blocks(const struct member *member, int64_t n, struct block *block)
{
	int64_t blocks = 0;
	for (int64_t i = 0; i < n; i++) {
		struct block *last = blocks ? &block[blocks - 1] : NULL;
		if (last && !compare_keys(&member[last->first], &member[i]))
			last->n++;
		else
			block[blocks++] = (struct block){member[i].at, i, 1};
	}
	return blocks;
}

fv_status core_run_order(fv_ctx *ctx, const core_study *study, const int64_t *todo, int64_t n,
	int64_t *task, int64_t *block_of)
{
	struct member *member = core_alloc(ctx, (size_t)n, sizeof *member);
	struct block *block = core_alloc(ctx, (size_t)n, sizeof *block);
	int64_t *before = core_alloc(ctx, (size_t)n, sizeof *before), placed = 0;
	if (!member || !block || !before)
		return FV_FAILED;
	for (int64_t i = 0; i < n; i++) {
		before[i] = task[i];
		member[i] = make_member(study, &study->run[todo[task[i]]], i);
	}
	qsort(member, (size_t)n, sizeof *member, compare_members);
	int64_t blocks = make_blocks(member, n, block);
	qsort(block, (size_t)blocks, sizeof *block, compare_blocks);
	for (int64_t b = 0; b < blocks; b++)
		for (int64_t i = 0; i < block[b].n; i++, placed++) {
			bool there = member[block[b].first].key[0] == ON_DEVICE;
			block_of[placed] = there            ? CORE_ORDER_ON_DEVICE
					   : block[b].n > 1 ? b
							    : CORE_ORDER_ALONE;
			task[placed] = before[member[block[b].first + i].at];
		}
	return FV_OK;
}
