/* SPDX-License-Identifier: Apache-2.0 */
/* All arithmetic that is written for an instruction set: of encoders (linear.h, vector.h) and of training
 * (nn/head.h, nn/adam.h); and which of it is used: what suits the processor best, or what the environment
 * variable FAIRVOX_CPU names. */
#ifndef CORE_BACKEND_KERNELS_H
#define CORE_BACKEND_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fairvox/linear.h>

#include "backend/cpu.h"
#include "base/context.h"

/* Products of rows and panels of weights. A panel holds the weights of `width` outputs: for each
 * unit of depth (a float32, or two bfloat16 where `unit` is 2) those of all outputs side by side, 4
 * bytes each. The last panel of a matrix is as narrow as full vectors of `lanes` outputs allow. */
typedef struct core_tiles {
	int32_t rows, width, lanes; /* largest tile: rows x width outputs */
	int32_t row_step;           /* x has a multiple of so many rows, the last may be nothing */
	int32_t unit;               /* numbers in 4 bytes: 1 float32, 2 bfloat16 */
	int32_t depth_step;         /* depth is a multiple of so many numbers */
	/* Before and after the products of one call; NULL: nothing to do. */
	void (*begin)(void);
	void (*end)(void);
	/* sum [rows,width] 64-byte aligned, = or += (more) x panel over `depth` units; rows of x
	 * lie `stride` bytes apart; only vectors * lanes columns of sum are written. */
	void (*tile)(int32_t rows, int32_t vectors, int64_t depth, const void *x, int64_t stride,
		const void *panel, bool more, float *sum);
} core_tiles;

/* y = activation(add y + sum + bias) of a tile: `outputs` <= width numbers of each row */
typedef struct core_finish {
	int32_t rows, outputs, width;
	bool add;
	fv_activation activation;
	const float *sum, *bias; /* [rows,width], [width] */
	float *y;
	int64_t stride_y;
} core_finish;

/* What nn/adam.h makes of a step's settings */
typedef struct core_adam_scalars {
	float scale, l2, keep, one_beta1, beta2, one_beta2, rate, root, eps;
} core_adam_scalars;

typedef struct core_kernels {
	const char *name;
	bool (*supported)(const core_cpu *cpu);

	/* --- encoders --- */
	const core_tiles *fp32;
	const core_tiles *bf16; /* NULL: float32 products of rounded numbers, which are the same */
	void (*finish)(const core_finish *job);
	/* x [n] -> bfloat16 nearest to it, and (low not NULL) the one nearest to what is left: as
	 * float32 in `split`, as bfloat16 in `pack`. What is beyond bfloat16's range is rounded
	 * towards 0; what is not finite leaves 0. */
	void (*split)(const float *x, int64_t n, float *high, float *low);
	void (*pack)(const float *x, int64_t n, uint16_t *high, uint16_t *low);
	void (*gelu)(const float *x, float *y, int64_t n);
	void (*layer_norm)(const float *x, int64_t rows, int64_t width, const float *scale,
		const float *offset, float eps, float *y);
	void (*softmax)(float *x, int64_t rows, int64_t width, int64_t stride);
	void (*column_moments)(const float *x, const float *logit, int64_t rows, int64_t width,
		int64_t stride, const float *centre, const float *peak, double *sums);

	/* --- a head whose layers are carried by their product M [C,D] (collapse_kernels.h) --- */
	/* M [C,D] = W2 [C,H] W1 [H,D] */
	void (*collapse_product)(int32_t classes, int32_t projection, int32_t dims,
		const float *output, const float *weight, float *product);
	/* One row x [L,D] -> dots [L,C] = x M^T, mixed [D] = sum_l share_l x_l. next: the row that will be
	 * taken after it, which is fetched meanwhile (rows lie anywhere in far more memory than the
	 * caches hold: this halves the time), or x again. */
	void (*collapse_row)(int32_t classes, int32_t layers, int32_t dims, const float *x,
		const float *next, const float *product, const float *share, float *dots,
		float *mixed);
	/* G [C,D] -> d_weight [H,D] = W2^T G, d_output [C,H] += G W1^T */
	void (*collapse_gradient)(int32_t classes, int32_t projection, int32_t dims,
		const float *output, const float *weight, const float *outer, float *d_weight,
		float *d_output);

	/* --- Adam (adam_kernels.h): the same bits in every instruction set --- */
	void (*adam_step)(const core_adam_scalars *scalars, int64_t n, float *param,
		const float *gradient, float *m, float *v);
	double (*sum_squares)(const float *x, int64_t n);
} core_kernels;

enum { CORE_KERNELS_MAX = 5 };

/* Those that this machine has, the widest first, the portable one last. Returns how many. */
size_t core_kernels_here(const core_kernels *out[CORE_KERNELS_MAX]);

/* The fastest on a processor. */
const core_kernels *core_kernels_best(const core_cpu *cpu);

/* What is used in this process: the fastest, or the one that FAIRVOX_CPU names. Where it names none of
 * this machine, core_kernels_check says so, and this is the fastest. */
const core_kernels *core_kernels_used(void);
FV_NODISCARD fv_status core_kernels_check(fv_ctx *ctx);

/* As core_kernels_check, with the name given; *out is set when it is one of this machine. */
FV_NODISCARD fv_status core_kernels_find(fv_ctx *ctx, const char *name, const core_kernels **out);

/* fv_linear_open with kernels of the caller's choice */
fv_linear *core_linear_open(fv_ctx *ctx, const core_kernels *kernels, fv_precision precision,
	int64_t outputs, int64_t inputs, const float *weight, const float *bias);

#endif
