/* SPDX-License-Identifier: Apache-2.0 */
/* Greedy k-means++: D. Arthur, S. Vassilvitskii, "k-means++: the advantages of careful seeding",
 * SODA 2007, with 2 + floor(ln k) trials a centre of which the one that lowers the potential most
 * is kept (their section 6), as scikit-learn has it.
 *
 * Distances are float32 in sixteen fixed partial sums without fused multiply-add, so that they are
 * the same on every machine; potentials are double.
 */
#include "kmeans.h"

#include <math.h>

#define LANES 16

struct seeding {
	const float *x;
	int32_t dims;
	const int64_t *pick;
	int64_t n;
	float *closest;    /* [n] squared distance to the nearest chosen row */
	float *trial;      /* [trials, n] the same if the candidate were chosen */
	double *potential; /* [n] running sums of closest */
};

static float distance(const float *restrict a, const float *restrict b, int32_t dims)
{
	float lane[LANES] = {0};
	int32_t d = 0;
	for (; d + LANES <= dims; d += LANES) {
		for (int32_t l = 0; l < LANES; l++) {
			float difference = a[d + l] - b[d + l];
			lane[l] += difference * difference;
		}
	}
	for (int32_t l = 0; d + l < dims; l++) {
		float difference = a[d + l] - b[d + l];
		lane[l] += difference * difference;
	}
	for (int32_t half = LANES / 2; half; half /= 2)
		for (int32_t l = 0; l < half; l++)
			lane[l] += lane[l + half];
	return lane[0];
}

static const float *row_of(const struct seeding *s, int64_t i)
{
	return s->x + (s->pick ? s->pick[i] : i) * s->dims;
}

/* out [n] = min(closest, distance to the row); returns its sum. */
static double try_row(const struct seeding *s, const float *row, float *out)
{
	double sum = 0;
	for (int64_t i = 0; i < s->n; i++) {
		float d = distance(row_of(s, i), row, s->dims);
		out[i] = d < s->closest[i] ? d : s->closest[i];
		sum += (double)out[i];
	}
	return sum;
}

/* A row drawn with probability proportional to closest: the first whose running sum exceeds a
 * uniform share of the total, so never one that coincides with a chosen row. */
static int64_t draw(const struct seeding *s, fv_stream *stream)
{
	double target = fv_uniform(stream) * s->potential[s->n - 1];
	int64_t low = 0, high = s->n - 1;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		if (s->potential[middle] > target)
			high = middle;
		else
			low = middle + 1;
	}
	while (!(s->closest[low] > 0)) /* target rounded up to the total */
		low--;
	return low;
}

static int64_t add_row(struct seeding *s, int32_t trials, fv_stream *stream)
{
	double sum = 0, least = INFINITY;
	for (int64_t i = 0; i < s->n; i++)
		s->potential[i] = sum += (double)s->closest[i];
	int32_t best = 0;
	int64_t chosen = 0;
	for (int32_t t = 0; t < trials; t++) {
		int64_t candidate = draw(s, stream);
		double potential = try_row(s, row_of(s, candidate), s->trial + t * s->n);
		if (potential < least) {
			least = potential;
			best = t;
			chosen = candidate;
		}
	}
	for (int64_t i = 0; i < s->n; i++)
		s->closest[i] = s->trial[best * s->n + i];
	return chosen;
}

static bool is_covered(const struct seeding *s)
{
	for (int64_t i = 0; i < s->n; i++)
		if (s->closest[i] > 0)
			return false;
	return true;
}

/* Adds to the *have rows in chosen until there are k or every row coincides with a chosen one. pick
 * [n] are the rows to choose among; NULL: the first n. */
static fv_status add_rows(fv_ctx *ctx, const float *x, int32_t dims, const int64_t *pick, int64_t n,
	fv_stream *stream, int32_t k, int64_t *chosen, int32_t *have)
{
	int32_t trials = 2 + (int32_t)log((double)k);
	struct seeding s = {.x = x,
		.dims = dims,
		.pick = pick,
		.n = n,
		.closest = fv_scratch(ctx, (size_t)n * sizeof(float)),
		.trial = fv_scratch(ctx, (size_t)n * (size_t)trials * sizeof(float)),
		.potential = fv_scratch(ctx, (size_t)n * sizeof(double))};
	if (!s.closest || !s.trial || !s.potential)
		return FV_FAILED;
	for (int64_t i = 0; i < n; i++)
		s.closest[i] = INFINITY;
	if (!*have) {
		int64_t first = (int64_t)fv_below(stream, (uint64_t)n);
		chosen[(*have)++] = pick ? pick[first] : first;
	}
	for (int32_t j = 0; j < *have; j++)
		(void)try_row(&s, x + chosen[j] * dims, s.closest);
	while (*have < k && !is_covered(&s)) {
		int64_t row = add_row(&s, trials, stream);
		chosen[(*have)++] = pick ? pick[row] : row;
	}
	return FV_OK;
}

fv_status kmeans_start(fv_ctx *ctx, const float *x, int64_t n, int32_t dims, int64_t batch,
	fv_stream *stream, int32_t k, int64_t *chosen, int32_t *have)
{
	*have = 0;
	int64_t wanted = 3 * (batch < n ? batch : n);
	wanted = wanted < k ? 3 * (int64_t)k : wanted;
	if (batch > 0 && wanted < n) {
		int64_t *pick = fv_scratch(ctx, (size_t)wanted * sizeof *pick);
		if (!pick)
			return FV_FAILED;
		for (int64_t i = 0; i < wanted; i++)
			pick[i] = (int64_t)fv_below(stream, (uint64_t)n);
		fv_status status = add_rows(ctx, x, dims, pick, wanted, stream, k, chosen, have);
		if (status || *have == k)
			return status;
	}
	return add_rows(ctx, x, dims, NULL, n, stream, k, chosen, have);
}
