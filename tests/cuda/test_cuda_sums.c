/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that sum over the rows of each utterance: means, moments, directions. */
#include <math.h>
#include <stdlib.h>

#include "op_test.h"

/* --- means --- */

struct mean_case {
	fv_sums sums;
	int64_t width;
};

static fv_matrix run_mean(fv_pack *pack, fv_matrix x, const void *user)
{
	const struct mean_case *c = user;
	fv_matrix y = fv_pack_utterances(pack, c->width);
	fv_pack_mean(pack, c->sums, x, y);
	return y;
}

static void compute_mean(const float *x, int64_t rows, double *y, const void *user)
{
	const struct mean_case *c = user;
	for (int64_t r = 0; r < rows; r++)
		for (int64_t i = 0; i < c->width; i++)
			y[i] += *x++ / (double)rows;
}

static void means(void **state)
{
	(void)state;
	static const int64_t widths[] = {1, 40, 129, 768};
	for (int sums = FV_SUMS_FLOAT; sums <= FV_SUMS_DOUBLE; sums++)
		for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
			struct mean_case c = {(fv_sums)sums, widths[i]};
			op_check(&(op_test){
				"mean", c.width, 1, 4e-7, run_mean, compute_mean, &c, 1, 2});
		}
}

/* --- moments: x, and logits in the columns behind it --- */

struct moments_case {
	fv_affine affine;
	const float *scale, *shift;
	int64_t width;
	bool weighted;
};

static const double least = 1e-12;

static fv_matrix run_moments(fv_pack *pack, fv_matrix all, const void *user)
{
	const struct moments_case *c = user;
	fv_matrix x = op_part(pack, all, 0, c->width), logits = {0};
	if (c->weighted)
		logits = op_part(pack, all, c->width, c->width);
	fv_matrix mean = fv_pack_utterances(pack, c->width);
	fv_matrix y = fv_pack_utterances(pack, 2 * c->width);
	fv_pack_mean(pack, FV_SUMS_FLOAT, x, mean);
	fv_pack_moments(pack, c->affine, least, x, logits, mean, y);
	return y;
}

static void compute_moments(const float *x, int64_t rows, double *y, const void *user)
{
	const struct moments_case *c = user;
	for (int64_t i = 0; i < c->width; i++) {
		double weights = 0, mean = 0, square = 0;
		for (int pass = 0; pass < 2; pass++)
			for (int64_t r = 0; r < rows; r++) {
				const float *at = x + r * 2 * c->width + i;
				double w = c->weighted ? exp((double)at[c->width]) : 1;
				double z = (double)c->scale[i] * at[0] + c->shift[i];
				if (pass)
					square += w * (z - mean / weights) * (z - mean / weights);
				else
					weights += w, mean += w * z;
			}
		y[i] = mean / weights;
		y[c->width + i] = sqrt(fmax(square / weights, least));
	}
}

static void moments(void **state)
{
	(void)state;
	for (int weighted = 0; weighted < 2; weighted++) {
		float *scale, *shift;
		struct moments_case c = {.width = 130, .weighted = weighted};
		c.affine = (fv_affine){
			op_draw(c.width, 1, 0.3, 1, &scale), op_draw(c.width, 0, 1, 2, &shift)};
		c.scale = scale;
		c.shift = shift;
		op_check(&(op_test){weighted ? "weighted moments" : "moments", 2 * c.width, 1, 2e-6,
			run_moments, compute_moments, &c, 3, 2});
	}
}

/* --- directions --- */

static const int64_t width = 256;

static fv_matrix run_direction(fv_pack *pack, fv_matrix x, const void *user)
{
	fv_matrix y = *(const bool *)user ? x : fv_pack_utterances(pack, width);
	fv_pack_direction(pack, x, y);
	return y;
}

static void compute_direction(const float *x, int64_t rows, double *y, const void *user)
{
	bool each = *(const bool *)user;
	for (int64_t r = 0; r < (each ? rows : 1); r++, y += width) {
		double square = 0;
		for (int64_t c = 0; c < width; c++) {
			for (int64_t t = each ? r : 0; t < (each ? r + 1 : rows); t++)
				y[c] += x[t * width + c];
			square += y[c] * y[c];
		}
		for (int64_t c = 0; c < width; c++)
			y[c] /= sqrt(square);
	}
}

static void directions(void **state)
{
	(void)state;
	for (int each = 0; each < 2; each++) {
		bool user = each;
		op_check(&(op_test){each ? "direction of each row" : "direction", width, 1, 3e-7,
			run_direction, compute_direction, &user, 0, 0});
	}
}

/* A sum of length 0 has no direction. */
static void no_direction(void **state)
{
	(void)state;
	static const int64_t count[] = {2, 1};
	float input[9] = {1, 2, 3, -1, -2, -3, 3, 0, 4}, a[3] = {0}, b[3] = {0}, *out[] = {a, b};
	fv_ctx *ctx = test_ctx();
	fv_pack *pack;
	test_ok(ctx, core_pack_open(ctx, op_device(), 2, count, 3, input, &pack));
	fv_matrix y = fv_pack_utterances(pack, 3);
	fv_pack_direction(pack, pack->input, y);
	fv_pack_fetch(pack, y, 0, out);
	test_ok(ctx, fv_pack_wait(pack));
	assert_true(isnan(a[0]) && isnan(a[1]) && isnan(a[2]));
	assert_true(b[0] == 0.6F && b[1] == 0 && b[2] == 0.8F);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(means),
		cmocka_unit_test(moments),
		cmocka_unit_test(directions),
		cmocka_unit_test(no_direction),
	};
	return cmocka_run_group_tests(tests, NULL, op_close);
}
