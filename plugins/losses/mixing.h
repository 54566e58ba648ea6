/* SPDX-License-Identifier: Apache-2.0 */
/* What mixup and its kind share: a draw of Beta(alpha, alpha), and the stream that a sample's draws
 * come from. */
#ifndef LOSSES_MIXING_H
#define LOSSES_MIXING_H

#include <math.h>

#include "named_rows.h"

/* The draws of sample i in this epoch, by its file name. */
static inline fv_stream mixing_open_stream(fv_ctx *ctx, const fv_batch *batch, int32_t i)
{
	return fv_rng(ctx, "mix", batch->epoch, fv_name_hash(batch->stem[i]));
}

/* log of a draw of Gamma(shape, 1): Marsaglia and Tsang, ACM TOMS 26 (2000), with their boost for
 * shapes below 1, kept as a logarithm, in which no small shape underflows. */
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

/* Beta(alpha, alpha) */
static inline double mixing_draw_beta(fv_stream *stream, double alpha)
{
	double a = mixing_draw_log_gamma(stream, alpha), b = mixing_draw_log_gamma(stream, alpha);
	return 1 / (1 + exp(b - a));
}

#endif
