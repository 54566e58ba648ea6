/* SPDX-License-Identifier: Apache-2.0 */
#include "train/batches.h"

#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

struct core_shuffle {
	uint64_t key, name;
	int32_t position, copy; /* copy: how often the row occurs earlier in the list */
};

typedef struct named_row {
	const char *stem;
	int32_t row;
} named_row;

static int compare_stems(const void *a, const void *b)
{
	const named_row *left = a, *right = b;
	int order = strcmp(left->stem, right->stem);
	return order ? order : (left->row > right->row) - (left->row < right->row);
}

fv_status core_stem_order(fv_ctx *ctx, const fv_rows *rows, int32_t **order)
{
	size_t n = (size_t)rows->n;
	named_row *sorted = malloc((n ? n : 1) * sizeof *sorted);
	*order = core_alloc(ctx, n, sizeof **order);
	if (!sorted || !*order) {
		free(sorted);
		return fv_fail(ctx, FV_FAILED, "out of memory (%zu rows)", n);
	}
	for (size_t i = 0; i < n; i++)
		sorted[i] = (named_row){rows->stem[i], (int32_t)i};
	qsort(sorted, n, sizeof *sorted, compare_stems);
	for (size_t i = 0; i < n; i++)
		(*order)[i] = sorted[i].row;
	free(sorted);
	return FV_OK;
}

const float *core_row_input(const core_train_data *data, int32_t row, size_t width, float *scratch)
{
	const float *x = data->x + (size_t)core_row_place(data, row) * width;
	if (!data->mean)
		return x;
	const float *mean = data->mean, *scale = data->scale;
	for (size_t j = 0; j < width; j++)
		scratch[j] = (x[j] - mean[j]) * scale[j];
	return scratch;
}

fv_status core_batches_init(fv_ctx *ctx, core_batches *b, const core_train_data *data, size_t width,
	const int32_t *subsample, int32_t n, int32_t size, bool mixing)
{
	const fv_rows *rows = &data->rows;
	size_t batch = (size_t)size, classes = (size_t)rows->classes, groups = (size_t)rows->groups;
	*b = (core_batches){
		.data = data, .width = width, .subsample = subsample, .n = n, .size = size};
	b->position = core_alloc(ctx, (size_t)n, sizeof *b->position);
	b->shuffle = core_alloc(ctx, (size_t)n, sizeof *b->shuffle);
	b->row = core_alloc(ctx, 5 * batch, sizeof *b->row);
	b->uses = core_alloc(ctx, (size_t)rows->n, sizeof *b->uses);
	b->label = core_alloc(ctx, 3 * batch * classes, sizeof *b->label);
	b->member = core_alloc(ctx, batch * groups, sizeof *b->member);
	b->mixed = core_alloc(ctx, mixing ? (batch + 1) * width : 1, sizeof *b->mixed);
	b->scaled = core_alloc(ctx, data->mean ? batch * width : 1, sizeof *b->scaled);
	b->loss = core_alloc(ctx, 2 * batch, sizeof *b->loss);
	b->x = core_alloc(ctx, batch, sizeof *b->x);
	b->stem = core_alloc(ctx, batch, sizeof *b->stem);
	int32_t *copies = core_alloc(ctx, (size_t)rows->n, sizeof *copies);
	if (!b->uses || !b->position || !b->shuffle || !b->row || !b->label || !b->member ||
		!b->mixed || !b->scaled || !b->loss || !b->x || !b->stem || !copies)
		return FV_FAILED;
	b->klass = b->row + batch;
	b->group = b->row + 2 * batch;
	b->partner = b->row + 3 * batch;
	b->copy = b->row + 4 * batch;
	b->logits = b->label + batch * classes;
	b->d_logits = b->label + 2 * batch * classes;
	b->lambda = b->loss + batch;
	for (int32_t i = 0; i < n; i++)
		b->shuffle[i] =
			(struct core_shuffle){.name = fv_name_hash(rows->stem[subsample[i]]),
				.position = i,
				.copy = copies[subsample[i]]++};
	return FV_OK;
}

static int compare_keys(const void *a, const void *b)
{
	const struct core_shuffle *left = a, *right = b;
	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	if (left->name != right->name)
		return left->name < right->name ? -1 : 1;
	return (left->position > right->position) - (left->position < right->position);
}

void core_batches_shuffle(fv_ctx *ctx, core_batches *b, int64_t epoch)
{
	for (int32_t i = 0; i < b->n; i++) {
		struct core_shuffle *entry = &b->shuffle[i];
		fv_stream stream = fv_rng(ctx, "shuffle", epoch, entry->name);
		for (int32_t copy = 0; copy <= entry->copy; copy++)
			entry->key = fv_next(&stream);
	}
	qsort(b->shuffle, (size_t)b->n, sizeof *b->shuffle, compare_keys);
	for (int32_t i = 0; i < b->n; i++)
		b->position[i] = b->shuffle[i].position;
}

void core_batches_start(core_batches *b, int32_t seen)
{
	memset(b->uses, 0, (size_t)b->data->rows.n * sizeof *b->uses);
	for (int32_t i = 0; i < seen; i++)
		b->uses[b->subsample[b->position[i]]]++;
}

void core_batches_gather(core_batches *b, int32_t first)
{
	const fv_rows *rows = &b->data->rows;
	size_t classes = (size_t)rows->classes, groups = (size_t)rows->groups;
	int32_t n = b->n - first < b->size ? b->n - first : b->size;
	for (int32_t i = 0; i < n; i++) {
		int32_t row = b->subsample[b->position[first + i]];
		size_t at = (size_t)i, from = (size_t)row;
		b->row[i] = row;
		b->copy[i] = b->uses[row]++;
		b->stem[i] = rows->stem[row];
		b->klass[i] = rows->klass[row];
		memcpy(b->label + at * classes, rows->label + from * classes,
			classes * sizeof *b->label);
		if (rows->group)
			b->group[i] = rows->group[row];
		if (rows->member)
			memcpy(b->member + at * groups, rows->member + from * groups,
				groups * sizeof *b->member);
		if (b->place)
			b->place[i] = core_row_place(b->data, row);
		else
			b->x[i] = core_row_input(b->data, row, b->width,
				b->data->mean ? b->scaled + at * b->width : NULL);
	}
	b->batch.size = sizeof b->batch;
	b->batch.n = n;
	b->batch.classes = rows->classes;
	b->batch.groups = rows->groups;
	b->batch.row = b->row;
	b->batch.loss = NULL;
	b->batch.logits = NULL;
	b->batch.label = b->label;
	b->batch.klass = b->klass;
	b->batch.group = rows->group ? b->group : NULL;
	b->batch.member = rows->member ? b->member : NULL;
	b->batch.stem = b->stem;
}

void core_batches_mix(core_batches *b)
{
	const fv_rows *rows = &b->data->rows;
	size_t classes = (size_t)rows->classes;
	for (int32_t i = 0; i < b->batch.n; i++) {
		if (b->lambda[i] == 1)
			continue;
		size_t partner = (size_t)b->partner[i];
		const float *x = b->x[i], *other = core_row_input(b->data, b->partner[i], b->width,
						  b->mixed + (size_t)b->size * b->width);
		float *out = b->mixed + (size_t)i * b->width,
		      *label = b->label + (size_t)i * classes;
		float share = (float)b->lambda[i], rest = (float)(1 - b->lambda[i]);
		for (size_t j = 0; j < b->width; j++)
			out[j] = share * x[j] + rest * other[j];
		for (size_t k = 0; k < classes; k++)
			label[k] = share * label[k] + rest * rows->label[partner * classes + k];
		b->x[i] = out;
	}
}
