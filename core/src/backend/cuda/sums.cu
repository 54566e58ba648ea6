/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over the rows of each utterance: a thread a column of an utterance, rows in order. */
#include "store.cuh"

namespace gpu
{

static constexpr int CHUNK = 16; /* rows that are summed in float */

/* Blocks for `width` columns of n utterances; the utterance is blockIdx.x. */
static dim3 cover_columns(int64_t n, int width)
{
	return dim3(
		static_cast<unsigned>(n), static_cast<unsigned>((width + THREADS - 1) / THREADS));
}

static __device__ __forceinline__ int find_column()
{
	return static_cast<int>(blockIdx.y * THREADS + threadIdx.x);
}

/* --- means --- */

static __global__ void __launch_bounds__(THREADS)
	average_kernel(pack p, bool floats, input x, int width, rows y)
{
	const int c = find_column();
	if (c >= width)
		return;
	const span s = p.spans[blockIdx.x];
	const float *in = x.at + s.first * x.stride + c;
	double sum = 0;
	for (int64_t t = 0; t < s.count; t += CHUNK) {
		const int rows = static_cast<int>(s.count - t < CHUNK ? s.count - t : CHUNK);
		float part = 0;
		for (int r = 0; r < rows; r++, in += x.stride)
			if (floats)
				part += *in;
			else
				sum += *in;
		sum += part;
	}
	y.at[blockIdx.x * y.stride + c] = static_cast<float>(sum / static_cast<double>(s.count));
}

void average_rows(const pack &pack, bool floats, input x, int width, rows y, cudaStream_t stream)
{
	GPU_LAUNCH(average_kernel, cover_columns(pack.n, width), dim3(THREADS), 0, stream, pack,
		floats, x, width, y);
}

/* --- moments --- */

struct weighted_sums {
	double weight, first, second;
};

/* Adds at most CHUNK rows of one column. */
static __device__ __forceinline__ void add_chunk(const moments &m, const float *x,
	const float *logit, int rows, float centre, float largest, weighted_sums *s)
{
	float weight = 0, first = 0, second = 0;
	for (int r = 0; r < rows; r++) {
		const float w = logit ? expf(logit[r * m.logits.stride] - largest) : 1;
		const float d = x[r * m.x.stride] - centre;
		weight += w;
		first += w * d;
		second += w * d * d;
	}
	s->weight += weight;
	s->first += first;
	s->second += second;
}

static __global__ void __launch_bounds__(THREADS) moments_kernel(pack p, moments m, rows y)
{
	const int c = find_column();
	if (c >= m.width)
		return;
	const span s = p.spans[blockIdx.x];
	const float *x = m.x.at + s.first * m.x.stride + c;
	const float *logit = m.logits.at ? m.logits.at + s.first * m.logits.stride + c : nullptr;
	const float centre = m.centre.at[blockIdx.x * m.centre.stride + c];
	float largest = logit ? logit[0] : 0;
	for (int64_t t = 1; logit && t < s.count; t++)
		largest = fmaxf(largest, logit[t * m.logits.stride]);
	weighted_sums sums = {0, 0, 0};
	for (int64_t t = 0; t < s.count; t += CHUNK)
		add_chunk(m, x + t * m.x.stride, logit ? logit + t * m.logits.stride : nullptr,
			static_cast<int>(s.count - t < CHUNK ? s.count - t : CHUNK), centre,
			largest, &sums);
	const double scale = m.a.scale[c], d = sums.first / sums.weight;
	const double square = sums.second / sums.weight - d * d;
	float *out = y.at + blockIdx.x * y.stride + c;
	out[0] = static_cast<float>(scale * (centre + d) + m.a.shift[c]);
	out[m.width] = static_cast<float>(sqrt(fmax(scale * scale * square, m.least)));
}

void measure_moments(const pack &pack, const moments &m, rows y, cudaStream_t stream)
{
	GPU_LAUNCH(moments_kernel, cover_columns(pack.n, m.width), dim3(THREADS), 0, stream, pack,
		m, y);
}

/* --- directions: a block a row of y --- */

static __global__ void __launch_bounds__(THREADS)
	direction_kernel(const span *__restrict__ spans, input x, int width, rows y)
{
	GPU_SHARED(double, sums); /* [width], then the parts of a block's sum */
	const span s = spans[blockIdx.x];
	double square = 0;
	for (int c = static_cast<int>(threadIdx.x); c < width; c += THREADS) {
		double sum = 0;
		for (int64_t t = 0; t < s.count; t++)
			sum += x.at[(s.first + t) * x.stride + c];
		sums[c] = sum;
		square += sum * sum;
	}
	square = sum_block(square, sums + width);
	const double length = square > 0 && square < INFINITY ? sqrt(square) : NAN;
	for (int c = static_cast<int>(threadIdx.x); c < width; c += THREADS)
		y.at[blockIdx.x * y.stride + c] = static_cast<float>(sums[c] / length);
}

void find_directions(const span *spans, int64_t n, input x, int width, rows y, cudaStream_t stream)
{
	const size_t shared = (static_cast<size_t>(width) + WARPS) * sizeof(double);
	GPU_LAUNCH(direction_kernel, dim3(static_cast<unsigned>(n)), dim3(THREADS), shared, stream,
		spans, x, width, y);
}

} // namespace gpu
