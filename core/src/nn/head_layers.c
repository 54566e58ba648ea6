/* SPDX-License-Identifier: Apache-2.0 */
/* A head computed layer by layer. */
#include <string.h>

#include "nn/blocks.h"
#include "nn/head_private.h"

void core_head_layers_forward(core_head *head, const float *params, int32_t n, float *out)
{
	const float *in = head->mixed;
	for (int32_t j = 0; j < head->n_dense; j++) {
		const core_dense *l = &head->dense[j];
		const float *weight = params + l->weight->offset, *bias = params + l->bias->offset;
		float *y = j == head->n_dense - 1 ? out : l->y;
		if (l->hidden) {
			head->kernels->dot_rows(n, l->out, l->in, in, weight, NULL, l->z);
			head->kernels->hidden_forward(head->shape.activation, n, l->out, bias,
				head->dropping ? l->keep : NULL, l->z, y);
		} else {
			core_linear_forward(n, l->out, l->in, in, weight, bias, y);
		}
		in = y;
	}
}

void core_head_layers_backward(
	core_head *head, const float *params, int32_t n, const float *d_out, float *gradient)
{
	for (int32_t j = head->n_dense - 1; j >= 0; j--) {
		const core_dense *l = &head->dense[j], *below = j ? l - 1 : NULL;
		const float *d = j == head->n_dense - 1 ? d_out : l->gradient;
		size_t count = (size_t)n * (size_t)l->out;
		if (l->hidden) {
			if (d != l->gradient)
				memcpy(l->gradient, d, count * sizeof *d);
			head->kernels->hidden_backward(head->shape.activation, (int64_t)count,
				head->dropping ? l->keep : NULL, l->z, l->gradient);
			d = l->gradient;
		}
		core_multiply(true, l->out, l->in, n, d, below ? below->y : head->mixed, 0,
			gradient + l->weight->offset);
		core_column_sums(n, l->out, d, head->sum, 0, gradient + l->bias->offset);
		if (below || head->shape.layers > 1)
			core_multiply(false, n, l->in, l->out, d, params + l->weight->offset, 0,
				below ? below->gradient : head->d_mixed);
	}
}
