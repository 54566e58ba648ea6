/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs' part of the gates is one matrix product for some steps at once. The recurrent part is a product
 * of very few rows, step by step, which reads all of W_hh each time. Neither depends on the number of rows. */
#include <fairvox/nn.h>

#include <assert.h>
#include <string.h>

#include "backend/cpu_ops.h"
#include "backend/kernels.h"

enum { ROWS = 64 /* of the inputs' matrix product, about */ };

struct fv_lstm {
	int32_t inputs, hidden;
	fv_linear *input, *recurrent; /* [4H,D] with both biases, [4H,H] without */
};

fv_lstm *core_cpu_open_lstm(fv_ctx *ctx, core_device *device, int32_t inputs, int32_t hidden,
	const float *weight_ih, const float *weight_hh, const float *bias_ih, const float *bias_hh)
{
	assert(inputs > 0 && hidden > 0 && hidden % 4 == 0);
	int64_t gates = 4 * (int64_t)hidden;
	fv_lstm *lstm = fv_alloc(ctx, sizeof *lstm);
	float *bias = fv_scratch(ctx, (size_t)gates * sizeof *bias);
	if (!lstm || !bias)
		return NULL;
	for (int64_t g = 0; g < gates; g++)
		bias[g] = bias_ih[g] + bias_hh[g];
	*lstm = (fv_lstm){inputs, hidden,
		core_cpu_open_linear(
			ctx, device, FV_PRECISION_FP32, gates, inputs, weight_ih, bias),
		core_cpu_open_linear(
			ctx, device, FV_PRECISION_FP32, gates, hidden, weight_hh, NULL)};
	return lstm->input && lstm->recurrent ? lstm : NULL;
}

/* Chooses how many steps one matrix product computes. */
static int64_t choose_block(int64_t sequences)
{
	return sequences < ROWS ? ROWS / sequences : 1;
}

static int64_t count_rows(int64_t sequences)
{
	return sequences < ROWS ? ROWS : sequences;
}

size_t fv_lstm_scratch(const fv_lstm *lstm, int64_t sequences)
{
	int64_t rows = count_rows(sequences);
	size_t input = fv_linear_scratch(lstm->input, rows);
	size_t recurrent = fv_linear_scratch(lstm->recurrent, sequences);
	return (size_t)((rows * 4 + sequences) * lstm->hidden) +
	       (input > recurrent ? input : recurrent);
}

void fv_lstm_apply(const fv_lstm *lstm, const float *x, int64_t steps, int64_t sequences, float *y,
	float *scratch)
{
	int64_t d = lstm->inputs, hidden = lstm->hidden, wide = 4 * hidden;
	int64_t block = choose_block(sequences);
	float *gates = scratch, *cell = gates + count_rows(sequences) * wide;
	float *rest = cell + sequences * hidden;
	memset(cell, 0, (size_t)(sequences * hidden) * sizeof *cell);
	for (int64_t first = 0; first < steps; first += block) {
		int64_t n = steps - first < block ? steps - first : block;
		fv_linear_apply(lstm->input, n * sequences, x + first * sequences * d, d, 0,
			FV_ACTIVATION_NONE, gates, wide, rest);
		for (int64_t t = first; t < first + n; t++) {
			float *gate = gates + (t - first) * sequences * wide;
			float *now = y + t * sequences * hidden;
			if (t > 0)
				fv_linear_apply(lstm->recurrent, sequences,
					now - sequences * hidden, hidden, 1, FV_ACTIVATION_NONE,
					gate, wide, rest);
			core_kernels_used()->lstm_step(sequences, hidden, gate, cell, now);
		}
	}
}
