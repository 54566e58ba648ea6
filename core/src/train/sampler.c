/* SPDX-License-Identifier: Apache-2.0 */
#include "train/sampler.h"

#include <stdlib.h>

#include <fairvox/stream.h>

static const char *const names[] = {
	[CORE_SAMPLE_NONE] = "shuffle",
	[CORE_SAMPLE_CLASSES] = "class",
	[CORE_SAMPLE_GROUPS] = "group",
	[CORE_SAMPLE_SUBGROUPS] = "class_group",
};

const char *core_sampler_name(core_sampler_kind kind)
{
	return names[kind];
}

typedef struct entry {
	int64_t part;
	uint64_t name; /* hash of the file name */
	int32_t position;
} entry;

static int compare_entries(const void *a, const void *b)
{
	const entry *left = a, *right = b;
	if (left->part != right->part)
		return left->part < right->part ? -1 : 1;
	if (left->name != right->name)
		return left->name < right->name ? -1 : 1;
	return (left->position > right->position) - (left->position < right->position);
}

/* The number of a row's class, group or subgroup. */
static int64_t find_part(core_sampler_kind kind, const fv_rows *rows, int32_t row)
{
	int64_t klass = kind == CORE_SAMPLE_GROUPS ? 0 : rows->klass[row];
	int64_t group = kind == CORE_SAMPLE_CLASSES ? 0 : rows->group[row] + 1;
	return klass * ((int64_t)rows->groups + 1) + group;
}

static void fill_parts(core_sampler *s, const entry *sorted)
{
	for (int32_t i = 0; i < s->n; i++) {
		if (i == 0 || sorted[i].part != sorted[i - 1].part)
			s->start[s->parts++] = i;
		s->position[i] = sorted[i].position;
	}
	s->start[s->parts] = s->n;
}

fv_status core_sampler_init(fv_ctx *ctx, core_sampler_kind kind, const fv_rows *rows,
	const int32_t *list, int32_t n, core_sampler *out)
{
	size_t size = (size_t)n;
	*out = (core_sampler){.kind = kind, .n = n};
	if (kind == CORE_SAMPLE_NONE)
		return FV_OK;
	if (kind != CORE_SAMPLE_CLASSES && !rows->group)
		return fv_fail(ctx, FV_CONFIG, "train.sampler: %s needs groups: add a grouper",
			core_sampler_name(kind));
	out->position = core_alloc(ctx, size, sizeof *out->position);
	out->start = core_alloc(ctx, size + 1, sizeof *out->start);
	out->drawn = core_alloc(ctx, size, sizeof *out->drawn);
	entry *sorted = malloc(size * sizeof *sorted);
	if (!out->position || !out->start || !out->drawn || !sorted) {
		free(sorted);
		return fv_fail(ctx, FV_FAILED, "out of memory (%zu rows)", size);
	}
	for (int32_t i = 0; i < n; i++)
		sorted[i] = (entry){
			find_part(kind, rows, list[i]), fv_name_hash(rows->stem[list[i]]), i};
	qsort(sorted, size, sizeof *sorted, compare_entries);
	fill_parts(out, sorted);
	free(sorted);
	return FV_OK;
}

void core_sampler_draw(fv_ctx *ctx, core_sampler *s, int64_t epoch)
{
	fv_stream stream = fv_rng(ctx, "sampler", epoch, 0);
	for (int32_t i = 0; i < s->n; i++) {
		uint64_t part = fv_below(&stream, (uint64_t)s->parts);
		int32_t first = s->start[part];
		uint64_t size = (uint64_t)(s->start[part + 1] - first);
		s->drawn[i] = s->position[first + (int32_t)fv_below(&stream, size)];
	}
}
