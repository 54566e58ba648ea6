/* SPDX-License-Identifier: Apache-2.0 */
/* All arithmetic written for an instruction set, for encoders (linear.h, vector.h) and for training
 * (nn/head.h, nn/adam.h, nn/sgd.h). Used are the kernels that suit the processor best, or those that the
 * environment variable FAIRVOX_CPU names. */
#ifndef CORE_BACKEND_KERNELS_H
#define CORE_BACKEND_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fairvox/linear.h>

#include "backend/cpu.h"
#include "base/context.h"

/* Products of rows and panels of weights. A panel holds the weights of `width` outputs: for each
 * unit of depth (one float32, or two bfloat16 if `unit` is 2) the weights of all outputs side by
 * side, 4 bytes each. The last panel of a matrix is narrower: just wide enough for its outputs in
 * full vectors of `lanes`. */
typedef struct core_tiles {
	int32_t rows, width, lanes; /* largest tile: rows x width outputs */
	/* rows of x must be a multiple of this; padding rows are allowed */
	int32_t row_step;
	int32_t unit;       /* numbers in 4 bytes: 1 float32, 2 bfloat16 */
	int32_t depth_step; /* depth must be a multiple of this */
	/* called before and after the products of one call; NULL: nothing to do */
	void (*begin)(void);
	void (*end)(void);
	/* sum [rows,width], 64-byte aligned, = (or += if `more`) x times panel over `depth` units.
	 * Rows of x are `stride` bytes apart. Only vectors * lanes columns of sum are written. */
	void (*tile)(int32_t rows, int32_t vectors, int64_t depth, const void *x, int64_t stride,
		const void *panel, bool more, float *sum);
} core_tiles;

/* Products of packed rows and panels of weights (packed.h). */
enum { CORE_PACKED_STEPS = 4 };
typedef struct core_packed_tile {
	int32_t rows, vectors;
	int64_t depth,
		block;      /* a block of depth is summed in registers, blocks are added in order */
	const float *x;     /* [depth][rows] */
	const float *panel; /* [depth][vectors * lanes] */
	/* fetch_step bytes of this address are fetched into L2 every CORE_PACKED_STEPS steps of depth */
	const char *fetch;
	int64_t fetch_step;
	bool more;  /* add to the sums instead of replacing them */
	float *sum; /* [rows,width] */
} core_packed_tile;

typedef struct core_packed {
	int32_t rows, width, lanes; /* largest tile: rows x width outputs */
	/* Most rows, and the largest depth, that are packed at once, so that they stay in L2 */
	int32_t part_rows, chunk_depth;
	/* Copies x [rows,depth], of at most `lanes` rows that are `stride` numbers apart, to `to` [depth], whose
	 * entries are `line` numbers apart: each gets a number of every row, and zeros up to `lanes`. */
	void (*pack)(int32_t rows, int64_t depth, const float *x, int64_t stride, int64_t line,
		float *to);
	void (*tile)(const core_packed_tile *job);
} core_packed;

/* y = activation(sum + bias), or activation(y + sum + bias) if `add`, for the first `outputs` <=
 * width numbers of each row of a tile */
typedef struct core_finish {
	int32_t rows, outputs, width;
	bool add;
	fv_activation activation;
	const float *sum, *bias; /* [rows,width], [width] */
	float *y;
	int64_t stride_y;
} core_finish;

/* The scalars that nn/adam.h computes from the settings of a step */
typedef struct core_adam_scalars {
	float scale, l2, keep, one_beta1, beta2, one_beta2, rate, root, eps;
} core_adam_scalars;

/* The scalars of nn/sgd.h */
typedef struct core_sgd_scalars {
	float scale, l2, momentum, rate;
} core_sgd_scalars;

/* A map: points in two dimensions, with everything that acts on them. Arrays of n numbers are padded to
 * a multiple of CORE_PAIR_COLUMNS and 64-byte aligned. */
enum { CORE_PAIR_ROWS = 4, CORE_PAIR_COLUMNS = 16 };
typedef struct core_map_points {
	int64_t n;
	const float *x, *y;
} core_map_points;
/* For each point, the sums over others with affinity p, q = 1 / (1 + squared distance) and offset d from
 * the other to the point: attraction sum p q d, repulsion sum q^2 d */
typedef struct core_map_forces {
	float *attraction_x, *attraction_y, *repulsion_x, *repulsion_y;
} core_map_forces;

/* The affinities of pairs i < j for rows i in [first,last), both multiples of CORE_PAIR_ROWS. For each group
 * of CORE_PAIR_ROWS rows and each chunk of CORE_PAIR_COLUMNS columns from the one that holds the group's own
 * columns on: affinity [CORE_PAIR_ROWS,CORE_PAIR_COLUMNS], 0 unless i < j < n. */
typedef struct core_pairs {
	int64_t first, last;
	const float *affinity;
} core_pairs;

/* A square of a quadtree over points sorted so that every square holds a range of them. Squares are
 * in order of depth first; `next` is the first one after the squares within this one. */
typedef struct core_square {
	float x, y;   /* mean of its points */
	float width2; /* squared side */
	float points;
	int32_t next;
	int32_t first, last; /* points [first,last) of a leaf; 0, 0 otherwise */
} core_square;

/* Rows of the first convolution over a wave: y [rows,channels], row r from x [r step, r step + taps) */
typedef struct core_first_rows {
	int64_t taps, channels, step, rows;
	const float *weight, *offset; /* [taps,channels], [channels] */
	const float *x;
	float *y;
} core_first_rows;

/* The layers of one utterance as several heads see them. `next` is the utterance processed after it, or x again;
 * it is prefetched meanwhile. */
typedef struct core_mix {
	int32_t heads, layers, dims;
	const float *x, *next; /* [L,D] */
	const float *const
		*factor; /* [heads] of vectors: [L] for mix_layers, [D] for mix_gradient */
} core_mix;

typedef struct core_kernels {
	const char *name;
	bool (*supported)(const core_cpu *cpu);

	/* --- encoders --- */
	const core_tiles *fp32;
	/* NULL: fp32 is used for all products; otherwise for those with few outputs */
	const core_packed *packed;
	/* NULL: float32 products of the rounded numbers are used, with the same results */
	const core_tiles *bf16;
	void (*finish)(const core_finish *job);
	/* Rounds x [n] to bfloat16 in `high` and, unless `low` is NULL, the remainder to bfloat16
	 * in `low`: stored as float32 by `split`, as bfloat16 by `pack`. Numbers beyond bfloat16's
	 * range are rounded towards 0. The remainder of a number that is not finite is 0. */
	void (*split)(const float *x, int64_t n, float *high, float *low);
	void (*pack)(const float *x, int64_t n, uint16_t *high, uint16_t *low);
	void (*gelu)(const float *x, float *y, int64_t n);
	/* x [n] -> y [n], relative error below 3e-7 above -87, 0 below; y may be x */
	void (*sigmoid)(const float *x, float *y, int64_t n);
	/* gates [P,4H] before their functions, rows i, f, g, o; cell [P,H] in and out; out [P,H], the hidden states */
	void (*lstm_step)(
		int64_t sequences, int64_t hidden, const float *gates, float *cell, float *out);
	void (*layer_norm)(const float *x, int64_t rows, int64_t width, const float *scale,
		const float *offset, float eps, float *y);
	void (*softmax)(float *x, int64_t rows, int64_t width, int64_t stride);
	/* The same bits in every instruction set. */
	void (*first_rows)(const core_first_rows *job);
	void (*column_moments)(const float *x, const float *logit, int64_t rows, int64_t width,
		int64_t stride, const float *centre, const float *peak, double *sums);

	/* --- the sum of an utterance's layers (mix_kernels.h) --- */
	/* mixed[k] [D] = sum_l factor[k]_l x_l */
	void (*mix_layers)(const core_mix *job, float *const *mixed);
	/* dots[k] [L] = x factor[k] */
	void (*mix_gradient)(const core_mix *job, float *const *dots);

	/* --- linear layers (dot_kernels.h) --- */
	/* out [m,n] = a [m,k] b^T + bias, b [n,k], bias [n] or NULL. A row of out depends on its row of a alone. */
	void (*dot_rows)(int64_t m, int64_t n, int64_t k, const float *a, const float *b,
		const float *bias, float *out);

	/* --- a head whose layers are replaced by their product M [C,D] (collapse_kernels.h) --- */
	/* M [C,D] = W2 [C,H] W1 [H,D] */
	void (*collapse_product)(int32_t classes, int32_t projection, int32_t dims,
		const float *output, const float *weight, float *product);
	/* For one row x [L,D]: dots [L,C] = x M^T and mixed [D] = sum_l share_l x_l. `next` is the
	 * row processed after it, or x again; it is prefetched meanwhile, which halves the time,
	 * because rows are scattered over far more memory than the caches hold. */
	void (*collapse_row)(int32_t classes, int32_t layers, int32_t dims, const float *x,
		const float *next, const float *product, const float *share, float *dots,
		float *mixed);
	/* G [C,D] -> d_weight [H,D] = W2^T G, or += if `more`; d_output [C,H] += G W1^T */
	void (*collapse_gradient)(int32_t classes, int32_t projection, int32_t dims,
		const float *output, const float *weight, const float *outer, bool more,
		float *d_weight, float *d_output);
	/* d_output [C,H] += G W1^T alone */
	void (*collapse_output_gradient)(int32_t classes, int32_t projection, int32_t dims,
		const float *weight, const float *outer, float *d_output);

	/* --- hidden layers of a head (hidden_kernels.h) --- */
	/* z [rows,width], the product of a layer, becomes z + bias; y = f(z) keep. keep [rows,width]: factors
	 * of dropout; NULL: 1 */
	void (*hidden_forward)(fv_activation activation, int64_t rows, int64_t width,
		const float *bias, const float *keep, float *z, float *y);
	/* d [n] *= keep f'(z) */
	void (*hidden_backward)(
		fv_activation activation, int64_t n, const float *keep, const float *z, float *d);

	/* --- optimizers (optimizer_kernels.h): the same bits in every instruction set --- */
	void (*adam_step)(const core_adam_scalars *scalars, int64_t n, float *param,
		const float *gradient, float *m, float *v);
	/* velocity NULL: no momentum */
	void (*sgd_step)(const core_sgd_scalars *scalars, int64_t n, float *param,
		const float *gradient, float *velocity);
	double (*sum_squares)(const float *x, int64_t n);

	/* --- maps of points (map_kernels.h) --- */
	/* out[j] = |x - y_j|^2 for the rows y_j of y [n,dims] */
	void (*squared_distances)(
		int64_t n, int64_t dims, const float *x, const float *y, float *out);
	/* Adds the forces between all pairs i < j to both points. Returns the sum of q over the pairs. */
	double (*pair_forces)(
		const core_map_points *points, const core_pairs *pairs, core_map_forces forces);
	/* Returns the sum of p log(1 + squared distance) over the pairs. */
	double (*pair_cost)(const core_map_points *points, const core_pairs *pairs);
	/* Sets attraction [2] of point i by the points index [n] with affinity [n]. */
	void (*link_attraction)(const core_map_points *points, int64_t i, int64_t n,
		const int32_t *index, const float *affinity, float attraction[2]);
	/* Sets the repulsion of `count` sorted points from `first` on, [count] each, and the sum of q, by all
	 * others. A square whose side is less than half its distance from all points that are
	 * processed together acts as its mean (Barnes-Hut, theta 0.5). */
	void (*square_repulsion)(const core_map_points *sorted, const core_square *squares,
		int32_t n_squares, int64_t first, int64_t count, float *repulsion_x,
		float *repulsion_y, float *sum_q);
} core_kernels;

enum { CORE_KERNELS_MAX = 5 };

/* The kernels that this machine supports, widest first, the portable ones last. Returns their
 * number. */
size_t core_kernels_here(const core_kernels *out[CORE_KERNELS_MAX]);

/* The fastest kernels on a processor. */
const core_kernels *core_kernels_best(const core_cpu *cpu);

/* The kernels used in this process: the fastest, or those that FAIRVOX_CPU names. If it names none
 * that this machine supports, core_kernels_check fails and the fastest are used. */
const core_kernels *core_kernels_used(void);
FV_NODISCARD fv_status core_kernels_check(fv_ctx *ctx);

/* Finds kernels by name. Errors: FV_CONFIG when this machine does not support them. */
FV_NODISCARD fv_status core_kernels_find(fv_ctx *ctx, const char *name, const core_kernels **out);

/* Like fv_linear_open, with the given kernels. */
fv_linear *core_linear_open(fv_ctx *ctx, const core_kernels *kernels, fv_precision precision,
	int64_t outputs, int64_t inputs, const float *weight, const float *bias);

#endif
