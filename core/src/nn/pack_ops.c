/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of fairvox/pack.h: those of the pack's device. */
#include <assert.h>

#include "nn/pack.h"

void fv_pack_linear(fv_pack *pack, const fv_linear *linear, fv_matrix x, int32_t add,
	fv_activation activation, fv_matrix y)
{
	assert(x.layout == y.layout);
	pack->ops->multiply(pack->queue, linear, x, add != 0, activation, y);
}

void fv_pack_dense(fv_pack *pack, const fv_dense *dense, fv_function f, double factor, fv_matrix x,
	fv_matrix y)
{
	assert(x.layout == y.layout && x.width == dense->inputs && y.width == dense->outputs);
	pack->ops->dense(pack->queue, dense, f, factor, x, y);
}

void fv_pack_affine(fv_pack *pack, fv_affine affine, fv_function f, fv_matrix x, fv_matrix y)
{
	assert(x.layout == y.layout && x.width == y.width);
	pack->ops->affine(pack->queue, affine, f, x, y);
}

void fv_pack_convolve(fv_pack *pack, const fv_convolution *convolution, fv_affine a, fv_matrix x,
	fv_affine b, fv_matrix added, fv_matrix y)
{
	assert(x.layout == y.layout && (!added.at || added.layout == x.layout));
	pack->ops->convolve(pack->queue, convolution, a, x, b, added, y);
}

void fv_pack_mean(fv_pack *pack, fv_sums sums, fv_matrix x, fv_matrix y)
{
	assert(x.width == y.width);
	pack->ops->mean(pack->queue, sums, x, y);
}

void fv_pack_moments(fv_pack *pack, fv_affine affine, double least, fv_matrix x, fv_matrix logits,
	fv_matrix centre, fv_matrix y)
{
	assert(y.width == 2 * x.width && centre.width == x.width);
	pack->ops->moments(pack->queue, affine, least, x, logits, centre, y);
}

void fv_pack_spread(fv_pack *pack, fv_matrix x, fv_matrix y)
{
	assert(x.width == y.width);
	pack->ops->spread(pack->queue, x, y);
}

void fv_pack_gate(fv_pack *pack, fv_affine affine, fv_matrix gate, fv_matrix x, fv_matrix y)
{
	assert(x.layout == y.layout && x.width == y.width && gate.width == y.width);
	pack->ops->gate(pack->queue, affine, gate, x, y);
}

void fv_pack_lstm(fv_pack *pack, fv_lstm *const *layer, int32_t layers, int64_t window,
	int64_t step, fv_matrix x, fv_matrix y)
{
	pack->ops->lstm(pack->queue, layer, layers, window, step, x, y);
}

void fv_pack_direction(fv_pack *pack, fv_matrix x, fv_matrix y)
{
	assert(x.width == y.width);
	pack->ops->direction(pack->queue, x, y);
}
