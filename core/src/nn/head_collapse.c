/* SPDX-License-Identifier: Apache-2.0 */
/* A head without hidden layers, whose linear layers are replaced by their product. Without projection the
 * product is the output layer's weight. */
#include <string.h>

#include "nn/blocks.h"
#include "nn/head_private.h"

void core_head_collapse(core_head *head, const float *params)
{
	const core_head_shape *s = &head->shape;
	const core_dense *output = &head->dense[head->n_dense - 1], *projection = head->dense;
	const float *weight = params + output->weight->offset;
	const float *constant = params + output->bias->offset;
	if (!s->projection) {
		memcpy(head->product, weight, (size_t)output->weight->count * sizeof *weight);
		memcpy(head->constant, constant, (size_t)s->classes * sizeof *constant);
		return;
	}
	const float *bias = params + projection->bias->offset;
	head->kernels->collapse_product(s->classes, s->projection, s->dims, weight,
		params + projection->weight->offset, head->product);
	for (int32_t c = 0; c < s->classes; c++) {
		double sum = constant[c];
		for (int32_t h = 0; h < s->projection; h++)
			sum += (double)weight[(size_t)c * (size_t)s->projection + (size_t)h] *
			       bias[h];
		head->constant[c] = (float)sum;
	}
}

/* z = sum_l s_l (x_l M^T) + W2 b1 + b2 */
void core_head_collapsed_forward(core_head *head, const float *const *x, int32_t n, float *logits)
{
	const core_head_shape *s = &head->shape;
	size_t classes = (size_t)s->classes, layers = (size_t)s->layers;
	for (size_t i = 0; i < (size_t)n; i++) {
		float *dots = head->dots + i * layers * classes;
		head->kernels->collapse_row(s->classes, s->layers, s->dims, x[i],
			x[i + 1 < (size_t)n ? i + 1 : i], head->product, head->share, dots,
			head->mixed + i * (size_t)s->dims);
		for (size_t c = 0; c < classes; c++) {
			double sum = head->constant[c];
			for (size_t l = 0; l < layers; l++)
				sum += (double)head->share[l] * (double)dots[l * classes + c];
			logits[i * classes + c] = (float)sum;
		}
	}
}

/* ds_l = sum_i dz_i . (x_il M^T) */
static void compute_mix_gradient(core_head *head, int32_t n, const float *dlogits, float *gradient)
{
	size_t classes = (size_t)head->shape.classes, layers = (size_t)head->shape.layers;
	memset(head->sum, 0, layers * sizeof *head->sum);
	for (size_t i = 0; i < (size_t)n; i++)
		for (size_t l = 0; l < layers; l++) {
			const float *dots = head->dots + (i * layers + l) * classes;
			for (size_t c = 0; c < classes; c++)
				head->sum[l] += (double)dlogits[i * classes + c] * (double)dots[c];
		}
	core_mix_gradient(head->share, head->shape.layers, head->sum, gradient);
}

/* Computes the gradients of W1, b1 and W2 from G and M. */
static void compute_layer_gradients(
	core_head *head, const float *params, int32_t n, const float *dlogits, float *gradient)
{
	const core_head_shape *s = &head->shape;
	const core_dense *output = &head->dense[head->n_dense - 1], *projection = head->dense;
	int32_t dims = s->dims, width = s->projection, classes = s->classes;
	const float *weight = params + output->weight->offset;
	const float *bias = params + projection->bias->offset;
	const float *d_bias = gradient + output->bias->offset;
	float *d_weight = gradient + output->weight->offset;
	core_multiply(true, classes, dims, n, dlogits, head->mixed, 0, head->outer);
	core_multiply(
		true, width, 1, classes, weight, d_bias, 0, gradient + projection->bias->offset);
	for (int32_t c = 0; c < classes; c++)
		for (int32_t h = 0; h < width; h++)
			d_weight[c * width + h] = d_bias[c] * bias[h];
	head->kernels->collapse_gradient(classes, width, dims, weight,
		params + projection->weight->offset, head->outer, false,
		gradient + projection->weight->offset, d_weight);
}

void core_head_collapsed_backward(
	core_head *head, const float *params, int32_t n, const float *dlogits, float *gradient)
{
	const core_head_shape *s = &head->shape;
	const core_dense *output = &head->dense[head->n_dense - 1];
	core_column_sums(n, s->classes, dlogits, head->sum, 0, gradient + output->bias->offset);
	if (s->projection)
		compute_layer_gradients(head, params, n, dlogits, gradient);
	else
		core_multiply(true, s->classes, s->dims, n, dlogits, head->mixed, 0,
			gradient + output->weight->offset);
	compute_mix_gradient(head, n, dlogits, gradient);
}
