/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a device: a pack's, given out from pieces that are kept; constants; pinned memory for copies. */
#include "device.hpp"

#include <cstdlib>
#include <cstring>

namespace gpu
{

static constexpr size_t ALIGN = 256, GROWTH_PER_ROW = 16 << 10, HALF_PER_ROW = 1 << 10,
			RESULTS_PER_ROW = 4 << 10;

void fail_queue(queue *q, const char *what, const char *why)
{
	if (!q->status)
		q->status = fv_fail(q->worker, FV_FAILED, "%s: %s", what, why);
}

void check_queue(queue *q, const char *what, cudaError_t error)
{
	const cudaError_t launch = cudaGetLastError();
	error = error ? error : launch;
	if (!error || q->status)
		return;
	q->on->dead = error != cudaErrorMemoryAllocation;
	fail_queue(q, what, cudaGetErrorString(error));
}

/* --- a pack's memory --- */

/* Adds a piece of device memory. Returns false if there is none. */
static bool add_piece(gpu_device *d, size_t bytes)
{
	arena *a = &d->memory;
	void *at = nullptr;
	if (a->count == CHUNKS_MAX || cudaMalloc(&at, bytes)) {
		(void)cudaGetLastError();
		return false;
	}
	a->piece[a->count++] = {static_cast<char *>(at), bytes, 0};
	GPU_MARK_FREE(d->stream, at, bytes);
	return true;
}

/* Finds room for that many bytes, if need be in a new piece. */
static bool find_room(gpu_device *d, size_t bytes)
{
	arena *a = &d->memory;
	while (a->piece[a->now].bytes - a->piece[a->now].used < bytes) {
		if (a->now + 1 == a->count) {
			const size_t least = static_cast<size_t>(d->rows) * GROWTH_PER_ROW;
			if (!add_piece(d, bytes > least ? bytes : least))
				return false;
		}
		a->piece[++a->now].used = 0;
	}
	return true;
}

void *allocate_bytes(queue *q, size_t bytes)
{
	/* with a gap behind it, so that nothing is read beyond unnoticed */
	const size_t whole = (bytes + ALIGN - 1) / ALIGN * ALIGN + ALIGN;
	if (q->status)
		return nullptr;
	arena_mark before = mark_memory(q);
	if (!find_room(q->on, whole)) {
		q->on->memory.now = before.now;
		fail_queue(q, "out of the GPU's memory",
			"encode shorter recordings, or end other programs that use the GPU");
		return nullptr;
	}
	chunk *piece = &q->on->memory.piece[q->on->memory.now];
	void *at = piece->at + piece->used;
	piece->used += whole;
	GPU_MARK_USED(q->on->stream, at, bytes);
	return at;
}

arena_mark mark_memory(const queue *q)
{
	const arena *a = &q->on->memory;
	return {a->now, a->piece[a->now].used};
}

void release_memory(queue *q, arena_mark mark)
{
	arena *a = &q->on->memory;
	for (; a->now > mark.now; a->now--)
		GPU_MARK_FREE(q->on->stream, a->piece[a->now].at, a->piece[a->now].used);
	chunk *piece = &a->piece[a->now];
	GPU_MARK_FREE(q->on->stream, piece->at + mark.used, piece->used - mark.used);
	piece->used = mark.used;
}

float *allocate_floats(core_queue *core, int64_t n)
{
	return allocate_array<float>(as_queue(core), n);
}

/* --- copies to the device --- */

/* Returns pinned memory for at least one byte, and how many there are. Waits for the copies from the other half,
 * which it then gives out. */
static char *find_pinned(gpu_device *d, size_t *bytes, cudaError_t *error)
{
	pinned *h = &d->host;
	if (h->used == h->half_bytes) {
		*error = cudaEventRecord(h->copied[h->now], d->stream);
		h->recorded[h->now] = true;
		h->now = !h->now;
		h->used = 0;
		if (!*error && h->recorded[h->now])
			*error = cudaEventSynchronize(h->copied[h->now]);
	}
	*bytes = h->half_bytes - h->used;
	return h->half[h->now] + h->used;
}

cudaError_t copy_in(gpu_device *d, void *to, const void *host, size_t bytes)
{
	cudaError_t error = cudaSuccess;
	for (size_t done = 0; done < bytes && !error;) {
		size_t room;
		char *by = find_pinned(d, &room, &error);
		if (error)
			break;
		room = bytes - done < room ? bytes - done : room;
		memcpy(by, static_cast<const char *>(host) + done, room);
		error = cudaMemcpyAsync(static_cast<char *>(to) + done, by, room,
			cudaMemcpyHostToDevice, d->stream);
		d->host.used += room;
		done += room;
	}
	return error;
}

void put_bytes(queue *q, void *to, const void *host, size_t bytes)
{
	if (!q->status)
		check_queue(q, "copying to the GPU", copy_in(q->on, to, host, bytes));
}

void put_floats(core_queue *core, const float *host, int64_t n, float *to)
{
	put_bytes(as_queue(core), to, host, static_cast<size_t>(n) * sizeof *host);
}

/* --- constants --- */

void *load_bytes(fv_ctx *ctx, gpu_device *d, const void *host, size_t bytes)
{
	constant *c = static_cast<constant *>(malloc(sizeof *c));
	void *at = nullptr;
	cudaError_t error = c ? cudaMalloc(&at, bytes) : cudaErrorMemoryAllocation;
	if (error) {
		(void)cudaGetLastError();
		free(c);
		(void)fv_fail(ctx, FV_FAILED, "the network's weights: %s on the GPU",
			cudaGetErrorString(error));
		return nullptr;
	}
	*c = {at, d->constants};
	d->constants = c;
	error = copy_in(d, at, host, bytes);
	if (error)
		(void)fv_fail(ctx, FV_FAILED, "copying to the GPU: %s", cudaGetErrorString(error));
	return error ? nullptr : at;
}

fv_status load_constant(
	fv_ctx *ctx, core_device *core, const float *host, int64_t n, const float **out)
{
	gpu_device *d = static_cast<gpu_device *>(core);
	*out = static_cast<float *>(
		load_bytes(ctx, d, host, static_cast<size_t>(n) * sizeof *host));
	return *out ? FV_OK : FV_FAILED;
}

void free_constants(gpu_device *d)
{
	(void)cudaStreamSynchronize(d->stream);
	while (d->constants) {
		constant *c = d->constants;
		d->constants = c->next;
		(void)cudaFree(c->at);
		free(c);
	}
}

/* --- results --- */

/* Copies the rows of one utterance that are in a result. */
static void hand_out(const result *r, int32_t u)
{
	const core_span *span = &r->layout->span[u];
	const int64_t first = span->first > r->first ? span->first : r->first;
	const int64_t end = r->first + r->count, own = span->first + span->count;
	const int64_t rows = (own < end ? own : end) - first;
	if (rows <= 0)
		return;
	float *to = r->out[u] + (r->block * span->count + first - span->first) * r->width;
	memcpy(to, r->from + (first - r->first) * r->width,
		static_cast<size_t>(rows * r->width) * sizeof *to);
}

/* Waits for the results that are in pinned memory, and hands them out. */
static void drain_results(queue *q)
{
	const cudaError_t error = cudaStreamSynchronize(q->on->stream);
	check_queue(q,
		"an operation of this pack failed on the GPU (CUDA_LAUNCH_BLOCKING=1 shows which)",
		error);
	for (const result *r = q->results; r && !q->status; r = r->next)
		for (int32_t u = 0; u < r->layout->n; u++)
			hand_out(r, u);
	q->results = nullptr;
	q->last = &q->results;
	q->on->host.results_used = 0;
}

/* Copies as many rows from `first` on as there is room for. Returns how many. */
static int64_t fetch_some(queue *q, const result &wanted, fv_matrix from)
{
	pinned *h = &q->on->host;
	const size_t row = static_cast<size_t>(from.width) * sizeof(float);
	const int64_t room = static_cast<int64_t>((h->results_bytes - h->results_used) / row);
	const int64_t rows = wanted.count < room ? wanted.count : room;
	if (rows == 0)
		return 0;
	result *r = static_cast<result *>(fv_scratch(q->worker, sizeof *r));
	if (!r) {
		q->status = FV_FAILED;
		return 0;
	}
	char *to = h->results + h->results_used;
	*r = wanted;
	r->from = reinterpret_cast<float *>(to);
	r->count = rows;
	*q->last = r;
	q->last = &r->next;
	h->results_used += static_cast<size_t>(rows) * row;
	const size_t stride = static_cast<size_t>(from.stride) * sizeof(float);
	check_queue(q, "copying from the GPU",
		cudaMemcpy2DAsync(to, row, from.at + wanted.first * from.stride, stride, row,
			static_cast<size_t>(rows), cudaMemcpyDeviceToHost, q->on->stream));
	return rows;
}

void fetch_rows(core_queue *core, fv_matrix from, int64_t block, float *const *out)
{
	queue *q = as_queue(core);
	if (!q->status &&
		static_cast<size_t>(from.width) * sizeof(float) > q->on->host.results_bytes)
		fail_queue(q, "copying from the GPU", "a row is too long");
	result wanted = {
		nullptr, from.layout, 0, from.layout->rows, from.width, block, out, nullptr};
	while (wanted.count > 0 && !q->status) {
		const int64_t rows = fetch_some(q, wanted, from);
		if (rows == 0 && !q->status)
			drain_results(q);
		wanted.first += rows;
		wanted.count -= rows;
	}
}

/* --- a pack's work --- */

core_queue *begin_work(fv_ctx *worker, core_device *core)
{
	gpu_device *d = static_cast<gpu_device *>(core);
	void *memory = fv_scratch(worker, sizeof(queue));
	if (!memory)
		return nullptr;
	queue *q = static_cast<queue *>(memory);
	*q = queue();
	q->device = core;
	q->worker = worker;
	q->on = d;
	q->last = &q->results;
	(void)cudaStreamSynchronize(d->stream); /* of a pack that failed and was not waited for */
	d->host.results_used = 0;
	release_memory(q, {0, 0});
	if (d->dead)
		fail_queue(q, "the GPU", "an operation of an earlier pack failed on it");
	return q;
}

fv_status wait_for_all(core_queue *core)
{
	queue *q = as_queue(core);
	drain_results(q);
	return q->status;
}

/* --- layouts --- */

static const int32_t *put_owners(queue *q, const fv_layout *layout)
{
	const core_arena_mark before = core_scratch_mark(q->worker);
	int32_t *owner = static_cast<int32_t *>(
		fv_scratch(q->worker, static_cast<size_t>(layout->rows) * sizeof *owner));
	for (int32_t u = 0; u < layout->n && owner; u++)
		for (int64_t r = 0; r < layout->span[u].count; r++)
			owner[layout->span[u].first + r] = u;
	const int32_t *there = owner ? put_array(q, owner, layout->rows) : nullptr;
	if (!owner && !q->status)
		q->status = FV_FAILED;
	core_scratch_release(q->worker, before);
	return there;
}

static const span *put_spans(queue *q, const fv_layout *layout)
{
	const core_arena_mark before = core_scratch_mark(q->worker);
	span *s = static_cast<span *>(
		fv_scratch(q->worker, static_cast<size_t>(layout->n) * sizeof *s));
	for (int32_t u = 0; u < layout->n && s; u++)
		s[u] = {layout->span[u].first, layout->span[u].count};
	const span *there = s ? put_array(q, s, layout->n) : nullptr;
	if (!s && !q->status)
		q->status = FV_FAILED;
	core_scratch_release(q->worker, before);
	return there;
}

const pack *find_pack(queue *q, const fv_layout *layout, bool owners)
{
	static const pack nothing = {nullptr, nullptr, 0, 0};
	known_layout *known = q->layouts;
	while (known && known->layout != layout)
		known = known->next;
	if (!known && !q->status) {
		known = static_cast<known_layout *>(fv_scratch(q->worker, sizeof *known));
		if (!known) {
			q->status = FV_FAILED;
			return &nothing;
		}
		*known = {layout, {put_spans(q, layout), nullptr, layout->n, layout->rows},
			q->layouts};
		q->layouts = known;
	}
	if (known && owners && !known->there.owner && !q->status)
		known->there.owner = put_owners(q, layout);
	return q->status ? &nothing : &known->there;
}

/* --- opening and closing --- */

bool open_memory(gpu_device *d, size_t bytes)
{
	pinned *h = &d->host;
	h->half_bytes = static_cast<size_t>(d->rows) * HALF_PER_ROW;
	h->results_bytes = static_cast<size_t>(d->rows) * RESULTS_PER_ROW;
	void *at[3] = {nullptr, nullptr, nullptr};
	bool ready = add_piece(d, bytes);
	for (int i = 0; i < 3 && ready; i++) {
		ready = !cudaMallocHost(&at[i], i < 2 ? h->half_bytes : h->results_bytes);
		(i < 2 ? h->half[i] : h->results) = static_cast<char *>(at[i]);
	}
	for (int i = 0; i < 2 && ready; i++)
		ready = !cudaEventCreate(&h->copied[i]);
	(void)cudaGetLastError();
	return ready;
}

void close_memory(gpu_device *d)
{
	pinned *h = &d->host;
	for (int i = 0; i < 2; i++) {
		(void)cudaFreeHost(h->half[i]);
		if (h->copied[i])
			(void)cudaEventDestroy(h->copied[i]);
	}
	(void)cudaFreeHost(h->results);
	for (int i = 0; i < d->memory.count; i++)
		(void)cudaFree(d->memory.piece[i].at);
	*h = pinned();
	d->memory.count = d->memory.now = 0;
}

} // namespace gpu
