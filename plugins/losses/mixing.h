/* SPDX-License-Identifier: Apache-2.0 */
/* What mixup and lisa share: draws from Beta(alpha, alpha), and the stream of a sample's draws. */
#ifndef LOSSES_MIXING_H
#define LOSSES_MIXING_H

#include <math.h>

#include "named_rows.h"

/* Returns the stream of sample i in this epoch, keyed by its file name. */
static inline fv_stream mixing_open_stream(fv_ctx *ctx, const fv_batch *batch, int32_t i)
{
	return fv_rng(ctx, "mix", batch->epoch, fv_name_hash(batch->stem[i]));
}

/* Returns the log of a draw from Gamma(shape, 1): Marsaglia and Tsang, ACM TOMS 26 (2000), with
 * their boost for shapes below 1. As a logarithm, small shapes do not underflow. */
static inline double mixing_draw_log_gamma(fv_stream *stream, double shape)
{
	double boost = shape < 1 ? log(1 - fv_uniform(stream)) / shape : 0;
	double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / sqrt(9 * d);
	for (;;) {
		double x = fv_normal(stream), v = 1 + c * x;
		if (v <= 0)
			continue;
		v = v * v * v;
		if (log(1 - fv_uniform(stream)) < x * x / 2 + d - d * v + d * log(v))
			return boost + log(d * v);
	}
}

/* Returns a draw from Beta(alpha, alpha). */
static inline double mixing_draw_beta(fv_stream *stream, double alpha)
{
	double a = mixing_draw_log_gamma(stream, alpha), b = mixing_draw_log_gamma(stream, alpha);
	return 1 / (1 + exp(b - a));
}

#endif
