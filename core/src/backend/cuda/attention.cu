/* SPDX-License-Identifier: Apache-2.0 */
/* Attention: 32 queries of one head a block, 8 a warp. Keys come in tiles of 64 from the utterance's first on, so
 * that the order of sums depends on its length alone; the softmax is kept up to date from tile to tile. */
#include "store.cuh"

namespace gpu
{

static constexpr int KEYS = 64, OWN = QUERIES / WARPS, HALVES = KEYS / LANES;

/* A block's shared memory */
struct tile_memory {
	float *q, *k, *v, *p; /* [QUERIES,size], [KEYS,size + 1], [KEYS,size], [QUERIES,KEYS] */
};

static __host__ __device__ __forceinline__ int count_floats(int size)
{
	return QUERIES * size + KEYS * (size + 1) + KEYS * size + QUERIES * KEYS;
}

/* A warp's queries: the largest score so far, the sum of exponentials, the gate, the sums of values */
template <int PER> struct running {
	float top[OWN], total[OWN], gate[OWN], sum[OWN][PER];
};

/* a (b c - 1) + 2 of one row x [size]: a, b = sigmoid(G x + g) */
static __device__ __forceinline__ float compute_gate(
	const attention &a, const float *x, int size, int head)
{
	float in[2] = {0, 0};
	for (int d = find_lane(); d < size; d += LANES) {
		in[0] += x[d] * a.gate[d];
		in[1] += x[d] * a.gate[size + d];
	}
	const float open = compute_sigmoid(sum_warp(in[0]) + a.gate_bias[0]);
	const float bias = compute_sigmoid(sum_warp(in[1]) + a.gate_bias[1]);
	return open * (bias * a.constant[head] - 1) + 2;
}

/* Copies keys and values [keys,size]. */
static __device__ __forceinline__ void load_keys(
	const tile_memory &m, const float *k, int64_t stride, int64_t width, int size, int keys)
{
	for (int i = static_cast<int>(threadIdx.x); i < keys * size; i += THREADS) {
		const float *from = k + i / size * stride + i % size;
		m.k[i / size * (size + 1) + i % size] = from[0];
		m.v[i] = from[width];
	}
}

/* The exponentials of one query's scores -> p [KEYS]; returns by what the sums so far shrink. bias: of key 0 of the
 * tile */
static __device__ __forceinline__ float weigh_keys(const tile_memory &m, int query, int size,
	int keys, const float *bias, float gate, float *top, float *total)
{
	float score[HALVES], largest = -INFINITY;
#pragma unroll
	for (int h = 0; h < HALVES; h++) {
		const int key = find_lane() + LANES * h;
		float dot = 0;
		for (int d = 0; d < size && key < keys; d++)
			dot += m.q[query * size + d] * m.k[key * (size + 1) + d];
		if (bias && key < keys)
			dot += gate * bias[key];
		score[h] = key < keys ? dot : -INFINITY;
		largest = fmaxf(largest, score[h]);
	}
	largest = fmaxf(*top, find_warp_max(largest));
	const float shrink = expf(*top - largest);
	float sum = 0;
#pragma unroll
	for (int h = 0; h < HALVES; h++) {
		const float e = expf(score[h] - largest);
		m.p[query * KEYS + find_lane() + LANES * h] = e;
		sum += e;
	}
	*top = largest;
	*total = *total * shrink + sum_warp(sum);
	return shrink;
}

/* sum [PER] = shrink sum + p values */
template <int PER>
static __device__ __forceinline__ void add_values(
	const tile_memory &m, int query, int size, int keys, float shrink, float *sum)
{
	float part[PER] = {};
	for (int key = 0; key < keys; key++) {
		const float weight = m.p[query * KEYS + key];
#pragma unroll
		for (int i = 0; i < PER; i++) {
			const int d = find_lane() + LANES * i;
			part[i] += d < size ? weight * m.v[key * size + d] : 0;
		}
	}
#pragma unroll
	for (int i = 0; i < PER; i++)
		sum[i] = sum[i] * shrink + part[i];
}

template <int PER>
static __device__ void start_queries(
	const attention &a, const query_tile &t, int64_t row, int size, running<PER> *r)
{
	const int first = static_cast<int>(threadIdx.x) / LANES * OWN;
#pragma unroll
	for (int i = 0; i < OWN; i++) {
		r->top[i] = -INFINITY;
		r->total[i] = r->gate[i] = 0;
#pragma unroll
		for (int d = 0; d < PER; d++)
			r->sum[i][d] = 0;
		if (a.bias && first + i < t.count) /* whole warps */
			r->gate[i] = compute_gate(a,
				a.x + (row + first + i) * a.stride_x + blockIdx.y * size, size,
				static_cast<int>(blockIdx.y));
	}
}

/* One tile of keys, of which `keys` are there; bias: of query 0 of the block and key 0 of the tile */
template <int PER>
static __device__ __forceinline__ void visit_keys(
	const tile_memory &m, int count, int size, int keys, const float *bias, running<PER> *r)
{
	const int first = static_cast<int>(threadIdx.x) / LANES * OWN;
#pragma unroll
	for (int i = 0; i < OWN; i++) {
		const int query = first + i;
		if (query >= count)
			break;
		const float shrink = weigh_keys(m, query, size, keys, bias ? bias - query : nullptr,
			r->gate[i], &r->top[i], &r->total[i]);
		__syncwarp();
		add_values<PER>(m, query, size, keys, shrink, r->sum[i]);
	}
}

/* SIZE: numbers of a head if they are known; 0: any up to PER LANES */
template <int PER, int SIZE>
static __global__ void __launch_bounds__(THREADS) attention_kernel(pack p, attention a, rows y)
{
	GPU_SHARED(float, memory);
	const int size = SIZE ? SIZE : a.size;
	tile_memory m;
	m.q = memory;
	m.k = m.q + QUERIES * size;
	m.v = m.k + KEYS * (size + 1);
	m.p = m.v + KEYS * size;
	const query_tile t = a.tiles[blockIdx.x];
	const span s = p.spans[t.utterance];
	const int64_t row = s.first + t.first, width = static_cast<int64_t>(a.heads) * size;
	const float *q = a.joined + row * a.stride_joined + blockIdx.y * size;
	const float scale = 1 / sqrtf(static_cast<float>(size));
	for (int i = static_cast<int>(threadIdx.x); i < t.count * size; i += THREADS)
		m.q[i] = q[i / size * a.stride_joined + i % size] * scale;
	running<PER> r;
	start_queries<PER>(a, t, row, size, &r);
	const float *bias =
		a.bias ? a.bias + (2 * blockIdx.y + 1) * a.longest - blockIdx.y - 1 - t.first
		       : nullptr;
	for (int64_t first = 0; first < s.count; first += KEYS) {
		const int keys = static_cast<int>(s.count - first < KEYS ? s.count - first : KEYS);
		const float *k = a.joined + (s.first + first) * a.stride_joined + blockIdx.y * size;
		__syncthreads(); /* the tile before is read */
		load_keys(m, k + width, a.stride_joined, width, size, keys);
		__syncthreads();
		visit_keys<PER>(m, t.count, size, keys, bias ? bias + first : nullptr, &r);
	}
	const int own = static_cast<int>(threadIdx.x) / LANES * OWN;
#pragma unroll
	for (int i = 0; i < OWN; i++)
#pragma unroll
		for (int d = 0; d < PER; d++) {
			const int c = find_lane() + LANES * d;
			if (own + i < t.count && c < size)
				y.at[(row + own + i) * y.stride + blockIdx.y * size + c] =
					r.sum[i][d] / r.total[i];
		}
}

template <int PER, int SIZE>
static cudaError_t launch_attention(
	const pack &pack, const attention &a, rows y, cudaStream_t stream)
{
	const size_t shared = static_cast<size_t>(count_floats(a.size)) * sizeof(float);
	const cudaError_t error = cudaFuncSetAttribute(attention_kernel<PER, SIZE>,
		cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
	if (error)
		return error;
	const dim3 grid(static_cast<unsigned>(a.count), static_cast<unsigned>(a.heads));
	auto kernel = attention_kernel<PER, SIZE>;
	GPU_LAUNCH(kernel, grid, dim3(THREADS), shared, stream, pack, a, y);
	return cudaSuccess;
}

cudaError_t attend_tiles(const pack &pack, const attention &a, rows y, cudaStream_t stream)
{
	if (a.size == 64)
		return launch_attention<2, 64>(pack, a, y, stream);
	if (a.size <= LANES)
		return launch_attention<1, 0>(pack, a, y, stream);
	if (a.size <= 2 * LANES)
		return launch_attention<2, 0>(pack, a, y, stream);
	return launch_attention<4, 0>(pack, a, y, stream);
}

} // namespace gpu
