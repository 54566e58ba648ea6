/* SPDX-License-Identifier: Apache-2.0 */
/* The three passes of collapse.h for one instruction set; collapse.c includes it once for each, with
 *
 *   NAME(f)             f with the set's name
 *   TARGET              attribute of the functions
 *   VEC, LANES          a vector of floats
 *   ZERO() SET1(f) LOAD(p) STORE(p, v) FMA(a, b, c) SUM(v)
 *   KEEP(v)             compilers are not to read v from memory again where it is used next
 *   LAYER_ROWS, WEIGHT_ROWS, PRODUCT_ROWS   layers, and rows of W1, taken at once: as many as there
 *                       are registers for
 *
 * Classes are taken BLOCK at a time. `classes` and `rows` of the inlined functions are constants, so
 * that their loops are unrolled and sums stay in registers. */

#define INLINE static inline __attribute__((always_inline)) TARGET

INLINE void NAME(take_layers)(int rows, int classes, int64_t dims, const float *x,
	const float *next, const float *product, const float *share, float *dots, int64_t stride,
	float *mixed)
{
	VEC sum[LAYER_ROWS][BLOCK], s[LAYER_ROWS];
	float rest[LAYER_ROWS][BLOCK] = {{0}};
	int64_t j = 0;
	for (int r = 0; r < rows; r++) {
		s[r] = SET1(share[r]);
		for (int c = 0; c < classes; c++)
			sum[r][c] = ZERO();
	}
	for (; j + LANES <= dims; j += LANES) {
		VEC a[LAYER_ROWS];
		for (int r = 0; r < rows; r++) {
			a[r] = LOAD(x + r * dims + j);
			__builtin_prefetch(next + r * dims + j, 0, 2);
		}
		if (mixed) {
			VEC h = LOAD(mixed + j);
			for (int r = 0; r < rows; r++)
				h = FMA(s[r], a[r], h);
			STORE(mixed + j, h);
		}
		for (int c = 0; c < classes; c++) {
			VEC m = LOAD(product + c * dims + j);
			KEEP(m);
			for (int r = 0; r < rows; r++)
				sum[r][c] = FMA(a[r], m, sum[r][c]);
		}
	}
	for (; j < dims; j++)
		for (int r = 0; r < rows; r++) {
			float a = x[r * dims + j];
			if (mixed)
				mixed[j] += share[r] * a;
			for (int c = 0; c < classes; c++)
				rest[r][c] += a * product[c * dims + j];
		}
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < classes; c++)
			dots[r * stride + c] = SUM(sum[r][c]) + rest[r][c];
}

INLINE void NAME(take_row)(int classes, int64_t layers, int64_t dims, const float *x,
	const float *next, const float *product, const float *share, float *dots, int64_t stride,
	float *mixed)
{
	int64_t l = 0;
	for (; l + LAYER_ROWS <= layers; l += LAYER_ROWS)
		NAME(take_layers)
	(LAYER_ROWS, classes, dims, x + l * dims, next + l * dims, product, share + l,
		dots + l * stride, stride, mixed);
	for (; l < layers; l++)
		NAME(take_layers)
	(1, classes, dims, x + l * dims, next + l * dims, product, share + l, dots + l * stride,
		stride, mixed);
}

static TARGET void NAME(row)(int32_t classes, int32_t layers, int32_t dims, const float *x,
	const float *next, const float *product, const float *share, float *dots, float *mixed)
{
	memset(mixed, 0, (size_t)dims * sizeof *mixed);
	for (int32_t c = 0; c < classes; c += BLOCK) {
		const float *m = product + (int64_t)c * dims;
		float *to = c ? NULL : mixed;
		SWITCH(classes - c,
			NAME(take_row)(K, layers, dims, x, next, m, share, dots + c, classes, to))
	}
}

INLINE void NAME(take_weights)(int rows, int classes, int64_t dims, const float *output,
	int64_t stride, const float *weight, const float *outer, int more, float *d_weight,
	float *d_output)
{
	VEC sum[WEIGHT_ROWS][BLOCK], w[WEIGHT_ROWS][BLOCK];
	float rest[WEIGHT_ROWS][BLOCK] = {{0}};
	int64_t j = 0;
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < classes; c++) {
			w[r][c] = SET1(output[c * stride + r]);
			sum[r][c] = ZERO();
		}
	for (; j + LANES <= dims; j += LANES) {
		VEC a[WEIGHT_ROWS], d[WEIGHT_ROWS];
		for (int r = 0; r < rows; r++) {
			a[r] = LOAD(weight + r * dims + j);
			d[r] = more ? LOAD(d_weight + r * dims + j) : ZERO();
		}
		for (int c = 0; c < classes; c++) {
			VEC g = LOAD(outer + c * dims + j);
			KEEP(g);
			for (int r = 0; r < rows; r++) {
				sum[r][c] = FMA(a[r], g, sum[r][c]);
				d[r] = FMA(w[r][c], g, d[r]);
			}
		}
		for (int r = 0; r < rows; r++)
			STORE(d_weight + r * dims + j, d[r]);
	}
	for (; j < dims; j++)
		for (int r = 0; r < rows; r++) {
			float d = more ? d_weight[r * dims + j] : 0;
			for (int c = 0; c < classes; c++) {
				rest[r][c] += weight[r * dims + j] * outer[c * dims + j];
				d += output[c * stride + r] * outer[c * dims + j];
			}
			d_weight[r * dims + j] = d;
		}
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < classes; c++)
			d_output[c * stride + r] += SUM(sum[r][c]) + rest[r][c];
}

static TARGET void NAME(gradient)(int32_t classes, int32_t projection, int32_t dims,
	const float *output, const float *weight, const float *outer, float *d_weight,
	float *d_output)
{
	for (int32_t c = 0; c < classes; c += BLOCK) {
		const float *out = output + (int64_t)c * projection, *g = outer + (int64_t)c * dims;
		float *d_out = d_output + (int64_t)c * projection;
		int32_t h = 0;
		for (; h + WEIGHT_ROWS <= projection; h += WEIGHT_ROWS)
			SWITCH(classes - c, NAME(take_weights)(WEIGHT_ROWS, K, dims, out + h,
						    projection, weight + (int64_t)h * dims, g,
						    c > 0, d_weight + (int64_t)h * dims, d_out + h))
		for (; h < projection; h++)
			SWITCH(classes - c, NAME(take_weights)(1, K, dims, out + h, projection,
						    weight + (int64_t)h * dims, g, c > 0,
						    d_weight + (int64_t)h * dims, d_out + h))
	}
}

INLINE void NAME(add_weights)(int rows, int classes, int64_t dims, const float *output,
	int64_t stride, const float *weight, float *product)
{
	VEC w[PRODUCT_ROWS][BLOCK];
	int64_t j = 0;
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < classes; c++)
			w[r][c] = SET1(output[c * stride + r]);
	for (; j + LANES <= dims; j += LANES) {
		VEC a[PRODUCT_ROWS];
		for (int r = 0; r < rows; r++)
			a[r] = LOAD(weight + r * dims + j);
		for (int c = 0; c < classes; c++) {
			VEC m = LOAD(product + c * dims + j);
			for (int r = 0; r < rows; r++)
				m = FMA(w[r][c], a[r], m);
			STORE(product + c * dims + j, m);
		}
	}
	for (; j < dims; j++)
		for (int c = 0; c < classes; c++)
			for (int r = 0; r < rows; r++)
				product[c * dims + j] +=
					output[c * stride + r] * weight[r * dims + j];
}

static TARGET void NAME(product)(int32_t classes, int32_t projection, int32_t dims,
	const float *output, const float *weight, float *product)
{
	memset(product, 0, (size_t)classes * (size_t)dims * sizeof *product);
	for (int32_t c = 0; c < classes; c += BLOCK) {
		const float *out = output + (int64_t)c * projection;
		float *m = product + (int64_t)c * dims;
		int32_t h = 0;
		for (; h + PRODUCT_ROWS <= projection; h += PRODUCT_ROWS)
			SWITCH(classes - c, NAME(add_weights)(PRODUCT_ROWS, K, dims, out + h,
						    projection, weight + (int64_t)h * dims, m))
		for (; h < projection; h++)
			SWITCH(classes - c, NAME(add_weights)(1, K, dims, out + h, projection,
						    weight + (int64_t)h * dims, m))
	}
}

#undef INLINE
#undef NAME
#undef TARGET
#undef VEC
#undef LANES
#undef ZERO
#undef SET1
#undef LOAD
#undef STORE
#undef FMA
#undef SUM
#undef KEEP
#undef LAYER_ROWS
#undef WEIGHT_ROWS
#undef PRODUCT_ROWS
