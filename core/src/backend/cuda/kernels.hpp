/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels, each with the shapes of what it reads and writes. All memory is the device's; a launch returns at
 * once. Rows lie `stride` numbers apart. */
#ifndef CORE_BACKEND_CUDA_KERNELS_HPP
#define CORE_BACKEND_CUDA_KERNELS_HPP

#include <cstdint>
#include <cuda_runtime.h>

namespace gpu
{

/* Rows of float numbers */
struct rows {
	float *at;
	int64_t stride;
};

/* Rows that are only read */
struct input {
	const float *at;
	int64_t stride;
};

/* Where numbers go: as float, or with `high` rounded to bfloat16, and with `low` what that left over, too. */
struct target {
	float *at;
	uint16_t *high, *low;
	int64_t stride;
};

/* Rows of an utterance: [first, first + count) */
struct span {
	int64_t first, count;
};

/* The utterances of a pack: span [n], and the utterance of each row, owner [rows]. */
struct pack {
	const span *spans;
	const int32_t *owner;
	int64_t n, rows;
};

/* Queries [first, first + count) of an utterance, counted from its own first row */
struct query_tile {
	int32_t utterance, first, count;
};

enum activation { ACTIVATE_NONE, ACTIVATE_RELU, ACTIVATE_GELU };
enum function { FUNCTION_NONE, FUNCTION_RELU, FUNCTION_TANH, FUNCTION_SOFTMAX };

/* y = scale x + shift; scale nullptr: y = x */
struct affine {
	const float *scale, *shift;
};

/* --- rows.cu --- */

/* y [count,width] = x; rows [count, all) of y become zeros. */
void copy_rows(input x, int64_t count, int64_t all, int width, target y, cudaStream_t stream);

/* y = activation(sum + bias), or with `add` activation(y + sum + bias), of rows [count,width]. bias nullptr: none.
 * map nullptr, or the row of y that each row goes to; -1: nowhere. */
struct finish {
	input sum;
	const float *bias;
	const int32_t *map;
	int64_t count;
	int width;
	bool add;
	activation function;
};
void finish_rows(const finish &job, target y, cudaStream_t stream);

/* y [count,width] = activation((z - mean(z)) / sqrt(variance(z) + eps) scale + offset), z = x + bias. bias nullptr:
 * none. y may be x. */
struct norm {
	const float *bias, *scale, *offset;
	float eps;
	activation function;
};
void normalise_rows(
	input x, int64_t count, int width, const norm &norm, target y, cudaStream_t stream);

/* y [count,width] += x */
void add_rows(input x, int64_t count, int width, rows y, cudaStream_t stream);

/* y [count,width] = f(scale x + shift) */
void scale_rows(
	affine a, function f, input x, int64_t count, int width, rows y, cudaStream_t stream);

/* y [rows,width]: row r is row owner[r] of x [n,width]. */
void spread_rows(const pack &pack, input x, int width, rows y, cudaStream_t stream);

/* scaled [n, 2 width] = sigmoid(gate) scale, sigmoid(gate) shift; gate [n,width] */
void scale_gates(affine a, input gate, int64_t n, int width, float *scaled, cudaStream_t stream);
/* y [rows,width] = scaled[owner] y + shifted[owner] + x */
void gate_rows(
	const pack &pack, const float *scaled, input x, int width, rows y, cudaStream_t stream);

/* z [count,outputs] = factor (W x + b), in double; W [outputs,inputs] */
struct dense {
	const float *weight, *bias;
	int outputs, inputs;
	double factor;
};
void multiply_dense(const dense &d, input x, int64_t count, double *z, cudaStream_t stream);
/* y [count,width] = f(z) */
void finish_dense(
	const double *z, function f, int64_t count, int width, rows y, cudaStream_t stream);

/* --- sums.cu: over the rows of each utterance --- */

/* y [n,width]. floats: in float over sixteen rows and in double over those; else in double. */
void average_rows(const pack &pack, bool floats, input x, int width, rows y, cudaStream_t stream);

/* y [n, 2 width]: mean and deviation of scale x + shift, of equal weights or softmax(logits) over the utterance, sums
 * of differences from centre [n,width] */
struct moments {
	affine a;
	double least; /* variance */
	input x, logits, centre;
	int width;
};
void measure_moments(const pack &pack, const moments &m, rows y, cudaStream_t stream);

/* y [n,width] = s / |s|, s being the sum of the rows of each span of x */
void find_directions(const span *spans, int64_t n, input x, int width, rows y, cudaStream_t stream);

/* --- waves.cu --- */

/* scaling [n,2]: shift and factor of each wave [samples,1]; with `scaled` mean and 1 / deviation, with `centred` mean
 * and 1, else 0 and 1 */
void measure_waves(const pack &waves, const float *wave, bool scaled, bool centred, double *scaling,
	cudaStream_t stream);

/* The first convolution */
struct first {
	int taps, step, channels;
};

/* sums [n, taps + taps (taps + 1) / 2]: means of the windows' samples and of their products x_k x_j, j >= k */
void measure_windows(const pack &waves, const float *wave, const double *scaling, first f,
	double *sums, cudaStream_t stream);

/* folded [n, taps + 1, channels]: the taps' weights and the offset of convolution and group norm as one.
 * weight [taps,channels] */
void fold_norm(const double *sums, int64_t n, first f, const float *weight, const norm &norm,
	float *folded, cudaStream_t stream);

/* folded [taps + 1, channels] of weight [channels,taps] and bias [channels] or nullptr */
void order_weight(
	first f, const float *weight, const float *bias, float *folded, cudaStream_t stream);

/* A frame of the last convolution has `rows` rows of the first one. Which frame of which utterance a slot holds;
 * utterance -1: none. */
struct slot {
	int32_t utterance, frame;
};

/* y [slots * rows, channels] = activation(offset + sum_k w_k x_k); rows beyond the utterance's end are zeros.
 * folded: of each utterance, or with `shared` one for all. */
struct convolution {
	first f;
	int rows;
	bool shared;
	activation function;
	const float *wave, *folded;
	const double *scaling;
	const slot *slots;
	int64_t count; /* of slots */
};
void convolve_first(const pack &waves, const convolution &c, target y, cudaStream_t stream);

/* --- frames.cu --- */

/* y [groups][stride rows of a group][size]: row p holds the columns of x's row source[p], or zeros for -1. */
void gather_groups(input x, const int32_t *source, int64_t count, int groups, int size,
	int64_t group_stride, target y, cudaStream_t stream);

/* y [count, taps width]: of rows [from, from + count) the `taps` rows around each, `dilation` apart, reflected at the
 * utterance's ends, of a(x) + b(added). added.at nullptr: none */
struct neighbours {
	int taps, dilation, width;
	affine a, b;
	input x, added;
	int64_t from, count;
};
void gather_neighbours(const pack &pack, const neighbours &n, target y, cudaStream_t stream);

/* y [steps * windows, width], of steps from first_step on: row t windows + w is row start[w] + first_step + t of x;
 * zeros for w >= count and behind a window's `length` rows. */
struct windows {
	const int64_t *start;
	int64_t count, windows, steps, length;
};
void gather_windows(
	const windows &w, int64_t first_step, input x, int width, target y, cudaStream_t stream);

/* One step of an LSTM for `count` windows: gates [count, 4 hidden] of the inputs, bias [4 hidden], weight [hidden,
 * 4 hidden] by the hidden unit it reads, before [count,hidden] or nullptr: zeros; cell [count,hidden] in and out */
struct lstm_step {
	int hidden;
	const float *gates, *bias, *weight, *before;
	float *cell, *after;
};
void step_lstm(const lstm_step &s, int64_t count, cudaStream_t stream);

/* --- attention.cu --- */

/* softmax(q k' / sqrt(size) + gate bias) v, head by head: joined [R, 3 heads size] -> y [R, heads size]. gate [2,size]
 * and gate_bias [2] of x [R, heads size], constant [heads]; bias [heads, 2 longest - 1] by key - query + longest - 1,
 * nullptr: none. y may be x. */
struct attention {
	int heads, size;
	const float *joined, *x, *gate, *gate_bias, *constant, *bias;
	int64_t stride_joined, stride_x, longest;
	const query_tile *tiles;
	int64_t count; /* of tiles */
};
static constexpr int QUERIES = 32, HEAD_MAX = 128;
cudaError_t attend_tiles(const pack &pack, const attention &a, rows y, cudaStream_t stream);

} // namespace gpu

#endif
