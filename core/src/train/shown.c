/* SPDX-License-Identifier: Apache-2.0 */
#include "train/shown.h"

#include <stdio.h>
#include <string.h>

enum { ROW_PARTS = 7, COUNT_PARTS = 6, BATCH_PARTS = 8 };

static void list_rows(const fv_rows *r, const char *const *name, core_fence_part *out)
{
	size_t n = (size_t)r->n, classes = (size_t)r->classes, groups = (size_t)r->groups;
	const core_fence_part part[ROW_PARTS] = {
		{name[0], r->label, n * classes * sizeof *r->label},
		{name[1], r->klass, n * sizeof *r->klass},
		{name[2], r->group, n * sizeof *r->group},
		{name[3], r->member, n * groups * sizeof *r->member},
		{name[4], r->stem, n * sizeof *r->stem},
		{name[5], r->speaker, n * sizeof *r->speaker},
		{name[6], r->duration, n * sizeof *r->duration},
	};
	memcpy(out, part, sizeof part);
}

static void point_rows(fv_rows *r, const void *const *to)
{
	r->label = to[0];
	r->klass = to[1];
	r->group = to[2];
	r->member = to[3];
	r->stem = to[4];
	r->speaker = to[5];
	r->duration = to[6];
}

static void list_counts(const fv_counts *k, size_t classes, size_t groups, core_fence_part *out)
{
	const size_t size = sizeof(double);
	const core_fence_part part[COUNT_PARTS] = {
		{"setup->count->c", k->c, classes * size},
		{"setup->count->g", k->g, groups * size},
		{"setup->count->cg", k->cg, classes * groups * size},
		{"setup->count->g_soft", k->g_soft, groups * size},
		{"setup->count->cg_soft", k->cg_soft, classes * groups * size},
		{"setup->count->c_unknown", k->c_unknown, classes * size},
	};
	memcpy(out, part, sizeof part);
}

core_fence *core_show_setup(fv_ctx *ctx, fv_rows *train, fv_rows *dev, fv_counts *count,
	const double **class_weight, bool apart)
{
	static const char *const of_train[ROW_PARTS] = {"setup->train->label",
		"setup->train->klass", "setup->train->group", "setup->train->member",
		"setup->train->stem", "setup->train->speaker", "setup->train->duration"};
	static const char *const of_dev[ROW_PARTS] = {"setup->dev->label", "setup->dev->klass",
		"setup->dev->group", "setup->dev->member", "setup->dev->stem",
		"setup->dev->speaker", "setup->dev->duration"};
	enum { PARTS = 2 * ROW_PARTS + COUNT_PARTS + 1 };
	_Static_assert(PARTS <= CORE_FENCE_PARTS, "they fit in a fence");
	size_t classes = (size_t)train->classes;
	core_fence_part part[PARTS];
	const void *to[PARTS];
	list_rows(train, of_train, part);
	list_rows(dev, of_dev, part + ROW_PARTS);
	list_counts(count, classes, (size_t)train->groups, part + 2 * ROW_PARTS);
	part[PARTS - 1] = (core_fence_part){
		"setup->class_weight", *class_weight, classes * sizeof **class_weight};
	core_fence *fence = core_fence_open_shown(ctx, "setup", part, PARTS, apart, to);
	if (!fence)
		return NULL;
	point_rows(train, to);
	point_rows(dev, to + ROW_PARTS);
	const void *const *k = to + 2 * ROW_PARTS;
	*count = (fv_counts){sizeof *count, k[0], k[1], k[2], k[3], k[4], k[5]};
	*class_weight = to[PARTS - 1];
	return fence;
}

static void list_batch(const fv_batch *b, core_fence_part *out)
{
	size_t n = (size_t)b->n, classes = (size_t)b->classes, groups = (size_t)b->groups;
	const core_fence_part part[BATCH_PARTS] = {
		{"batch->row", b->row, n * sizeof *b->row},
		{"batch->loss", b->loss, n * sizeof *b->loss},
		{"batch->logits", b->logits, n * classes * sizeof *b->logits},
		{"batch->label", b->label, n * classes * sizeof *b->label},
		{"batch->klass", b->klass, n * sizeof *b->klass},
		{"batch->group", b->group, n * sizeof *b->group},
		{"batch->member", b->member, n * groups * sizeof *b->member},
		{"batch->stem", b->stem, n * sizeof *b->stem},
	};
	memcpy(out, part, sizeof part);
}

core_fence *core_show_batch(fv_ctx *ctx, const fv_batch *batch, fv_batch *out)
{
	core_fence_part part[BATCH_PARTS];
	const void *to[BATCH_PARTS];
	list_batch(batch, part);
	core_fence *fence = core_fence_open_shown(ctx, "the batch", part, BATCH_PARTS, false, to);
	if (!fence)
		return NULL;
	*out = *batch;
	out->row = to[0];
	out->loss = to[1];
	out->logits = to[2];
	out->label = to[3];
	out->klass = to[4];
	out->group = to[5];
	out->member = to[6];
	out->stem = to[7];
	return fence;
}

fv_status core_batch_keep(fv_ctx *ctx, core_batch_copy *copy, const fv_batch *batch)
{
	core_fence_part part[BATCH_PARTS];
	list_batch(batch, part);
	size_t size = 0;
	for (size_t i = 0; i < BATCH_PARTS; i++)
		size += part[i].data ? part[i].size : 0;
	if (size > copy->size) {
		copy->data = core_alloc(ctx, size, 1);
		copy->size = copy->data ? size : 0;
		if (!copy->data)
			return FV_FAILED;
	}
	char *at = copy->data;
	for (size_t i = 0; i < BATCH_PARTS; i++) {
		if (!part[i].data)
			continue;
		memcpy(at, part[i].data, part[i].size);
		at += part[i].size;
	}
	memcpy(&copy->batch, batch, sizeof *batch);
	return FV_OK;
}

/* Writes which byte of an array differs from its copy. */
static bool report_difference(
	const core_fence_part *part, const char *copy, char *text, size_t size)
{
	const char *now = part->data;
	size_t at = 0;
	while (now[at] == copy[at])
		at++;
	snprintf(text, size, "wrote at byte %zu of %s, which may only be read", at, part->name);
	return false;
}

bool core_batch_compare(const core_batch_copy *copy, const fv_batch *batch, char *text, size_t size)
{
	core_fence_part part[BATCH_PARTS];
	const core_fence_part whole = {"the batch", batch, sizeof *batch};
	const char *at = copy->data;
	if (memcmp(&copy->batch, batch, sizeof *batch) != 0)
		return report_difference(&whole, (const char *)&copy->batch, text, size);
	list_batch(batch, part);
	for (size_t i = 0; i < BATCH_PARTS; i++) {
		if (!part[i].data)
			continue;
		if (memcmp(at, part[i].data, part[i].size) != 0)
			return report_difference(&part[i], at, text, size);
		at += part[i].size;
	}
	return true;
}
