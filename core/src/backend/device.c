/* SPDX-License-Identifier: Apache-2.0 */
/* Constants of encoders, made on the device of the context. */
#include "backend/device.h"

core_device *core_device_of(const fv_ctx *ctx)
{
	core_device *device = core_ctx_device(ctx);
	return device ? device : core_device_cpu();
}

const float *fv_constant(fv_ctx *ctx, const float *x, int64_t n)
{
	core_device *device = core_device_of(ctx);
	const float *constant;
	return device->ops->load(ctx, device, x, n, &constant) ? NULL : constant;
}

fv_linear *fv_linear_open(fv_ctx *ctx, fv_precision precision, int64_t outputs, int64_t inputs,
	const float *weight, const float *bias)
{
	core_device *device = core_device_of(ctx);
	return device->ops->open_linear(ctx, device, precision, outputs, inputs, weight, bias);
}

fv_lstm *fv_lstm_open(fv_ctx *ctx, int32_t inputs, int32_t hidden, const float *weight_ih,
	const float *weight_hh, const float *bias_ih, const float *bias_hh)
{
	core_device *device = core_device_of(ctx);
	return device->ops->open_lstm(
		ctx, device, inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh);
}

fv_dense *fv_dense_open(fv_ctx *ctx, fv_sums sums, int64_t outputs, int64_t inputs,
	const float *weight, const float *bias)
{
	fv_dense *dense = fv_alloc(ctx, sizeof *dense);
	if (!dense)
		return NULL;
	*dense = (fv_dense){sums, outputs, inputs, fv_constant(ctx, weight, outputs * inputs),
		fv_constant(ctx, bias, outputs)};
	return dense->weight && dense->bias ? dense : NULL;
}
