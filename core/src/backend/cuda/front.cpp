/* SPDX-License-Identifier: Apache-2.0 */
/* The convolutions over waves. Where the steps multiply to S samples a frame, an utterance of T frames gets slots for
 * T + E frames, so that all layers have their rows at multiples of the slots, and each layer is one product over
 * all utterances. A slot more (E) keeps an utterance's rows from the next one's.
 *
 * Rows of a convolution overlap, which products do not allow: a row is k C numbers long, and the next one begins s C
 * numbers further. p = ceil(k / s) products of every p-th row each, from rows 0 to p - 1 on, have rows that do not.
 *
 * Waves are cut into pieces of as many slots as there are at once; a cut is not seen, as each slot reads the wave
 * itself. */
#include "linear.hpp"

namespace gpu
{

/* What the layers have in common for one pack */
struct front {
	const core_convolutions *c;
	int64_t slots, more;              /* at once; E */
	int64_t per_slot[FV_TRUNK_CONVS]; /* rows of a layer in a slot */
	slot *own;                        /* [slots] what is in them */
	int32_t *row;                     /* [slots] y's row of a frame; -1: none */
	int32_t utterance;
	int64_t frame; /* of the utterance, the next to be placed */
};

static int64_t count_phases(const core_convolutions *c, int32_t i)
{
	return (c->taps[i] + c->step[i] - 1) / c->step[i];
}

static void plan_front(queue *q, const core_convolutions *c, front *f)
{
	*f = front();
	f->c = c;
	f->slots = q->on->rows / FRONT_PART;
	int64_t per = 1, field = 1;
	for (int32_t i = c->n - 1; i >= 0; i--) {
		f->per_slot[i] = per;
		const int64_t more = (field - 1) / per; /* field rows of this layer make a frame */
		f->more = more > f->more ? more : f->more;
		per *= c->step[i];
		field = (field - 1) * c->step[i] + c->taps[i];
	}
	const size_t n = static_cast<size_t>(f->slots);
	f->own = static_cast<slot *>(fv_scratch(q->worker, n * sizeof *f->own));
	f->row = static_cast<int32_t *>(fv_scratch(q->worker, n * sizeof *f->row));
	if (!f->own || !f->row)
		q->status = q->status ? q->status : FV_FAILED;
	else if (f->slots <= f->more)
		fail_queue(q, "the convolutions", "their field is too long for so few rows");
}

/* Fills the slots with the next utterances, or pieces of them. Returns false if there are no more. */
static bool fill_slots(front *f, const fv_layout *layout)
{
	int64_t used = 0;
	while (f->utterance < layout->n) {
		const core_span *s = &layout->span[f->utterance];
		const int64_t left = s->count - f->frame, room = f->slots - used - f->more;
		if (room <= 0 || (left > room && used > 0))
			break;
		const int64_t count = left < room ? left : room;
		for (int64_t i = 0; i < count + f->more; i++, used++) {
			f->own[used] = {f->utterance, static_cast<int32_t>(f->frame + i)};
			f->row[used] =
				i < count ? static_cast<int32_t>(s->first + f->frame + i) : -1;
		}
		f->frame += count;
		if (count == left) {
			f->utterance++;
			f->frame = 0;
		}
	}
	for (int64_t i = used; i < f->slots; i++) {
		f->own[i] = {-1, 0};
		f->row[i] = -1;
	}
	return used > 0;
}

/* Rows that layer i computes: of all slots, and as many more as its phases need */
static int64_t count_rows(const front *f, int32_t i)
{
	const int64_t rows = f->slots * f->per_slot[i];
	return i ? round_up(rows, count_phases(f->c, i)) : rows;
}

/* Rows of layer i that there must be memory for: the next layer's last rows read beyond */
static int64_t count_space(const front *f, int32_t i)
{
	const int64_t own = count_rows(f, i);
	if (i + 1 == f->c->n)
		return own;
	const int64_t read = (count_rows(f, i + 1) - 1) * f->c->step[i + 1] + f->c->taps[i + 1];
	return read > own ? read : own;
}

static const fv_linear *find_reader(const core_convolutions *c, int32_t i)
{
	return i + 1 < c->n ? c->linear[i + 1] : nullptr;
}

/* --- the first convolution --- */

struct first_layer {
	const pack *waves;
	const float *wave;
	double *scaling; /* [U,2] */
	float *folded;   /* [U or 1, taps + 1, channels] */
	first shape;
};

static void fold_first(queue *q, const core_convolutions *c, bool scaled, first_layer *l)
{
	const int64_t n = l->waves->n, taps = l->shape.taps;
	l->scaling = allocate_array<double>(q, 2 * n);
	l->folded = allocate_array<float>(q, (c->first ? n : 1) * (taps + 1) * l->shape.channels);
	double *sums =
		c->first ? allocate_array<double>(q, n * (taps + taps * (taps + 1) / 2)) : nullptr;
	if (q->status)
		return;
	cudaStream_t stream = q->on->stream;
	measure_waves(*l->waves, l->wave, scaled, c->first != nullptr, l->scaling, stream);
	if (c->first) {
		const core_norm *n0 = &c->norm[0];
		measure_windows(*l->waves, l->wave, l->scaling, l->shape, sums, stream);
		fold_norm(sums, n, l->shape, c->first,
			{nullptr, n0->scale, n0->offset, n0->eps, ACTIVATE_NONE}, l->folded,
			stream);
	} else {
		order_weight(l->shape, static_cast<const float *>(c->linear[0]->weight[0]),
			c->linear[0]->bias, l->folded, stream);
	}
	check_queue(q, "the first convolution");
}

/* Ends layer i of rows c in place or to a target: the norm, if each layer has one, and GELU. */
static void end_layer(
	queue *q, const front *f, int32_t i, const float *c, const float *bias, const target &y)
{
	const core_norm *n = &f->c->norm[i];
	const int64_t rows = count_rows(f, i);
	const int width = f->c->channels[i];
	if (f->c->first)
		finish_rows({{c, width}, bias, nullptr, rows, width, false, ACTIVATE_GELU}, y,
			q->on->stream);
	else
		normalise_rows({c, width}, rows, width,
			{bias, n->scale, n->offset, n->eps, ACTIVATE_GELU}, y, q->on->stream);
}

static target run_first(queue *q, const front *f, const first_layer *l, const slot *slots)
{
	const core_convolutions *c = f->c;
	const int64_t numbers = count_space(f, 0) * c->channels[0];
	const target y = allocate_target(q, find_reader(c, 0), numbers, c->channels[0]);
	const target direct = c->first || y.at ? y : allocate_target(q, nullptr, numbers, y.stride);
	if (q->status)
		return y;
	convolve_first(*l->waves,
		{l->shape, static_cast<int>(f->per_slot[0]), !c->first,
			c->first ? ACTIVATE_GELU : ACTIVATE_NONE, l->wave, l->folded, l->scaling,
			slots, f->slots},
		direct, q->on->stream);
	if (!c->first) /* its bias is in it */
		end_layer(q, f, 0, direct.at, nullptr, y);
	check_queue(q, "the first convolution");
	return y;
}

/* --- the others --- */

static target run_layer(queue *q, const front *f, int32_t i, const target &x)
{
	const core_convolutions *c = f->c;
	const int64_t phases = count_phases(c, i), channels = c->channels[i];
	const int64_t numbers = count_space(f, i) * channels;
	float *sum = allocate_array<float>(q, numbers);
	const fv_linear *reader = find_reader(c, i);
	target y = {sum, nullptr, nullptr, channels};
	if (reader && reader->type != NUMBER_FLOAT)
		y = allocate_target(q, reader, numbers, channels);
	gemm shape = {};
	shape.m = count_rows(f, i) / phases;
	shape.stride_a = static_cast<int64_t>(c->step[i]) * c->channels[i - 1];
	shape.lda = phases * shape.stride_a;
	shape.ldc = phases * channels;
	shape.batch = phases;
	shape.stride_c = channels;
	run_product(q, c->linear[i], x, shape, sum);
	if (!q->status)
		end_layer(q, f, i, sum, c->linear[i]->bias, y);
	check_queue(q, "a convolution");
	return y;
}

/* Computes what is in the slots -> y */
static void run_slots(queue *q, const front *f, const first_layer *l, fv_matrix y)
{
	const arena_mark before = mark_memory(q);
	const slot *own = put_array(q, f->own, f->slots);
	const int32_t *row = put_array(q, f->row, f->slots);
	target x = run_first(q, f, l, own);
	for (int32_t i = 1; i < f->c->n && !q->status; i++)
		x = run_layer(q, f, i, x);
	if (!q->status)
		finish_rows({{x.at, x.stride}, nullptr, row, f->slots, static_cast<int>(y.width),
				    false, ACTIVATE_NONE},
			{y.at, nullptr, nullptr, y.stride}, q->on->stream);
	check_queue(q, "the convolutions");
	release_memory(q, before);
}

void convolve_waves(
	core_queue *core, const core_convolutions *c, fv_matrix wave, bool scaled, fv_matrix y)
{
	queue *q = as_queue(core);
	first_layer l = {find_pack(q, wave.layout, false), wave.at, nullptr, nullptr,
		{c->taps[0], c->step[0], c->channels[0]}};
	const core_arena_mark scratch = core_scratch_mark(q->worker);
	const arena_mark before = mark_memory(q);
	front f;
	plan_front(q, c, &f);
	if (!q->status)
		fold_first(q, c, scaled, &l);
	while (!q->status && fill_slots(&f, y.layout))
		run_slots(q, &f, &l, y);
	release_memory(q, before);
	core_scratch_release(q->worker, scratch);
}

} // namespace gpu
