/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on rows and sums over the rows of utterances: each is a launch or two. */
#include "device.hpp"

namespace gpu
{

static input as_input(fv_matrix x)
{
	return {x.at, x.stride};
}

static rows as_rows(fv_matrix x)
{
	return {x.at, x.stride};
}

static affine convert_affine(fv_affine a)
{
	return {a.scale, a.shift};
}

static function convert_function(fv_function f)
{
	return f == FV_FUNCTION_RELU      ? FUNCTION_RELU
	       : f == FV_FUNCTION_TANH    ? FUNCTION_TANH
	       : f == FV_FUNCTION_SOFTMAX ? FUNCTION_SOFTMAX
					  : FUNCTION_NONE;
}

/* --- rows --- */

void layer_norm(core_queue *core, const core_norm *norm, fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	if (q->status)
		return;
	normalise_rows(as_input(x), x.layout->rows, static_cast<int>(x.width),
		{nullptr, norm->scale, norm->offset, norm->eps, ACTIVATE_NONE},
		{y.at, nullptr, nullptr, y.stride}, q->on->stream);
	check_queue(q, "a layer norm");
}

void add_matrix(core_queue *core, fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	if (q->status)
		return;
	add_rows(as_input(x), x.layout->rows, static_cast<int>(x.width), as_rows(y), q->on->stream);
	check_queue(q, "a sum");
}

void apply_dense(
	core_queue *core, const fv_dense *d, fv_function f, double factor, fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	const arena_mark before = mark_memory(q);
	const int64_t count = x.layout->rows;
	double *z = allocate_array<double>(q, count * d->outputs);
	if (z) {
		multiply_dense({d->weight, d->bias, static_cast<int>(d->outputs),
				       static_cast<int>(d->inputs), factor},
			as_input(x), count, z, q->on->stream);
		finish_dense(z, convert_function(f), count, static_cast<int>(d->outputs),
			as_rows(y), q->on->stream);
		check_queue(q, "a dense layer");
	}
	release_memory(q, before);
}

void apply_affine_rows(core_queue *core, fv_affine a, fv_function f, fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	if (q->status)
		return;
	scale_rows(convert_affine(a), convert_function(f), as_input(x), x.layout->rows,
		static_cast<int>(x.width), as_rows(y), q->on->stream);
	check_queue(q, "scale and shift");
}

/* --- from utterances to their rows --- */

void spread_matrix(core_queue *core, fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	const pack *p = find_pack(q, y.layout, true);
	if (q->status)
		return;
	spread_rows(*p, as_input(x), static_cast<int>(x.width), as_rows(y), q->on->stream);
	check_queue(q, "copying to the rows of utterances");
}

void gate_matrix(core_queue *core, fv_affine a, fv_matrix gate, fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	const pack *p = find_pack(q, y.layout, true);
	const arena_mark before = mark_memory(q);
	const int width = static_cast<int>(y.width);
	float *scaled = allocate_array<float>(q, 2 * y.width * y.layout->n);
	if (scaled) {
		scale_gates(convert_affine(a), as_input(gate), y.layout->n, width, scaled,
			q->on->stream);
		gate_rows(*p, scaled, as_input(x), width, as_rows(y), q->on->stream);
		check_queue(q, "gates");
	}
	release_memory(q, before);
}

/* --- sums --- */

void mean_rows(core_queue *core, fv_sums sums, fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	const pack *p = find_pack(q, x.layout, false);
	if (q->status)
		return;
	average_rows(*p, sums == FV_SUMS_FLOAT, as_input(x), static_cast<int>(x.width), as_rows(y),
		q->on->stream);
	check_queue(q, "means");
}

void pool_moments(core_queue *core, fv_affine a, double least, fv_matrix x, fv_matrix logits,
	fv_matrix centre, fv_matrix y)
{
	queue *q = as_queue(core);
	const pack *p = find_pack(q, x.layout, false);
	if (q->status)
		return;
	measure_moments(*p,
		{convert_affine(a), least, as_input(x), as_input(logits), as_input(centre),
			static_cast<int>(x.width)},
		as_rows(y), q->on->stream);
	check_queue(q, "moments");
}

/* One span a row */
static const span *put_rows(queue *q, int64_t n)
{
	const core_arena_mark before = core_scratch_mark(q->worker);
	span *s = static_cast<span *>(fv_scratch(q->worker, static_cast<size_t>(n) * sizeof *s));
	for (int64_t r = 0; r < n && s; r++)
		s[r] = {r, 1};
	const span *there = s ? put_array(q, s, n) : nullptr;
	if (!s && !q->status)
		q->status = FV_FAILED;
	core_scratch_release(q->worker, before);
	return there;
}

void find_direction(core_queue *core, fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	const bool each = x.layout == y.layout;
	const span *spans = each ? nullptr : find_pack(q, x.layout, false)->spans;
	if (q->status)
		return;
	const arena_mark before = mark_memory(q);
	spans = each ? put_rows(q, y.layout->rows) : spans;
	if (!q->status) {
		find_directions(spans, y.layout->rows, as_input(x), static_cast<int>(x.width),
			as_rows(y), q->on->stream);
		check_queue(q, "directions");
	}
	release_memory(q, before);
}

} // namespace gpu
