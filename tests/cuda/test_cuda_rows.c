/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on rows: norms, products in each precision, dense layers, scales, gates. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "op_test.h"

/* --- layer norm, sum --- */

struct norm_case {
	core_norm norm;
	const float *scale, *offset; /* in the host's memory */
	int64_t width;
};

static fv_matrix run_norm(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct norm_case *c = user;
	pack->ops->layer_norm(pack->queue, &c->norm, x, x);
	return x;
}

static void compute_norm(const float *x, int64_t rows, double *y, const void *user)
{
	const struct norm_case *c = user;
	for (int64_t r = 0; r < rows; r++, x += c->width, y += c->width) {
		double mean = 0, square = 0;
		for (int64_t i = 0; i < c->width; i++)
			mean += x[i] / (double)c->width;
		for (int64_t i = 0; i < c->width; i++)
			square += (x[i] - mean) * (x[i] - mean) / (double)c->width;
		for (int64_t i = 0; i < c->width; i++)
			y[i] = (x[i] - mean) / sqrt(square + (double)c->norm.eps) * c->scale[i] +
			       c->offset[i];
	}
}

static void layer_norms(void **state)
{
	(void)state;
	static const int64_t widths[] = {1, 40, 512, 768, 1024, 1280};
	for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
		float *scale, *offset;
		struct norm_case c = {.width = widths[i]};
		c.norm = (core_norm){op_draw(widths[i], 1, 0.1, 1, &scale),
			op_draw(widths[i], 0, 1, 2, &offset), 1e-5F};
		c.scale = scale;
		c.offset = offset;
		char name[64];
		snprintf(name, sizeof name, "layer norm, %lld wide", (long long)widths[i]);
		op_check(&(op_test){name, widths[i], 1, 2e-6, run_norm, compute_norm, &c, 5, 2});
	}
}

static fv_matrix run_add(fv_pack *pack, fv_matrix x, const void *user)
{
	int64_t width = *(const int64_t *)user;
	fv_matrix y = op_part(pack, x, width, width);
	pack->ops->add(pack->queue, op_part(pack, x, 0, width), y);
	return y;
}

static void compute_add(const float *x, int64_t rows, double *y, const void *user)
{
	int64_t width = *(const int64_t *)user;
	for (int64_t r = 0; r < rows; r++, x += 2 * width)
		for (int64_t c = 0; c < width; c++)
			*y++ = (double)x[c] + x[width + c];
}

static void sums(void **state)
{
	(void)state;
	const int64_t width = 70;
	op_check(&(op_test){"sum", 2 * width, 1, 2e-7, run_add, compute_add, &width, 0, 0});
}

/* --- products --- */

struct product_case {
	fv_linear *linear, *outer;
	int64_t inputs, outputs;
	const float *weight, *bias, *outer_weight; /* in the host's memory */
	bool add;
	fv_activation activation;
};

static double activate(fv_activation f, double x)
{
	if (f == FV_ACTIVATION_RELU)
		return x > 0 ? x : 0;
	return f == FV_ACTIVATION_GELU ? 0.5 * x * erfc(-x * M_SQRT1_2) : x;
}

/* y is the input's last columns, so that there is something to add to. */
static fv_matrix run_product(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct product_case *c = user;
	fv_matrix y = op_part(pack, x, c->inputs, c->outputs);
	fv_pack_linear(pack, c->linear, fv_columns(x, 0, c->inputs), c->add, c->activation, y);
	return y;
}

static void compute_product(const float *x, int64_t rows, double *y, const void *user)
{
	const struct product_case *c = user;
	for (int64_t r = 0; r < rows; r++, x += c->inputs + c->outputs)
		for (int64_t o = 0; o < c->outputs; o++) {
			double sum = (c->bias ? c->bias[o] : 0) + (c->add ? x[c->inputs + o] : 0);
			for (int64_t i = 0; i < c->inputs; i++)
				sum += (double)c->weight[o * c->inputs + i] * x[i];
			*y++ = activate(c->activation, sum);
		}
}

static void check_product(
	int64_t inputs, int64_t outputs, fv_precision precision, double tolerance, int variant)
{
	static const char *const names[] = {"fp32", "bf16x3", "bf16", "tf32"};
	float *weight, *bias;
	op_draw(outputs * inputs, 0, 1 / sqrt((double)inputs), 3, &weight);
	op_draw(outputs, 0, 1, 4, &bias);
	struct product_case c = {.inputs = inputs,
		.outputs = outputs,
		.weight = weight,
		.bias = variant ? bias : NULL,
		.add = variant == 2,
		.activation = (fv_activation)variant};
	c.linear = fv_linear_open(op_ctx(), precision, outputs, inputs, weight, c.bias);
	assert_non_null(c.linear);
	char name[96];
	snprintf(name, sizeof name, "product %s, %lld -> %lld%s", names[precision],
		(long long)inputs, (long long)outputs,
		variant == 2   ? ", sum, GELU"
		: variant == 1 ? ", ReLU"
			       : "");
	double typical = op_check(&(op_test){
		name, inputs + outputs, 1, tolerance, run_product, compute_product, &c, 0, 0});
	if (precision == FV_PRECISION_TF32) /* rounded, and no more than that */
		assert_true(typical > 1e-4 && typical < 5e-4);
}

static void products(void **state)
{
	(void)state;
	static const double tolerance[] = {2e-6, 3e-5, 2e-2, 2e-3};
	for (int p = 0; p < 4; p++)
		for (int variant = 0; variant < 3; variant++) {
			check_product(37, 5, (fv_precision)p, tolerance[p], variant);
			if (op_is_quick())
				continue;
			check_product(40, 24, (fv_precision)p, tolerance[p], variant);
			check_product(512, 192, (fv_precision)p, tolerance[p], variant);
		}
	check_product(768, 128, FV_PRECISION_FP32, 2e-6, 0);
}

/* y += outer(gelu(inner(x))), y = x */
static fv_matrix run_inner(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct product_case *c = user;
	pack->ops->feed_forward(pack->queue, c->linear, c->outputs, c->outer, x, x);
	return x;
}

static void compute_inner(const float *x, int64_t rows, double *y, const void *user)
{
	const struct product_case *c = user;
	double *h = calloc((size_t)c->outputs, sizeof *h);
	assert_non_null(h);
	for (int64_t r = 0; r < rows; r++, x += c->inputs) {
		for (int64_t o = 0; o < c->outputs; o++) {
			double sum = c->bias[o];
			for (int64_t i = 0; i < c->inputs; i++)
				sum += (double)c->weight[o * c->inputs + i] * x[i];
			h[o] = activate(FV_ACTIVATION_GELU, sum);
		}
		for (int64_t i = 0; i < c->inputs; i++) {
			double sum = x[i];
			for (int64_t o = 0; o < c->outputs; o++)
				sum += (double)c->outer_weight[i * c->outputs + o] * h[o];
			*y++ = sum;
		}
	}
	free(h);
}

static void inner_networks(void **state)
{
	(void)state;
	static const double tolerance[] = {2e-6, 3e-5, 2e-2, 2e-3};
	for (int p = 0; p < 4; p++) {
		float *weight, *bias, *outer;
		struct product_case c = {.inputs = 96, .outputs = 160};
		op_draw(c.outputs * c.inputs, 0, 0.1, 5, &weight);
		op_draw(c.outputs, 0, 1, 6, &bias);
		op_draw(c.outputs * c.inputs, 0, 0.1, 7, &outer);
		c.weight = weight;
		c.bias = bias;
		c.outer_weight = outer;
		c.linear = fv_linear_open(
			op_ctx(), (fv_precision)p, c.outputs, c.inputs, weight, bias);
		c.outer =
			fv_linear_open(op_ctx(), (fv_precision)p, c.inputs, c.outputs, outer, NULL);
		char name[64];
		snprintf(name, sizeof name, "inner network, precision %d", p);
		op_check(&(op_test){
			name, c.inputs, 1, tolerance[p], run_inner, compute_inner, &c, 0, 0});
	}
}

/* --- dense layers --- */

struct dense_case {
	fv_dense *dense;
	fv_function f;
	double factor;
	int64_t inputs, outputs;
	const float *weight, *bias;
};

static fv_matrix run_dense(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct dense_case *c = user;
	fv_matrix y = fv_pack_rows(pack, x, c->outputs);
	fv_pack_dense(pack, c->dense, c->f, c->factor, x, y);
	return y;
}

static void compute_dense(const float *x, int64_t rows, double *y, const void *user)
{
	const struct dense_case *c = user;
	for (int64_t r = 0; r < rows; r++, x += c->inputs, y += c->outputs) {
		double sum = 0;
		for (int64_t o = 0; o < c->outputs; o++) {
			double z = c->bias[o];
			for (int64_t i = 0; i < c->inputs; i++)
				z += (double)c->weight[o * c->inputs + i] * x[i];
			z *= c->factor;
			y[o] = c->f == FV_FUNCTION_RELU      ? fmax(z, 0)
			       : c->f == FV_FUNCTION_TANH    ? tanh(z)
			       : c->f == FV_FUNCTION_SOFTMAX ? exp(z)
							     : z;
			sum += y[o];
		}
		for (int64_t o = 0; o < c->outputs && c->f == FV_FUNCTION_SOFTMAX; o++)
			y[o] /= sum;
	}
}

static void dense_layers(void **state)
{
	(void)state;
	for (int f = FV_FUNCTION_NONE; f <= FV_FUNCTION_SOFTMAX; f++) {
		float *weight, *bias;
		struct dense_case c = {.f = (fv_function)f,
			.factor = f == FV_FUNCTION_SOFTMAX ? 0.5 : 1,
			.inputs = 100,
			.outputs = f == FV_FUNCTION_SOFTMAX ? 3 : 45};
		op_draw(c.outputs * c.inputs, 0, 0.1, 8, &weight);
		op_draw(c.outputs, 0, 1, 9, &bias);
		c.weight = weight;
		c.bias = bias;
		c.dense = fv_dense_open(op_ctx(), f % 2 ? FV_SUMS_DOUBLE : FV_SUMS_FLOAT, c.outputs,
			c.inputs, weight, bias);
		assert_non_null(c.dense);
		op_check(&(op_test){
			"dense layer", c.inputs, 1, 3e-7, run_dense, compute_dense, &c, 0, 0});
	}
}

/* --- scales, gates, copies --- */

struct scale_case {
	fv_affine affine;
	fv_function f;
	const float *scale, *shift;
	int64_t width;
};

static struct scale_case make_scale(int64_t width, fv_function f)
{
	float *scale, *shift;
	const float *a = op_draw(width, 1, 0.3, 10, &scale), *b = op_draw(width, 0, 1, 11, &shift);
	return (struct scale_case){{a, b}, f, scale, shift, width};
}

static fv_matrix run_scale(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct scale_case *c = user;
	fv_pack_affine(pack, c->affine, c->f, x, x);
	return x;
}

static void compute_scale(const float *x, int64_t rows, double *y, const void *user)
{
	const struct scale_case *c = user;
	for (int64_t r = 0; r < rows; r++)
		for (int64_t i = 0; i < c->width; i++) {
			double z = (double)c->scale[i] * *x++ + c->shift[i];
			*y++ = c->f == FV_FUNCTION_RELU   ? fmax(z, 0)
			       : c->f == FV_FUNCTION_TANH ? tanh(z)
							  : z;
		}
}

static void scales(void **state)
{
	(void)state;
	for (int f = FV_FUNCTION_NONE; f <= FV_FUNCTION_TANH; f++) {
		struct scale_case c = make_scale(77, (fv_function)f);
		op_check(&(op_test){
			"scale and shift", c.width, 1, 4e-7, run_scale, compute_scale, &c, 0, 0});
	}
}

/* Each row gets its utterance's mean, so that spread has something to copy. */
static fv_matrix run_spread(fv_pack *pack, fv_matrix x, const void *user)
{
	(void)user;
	fv_matrix mean = fv_pack_utterances(pack, x.width), y = fv_pack_rows(pack, x, x.width);
	fv_pack_mean(pack, FV_SUMS_DOUBLE, x, mean);
	fv_pack_spread(pack, mean, y);
	return y;
}

static void compute_spread(const float *x, int64_t rows, double *y, const void *user)
{
	int64_t width = *(const int64_t *)user;
	for (int64_t c = 0; c < width; c++) {
		double sum = 0;
		for (int64_t r = 0; r < rows; r++)
			sum += x[r * width + c];
		for (int64_t r = 0; r < rows; r++)
			y[r * width + c] = sum / (double)rows;
	}
}

static void spreads(void **state)
{
	(void)state;
	const int64_t width = 50;
	op_check(&(op_test){
		"mean, spread", width, 1, 2e-7, run_spread, compute_spread, &width, 0, 0});
}

/* y = sigmoid(mean of y) (scale y + shift) + x */
static fv_matrix run_gate(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct scale_case *c = user;
	fv_matrix gate = fv_pack_utterances(pack, c->width);
	fv_matrix y = op_part(pack, x, 0, c->width);
	fv_pack_mean(pack, FV_SUMS_DOUBLE, y, gate);
	fv_pack_gate(pack, c->affine, gate, fv_columns(x, c->width, c->width), y);
	return y;
}

static void compute_gate(const float *x, int64_t rows, double *y, const void *user)
{
	const struct scale_case *c = user;
	for (int64_t i = 0; i < c->width; i++) {
		double mean = 0;
		for (int64_t r = 0; r < rows; r++)
			mean += x[r * 2 * c->width + i] / (double)rows;
		double open = 1 / (1 + exp(-mean));
		for (int64_t r = 0; r < rows; r++)
			y[r * c->width + i] =
				open * ((double)c->scale[i] * x[r * 2 * c->width + i] +
					       c->shift[i]) +
				x[(r * 2 + 1) * c->width + i];
	}
}

static void gates(void **state)
{
	(void)state;
	struct scale_case c = make_scale(66, FV_FUNCTION_NONE);
	op_check(&(op_test){"gate", 2 * c.width, 1, 4e-7, run_gate, compute_gate, &c, 0, 0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layer_norms),
		cmocka_unit_test(sums),
		cmocka_unit_test(products),
		cmocka_unit_test(inner_networks),
		cmocka_unit_test(dense_layers),
		cmocka_unit_test(scales),
		cmocka_unit_test(spreads),
		cmocka_unit_test(gates),
	};
	return cmocka_run_group_tests(tests, NULL, op_close);
}
