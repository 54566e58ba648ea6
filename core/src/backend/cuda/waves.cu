/* SPDX-License-Identifier: Apache-2.0 */
/* The first convolution over waves, with the group norm over time behind it. Mean and variance of a channel
 * follow from the wave alone: with the windows x_t of the taps, mean = w mu and variance = w' C w, mu and C being
 * mean and covariance of the windows. Convolution and norm are then one convolution. */
#include "store.cuh"

namespace gpu
{

static constexpr double SCALED_EPS = 1e-7;

/* --- shift and factor of each wave: a block an utterance --- */

static __global__ void __launch_bounds__(THREADS) measure_kernel(pack p,
	const float *__restrict__ wave, bool scaled, bool centred, double *__restrict__ scaling)
{
	GPU_SHARED(double, parts); /* [WARPS] */
	const span s = p.spans[blockIdx.x];
	const double n = static_cast<double>(s.count);
	double sum = 0, squares = 0;
	for (int64_t i = threadIdx.x; i < s.count; i += THREADS)
		sum += wave[s.first + i];
	const double mean = sum_block(sum, parts) / n;
	for (int64_t i = threadIdx.x; i < s.count; i += THREADS) {
		const double d = wave[s.first + i] - mean;
		squares += d * d;
	}
	squares = sum_block(squares, parts);
	if (threadIdx.x == 0) {
		scaling[2 * blockIdx.x] = scaled || centred ? mean : 0;
		scaling[2 * blockIdx.x + 1] = scaled ? 1 / sqrt(squares / n + SCALED_EPS) : 1;
	}
}

void measure_waves(const pack &waves, const float *wave, bool scaled, bool centred, double *scaling,
	cudaStream_t stream)
{
	GPU_LAUNCH(measure_kernel, dim3(static_cast<unsigned>(waves.n)), dim3(THREADS),
		WARPS * sizeof(double), stream, waves, wave, scaled, centred, scaling);
}

/* --- means of windows and products: a warp one of them --- */

static __device__ __forceinline__ int64_t count_windows(const span &s, const first &f)
{
	return (s.count - f.taps) / f.step + 1;
}

/* Finds k and j of sum number `item`: the means come first (k, -1), then the products in order. */
static __device__ void find_pair(int item, int taps, int *k, int *j)
{
	*k = item;
	*j = -1;
	if (item < taps)
		return;
	item -= taps;
	for (*k = 0; item >= taps - *k; ++*k)
		item -= taps - *k;
	*j = *k + item;
}

static __device__ __forceinline__ double scale_sample(
	const float *wave, int64_t i, double shift, double factor)
{
	return static_cast<float>((wave[i] - shift) * factor);
}

static __global__ void __launch_bounds__(THREADS)
	windows_kernel(pack p, const float *__restrict__ wave, const double *__restrict__ scaling,
		first f, int items, double *__restrict__ sums)
{
	const int item = static_cast<int>(blockIdx.y * WARPS + threadIdx.x / LANES);
	if (item >= items)
		return; /* whole warps */
	const span s = p.spans[blockIdx.x];
	const double shift = scaling[2 * blockIdx.x], factor = scaling[2 * blockIdx.x + 1];
	const int64_t n = count_windows(s, f);
	const float *own = wave + s.first;
	int k, j;
	find_pair(item, f.taps, &k, &j);
	double sum = 0;
	for (int64_t t = find_lane(); t < n; t += LANES) {
		const double v = scale_sample(own, t * f.step + k, shift, factor);
		sum += j < 0 ? v : v * scale_sample(own, t * f.step + j, shift, factor);
	}
	sum = sum_warp(sum);
	if (find_lane() == 0)
		sums[static_cast<int64_t>(blockIdx.x) * items + item] =
			sum / static_cast<double>(n);
}

static int count_items(int taps)
{
	return taps + taps * (taps + 1) / 2;
}

void measure_windows(const pack &waves, const float *wave, const double *scaling, first f,
	double *sums, cudaStream_t stream)
{
	const int items = count_items(f.taps);
	const dim3 grid(
		static_cast<unsigned>(waves.n), static_cast<unsigned>((items + WARPS - 1) / WARPS));
	GPU_LAUNCH(windows_kernel, grid, dim3(THREADS), 0, stream, waves, wave, scaling, f, items,
		sums);
}

/* --- folding: a thread a channel --- */

static __device__ __forceinline__ int find_channel()
{
	return static_cast<int>(blockIdx.x * THREADS + threadIdx.x);
}

static dim3 cover_channels(int channels, int64_t n)
{
	return dim3(static_cast<unsigned>((channels + THREADS - 1) / THREADS),
		static_cast<unsigned>(n));
}

static __global__ void __launch_bounds__(THREADS) fold_kernel(const double *__restrict__ sums,
	int items, first f, const float *__restrict__ weight, norm n, float *__restrict__ folded)
{
	const int c = find_channel();
	if (c >= f.channels)
		return;
	const double *means = sums + static_cast<int64_t>(blockIdx.y) * items;
	const double *product = means + f.taps;
	double mean = 0, variance = 0;
	for (int k = 0; k < f.taps; k++) {
		const double w = weight[k * f.channels + c];
		mean += w * means[k];
		for (int j = k; j < f.taps; j++, product++) {
			const double both = w * weight[j * f.channels + c];
			variance += (j > k ? 2 : 1) * both * (*product - means[k] * means[j]);
		}
	}
	const double factor = n.scale[c] / sqrt((variance > 0 ? variance : 0) + n.eps);
	float *out = folded + static_cast<int64_t>(blockIdx.y) * (f.taps + 1) * f.channels + c;
	for (int k = 0; k < f.taps; k++)
		out[k * f.channels] = static_cast<float>(weight[k * f.channels + c] * factor);
	out[f.taps * f.channels] = static_cast<float>(n.offset[c] - mean * factor);
}

void fold_norm(const double *sums, int64_t n, first f, const float *weight, const norm &norm,
	float *folded, cudaStream_t stream)
{
	GPU_LAUNCH(fold_kernel, cover_channels(f.channels, n), dim3(THREADS), 0, stream, sums,
		count_items(f.taps), f, weight, norm, folded);
}

static __global__ void __launch_bounds__(THREADS)
	order_kernel(first f, const float *__restrict__ weight, const float *__restrict__ bias,
		float *__restrict__ folded)
{
	const int c = find_channel();
	if (c >= f.channels)
		return;
	for (int k = 0; k < f.taps; k++)
		folded[k * f.channels + c] = weight[c * f.taps + k];
	folded[f.taps * f.channels + c] = bias ? bias[c] : 0;
}

void order_weight(
	first f, const float *weight, const float *bias, float *folded, cudaStream_t stream)
{
	GPU_LAUNCH(order_kernel, cover_channels(f.channels, 1), dim3(THREADS), 0, stream, f, weight,
		bias, folded);
}

/* --- the convolution: a block a slot, a thread a channel at a time --- */

/* TAPS: their number if it is known, so that the weights stay in registers; 0: any. x [rows step + taps] */
template <int TAPS>
static __device__ __forceinline__ void convolve_channel(const convolution &c, const float *w,
	const float *x, int valid, int64_t at, const target &y)
{
	const int taps = TAPS ? TAPS : c.f.taps, channels = c.f.channels;
	float weight[TAPS ? TAPS : 1];
	for (int k = 0; k < TAPS; k++)
		weight[k] = w[k * channels];
	const float offset = w[taps * channels];
	for (int r = 0; r < c.rows; r++, at += y.stride) {
		float v = offset;
#pragma unroll
		for (int k = 0; k < taps; k++)
			v += (TAPS ? weight[TAPS ? k : 0] : w[k * channels]) *
			     (r < valid ? x[r * c.f.step + k] : 0);
		store_number(y, at, r < valid ? apply_activation(v, c.function) : 0);
	}
}

template <int TAPS>
static __global__ void __launch_bounds__(THREADS) convolve_kernel(pack p, convolution c, target y)
{
	GPU_SHARED(float, x); /* [(rows - 1) step + taps] */
	const slot own = c.slots[blockIdx.x];
	const int u = own.utterance;
	int valid = 0;
	if (u >= 0) {
		const span s = p.spans[u];
		const int64_t first = static_cast<int64_t>(own.frame) * c.rows;
		const int64_t left = count_windows(s, c.f) - first;
		valid = static_cast<int>(left < 0 ? 0 : left < c.rows ? left : c.rows);
		const float *wave = c.wave + s.first + first * c.f.step;
		const double shift = c.scaling[2 * u], factor = c.scaling[2 * u + 1];
		const int samples = valid ? (valid - 1) * c.f.step + c.f.taps : 0;
		for (int i = static_cast<int>(threadIdx.x); i < samples; i += THREADS)
			x[i] = static_cast<float>(scale_sample(wave, i, shift, factor));
	}
	__syncthreads();
	const int64_t size = static_cast<int64_t>(c.f.taps + 1) * c.f.channels;
	const float *folded = c.folded + (c.shared || u < 0 ? 0 : u * size);
	const int64_t row = static_cast<int64_t>(blockIdx.x) * c.rows;
	for (int channel = static_cast<int>(threadIdx.x); channel < c.f.channels;
		channel += THREADS)
		convolve_channel<TAPS>(c, folded + channel, x, valid, row * y.stride + channel, y);
}

void convolve_first(const pack &waves, const convolution &c, target y, cudaStream_t stream)
{
	const size_t shared =
		static_cast<size_t>((c.rows - 1) * c.f.step + c.f.taps) * sizeof(float);
	const dim3 grid(static_cast<unsigned>(c.count));
	if (c.f.taps == 10)
		GPU_LAUNCH(convolve_kernel<10>, grid, dim3(THREADS), shared, stream, waves, c, y);
	else
		GPU_LAUNCH(convolve_kernel<0>, grid, dim3(THREADS), shared, stream, waves, c, y);
}

} // namespace gpu
