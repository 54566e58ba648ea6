/* SPDX-License-Identifier: Apache-2.0 */
/* Attention, and the convolution that encodes positions. */
#include "linear.hpp"

namespace gpu
{

/* --- positions --- */

/* The rows of a group of channels, with zeros before and behind each utterance: `before` and `behind` of them. The
 * zeros behind an utterance are those before the next one. An utterance that does not fit is cut; a piece then has the
 * rows around it instead of zeros, and is alone. */
struct padded {
	int64_t rows, before, behind; /* rows: a multiple of the taps */
	int32_t *source,
		*row; /* [rows] x's row that lies here; y's row whose product begins here; -1: none */
	int32_t utterance;
	int64_t frame; /* of the utterance, the next to be placed */
};

static bool plan_padding(queue *q, const core_position *p, padded *pad)
{
	const int64_t least = 2 * p->taps, most = q->on->rows * 3 / 2;
	*pad = padded();
	pad->before = p->taps / 2;
	pad->behind = p->taps - 1 - pad->before;
	pad->rows = round_up(most > least ? most : least, p->taps);
	const size_t n = static_cast<size_t>(pad->rows);
	pad->source = static_cast<int32_t *>(fv_scratch(q->worker, n * sizeof(int32_t)));
	pad->row = static_cast<int32_t *>(fv_scratch(q->worker, n * sizeof(int32_t)));
	if ((!pad->source || !pad->row) && !q->status)
		q->status = FV_FAILED;
	return !q->status;
}

/* Places frames [frame, frame + count) of an utterance behind `used` rows. */
static void place_piece(padded *pad, const core_span *s, int64_t count, int64_t used)
{
	for (int64_t i = 0; i < pad->before + count + pad->behind; i++) {
		const int64_t frame = pad->frame + i - pad->before;
		const bool there = frame >= 0 && frame < s->count;
		pad->source[used + i] = there ? static_cast<int32_t>(s->first + frame) : -1;
	}
	for (int64_t i = 0; i < count; i++)
		pad->row[used + i] = static_cast<int32_t>(s->first + pad->frame + i);
}

/* Places the next utterances. Returns false if there are no more. */
static bool fill_rows(padded *pad, const fv_layout *layout)
{
	int64_t used = 0;
	for (int64_t i = 0; i < pad->rows; i++)
		pad->source[i] = pad->row[i] = -1;
	while (pad->utterance < layout->n) {
		const core_span *s = &layout->span[pad->utterance];
		const int64_t left = s->count - pad->frame;
		const int64_t room = pad->rows - used - pad->before - pad->behind;
		const bool cut = left > room || pad->frame > 0;
		if (cut && used > 0)
			break;
		const int64_t count = left < room ? left : room;
		place_piece(pad, s, count, used);
		used += pad->before + count;
		pad->frame += count;
		if (count == left) {
			pad->utterance++;
			pad->frame = 0;
		}
		if (cut)
			break;
	}
	return used > 0;
}

/* Computes what was placed -> y. `groups`: [groups][rows + taps][size] */
static void run_padded(queue *q, const core_position *p, const padded &pad, input x, rows y)
{
	const arena_mark before = mark_memory(q);
	const int64_t size = p->width / p->groups, space = pad.rows + p->taps;
	const int32_t *source = put_array(q, pad.source, pad.rows),
		      *row = put_array(q, pad.row, pad.rows);
	const target all = allocate_target(q, p->linear[0], p->groups * space * size, size);
	float *sum = allocate_array<float>(q, pad.rows * size);
	if (!q->status)
		gather_groups(x, source, pad.rows, static_cast<int>(p->groups),
			static_cast<int>(size), space, all, q->on->stream);
	gemm shape = {};
	shape.m = pad.rows / p->taps;
	shape.lda = p->taps * size;
	shape.ldc = p->taps * size;
	shape.batch = p->taps;
	shape.stride_a = shape.stride_c = size;
	for (int64_t g = 0; g < p->groups && !q->status; g++) {
		run_product(q, p->linear[g], skip_numbers(all, g * space * size), shape, sum);
		finish_rows({{sum, size}, p->linear[g]->bias, row, pad.rows, static_cast<int>(size),
				    false, ACTIVATE_GELU},
			{y.at + g * size, nullptr, nullptr, y.stride}, q->on->stream);
	}
	check_queue(q, "the convolution of positions");
	release_memory(q, before);
}

void encode_positions(core_queue *core, const core_position *p, fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	const core_arena_mark scratch = core_scratch_mark(q->worker);
	padded pad;
	if (plan_padding(q, p, &pad))
		while (!q->status && fill_rows(&pad, x.layout))
			run_padded(q, p, pad, {x.at, x.stride}, {y.at, y.stride});
	core_scratch_release(q->worker, scratch);
}

/* --- attention --- */

static const query_tile *put_tiles(queue *q, const fv_layout *layout)
{
	const core_arena_mark before = core_scratch_mark(q->worker);
	query_tile *t = static_cast<query_tile *>(
		fv_scratch(q->worker, static_cast<size_t>(layout->n_tiles) * sizeof *t));
	for (int64_t i = 0; i < layout->n_tiles && t; i++)
		t[i] = {layout->tile[i].utterance, static_cast<int32_t>(layout->tile[i].first),
			static_cast<int32_t>(layout->tile[i].count)};
	const query_tile *there = t ? put_array(q, t, layout->n_tiles) : nullptr;
	if (!t && !q->status)
		q->status = FV_FAILED;
	core_scratch_release(q->worker, before);
	return there;
}

void attend_heads(core_queue *core, const core_heads *h, fv_matrix joined, fv_matrix x,
	const float *bias, fv_matrix y)
{
	queue *q = as_queue(core);
	const pack *p = find_pack(q, y.layout, false);
	const int64_t size = h->width / h->heads;
	if (size > HEAD_MAX)
		fail_queue(q, "attention", "heads of more than 128 numbers: encode on the CPU");
	if (q->status)
		return;
	const arena_mark before = mark_memory(q);
	attention a = {};
	a.heads = static_cast<int>(h->heads);
	a.size = static_cast<int>(size);
	a.joined = joined.at;
	a.stride_joined = joined.stride;
	a.x = x.at;
	a.stride_x = x.stride;
	if (h->gate) {
		a.gate = static_cast<const float *>(h->gate->weight[0]);
		a.gate_bias = h->gate->bias;
		a.constant = h->constant;
		a.bias = bias;
	}
	a.longest = y.layout->longest;
	a.tiles = put_tiles(q, y.layout);
	a.count = y.layout->n_tiles;
	if (!q->status)
		check_queue(q, "attention", attend_tiles(*p, a, {y.at, y.stride}, q->on->stream));
	release_memory(q, before);
}

} // namespace gpu
