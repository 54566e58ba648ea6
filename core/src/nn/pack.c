/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/pack.h"

#include <assert.h>
#include <string.h>

static const core_layout nothing; /* what a pack that has failed goes on with */

void *core_pack_host(core_pack *pack, size_t bytes)
{
	core_queue *queue = pack->queue;
	void *memory = queue->status ? NULL : fv_scratch(queue->worker, bytes);
	if (!memory && !queue->status)
		queue->status = FV_FAILED;
	return memory;
}

static void cut_tiles(const core_layout *layout, int64_t queries, core_tile *tile)
{
	for (int32_t u = 0; u < layout->n; u++)
		for (int64_t first = 0; first < layout->span[u].count; first += queries) {
			int64_t left = layout->span[u].count - first;
			*tile++ = (core_tile){u, first, left < queries ? left : queries};
		}
}

static void place_spans(const int64_t *count, core_layout *layout, core_span *span)
{
	for (int32_t u = 0; u < layout->n; u++) {
		assert(count[u] >= 1);
		span[u] = (core_span){layout->rows, count[u], layout->slots};
		layout->rows += count[u];
		layout->slots += count[u] + 1;
		layout->longest = count[u] > layout->longest ? count[u] : layout->longest;
	}
}

static const core_layout *make_layout(core_pack *pack, int32_t n, const int64_t *count)
{
	int64_t queries = pack->ops->queries, tiles = 0;
	for (int32_t u = 0; u < n; u++)
		tiles += (count[u] + queries - 1) / queries;
	core_layout *layout = core_pack_host(pack, sizeof *layout);
	core_span *span = core_pack_host(pack, (size_t)n * sizeof *span);
	core_tile *tile = core_pack_host(pack, (size_t)tiles * sizeof *tile);
	if (!tile)
		return &nothing;
	*layout = (core_layout){.n = n, .span = span, .n_tiles = tiles, .tile = tile};
	place_spans(count, layout, span);
	cut_tiles(layout, queries, tile);
	return layout;
}

const core_layout *core_pack_layout(core_pack *pack, const int64_t *count)
{
	return pack->queue->status ? &nothing : make_layout(pack, pack->utterances->n, count);
}

core_rows core_pack_rows(core_pack *pack, const core_layout *layout, int64_t width)
{
	return (core_rows){
		pack->ops->allocate(pack->queue, layout->rows * width), width, width, layout};
}

const float *core_pack_put(core_pack *pack, const float *host, int64_t n)
{
	float *to = pack->ops->allocate(pack->queue, n);
	pack->ops->put(pack->queue, host, n, to);
	return to;
}

fv_status core_pack_wait(core_pack *pack)
{
	return pack->ops->wait(pack->queue);
}

fv_status core_pack_open(fv_ctx *worker, core_device *device, int32_t n, const int64_t *count,
	int64_t width, const float *input, core_pack **out)
{
	core_pack *pack = fv_scratch(worker, sizeof *pack);
	int64_t *one = fv_scratch(worker, (size_t)n * sizeof *one);
	core_queue *queue = device->ops->begin(worker, device);
	*out = pack;
	if (!pack || !one || !queue)
		return FV_FAILED;
	*pack = (core_pack){.queue = queue, .ops = device->ops};
	for (int32_t u = 0; u < n; u++)
		one[u] = 1;
	pack->utterances = make_layout(pack, n, one);
	pack->input = core_pack_rows(pack, make_layout(pack, n, count), width);
	pack->ops->put(queue, input, pack->input.layout->rows * width, pack->input.at);
	return queue->status;
}
