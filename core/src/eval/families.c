/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/families.h"

#include <math.h>
#include <stdlib.h>

struct ranked {
	double p;
	int32_t index;
};

static int compare_p(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->p != y->p)
		return x->p < y->p ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Returns the m defined p-values in ascending order, or NULL with a message. Release with free(). */
static struct ranked *rank_defined(fv_ctx *ctx, int32_t n, const double *p, int32_t *m)
{
	struct ranked *r = malloc(((size_t)n + 1) * sizeof *r);
	*m = 0;
	if (!r) {
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
		return NULL;
	}
	for (int32_t i = 0; i < n; i++)
		if (!isnan(p[i]))
			r[(*m)++] = (struct ranked){p[i], i};
	qsort(r, (size_t)*m, sizeof *r, compare_p);
	return r;
}

static void set_undefined(int32_t n, double *out)
{
	for (int32_t i = 0; i < n; i++)
		out[i] = NAN;
}

fv_status core_holm(fv_ctx *ctx, int32_t n, const double *p, double *out)
{
	int32_t m;
	struct ranked *r = rank_defined(ctx, n, p, &m);
	if (!r)
		return FV_FAILED;
	double most = 0;
	set_undefined(n, out);
	for (int32_t j = 0; j < m; j++) {
		most = fmax(most, fmin(1, (m - j) * r[j].p));
		out[r[j].index] = most;
	}
	free(r);
	return FV_OK;
}

fv_status core_benjamini_hochberg(fv_ctx *ctx, int32_t n, const double *p, double *out)
{
	int32_t m;
	struct ranked *r = rank_defined(ctx, n, p, &m);
	if (!r)
		return FV_FAILED;
	double least = 1;
	set_undefined(n, out);
	for (int32_t j = m; j-- > 0;) {
		least = fmin(least, m * r[j].p / (j + 1));
		out[r[j].index] = least;
	}
	free(r);
	return FV_OK;
}
