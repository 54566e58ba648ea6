/* SPDX-License-Identifier: Apache-2.0 */
/* A step of classifiers (nn/head.h) whose two linear layers act as their product M = W2 W1 [C,D]. blockIdx.y is the
 * classifier, so that one launch serves all of a step; what a block does depends on its own classifier alone.
 * Classes are processed BLOCK at a time. */
#include "classifier.hpp"
#include "gpu.cuh"

namespace gpu
{

static constexpr int BLOCK = 8; /* classes whose sums a thread keeps in registers */

static __device__ __forceinline__ int find_thread()
{
	return static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
}

/* x' = (x - mean) scale, in two operations as on the CPU */
static __device__ __forceinline__ float scale_number(const trained &t, int64_t at, float x)
{
	return t.mean ? __fmul_rn(__fsub_rn(x, t.mean[at]), t.scale[at]) : x;
}

/* --- what depends on the parameters alone --- */

/* share [L] = softmax(a), constant [C] = W2 b1 + b2, in double; one block a classifier */
static __global__ void __launch_bounds__(THREADS) prepare_kernel(const trained *__restrict__ all)
{
	const trained t = all[blockIdx.y];
	const int thread = static_cast<int>(threadIdx.x);
	const float *a = t.param;
	float largest = a[0];
	for (int l = 1; l < t.layers; l++)
		largest = fmaxf(largest, a[l]);
	double total = 0;
	for (int l = 0; l < t.layers; l++)
		total += exp(static_cast<double>(a[l]) - largest);
	for (int l = thread; l < t.layers; l += THREADS)
		t.share[l] = static_cast<float>(exp(static_cast<double>(a[l]) - largest) / total);
	for (int c = thread; c < t.classes; c += THREADS) {
		double sum = t.param[t.output_bias + c];
		for (int h = 0; h < t.width; h++)
			sum += static_cast<double>(t.param[t.output + c * t.width + h]) *
			       static_cast<double>(t.param[t.bias + h]);
		t.constant[c] = static_cast<float>(sum);
	}
}

/* out [C,D] = a b in column d: a(c, i) = a[c class_step + i step], b [n,D] */
static __device__ __forceinline__ void multiply_column(const trained &t, const float *a,
	int class_step, int step, const float *b, int n, int d, float *out)
{
	for (int first = 0; first < t.classes; first += BLOCK) {
		const int classes = t.classes - first < BLOCK ? t.classes - first : BLOCK;
		float sum[BLOCK] = {0};
		for (int i = 0; i < n; i++) {
			const float v = b[static_cast<int64_t>(i) * t.dims + d];
#pragma unroll
			for (int c = 0; c < BLOCK; c++)
				if (c < classes)
					sum[c] = fmaf(
						a[(first + c) * class_step + i * step], v, sum[c]);
		}
#pragma unroll
		for (int c = 0; c < BLOCK; c++)
			if (c < classes)
				out[static_cast<int64_t>(first + c) * t.dims + d] = sum[c];
	}
}

/* M [C,D]; a thread a column */
static __global__ void __launch_bounds__(THREADS) multiply_kernel(const trained *__restrict__ all)
{
	const trained t = all[blockIdx.y];
	const int d = find_thread();
	if (d < t.dims)
		multiply_column(t, t.param + t.output, t.width, 1, t.param + t.projection, t.width,
			d, t.product);
}

void prepare_classifiers(const trained *all, int n, int dims, cudaStream_t stream)
{
	const unsigned heads = static_cast<unsigned>(n);
	GPU_LAUNCH(prepare_kernel, dim3(1, heads), dim3(THREADS), 0, stream, all);
	GPU_LAUNCH(multiply_kernel,
		dim3(static_cast<unsigned>((dims + THREADS - 1) / THREADS), heads), dim3(THREADS),
		0, stream, all);
}

/* --- rows --- */

/* The products of one layer of a row with BLOCK classes of M, by a warp -> every lane */
static __device__ __forceinline__ void multiply_layer(
	const trained &t, const float *x, int64_t layer, int first, float sum[BLOCK])
{
	const int classes = t.classes - first < BLOCK ? t.classes - first : BLOCK;
	const float *m = t.product + static_cast<int64_t>(first) * t.dims;
	for (int c = 0; c < BLOCK; c++)
		sum[c] = 0;
	for (int d = find_lane(); d < t.dims; d += LANES) {
		const float v = scale_number(t, layer * t.dims + d, x[layer * t.dims + d]);
#pragma unroll
		for (int c = 0; c < BLOCK; c++)
			if (c < classes)
				sum[c] = fmaf(v, m[static_cast<int64_t>(c) * t.dims + d], sum[c]);
	}
#pragma unroll
	for (int c = 0; c < BLOCK; c++)
		sum[c] = sum_warp(sum[c]);
}

/* A block a row: dots [L,C] = x M', logits [C] = sum_l s_l dots_l + constant, and with `keep` mixed [D] = sum_l s_l x_l */
static __global__ void __launch_bounds__(THREADS) rows_kernel(const trained *__restrict__ all)
{
	GPU_SHARED(float, dots); /* [L,C] */
	const trained t = all[blockIdx.y];
	const int row = static_cast<int>(blockIdx.x);
	if (row >= t.rows)
		return;
	const float *x = t.features + static_cast<int64_t>(t.index[row]) * t.layers * t.dims;
	for (int l = static_cast<int>(threadIdx.x) / LANES; l < t.layers; l += WARPS)
		for (int first = 0; first < t.classes; first += BLOCK) {
			float sum[BLOCK];
			multiply_layer(t, x, l, first, sum);
#pragma unroll
			for (int c = 0; c < BLOCK; c++)
				if (find_lane() == c && first + c < t.classes)
					dots[l * t.classes + first + c] = sum[c];
		}
	__syncthreads();
	for (int c = static_cast<int>(threadIdx.x); c < t.classes; c += THREADS) {
		double sum = t.constant[c];
		for (int l = 0; l < t.layers; l++)
			sum += static_cast<double>(t.share[l]) *
			       static_cast<double>(dots[l * t.classes + c]);
		t.logits[row * t.classes + c] = static_cast<float>(sum);
	}
	if (!t.keep)
		return;
	for (int i = static_cast<int>(threadIdx.x); i < t.layers * t.classes; i += THREADS)
		t.dots[row * t.layers * t.classes + i] = dots[i];
	for (int d = static_cast<int>(threadIdx.x); d < t.dims; d += THREADS) {
		float sum = 0;
		for (int64_t l = 0; l < t.layers; l++)
			sum = fmaf(t.share[l], scale_number(t, l * t.dims + d, x[l * t.dims + d]),
				sum);
		t.mixed[static_cast<int64_t>(row) * t.dims + d] = sum;
	}
}

void read_rows(const trained *all, int n, int rows, int dots, cudaStream_t stream)
{
	GPU_LAUNCH(rows_kernel, dim3(static_cast<unsigned>(rows), static_cast<unsigned>(n)),
		dim3(THREADS), static_cast<size_t>(dots) * sizeof(float), stream, all);
}

/* --- the gradient --- */

/* G [C,D] = dz' mixed; a thread a column */
static __global__ void __launch_bounds__(THREADS) outer_kernel(const trained *__restrict__ all)
{
	const trained t = all[blockIdx.y];
	const int d = find_thread();
	if (d < t.dims)
		multiply_column(t, t.d_logits, 1, t.classes, t.mixed, t.rows, d, t.outer);
}

/* ds_l = sum_i dz_i . dots_il */
static __device__ __forceinline__ double sum_layer(const trained &t, int l)
{
	double sum = 0;
	for (int i = 0; i < t.rows; i++)
		for (int c = 0; c < t.classes; c++)
			sum += static_cast<double>(t.d_logits[i * t.classes + c]) *
			       static_cast<double>(t.dots[(i * t.layers + l) * t.classes + c]);
	return sum;
}

/* The gradients of the layer mix and both biases; one block a classifier */
static __global__ void __launch_bounds__(THREADS) small_kernel(const trained *__restrict__ all)
{
	GPU_SHARED(double, sums); /* [L] */
	const trained t = all[blockIdx.y];
	const int thread = static_cast<int>(threadIdx.x);
	float *d_bias = t.gradient + t.output_bias;
	for (int l = thread; l < t.layers; l += THREADS)
		sums[l] = sum_layer(t, l);
	for (int c = thread; c < t.classes; c += THREADS) {
		double sum = 0;
		for (int i = 0; i < t.rows; i++)
			sum += static_cast<double>(t.d_logits[i * t.classes + c]);
		d_bias[c] = static_cast<float>(sum);
	}
	__syncthreads();
	double mean = 0;
	for (int l = 0; l < t.layers; l++)
		mean += static_cast<double>(t.share[l]) * sums[l];
	for (int l = thread; l < t.layers; l += THREADS)
		t.gradient[l] =
			t.layers > 1 ? static_cast<float>(t.share[l] * (sums[l] - mean)) : 0;
	for (int h = thread; h < t.width; h += THREADS) {
		float sum = 0;
		for (int c = 0; c < t.classes; c++)
			sum = fmaf(t.param[t.output + c * t.width + h], d_bias[c], sum);
		t.gradient[t.bias + h] = sum;
	}
}

/* A warp a row h of W1: dW1_h = sum_c W2_ch G_c, dW2_ch = W1_h . G_c + db2_c b1_h, and the sum of the squares of dW1_h */
static __global__ void __launch_bounds__(THREADS) weights_kernel(const trained *__restrict__ all)
{
	const trained t = all[blockIdx.y];
	const int64_t h = find_row();
	if (h >= t.width)
		return;
	const float *weight = t.param + t.projection + h * t.dims;
	float *d_weight = t.gradient + t.projection + h * t.dims;
	double square = 0;
	for (int first = 0; first < t.classes; first += BLOCK) {
		const int classes = t.classes - first < BLOCK ? t.classes - first : BLOCK;
		const float *g = t.outer + static_cast<int64_t>(first) * t.dims;
		float w[BLOCK], sum[BLOCK] = {0};
#pragma unroll
		for (int c = 0; c < BLOCK; c++)
			w[c] = c < classes ? t.param[t.output + (first + c) * t.width + h] : 0;
		for (int d = find_lane(); d < t.dims; d += LANES) {
			float v = first ? d_weight[d] : 0;
#pragma unroll
			for (int c = 0; c < BLOCK; c++)
				if (c < classes) {
					const float of = g[static_cast<int64_t>(c) * t.dims + d];
					v = fmaf(w[c], of, v);
					sum[c] = fmaf(weight[d], of, sum[c]);
				}
			d_weight[d] = v;
			if (first + BLOCK >= t.classes)
				square += static_cast<double>(v) * static_cast<double>(v);
		}
#pragma unroll
		for (int c = 0; c < BLOCK; c++) {
			const float dot = sum_warp(sum[c]);
			if (find_lane() == c && c < classes)
				t.gradient[t.output + (first + c) * t.width + h] =
					fmaf(t.gradient[t.output_bias + first + c],
						t.param[t.bias + h], dot);
		}
	}
	square = sum_warp(square);
	if (find_lane() == 0)
		t.squares[h] = square;
}

/* norm = |gradient|, factor = min(1, clip / (norm + 1e-6)); one block a classifier */
static __global__ void __launch_bounds__(THREADS) norm_kernel(const trained *__restrict__ all)
{
	GPU_SHARED(double, parts);
	const trained t = all[blockIdx.y];
	const int64_t rest = t.count - t.bias; /* b1, W2, b2 */
	double sum = 0;
	for (int64_t i = threadIdx.x; i < t.layers + t.width + rest; i += THREADS) {
		const int64_t row = i - t.layers;
		if (row >= 0 && row < t.width) {
			sum += t.squares[row];
			continue;
		}
		const double v = t.gradient[row < 0 ? i : t.bias + row - t.width];
		sum += v * v;
	}
	sum = sum_block(sum, parts);
	if (threadIdx.x > 0)
		return;
	const double norm = sqrt(sum), factor = t.clip > 0 ? t.clip / (norm + 1e-6) : 1;
	*t.norm = norm;
	*t.factor = static_cast<float>(factor < 1 ? factor : 1);
}

void find_gradients(const trained *all, int n, int dims, int width, int layers, cudaStream_t stream)
{
	const unsigned heads = static_cast<unsigned>(n);
	GPU_LAUNCH(outer_kernel, dim3(static_cast<unsigned>((dims + THREADS - 1) / THREADS), heads),
		dim3(THREADS), 0, stream, all);
	GPU_LAUNCH(small_kernel, dim3(1, heads), dim3(THREADS),
		static_cast<size_t>(layers) * sizeof(double), stream, all);
	GPU_LAUNCH(weights_kernel, dim3(cover_rows(width).x, heads), dim3(THREADS), 0, stream, all);
	GPU_LAUNCH(norm_kernel, dim3(1, heads), dim3(THREADS), WARPS * sizeof(double), stream, all);
}

/* --- Adam --- */

/* As backend/optimizer_kernels.h, operation by operation, so that equal gradients give equal bits. A step whose gradient
 * is not finite is not taken. */
static __global__ void __launch_bounds__(THREADS) adam_kernel(const trained *__restrict__ all)
{
	const trained t = all[blockIdx.y];
	const adam s = t.step;
	const float factor = *t.factor;
	if (!(*t.norm < INFINITY)) /* or it is no number */
		return;
	for (int64_t i = find_thread(); i < t.count;
		i += static_cast<int64_t>(gridDim.x) * THREADS) {
		const float p = t.param[i], old = t.m[i];
		const float g = __fadd_rn(__fmul_rn(t.gradient[i], factor), __fmul_rn(s.l2, p));
		const float first = __fadd_rn(old, __fmul_rn(s.one_beta1, __fsub_rn(g, old)));
		const float second = __fadd_rn(
			__fmul_rn(s.beta2, t.v[i]), __fmul_rn(s.one_beta2, __fmul_rn(g, g)));
		const float root = __fadd_rn(__fmul_rn(__fsqrt_rn(second), s.root), s.eps);
		t.m[i] = first;
		t.v[i] = second;
		t.param[i] =
			__fsub_rn(__fmul_rn(s.keep, p), __fmul_rn(s.rate, __fdiv_rn(first, root)));
	}
}

void take_adam_steps(const trained *all, int n, int64_t count, cudaStream_t stream)
{
	const int64_t blocks = (count + THREADS * NUMBERS - 1) / (THREADS * NUMBERS);
	GPU_LAUNCH(adam_kernel, dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(n)),
		dim3(THREADS), 0, stream, all);
}

} // namespace gpu
