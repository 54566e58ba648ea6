/* SPDX-License-Identifier: Apache-2.0 */
#include <fairvox/vector.h>

#include <math.h>

void fv_gelu(const float *x, float *y, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = (float)(0.5 * x[i] * erfc(-x[i] * 0.70710678118654752));
}

void fv_layer_norm(const float *x, int64_t rows, int64_t width, const float *scale,
	const float *offset, float eps, float *y)
{
	for (int64_t r = 0; r < rows; r++, x += width, y += width) {
		double sum = 0, squares = 0;
		for (int64_t j = 0; j < width; j++)
			sum += x[j];
		double mean = sum / (double)width;
		for (int64_t j = 0; j < width; j++)
			squares += (x[j] - mean) * (x[j] - mean);
		double factor = 1 / sqrt(squares / (double)width + eps);
		for (int64_t j = 0; j < width; j++) {
			double z = (x[j] - mean) * factor;
			y[j] = (float)(scale ? z * scale[j] + offset[j] : z);
		}
	}
}

void fv_softmax(float *x, int64_t rows, int64_t width, int64_t stride)
{
	for (int64_t r = 0; r < rows; r++, x += stride) {
		float largest = x[0];
		double sum = 0;
		for (int64_t j = 1; j < width; j++)
			largest = x[j] > largest ? x[j] : largest;
		for (int64_t j = 0; j < width; j++)
			sum += x[j] = expf(x[j] - largest);
		for (int64_t j = 0; j < width; j++)
			x[j] = (float)(x[j] / sum);
	}
}
