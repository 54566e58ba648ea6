/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs' part of the gates is one matrix product for some steps at once. The recurrent part is
 * a product of very few rows, step by step, which reads all of W_hh each time: it is kept in blocks
 * of sixteen gates, so that four sequences share each reading of it.
 *
 * The recurrent sums run in a fixed order, in parts of SPAN terms, without fused operations: they
 * do not depend on the instruction set. */
#include <fairvox/nn.h>

#include <assert.h>
#include <string.h>

#include <cblas.h>

#include "backend/blas.h"
#include "backend/cpu_ops.h"
#include "backend/gates.h"

#define WIDE 16 /* gates in a block */
#define TILE 4  /* sequences that share a reading of the weights */
#define SPAN 64 /* terms summed before the sum goes to the total */
#define ROWS 64 /* of the inputs' matrix product, about */

struct fv_lstm {
	int32_t inputs, hidden;
	float *weight_ih; /* [4H,D] */
	float *weight_hh; /* [4H/WIDE, H, WIDE] */
	float *bias;      /* [4H] both summed */
};

fv_lstm *core_cpu_open_lstm(fv_ctx *ctx, core_device *device, int32_t inputs, int32_t hidden,
	const float *weight_ih, const float *weight_hh, const float *bias_ih, const float *bias_hh)
{
	(void)device;
	assert(inputs > 0 && hidden > 0 && hidden % 4 == 0);
	size_t gates = 4 * (size_t)hidden, h = (size_t)hidden;
	fv_lstm *lstm = core_blas_open(ctx) ? NULL : fv_alloc(ctx, sizeof *lstm);
	if (!lstm)
		return NULL;
	*lstm = (fv_lstm){inputs, hidden, fv_alloc(ctx, gates * (size_t)inputs * sizeof(float)),
		fv_alloc(ctx, gates * h * sizeof(float)), fv_alloc(ctx, gates * sizeof(float))};
	if (!lstm->weight_ih || !lstm->weight_hh || !lstm->bias)
		return NULL;
	memcpy(lstm->weight_ih, weight_ih, gates * (size_t)inputs * sizeof(float));
	for (size_t g = 0; g < gates; g++) {
		lstm->bias[g] = bias_ih[g] + bias_hh[g];
		for (size_t k = 0; k < h; k++)
			lstm->weight_hh[(g / WIDE * h + k) * WIDE + g % WIDE] =
				weight_hh[g * h + k];
	}
	return lstm;
}

/* gates [rows of 4H], at `gates` -> plus W_hh h of `tile` sequences, h [tile,H]; one block of WIDE.
 */
static inline __attribute__((always_inline)) void add_block(
	int32_t hidden, const float *weight, const float *h, int tile, float *gates)
{
	core_lanes total[TILE][2] = {0};
	for (int32_t from = 0; from < hidden; from += SPAN) {
		core_lanes sum[TILE][2] = {0};
		int32_t to = from + SPAN < hidden ? from + SPAN : hidden;
		for (int32_t k = from; k < to; k++) {
			const core_lanes *w = (const core_lanes *)(const void *)(weight + k * WIDE);
			for (int p = 0; p < tile; p++) {
				float value = h[p * hidden + k];
				sum[p][0] += w[0] * value;
				sum[p][1] += w[1] * value;
			}
		}
		for (int p = 0; p < tile; p++) {
			total[p][0] += sum[p][0];
			total[p][1] += sum[p][1];
		}
	}
	for (int p = 0; p < tile; p++) {
		core_lanes *out = (core_lanes *)(void *)(gates + (size_t)p * 4 * (size_t)hidden);
		out[0] += total[p][0];
		out[1] += total[p][1];
	}
}

/* gates [P,4H] += h [P,H] W_hh' */
CORE_LANES_FAST static void add_recurrent(
	const fv_lstm *lstm, const float *h, int64_t sequences, float *gates)
{
	int32_t hidden = lstm->hidden;
	for (int64_t p = 0; p < sequences; p += TILE) {
		int64_t left = sequences - p;
		const float *state = h + p * hidden;
		for (int32_t g = 0; g < 4 * hidden; g += WIDE) {
			const float *weight = lstm->weight_hh + (size_t)g * (size_t)hidden;
			float *out = gates + p * 4 * hidden + g;
			if (left >= 4)
				add_block(hidden, weight, state, 4, out);
			else if (left == 3)
				add_block(hidden, weight, state, 3, out);
			else if (left == 2)
				add_block(hidden, weight, state, 2, out);
			else
				add_block(hidden, weight, state, 1, out);
		}
	}
}

/* gates [rows,4H] = bias + x [rows,D] W_ih' */
static void add_inputs(const fv_lstm *lstm, const float *x, int64_t rows, float *gates)
{
	int n = 4 * lstm->hidden, d = lstm->inputs;
	for (int64_t r = 0; r < rows; r++)
		memcpy(gates + r * n, lstm->bias, (size_t)n * sizeof *gates);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, n, d, 1, x, d,
		lstm->weight_ih, d, 1, gates, n);
}

/* Chooses how many steps one matrix product computes. */
static int64_t choose_block(int64_t sequences)
{
	return sequences < ROWS ? ROWS / sequences : 1;
}

size_t fv_lstm_scratch(const fv_lstm *lstm, int64_t sequences)
{
	int64_t rows = sequences < ROWS ? ROWS : sequences;
	return (size_t)((rows * 4 + sequences) * lstm->hidden);
}

void fv_lstm_apply(const fv_lstm *lstm, const float *x, int64_t steps, int64_t sequences, float *y,
	float *scratch)
{
	int64_t hidden = lstm->hidden, wide = 4 * hidden, block = choose_block(sequences);
	float *gates = scratch, *cell = gates + block * sequences * wide;
	memset(cell, 0, (size_t)(sequences * hidden) * sizeof *cell);
	for (int64_t first = 0; first < steps; first += block) {
		int64_t n = steps - first < block ? steps - first : block;
		add_inputs(lstm, x + first * sequences * lstm->inputs, n * sequences, gates);
		for (int64_t t = first; t < first + n; t++) {
			float *gate = gates + (t - first) * sequences * wide;
			float *now = y + t * sequences * hidden;
			if (t > 0)
				add_recurrent(lstm, now - sequences * hidden, sequences, gate);
			core_lstm_step(gate, sequences, lstm->hidden, cell, now);
		}
	}
}
