/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on each row: a warp a row, its lanes along the columns. Bound by memory. */
#include "store.cuh"

namespace gpu
{

/* --- copies --- */

static __global__ void __launch_bounds__(THREADS)
	copy_kernel(input x, int64_t count, int64_t all, int width, target y)
{
	const int64_t row = find_row();
	if (row >= all)
		return;
	for (int c = find_lane(); c < width; c += LANES)
		store_number(y, row * y.stride + c, row < count ? x.at[row * x.stride + c] : 0);
}

void copy_rows(input x, int64_t count, int64_t all, int width, target y, cudaStream_t stream)
{
	GPU_LAUNCH(copy_kernel, cover_rows(all), dim3(THREADS), 0, stream, x, count, all, width, y);
}

/* --- the end of a product --- */

static __global__ void __launch_bounds__(THREADS) finish_kernel(finish job, target y)
{
	const int64_t row = find_row();
	if (row >= job.count)
		return;
	const int64_t to = job.map ? job.map[row] : row;
	if (to < 0)
		return; /* whole warps */
	for (int c = find_lane(); c < job.width; c += LANES) {
		float v = job.sum.at[row * job.sum.stride + c];
		if (job.bias)
			v += job.bias[c];
		if (job.add)
			v += y.at[to * y.stride + c];
		store_number(y, to * y.stride + c, apply_activation(v, job.function));
	}
}

void finish_rows(const finish &job, target y, cudaStream_t stream)
{
	GPU_LAUNCH(finish_kernel, cover_rows(job.count), dim3(THREADS), 0, stream, job, y);
}

/* --- layer norm --- */

/* The row is read three times, from the cache but for the first; each lane writes only what it alone has read. */
static __global__ void __launch_bounds__(THREADS)
	normalise_kernel(input x, int64_t count, int width, norm n, target y)
{
	const int64_t row = find_row();
	if (row >= count)
		return;
	const float *in = x.at + row * x.stride;
	float sum = 0, square = 0;
	for (int c = find_lane(); c < width; c += LANES)
		sum += n.bias ? in[c] + n.bias[c] : in[c];
	const float mean = sum_warp(sum) / static_cast<float>(width);
	for (int c = find_lane(); c < width; c += LANES) {
		const float d = (n.bias ? in[c] + n.bias[c] : in[c]) - mean;
		square += d * d;
	}
	const float factor = 1 / sqrtf(sum_warp(square) / static_cast<float>(width) + n.eps);
	for (int c = find_lane(); c < width; c += LANES) {
		const float d = (n.bias ? in[c] + n.bias[c] : in[c]) - mean;
		const float v = d * factor * n.scale[c] + n.offset[c];
		store_number(y, row * y.stride + c, apply_activation(v, n.function));
	}
}

void normalise_rows(
	input x, int64_t count, int width, const norm &norm, target y, cudaStream_t stream)
{
	GPU_LAUNCH(normalise_kernel, cover_rows(count), dim3(THREADS), 0, stream, x, count, width,
		norm, y);
}

/* --- sums, scales --- */

static __global__ void __launch_bounds__(THREADS)
	add_kernel(input x, int64_t count, int width, rows y)
{
	const int64_t row = find_row();
	if (row >= count)
		return;
	for (int c = find_lane(); c < width; c += LANES)
		y.at[row * y.stride + c] += x.at[row * x.stride + c];
}

void add_rows(input x, int64_t count, int width, rows y, cudaStream_t stream)
{
	GPU_LAUNCH(add_kernel, cover_rows(count), dim3(THREADS), 0, stream, x, count, width, y);
}

static __global__ void __launch_bounds__(THREADS)
	scale_kernel(affine a, function f, input x, int64_t count, int width, rows y)
{
	const int64_t row = find_row();
	if (row >= count)
		return;
	for (int c = find_lane(); c < width; c += LANES) {
		float v = apply_affine(a, c, x.at[row * x.stride + c]);
		if (f == FUNCTION_RELU)
			v = fmaxf(v, 0);
		if (f == FUNCTION_TANH)
			v = tanhf(v);
		y.at[row * y.stride + c] = v;
	}
}

void scale_rows(
	affine a, function f, input x, int64_t count, int width, rows y, cudaStream_t stream)
{
	GPU_LAUNCH(scale_kernel, cover_rows(count), dim3(THREADS), 0, stream, a, f, x, count, width,
		y);
}

/* --- from utterances to their rows --- */

static __global__ void __launch_bounds__(THREADS) spread_kernel(pack p, input x, int width, rows y)
{
	const int64_t row = find_row();
	if (row >= p.rows)
		return;
	const float *from = x.at + p.owner[row] * x.stride;
	for (int c = find_lane(); c < width; c += LANES)
		y.at[row * y.stride + c] = from[c];
}

void spread_rows(const pack &pack, input x, int width, rows y, cudaStream_t stream)
{
	GPU_LAUNCH(
		spread_kernel, cover_rows(pack.rows), dim3(THREADS), 0, stream, pack, x, width, y);
}

static __global__ void __launch_bounds__(THREADS)
	scale_gates_kernel(affine a, input gate, int64_t n, int width, float *scaled)
{
	const int64_t u = find_row();
	if (u >= n)
		return;
	for (int c = find_lane(); c < width; c += LANES) {
		const double open =
			1 / (1 + exp(-static_cast<double>(gate.at[u * gate.stride + c])));
		scaled[u * 2 * width + c] = static_cast<float>(open * a.scale[c]);
		scaled[(u * 2 + 1) * width + c] = static_cast<float>(open * a.shift[c]);
	}
}

void scale_gates(affine a, input gate, int64_t n, int width, float *scaled, cudaStream_t stream)
{
	GPU_LAUNCH(scale_gates_kernel, cover_rows(n), dim3(THREADS), 0, stream, a, gate, n, width,
		scaled);
}

static __global__ void __launch_bounds__(THREADS)
	gate_kernel(pack p, const float *__restrict__ scaled, input x, int width, rows y)
{
	const int64_t row = find_row();
	if (row >= p.rows)
		return;
	const float *scale = scaled + static_cast<int64_t>(p.owner[row]) * 2 * width;
	for (int c = find_lane(); c < width; c += LANES) {
		float *out = y.at + row * y.stride + c;
		*out = scale[c] * *out + scale[width + c] + x.at[row * x.stride + c];
	}
}

void gate_rows(
	const pack &pack, const float *scaled, input x, int width, rows y, cudaStream_t stream)
{
	GPU_LAUNCH(gate_kernel, cover_rows(pack.rows), dim3(THREADS), 0, stream, pack, scaled, x,
		width, y);
}

/* --- layers for few rows: a warp an output of a row --- */

static __global__ void __launch_bounds__(THREADS)
	dense_kernel(dense d, input x, int64_t count, double *__restrict__ z)
{
	const int64_t at = find_row(), row = at / d.outputs;
	if (row >= count)
		return;
	const int o = static_cast<int>(at % d.outputs);
	const float *w = d.weight + static_cast<int64_t>(o) * d.inputs, *in = x.at + row * x.stride;
	double sum = 0;
	for (int i = find_lane(); i < d.inputs; i += LANES)
		sum += static_cast<double>(w[i]) * in[i];
	sum = sum_warp(sum);
	if (find_lane() == 0)
		z[at] = d.factor * (sum + d.bias[o]);
}

void multiply_dense(const dense &d, input x, int64_t count, double *z, cudaStream_t stream)
{
	GPU_LAUNCH(dense_kernel, cover_rows(count * d.outputs), dim3(THREADS), 0, stream, d, x,
		count, z);
}

/* softmax has few outputs: each thread sums them all. */
static __device__ double divide_softmax(const double *z, int width, double own)
{
	double largest = z[0], sum = 0;
	for (int c = 1; c < width; c++)
		largest = fmax(largest, z[c]);
	for (int c = 0; c < width; c++)
		sum += exp(z[c] - largest);
	return exp(own - largest) / sum;
}

static __global__ void __launch_bounds__(THREADS) finish_dense_kernel(
	const double *__restrict__ z, function f, int64_t count, int width, rows y)
{
	const int64_t row = find_row();
	if (row >= count)
		return;
	for (int c = find_lane(); c < width; c += LANES) {
		double v = z[row * width + c];
		if (f == FUNCTION_RELU)
			v = fmax(v, 0.0);
		if (f == FUNCTION_TANH)
			v = tanh(v);
		if (f == FUNCTION_SOFTMAX)
			v = divide_softmax(z + row * width, width, v);
		y.at[row * y.stride + c] = static_cast<float>(v);
	}
}

void finish_dense(
	const double *z, function f, int64_t count, int width, rows y, cudaStream_t stream)
{
	GPU_LAUNCH(finish_dense_kernel, cover_rows(count), dim3(THREADS), 0, stream, z, f, count,
		width, y);
}

} // namespace gpu
