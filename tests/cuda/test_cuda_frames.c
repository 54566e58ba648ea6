/* SPDX-License-Identifier: Apache-2.0 */
/* Operations along the rows of an utterance: convolutions, LSTM layers, positions, attention. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "op_test.h"

static const int64_t long_one[] = {500, 3, 131};

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static double gelu(double x)
{
	return 0.5 * x * erfc(-x * M_SQRT1_2);
}

/* --- convolutions that keep the rows --- */

struct convolution_case {
	fv_convolution convolution;
	fv_affine a, b;
	const float *weight, *bias, *scale, *shift;
	int64_t inputs, outputs;
	bool added, in_place;
};

static fv_matrix run_convolution(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct convolution_case *c = user;
	fv_matrix own = fv_columns(x, 0, c->inputs), added = {0};
	if (c->added)
		added = fv_columns(x, c->inputs, c->inputs);
	fv_matrix y =
		c->in_place ? fv_columns(x, 0, c->outputs) : fv_pack_rows(pack, x, c->outputs);
	fv_pack_convolve(pack, &c->convolution, c->a, own, c->b, added, y);
	return y;
}

/* The sum that is convolved, of column i of row t; rows beyond the ends are reflected. */
static double find_input(
	const struct convolution_case *c, const float *x, int64_t rows, int64_t t, int64_t i)
{
	t = t < 0 ? -t : t;
	t = t >= rows ? 2 * (rows - 1) - t : t;
	const float *row = x + t * 2 * c->inputs;
	double sum = row[i];
	if (c->a.scale)
		sum = (double)c->scale[i] * row[i] + c->shift[i];
	if (c->added)
		sum += row[c->inputs + i];
	return sum;
}

static void compute_convolution(const float *x, int64_t rows, double *y, const void *user)
{
	const struct convolution_case *c = user;
	int64_t taps = c->convolution.taps;
	for (int64_t t = 0; t < rows; t++)
		for (int64_t o = 0; o < c->outputs; o++) {
			double sum = c->bias[o];
			for (int64_t k = 0; k < taps; k++)
				for (int64_t i = 0; i < c->inputs; i++)
					sum += (double)c->weight[(o * taps + k) * c->inputs + i] *
					       find_input(c, x, rows,
						       t + (k - taps / 2) * c->convolution.dilation,
						       i);
			*y++ = fmax(sum, 0);
		}
}

static void check_convolution(
	int32_t taps, int32_t dilation, bool added, bool scaled, bool in_place)
{
	float *weight, *bias, *scale, *shift;
	struct convolution_case c = {
		.inputs = 24, .outputs = 20, .added = added, .in_place = in_place};
	op_draw(c.outputs * taps * c.inputs, 0, 0.1, 1, &weight);
	op_draw(c.outputs, 0, 1, 2, &bias);
	const fv_affine affine = {
		op_draw(c.inputs, 1, 0.2, 3, &scale), op_draw(c.inputs, 0, 1, 4, &shift)};
	c.weight = weight;
	c.bias = bias;
	c.scale = scale;
	c.shift = shift;
	if (scaled)
		c.a = affine;
	c.convolution = (fv_convolution){sizeof c.convolution,
		fv_linear_open(
			op_ctx(), FV_PRECISION_FP32, c.outputs, taps * c.inputs, weight, bias),
		taps, dilation};
	char name[64];
	snprintf(name, sizeof name, "convolution, %d taps, dilation %d", taps, dilation);
	const op_test t = {name, 2 * c.inputs, dilation * (taps - 1) / 2 + 1, 2e-6, run_convolution,
		compute_convolution, &c, 0, 0};
	op_check(&t);
	if (!op_is_quick())
		op_check_lengths(&t, long_one, 1); /* several products, the result in place */
}

static void convolutions(void **state)
{
	(void)state;
	check_convolution(5, 1, false, false, false);
	check_convolution(3, 2, false, true, true);
	check_convolution(3, 4, true, true, true);
	check_convolution(1, 1, true, false, false);
}

/* --- LSTM layers --- */

enum { INPUTS = 10, HIDDEN = 36, WINDOW = 37, STEP = 9, LAYERS = 3, GATES = 4 * HIDDEN };

struct lstm_case {
	fv_lstm *layer[LAYERS];
	const float *weight_ih[LAYERS], *weight_hh[LAYERS], *bias_ih[LAYERS], *bias_hh[LAYERS];
};

static fv_matrix run_lstm(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct lstm_case *c = user;
	fv_matrix y = fv_pack_windows(pack, x, WINDOW, STEP, HIDDEN);
	fv_pack_lstm(pack, c->layer, LAYERS, WINDOW, STEP, x, y);
	return y;
}

/* One layer over a window: x [WINDOW,inputs] -> h [WINDOW,HIDDEN] */
static void compute_layer(
	const struct lstm_case *c, int l, int64_t inputs, const double *x, double h[][HIDDEN])
{
	double cell[HIDDEN] = {0}, gate[GATES];
	for (int64_t t = 0; t < WINDOW; t++) {
		for (int64_t g = 0; g < GATES; g++) {
			gate[g] = (double)c->bias_ih[l][g] + c->bias_hh[l][g];
			for (int64_t i = 0; i < inputs; i++)
				gate[g] +=
					(double)c->weight_ih[l][g * inputs + i] * x[t * inputs + i];
			for (int64_t k = 0; k < HIDDEN && t > 0; k++)
				gate[g] += (double)c->weight_hh[l][g * HIDDEN + k] * h[t - 1][k];
		}
		for (int64_t k = 0; k < HIDDEN; k++) {
			cell[k] = sigmoid(gate[HIDDEN + k]) * cell[k] +
				  sigmoid(gate[k]) * tanh(gate[2 * HIDDEN + k]);
			h[t][k] = sigmoid(gate[3 * HIDDEN + k]) * tanh(cell[k]);
		}
	}
}

static void compute_lstm(const float *x, int64_t rows, double *y, const void *user)
{
	const struct lstm_case *c = user;
	static double in[WINDOW * INPUTS], h[2][WINDOW][HIDDEN];
	for (int64_t p = 0; p * STEP + WINDOW <= rows; p++) {
		for (int64_t i = 0; i < WINDOW * INPUTS; i++)
			in[i] = x[p * STEP * INPUTS + i];
		for (int l = 0; l < LAYERS; l++)
			compute_layer(c, l, l ? HIDDEN : INPUTS, l ? &h[(l - 1) % 2][0][0] : in,
				h[l % 2]);
		for (int64_t k = 0; k < HIDDEN; k++)
			*y++ = h[(LAYERS - 1) % 2][WINDOW - 1][k];
	}
}

static void recurrent_layers(void **state)
{
	(void)state;
	struct lstm_case c;
	for (int l = 0; l < LAYERS; l++) {
		int32_t inputs = l ? HIDDEN : INPUTS;
		float *w[4];
		op_draw((int64_t)GATES * inputs, 0, 0.3, 10 + (uint64_t)l, &w[0]);
		op_draw((int64_t)GATES * HIDDEN, 0, 0.2, 20 + (uint64_t)l, &w[1]);
		op_draw(GATES, 0, 0.5, 30 + (uint64_t)l, &w[2]);
		op_draw(GATES, 0, 0.5, 40 + (uint64_t)l, &w[3]);
		c.layer[l] = fv_lstm_open(op_ctx(), inputs, HIDDEN, w[0], w[1], w[2], w[3]);
		assert_non_null(c.layer[l]);
		c.weight_ih[l] = w[0];
		c.weight_hh[l] = w[1];
		c.bias_ih[l] = w[2];
		c.bias_hh[l] = w[3];
	}
	op_check(&(op_test){"LSTM", INPUTS, WINDOW, 3e-6, run_lstm, compute_lstm, &c, 0, 0});
}

/* --- positions --- */

struct position_case {
	core_position position;
	const float *weight, *bias; /* [groups][size,taps,size], [width] */
};

static fv_matrix run_position(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct position_case *c = user;
	fv_matrix y = fv_pack_rows(pack, x, x.width);
	pack->ops->position(pack->queue, &c->position, x, y);
	return y;
}

static void compute_position(const float *x, int64_t rows, double *y, const void *user)
{
	const struct position_case *c = user;
	int64_t taps = c->position.taps, width = c->position.width,
		size = width / c->position.groups;
	for (int64_t t = 0; t < rows; t++)
		for (int64_t o = 0; o < width; o++) {
			double sum = c->bias[o];
			const float *w = c->weight + o * taps * size;
			for (int64_t k = 0; k < taps; k++)
				for (int64_t i = 0; i < size; i++) {
					int64_t at = t + k - taps / 2;
					if (at >= 0 && at < rows)
						sum += (double)w[k * size + i] *
						       x[at * width + o / size * size + i];
				}
			*y++ = gelu(sum);
		}
}

static void positions(void **state)
{
	(void)state;
	static const int64_t taps[] = {128, 19};
	for (int i = 0; i < 8; i++) {
		float *weight, *bias;
		struct position_case c = {.position = {48, 4, taps[i % 2], NULL}};
		int64_t size = 12, n = size * size * c.position.taps;
		fv_linear *linear[4];
		op_draw(4 * n, 0, 1 / sqrt((double)(size * c.position.taps)), 5, &weight);
		op_draw(48, 0, 1, 6, &bias);
		for (int g = 0; g < 4; g++)
			linear[g] = fv_linear_open(op_ctx(), (fv_precision)(i / 2), size,
				size * c.position.taps, weight + g * n, bias + g * size);
		c.position.linear = linear;
		c.weight = weight;
		c.bias = bias;
		const double tolerance[] = {3e-6, 3e-5, 2e-2, 2e-3};
		char name[64];
		snprintf(name, sizeof name, "positions, %lld taps, precision %d",
			(long long)c.position.taps, i / 2);
		const op_test t = {
			name, 48, 1, tolerance[i / 2], run_position, compute_position, &c, 0, 0};
		op_check(&t);
		if (!op_is_quick())
			op_check_lengths(&t, long_one, i < 2 ? 3 : 1); /* cut into pieces */
	}
}

/* --- attention --- */

struct attention_case {
	core_heads heads;
	const float *gate, *gate_bias, *constant, *bias; /* in the host's memory; gate NULL: none */
	const float *bias_there;
};

enum { LONGEST = 500, LINE = 2 * LONGEST - 1 };

/* The bias is of the longest utterance of the pack: the middle of that for the longest of all. */
static const float *cut_bias(fv_pack *pack, const struct attention_case *c, int64_t longest)
{
	int64_t line = 2 * longest - 1;
	float *bias = core_pack_host(pack, (size_t)(c->heads.heads * line) * sizeof *bias);
	for (int64_t h = 0; h < c->heads.heads; h++)
		for (int64_t i = 0; i < line; i++)
			bias[h * line + i] = c->bias[h * LINE + LONGEST - longest + i];
	return core_pack_put(pack, bias, c->heads.heads * line);
}

static fv_matrix run_attention(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct attention_case *c = user;
	fv_matrix joined = op_part(pack, x, 0, 3 * c->heads.width);
	fv_matrix own = op_part(pack, x, 3 * c->heads.width, c->heads.width);
	const float *bias = c->gate ? cut_bias(pack, c, x.layout->longest) : NULL;
	pack->ops->attend(pack->queue, &c->heads, joined, own, bias, own);
	return own;
}

static double find_gate(
	const struct attention_case *c, const float *own, int64_t size, int64_t head)
{
	double a = c->gate_bias[0], b = c->gate_bias[1];
	for (int64_t d = 0; d < size; d++) {
		a += (double)c->gate[d] * own[d];
		b += (double)c->gate[size + d] * own[d];
	}
	return sigmoid(a) * (sigmoid(b) * c->constant[head] - 1) + 2;
}

/* One query of one head; row: numbers of a row of x */
static void attend_query(const struct attention_case *c, const float *x, int64_t rows, int64_t t,
	int64_t head, double *y)
{
	int64_t width = c->heads.width, size = width / c->heads.heads, row = 4 * width;
	const float *q = x + t * row + head * size;
	double gate = c->gate ? find_gate(c, q + 3 * width, size, head) : 0, total = 0,
	       score[LONGEST];
	for (int64_t k = 0; k < rows; k++) {
		const float *key = x + k * row + width + head * size;
		double sum = 0;
		for (int64_t d = 0; d < size; d++)
			sum += (double)q[d] * key[d];
		score[k] = sum / sqrt((double)size);
		if (c->gate)
			score[k] += gate * c->bias[head * LINE + LONGEST - 1 + k - t];
		total += exp(score[k]);
	}
	for (int64_t d = 0; d < size; d++) {
		y[d] = 0;
		for (int64_t k = 0; k < rows; k++)
			y[d] += exp(score[k]) / total * x[k * row + 2 * width + head * size + d];
	}
}

static void compute_attention(const float *x, int64_t rows, double *y, const void *user)
{
	const struct attention_case *c = user;
	int64_t size = c->heads.width / c->heads.heads;
	for (int64_t t = 0; t < rows; t++)
		for (int64_t h = 0; h < c->heads.heads; h++, y += size)
			attend_query(c, x, rows, t, h, y);
}

static void check_attention(int64_t size, bool biased)
{
	float *gate, *gate_bias, *constant, *bias;
	struct attention_case c = {.heads = {2 * size, 2, NULL, NULL}};
	op_draw(2 * size, 0, 0.3, 7, &gate);
	op_draw(2, 0, 1, 8, &gate_bias);
	c.heads.constant = op_draw(2, 1, 0.2, 9, &constant);
	op_draw((int64_t)2 * LINE, 0, 1, 10, &bias);
	if (biased) {
		c.heads.gate =
			fv_linear_open(op_ctx(), FV_PRECISION_FP32, 2, size, gate, gate_bias);
		c.gate = gate;
	}
	c.gate_bias = gate_bias;
	c.constant = constant;
	c.bias = bias;
	char name[64];
	snprintf(name, sizeof name, "attention, heads of %lld%s", (long long)size,
		biased ? ", gated bias" : "");
	const op_test t = {name, 8 * size, 1, 4e-6, run_attention, compute_attention, &c, 0, 0};
	op_check(&t);
	if (size == 64 && !op_is_quick())
		op_check_lengths(&t, long_one, 3);
}

static void attention(void **state)
{
	(void)state;
	static const int64_t sizes[] = {12, 16, 64, 80, 128};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		check_attention(sizes[i], true);
		check_attention(sizes[i], false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(convolutions),
		cmocka_unit_test(recurrent_layers),
		cmocka_unit_test(positions),
		cmocka_unit_test(attention),
	};
	return cmocka_run_group_tests(tests, NULL, op_close);
}
