/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions that keep the number of rows, and recurrent layers over windows. */
#include "linear.hpp"

/* weight by the hidden unit that it reads, [hidden, 4 hidden]; bias [4 hidden] */
struct fv_lstm {
	int hidden;
	fv_linear *inputs; /* [4 hidden, inputs], without the bias */
	const float *weight, *bias;
};

namespace gpu
{

/* --- convolutions --- */

/* Computes rows [from, from + count) of y. */
static void convolve_part(queue *q, const fv_linear *l, const pack &p, const neighbours &n,
	const target &a, float *c, rows y)
{
	gather_neighbours(p, n, a, q->on->stream);
	multiply_rows(q, l, a, c);
	finish_rows({{c, l->outputs}, l->bias, nullptr, n.count, static_cast<int>(l->outputs),
			    false, ACTIVATE_RELU},
		{y.at + n.from * y.stride, nullptr, nullptr, y.stride}, q->on->stream);
	check_queue(q, "a convolution over frames");
}

/* y may be x or `added`, whose rows near a part's end the next part reads: with several parts the result is put
 * together elsewhere first. */
void convolve_frames(core_queue *core, const fv_convolution *c, fv_affine a, fv_matrix x,
	fv_affine b, fv_matrix added, fv_matrix y)
{
	queue *q = as_queue(core);
	const fv_linear *l = c->linear;
	const pack *p = find_pack(q, x.layout, true);
	const arena_mark before = mark_memory(q);
	const int64_t most = q->on->rows, all = x.layout->rows, stride = find_stride(l);
	const int width = static_cast<int>(l->outputs);
	const target t = allocate_target(q, l, most * stride, stride);
	float *sum = allocate_array<float>(q, most * l->outputs);
	rows to = {y.at, y.stride};
	if (all > most)
		to = {allocate_array<float>(q, all * l->outputs), l->outputs};
	for (int64_t first = 0; first < all && !q->status; first += most) {
		const neighbours n = {c->taps, c->dilation, static_cast<int>(x.width),
			{a.scale, a.shift}, {b.scale, b.shift}, {x.at, x.stride},
			{added.at, added.stride}, first, all - first < most ? all - first : most};
		convolve_part(q, l, *p, n, t, sum, to);
	}
	if (all > most && !q->status)
		copy_rows({to.at, to.stride}, all, all, width, {y.at, nullptr, nullptr, y.stride},
			q->on->stream);
	release_memory(q, before);
}

/* --- recurrent layers --- */

static const float *load_turned(
	fv_ctx *ctx, core_device *core, int32_t hidden, const float *weight_hh)
{
	const core_arena_mark before = core_scratch_mark(ctx);
	const int64_t h = hidden, n = 4 * h * h;
	float *turned =
		static_cast<float *>(fv_scratch(ctx, static_cast<size_t>(n) * sizeof *turned));
	const float *there = nullptr;
	for (int64_t g = 0; g < 4 * h && turned; g++)
		for (int64_t k = 0; k < h; k++)
			turned[k * 4 * h + g] = weight_hh[g * h + k];
	if (turned && load_constant(ctx, core, turned, n, &there) != FV_OK)
		there = nullptr;
	core_scratch_release(ctx, before);
	return there;
}

static const float *load_sum(
	fv_ctx *ctx, core_device *core, int32_t n, const float *a, const float *b)
{
	const core_arena_mark before = core_scratch_mark(ctx);
	float *sum = static_cast<float *>(fv_scratch(ctx, static_cast<size_t>(n) * sizeof *sum));
	const float *there = nullptr;
	for (int32_t i = 0; i < n && sum; i++)
		sum[i] = a[i] + b[i];
	if (sum && load_constant(ctx, core, sum, n, &there) != FV_OK)
		there = nullptr;
	core_scratch_release(ctx, before);
	return there;
}

fv_lstm *open_lstm(fv_ctx *ctx, core_device *core, int32_t inputs, int32_t hidden,
	const float *weight_ih, const float *weight_hh, const float *bias_ih, const float *bias_hh)
{
	enum { HIDDEN_MAX = 768 }; /* what a block's shared memory holds */
	if (hidden > HIDDEN_MAX) {
		(void)fv_fail(ctx, FV_FAILED,
			"LSTM layers of more than %d units: encode on the CPU",
			static_cast<int>(HIDDEN_MAX));
		return nullptr;
	}
	fv_lstm *l = static_cast<fv_lstm *>(fv_alloc(ctx, sizeof *l));
	if (!l)
		return nullptr;
	l->hidden = hidden;
	l->inputs = open_linear(ctx, core, FV_PRECISION_FP32, 4 * static_cast<int64_t>(hidden),
		inputs, weight_ih, nullptr);
	l->weight = l->inputs ? load_turned(ctx, core, hidden, weight_hh) : nullptr;
	l->bias = l->weight ? load_sum(ctx, core, 4 * hidden, bias_ih, bias_hh) : nullptr;
	return l->bias ? l : nullptr;
}

/* Some windows on their way through the layers */
struct recurrent {
	windows w;
	float *hidden[2]; /* [length rounded up, windows, hidden] of even and odd layers */
	float *cell;      /* [windows,hidden] */
	float *gates;     /* [WINDOW_STEPS, windows, 4 hidden] */
	target input;     /* of the first layer */
};

/* Gates of WINDOW_STEPS steps from `step` on, and the steps themselves */
static void run_steps(queue *q, const recurrent &r, int64_t step, const fv_lstm *l, const target &x,
	float *hidden)
{
	multiply_rows(q, l->inputs, x, r.gates);
	const int64_t state = r.w.windows * l->hidden;
	const int64_t steps = r.w.length - step < WINDOW_STEPS ? r.w.length - step : WINDOW_STEPS;
	for (int64_t t = step; t < step + steps && !q->status; t++)
		step_lstm({l->hidden, r.gates + (t - step) * 4 * state, l->bias, l->weight,
				  t > 0 ? hidden + (t - 1) * state : nullptr, r.cell,
				  hidden + t * state},
			r.w.count, q->on->stream);
}

/* Runs the windows through all layers -> y, a row each */
static void run_windows(queue *q, const recurrent &r, fv_lstm *const *layer, int32_t layers,
	input x, int width, rows y)
{
	const int hidden = layer[0]->hidden;
	for (int32_t i = 0; i < layers && !q->status; i++)
		for (int64_t t = 0; t < r.w.length && !q->status; t += WINDOW_STEPS) {
			target in = r.input;
			if (i == 0)
				gather_windows(r.w, t, x, width, in, q->on->stream);
			else
				in = {r.hidden[(i - 1) % 2] + t * r.w.windows * hidden, nullptr,
					nullptr, hidden};
			run_steps(q, r, t, layer[i], in, r.hidden[i % 2]);
		}
	if (!q->status)
		copy_rows({r.hidden[(layers - 1) % 2] + (r.w.length - 1) * r.w.windows * hidden,
				  hidden},
			r.w.count, r.w.count, hidden, {y.at, nullptr, nullptr, y.stride},
			q->on->stream);
	check_queue(q, "recurrent layers");
}

/* First rows of all windows of y, in the device's memory */
static const int64_t *put_starts(queue *q, const fv_layout *from, const fv_layout *to, int64_t step)
{
	const core_arena_mark before = core_scratch_mark(q->worker);
	int64_t *start = static_cast<int64_t *>(
		fv_scratch(q->worker, static_cast<size_t>(to->rows) * sizeof *start));
	for (int32_t u = 0; u < to->n && start; u++)
		for (int64_t p = 0; p < to->span[u].count; p++)
			start[to->span[u].first + p] = from->span[u].first + p * step;
	const int64_t *there = start ? put_array(q, start, to->rows) : nullptr;
	if (!start && !q->status)
		q->status = FV_FAILED;
	core_scratch_release(q->worker, before);
	return there;
}

void run_lstm(core_queue *core, fv_lstm *const *layer, int32_t layers, int64_t window, int64_t step,
	fv_matrix x, fv_matrix y)
{
	queue *q = as_queue(core);
	if (q->status)
		return;
	const arena_mark before = mark_memory(q);
	const int64_t hidden = layer[0]->hidden, all = y.layout->rows;
	recurrent r = {};
	r.w.length = window;
	r.w.windows = q->on->rows / WINDOW_STEPS;
	r.w.steps = WINDOW_STEPS;
	const int64_t state = r.w.windows * hidden, steps = round_up(window, WINDOW_STEPS);
	const int64_t *start = put_starts(q, x.layout, y.layout, step);
	for (float *&one : r.hidden)
		one = allocate_array<float>(q, steps * state);
	r.cell = allocate_array<float>(q, state);
	r.gates = allocate_array<float>(q, WINDOW_STEPS * 4 * state);
	const int64_t stride = find_stride(layer[0]->inputs);
	r.input = allocate_target(q, layer[0]->inputs, q->on->rows * stride, stride);
	for (int64_t first = 0; first < all && !q->status; first += r.w.windows) {
		r.w.start = start + first;
		r.w.count = all - first < r.w.windows ? all - first : r.w.windows;
		run_windows(q, r, layer, layers, {x.at, x.stride}, static_cast<int>(x.width),
			{y.at + first * y.stride, y.stride});
	}
	release_memory(q, before);
}

} // namespace gpu
