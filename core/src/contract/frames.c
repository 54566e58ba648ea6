/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the frames of an output with its pooled result. */
#include <math.h>

#include "base/number.h"
#include "contract/suite.h"

static double find_largest(const float *x, int64_t n)
{
	double largest = 0;
	for (int64_t i = 0; i < n; i++)
		largest = fmax(largest, fabs((double)x[i]));
	return largest;
}

/* The mean of column d of frames [n, dims]. */
static double average_column(const float *frames, int64_t n, int32_t dims, int32_t d)
{
	double sum = 0;
	for (int64_t t = 0; t < n; t++)
		sum += (double)frames[t * dims + d];
	return sum / (double)n;
}

/* What rounding may add: sums in float32, or products in fewer bits. */
static double allow_rounding(
	const fv_output *o, const float *frames, int64_t n, const float *pooled)
{
	int64_t width = (int64_t)o->layers * o->dims;
	return 1e-3 * find_largest(pooled, width) + 1e-5 * fmax(1, find_largest(frames, n * width));
}

bool contract_compare_frames(struct contract *c, const fv_output *o, const char *wave,
	const float *frames, int64_t n, const float *pooled)
{
	double off = 0, allowed = allow_rounding(o, frames, n, pooled), mean = 0, whole = 0;
	int32_t layer = 0, column = 0;
	for (int32_t l = 0; l < o->layers; l++)
		for (int32_t d = 0; d < o->dims; d++) {
			double a = average_column(frames + l * n * o->dims, n, o->dims, d);
			double b = (double)pooled[l * o->dims + d];
			if (!(fabs(a - b) > off))
				continue;
			off = fabs(a - b);
			mean = a;
			whole = b;
			layer = l;
			column = d;
		}
	return contract_expect(c, off <= allowed, "mean",
		"output '%s' of %s: the mean over the frames is %g in layer %d, column %d, and the "
		"pooled result %g",
		o->name, wave, core_printable(mean), layer, column, core_printable(whole));
}
