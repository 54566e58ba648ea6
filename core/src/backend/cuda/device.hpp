/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU as a device of backend/device.h. Everything is enqueued on one stream, in order; the host waits for it in
 * `wait`, or when pinned memory is used again. */
#ifndef CORE_BACKEND_CUDA_DEVICE_HPP
#define CORE_BACKEND_CUDA_DEVICE_HPP

#include "gemm.hpp"
#include "graphs.hpp"
#include "kernels.hpp"

extern "C" {
#include "backend/device.h"
}

/* For the emulated device, which finds numbers that were never written, and what lies beyond */
#ifndef GPU_MARK_USED
#define GPU_MARK_USED(stream, from, bytes) ((void)0)
#define GPU_MARK_FREE(stream, from, bytes) ((void)0)
#endif

namespace gpu
{

static constexpr int CHUNKS_MAX = 64, FRONT_PART = 4, WINDOW_STEPS = 32;

/* Device memory, given out from its start on. A release gives back everything since the mark. */
struct chunk {
	char *at;
	size_t bytes, used;
};
struct arena {
	chunk piece[CHUNKS_MAX];
	int count, now; /* pieces; the one in use */
};
struct arena_mark {
	int now;
	size_t used;
};

/* Memory that lives until the device is closed */
struct constant {
	void *at;
	constant *next;
};

/* Pinned host memory: two halves for what goes to the device, by turns; one piece for results. */
struct pinned {
	char *half[2], *results;
	size_t half_bytes, used, results_bytes, results_used;
	cudaEvent_t copied[2];
	bool recorded[2];
	int now;
};

/* Memory for what a call of classifiers is given and gives: pinned, and the device's */
struct stage {
	char *host, *there;
	size_t bytes;
};

struct gpu_device : core_device {
	int64_t rows; /* of a product */
	int major, minor;
	bool dead; /* a kernel has faulted */
	cudaStream_t stream;
	arena memory;
	pinned host;
	constant *constants;
	stage calls;
	graph_list graphs; /* of them */
	gemm_library *gemms;
	char numerics[128];
};

/* A layout in the device's memory */
struct known_layout {
	const fv_layout *layout;
	pack there;
	known_layout *next;
};

/* Rows of results in pinned memory, on their way to out */
struct result {
	const float *from;
	const fv_layout *layout;
	int64_t first, count, width, block; /* rows [first, first + count) of the pack */
	float *const *out;
	result *next;
};

struct queue : core_queue {
	gpu_device *on;
	known_layout *layouts;
	result *results, **last;
};

static inline queue *as_queue(core_queue *core)
{
	return static_cast<queue *>(core);
}

static inline int64_t round_up(int64_t n, int64_t step)
{
	return (n + step - 1) / step * step;
}

/* --- memory.cpp --- */

/* Marks the queue as failed, unless it is, with a message. */
void fail_queue(queue *q, const char *what, const char *why);
/* Marks the queue as failed if there is an error, or if the last launch had one. */
void check_queue(queue *q, const char *what, cudaError_t error = cudaSuccess);

/* n numbers of T until the queue's work ends or the mark is released. nullptr: the queue has failed. */
void *allocate_bytes(queue *q, size_t bytes);
template <typename T> T *allocate_array(queue *q, int64_t n)
{
	return static_cast<T *>(allocate_bytes(q, static_cast<size_t>(n) * sizeof(T)));
}
arena_mark mark_memory(const queue *q);
void release_memory(queue *q, arena_mark mark);

/* Copies to device memory; the host's may be used again at once. */
void put_bytes(queue *q, void *to, const void *host, size_t bytes);
template <typename T> T *put_array(queue *q, const T *host, int64_t n)
{
	T *to = allocate_array<T>(q, n);
	if (to)
		put_bytes(q, to, host, static_cast<size_t>(n) * sizeof(T));
	return to;
}

/* Enqueues copies to device memory; the host's may be used again at once. */
cudaError_t copy_in(gpu_device *d, void *to, const void *host, size_t bytes);
/* A constant's memory, with a copy of host. nullptr, with a message in ctx. */
void *load_bytes(fv_ctx *ctx, gpu_device *d, const void *host, size_t bytes);

/* The utterances of a layout, with the owners of its rows if asked for. */
const pack *find_pack(queue *q, const fv_layout *layout, bool owners);

bool open_memory(gpu_device *d, size_t bytes);
void close_memory(gpu_device *d);

core_queue *begin_work(fv_ctx *worker, core_device *core);
float *allocate_floats(core_queue *core, int64_t n);
void put_floats(core_queue *core, const float *host, int64_t n, float *to);
void fetch_rows(core_queue *core, fv_matrix from, int64_t block, float *const *out);
fv_status wait_for_all(core_queue *core);
fv_status load_constant(
	fv_ctx *ctx, core_device *core, const float *host, int64_t n, const float **out);
void free_constants(gpu_device *d);

/* --- linear.cpp --- */

fv_linear *open_linear(fv_ctx *ctx, core_device *core, fv_precision precision, int64_t outputs,
	int64_t inputs, const float *weight, const float *bias);
void multiply_matrix(core_queue *core, const fv_linear *linear, fv_matrix x, bool add,
	fv_activation activation, fv_matrix y);
void feed_forward(core_queue *core, const fv_linear *inner, int64_t width, const fv_linear *outer,
	fv_matrix x, fv_matrix y);

/* --- ops.cpp: operations on rows and sums --- */

void layer_norm(core_queue *core, const core_norm *norm, fv_matrix x, fv_matrix y);
void add_matrix(core_queue *core, fv_matrix x, fv_matrix y);
void apply_dense(core_queue *core, const fv_dense *dense, fv_function f, double factor, fv_matrix x,
	fv_matrix y);
void apply_affine_rows(core_queue *core, fv_affine a, fv_function f, fv_matrix x, fv_matrix y);
void mean_rows(core_queue *core, fv_sums sums, fv_matrix x, fv_matrix y);
void pool_moments(core_queue *core, fv_affine a, double least, fv_matrix x, fv_matrix logits,
	fv_matrix centre, fv_matrix y);
void spread_matrix(core_queue *core, fv_matrix x, fv_matrix y);
void gate_matrix(core_queue *core, fv_affine a, fv_matrix gate, fv_matrix x, fv_matrix y);
void find_direction(core_queue *core, fv_matrix x, fv_matrix y);

/* --- front.cpp, frames.cpp, heads.cpp --- */

void convolve_waves(
	core_queue *core, const core_convolutions *c, fv_matrix wave, bool scaled, fv_matrix y);
void convolve_frames(core_queue *core, const fv_convolution *c, fv_affine a, fv_matrix x,
	fv_affine b, fv_matrix added, fv_matrix y);
fv_lstm *open_lstm(fv_ctx *ctx, core_device *core, int32_t inputs, int32_t hidden,
	const float *weight_ih, const float *weight_hh, const float *bias_ih, const float *bias_hh);
void run_lstm(core_queue *core, fv_lstm *const *layer, int32_t layers, int64_t window, int64_t step,
	fv_matrix x, fv_matrix y);
void encode_positions(core_queue *core, const core_position *p, fv_matrix x, fv_matrix y);
void attend_heads(core_queue *core, const core_heads *h, fv_matrix joined, fv_matrix x,
	const float *bias, fv_matrix y);

/* --- classifier.cpp --- */

extern const core_classifier_ops classifier_ops;
void free_stage(gpu_device *d);

} // namespace gpu

#endif
