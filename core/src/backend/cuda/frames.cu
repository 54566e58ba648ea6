/* SPDX-License-Identifier: Apache-2.0 */
/* Operations along the rows of an utterance: what is gathered before a product, and the step of an LSTM. */
#include "store.cuh"

namespace gpu
{

/* --- gathering: a warp a row --- */

static __global__ void __launch_bounds__(THREADS)
	groups_kernel(input x, const int32_t *__restrict__ source, int64_t count, int groups,
		int size, int64_t group_stride, target y)
{
	const int64_t row = find_row();
	if (row >= count)
		return;
	const int64_t from = source[row];
	for (int c = find_lane(); c < groups * size; c += LANES) {
		const int64_t to = (c / size * group_stride + row) * size + c % size;
		store_number(y, to, from < 0 ? 0 : x.at[from * x.stride + c]);
	}
}

void gather_groups(input x, const int32_t *source, int64_t count, int groups, int size,
	int64_t group_stride, target y, cudaStream_t stream)
{
	GPU_LAUNCH(groups_kernel, cover_rows(count), dim3(THREADS), 0, stream, x, source, count,
		groups, size, group_stride, y);
}

static __global__ void __launch_bounds__(THREADS) neighbours_kernel(pack p, neighbours n, target y)
{
	const int64_t row = find_row();
	if (row >= n.count)
		return;
	const span s = p.spans[p.owner[n.from + row]];
	const int64_t last = s.count - 1, own = n.from + row - s.first;
	for (int k = 0; k < n.taps; k++) {
		int64_t t = own + static_cast<int64_t>(k - n.taps / 2) * n.dilation;
		t = t < 0 ? -t : t;
		t = s.first + (t > last ? 2 * last - t : t);
		for (int c = find_lane(); c < n.width; c += LANES) {
			float v = apply_affine(n.a, c, n.x.at[t * n.x.stride + c]);
			if (n.added.at)
				v += apply_affine(n.b, c, n.added.at[t * n.added.stride + c]);
			store_number(y, row * y.stride + k * n.width + c, v);
		}
	}
}

void gather_neighbours(const pack &pack, const neighbours &n, target y, cudaStream_t stream)
{
	GPU_LAUNCH(neighbours_kernel, cover_rows(n.count), dim3(THREADS), 0, stream, pack, n, y);
}

static __global__ void __launch_bounds__(THREADS)
	gather_windows_kernel(windows w, int64_t first_step, input x, int width, target y)
{
	const int64_t row = find_row();
	if (row >= w.steps * w.windows)
		return;
	const int64_t step = row / w.windows, own = row % w.windows;
	const bool there = own < w.count && first_step + step < w.length;
	const float *from = x.at + (there ? (w.start[own] + first_step + step) * x.stride : 0);
	for (int c = find_lane(); c < width; c += LANES)
		store_number(y, row * y.stride + c, there ? from[c] : 0);
}

void gather_windows(
	const windows &w, int64_t first_step, input x, int width, target y, cudaStream_t stream)
{
	GPU_LAUNCH(gather_windows_kernel, cover_rows(w.steps * w.windows), dim3(THREADS), 0, stream,
		w, first_step, x, width, y);
}

/* --- a step of an LSTM: a lane a hidden unit, a warp four windows of a block's sixteen --- */

static constexpr int GATES = 4, OWN = 4, WINDOWS = OWN * WARPS;
static constexpr int SPAN = 64; /* terms of a sum in one part */

/* sum [GATES,OWN] += weight rows [from, to) times the hidden numbers h [OWN,hidden] */
static __device__ __forceinline__ void add_part(
	const float *weight, int hidden, const float *h, int from, int to, float sum[GATES][OWN])
{
	float part[GATES][OWN] = {};
	for (int k = from; k < to; k++) {
		const float *w = weight + static_cast<int64_t>(k) * GATES * hidden;
#pragma unroll
		for (int g = 0; g < GATES; g++) {
			const float own = w[g * hidden];
#pragma unroll
			for (int p = 0; p < OWN; p++)
				part[g][p] += own * h[p * hidden + k];
		}
	}
#pragma unroll
	for (int g = 0; g < GATES; g++)
#pragma unroll
		for (int p = 0; p < OWN; p++)
			sum[g][p] += part[g][p];
}

/* sum: the four gates of one unit -> its state and output */
static __device__ __forceinline__ void update_cell(
	const lstm_step &s, const float gate[GATES], int64_t window, int unit)
{
	float *cell = s.cell + window * s.hidden + unit;
	const float in = compute_sigmoid(gate[0]), forget = compute_sigmoid(gate[1]);
	*cell = forget * (s.before ? *cell : 0) + in * tanhf(gate[2]);
	s.after[window * s.hidden + unit] = compute_sigmoid(gate[3]) * tanhf(*cell);
}

static __global__ void __launch_bounds__(THREADS) step_kernel(lstm_step s, int64_t count)
{
	GPU_SHARED(float, h); /* [WINDOWS,hidden] */
	const int64_t first = static_cast<int64_t>(blockIdx.x) * WINDOWS;
	const int unit = static_cast<int>(blockIdx.y) * LANES + find_lane();
	const int own = static_cast<int>(threadIdx.x) / LANES * OWN;
	const int there = static_cast<int>(count - first < WINDOWS ? count - first : WINDOWS);
	for (int i = static_cast<int>(threadIdx.x); i < WINDOWS * s.hidden; i += THREADS)
		h[i] = s.before && i < there * s.hidden ? s.before[first * s.hidden + i] : 0;
	__syncthreads();
	if (unit >= s.hidden)
		return;
	float sum[GATES][OWN] = {};
	for (int k = 0; s.before && k < s.hidden; k += SPAN)
		add_part(s.weight + unit, s.hidden, h + own * s.hidden, k,
			k + SPAN < s.hidden ? k + SPAN : s.hidden, sum);
#pragma unroll
	for (int p = 0; p < OWN; p++) {
		const int64_t window = first + own + p;
		float gate[GATES];
#pragma unroll
		for (int g = 0; g < GATES && window < count; g++)
			gate[g] = s.gates[(window * GATES + g) * s.hidden + unit] +
				  s.bias[g * s.hidden + unit] + sum[g][p];
		if (window < count)
			update_cell(s, gate, window, unit);
	}
}

void step_lstm(const lstm_step &s, int64_t count, cudaStream_t stream)
{
	const dim3 grid(static_cast<unsigned>((count + WINDOWS - 1) / WINDOWS),
		static_cast<unsigned>((s.hidden + LANES - 1) / LANES));
	const size_t shared =
		static_cast<size_t>(WINDOWS) * static_cast<size_t>(s.hidden) * sizeof(float);
	GPU_LAUNCH(step_kernel, grid, dim3(THREADS), shared, stream, s, count);
}

} // namespace gpu
