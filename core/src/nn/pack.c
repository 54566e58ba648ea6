/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/pack.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const fv_layout nothing; /* what a pack that has failed goes on with */

void *core_pack_host(fv_pack *pack, size_t bytes)
{
	core_queue *queue = pack->queue;
	void *memory = queue->status ? NULL : fv_scratch(queue->worker, bytes);
	if (!memory && !queue->status)
		queue->status = FV_FAILED;
	return memory;
}

static void cut_tiles(const fv_layout *layout, int64_t queries, core_tile *tile)
{
	for (int32_t u = 0; u < layout->n; u++)
		for (int64_t first = 0; first < layout->span[u].count; first += queries) {
			int64_t left = layout->span[u].count - first;
			*tile++ = (core_tile){u, first, left < queries ? left : queries};
		}
}

static void place_spans(const int64_t *count, fv_layout *layout, core_span *span)
{
	for (int32_t u = 0; u < layout->n; u++) {
		assert(count[u] >= 1);
		span[u] = (core_span){layout->rows, count[u], layout->slots};
		layout->rows += count[u];
		layout->slots += count[u] + 1;
		layout->longest = count[u] > layout->longest ? count[u] : layout->longest;
	}
}

static const fv_layout *make_layout(fv_pack *pack, int32_t n, const int64_t *count)
{
	int64_t queries = pack->ops->queries, tiles = 0;
	for (int32_t u = 0; u < n; u++)
		tiles += (count[u] + queries - 1) / queries;
	fv_layout *layout = core_pack_host(pack, sizeof *layout);
	core_span *span = core_pack_host(pack, (size_t)n * sizeof *span);
	core_tile *tile = core_pack_host(pack, (size_t)tiles * sizeof *tile);
	if (!tile)
		return &nothing;
	*layout = (fv_layout){.n = n, .span = span, .n_tiles = tiles, .tile = tile};
	place_spans(count, layout, span);
	cut_tiles(layout, queries, tile);
	return layout;
}

static fv_matrix allocate_rows(fv_pack *pack, const fv_layout *layout, int64_t width)
{
	return (fv_matrix){
		pack->ops->allocate(pack->queue, layout->rows * width), width, width, layout};
}

const float *core_pack_put(fv_pack *pack, const float *host, int64_t n)
{
	float *to = pack->ops->allocate(pack->queue, n);
	pack->ops->put(pack->queue, host, n, to);
	return to;
}

fv_status core_pack_open(fv_ctx *worker, core_device *device, int32_t n, const int64_t *count,
	int64_t width, const float *input, fv_pack **out)
{
	fv_pack *pack = fv_scratch(worker, sizeof *pack);
	int64_t *one = fv_scratch(worker, (size_t)n * sizeof *one);
	core_queue *queue = device->ops->begin(worker, device);
	*out = pack;
	if (!pack || !one || !queue)
		return FV_FAILED;
	*pack = (fv_pack){.queue = queue, .ops = device->ops};
	for (int32_t u = 0; u < n; u++)
		one[u] = 1;
	pack->utterances = make_layout(pack, n, one);
	pack->reason = core_pack_host(pack, (size_t)n * sizeof *pack->reason);
	if (pack->reason)
		memset(pack->reason, 0, (size_t)n * sizeof *pack->reason);
	pack->input = allocate_rows(pack, make_layout(pack, n, count), width);
	pack->ops->put(queue, input, pack->input.layout->rows * width, pack->input.at);
	return queue->status;
}

/* --- rows --- */

int32_t fv_pack_count(const fv_pack *pack)
{
	return pack->utterances->n;
}

int64_t fv_pack_input_rows(const fv_pack *pack, int32_t u)
{
	return pack->input.layout->span[u].count;
}

fv_matrix fv_pack_input(const fv_pack *pack)
{
	return pack->input;
}

fv_matrix core_pack_rows(fv_pack *pack, const int64_t *count, int64_t width)
{
	const fv_layout *layout = &nothing;
	if (!pack->queue->status)
		layout = make_layout(pack, pack->utterances->n, count);
	return allocate_rows(pack, layout, width);
}

fv_matrix fv_pack_rows(fv_pack *pack, fv_matrix x, int64_t width)
{
	return allocate_rows(pack, x.layout, width);
}

fv_matrix fv_pack_windows(fv_pack *pack, fv_matrix x, int64_t window, int64_t step, int64_t width)
{
	int64_t *count = core_pack_host(pack, (size_t)x.layout->n * sizeof *count);
	for (int32_t u = 0; u < x.layout->n && count; u++)
		count[u] = (x.layout->span[u].count - window) / step + 1;
	return core_pack_rows(pack, count, width);
}

fv_matrix fv_pack_utterances(fv_pack *pack, int64_t width)
{
	return allocate_rows(pack, pack->utterances, width);
}

fv_matrix fv_columns(fv_matrix x, int64_t from, int64_t width)
{
	assert(from >= 0 && from + width <= x.width);
	return (fv_matrix){x.at ? x.at + from : NULL, width, x.stride, x.layout};
}

/* --- results --- */

void fv_pack_fetch(fv_pack *pack, fv_matrix x, int64_t block, float *const *out)
{
	pack->ops->fetch(pack->queue, x, block, out);
}

fv_status fv_pack_wait(fv_pack *pack)
{
	return pack->ops->wait(pack->queue);
}

void fv_pack_refuse(fv_pack *pack, int32_t u, const char *format, ...)
{
	enum { TEXT = 512 };
	char *text = core_pack_host(pack, TEXT);
	va_list args;
	va_start(args, format);
	if (text)
		vsnprintf(text, TEXT, format, args);
	va_end(args);
	pack->reason[u] = text;
}
