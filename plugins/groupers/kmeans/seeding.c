/* SPDX-License-Identifier: Apache-2.0 */
/* Greedy k-means++: D. Arthur, S. Vassilvitskii, "k-means++: the advantages of careful seeding",
 * SODA 2007. For each centre 2 + floor(ln k) candidates are tried, and the one that lowers the
 * potential most is used (their section 6), as in scikit-learn.
 *
 * Distances are float32 in sixteen fixed partial sums without fused multiply-add, so they are the
 * same on every machine. Potentials are double. */
#include "kmeans.h"

#include <math.h>
#include <string.h>

#define TRIALS_MAX 32 /* 2 + ln k */
#define LANES 16
/* Most candidates in one pass; 3 while more are left, so that none is left alone */
#define TOGETHER 4
struct seeding {
	const float *x;
	int32_t dims;
	const int64_t *pick;
	int64_t n;
	float *closest;    /* [n] squared distance to the nearest chosen row */
	float *trial;      /* [trials, n] the same if the candidate were chosen too */
	double *potential; /* [n] running sums of closest */
};

static const float *get_row(const struct seeding *s, int64_t i)
{
	return s->x + (s->pick ? s->pick[i] : i) * s->dims;
}

#define SQUARE(v) ((v) * (v))

/* Squared distances of x from `trials` rows, a constant at the call. Lane l sums the coordinates l, l + 16, ...; halves
 * of the lanes are then added. */
static inline __attribute__((always_inline)) void sum_squares(
	int trials, const float *x, const float *const *row, int32_t dims, float *square)
{
	kmeans_lanes low[TOGETHER], high[TOGETHER];
	int32_t d = 0;
#pragma GCC unroll 4
	for (int t = 0; t < trials; t++)
		low[t] = high[t] = (kmeans_lanes){0};
	for (; d + LANES <= dims; d += LANES) {
		kmeans_lanes a, b;
		memcpy(&a, x + d, sizeof a);
		memcpy(&b, x + d + LANES / 2, sizeof b);
#pragma GCC unroll 4
		for (int t = 0; t < trials; t++) {
			kmeans_lanes c, e;
			memcpy(&c, row[t] + d, sizeof c);
			memcpy(&e, row[t] + d + LANES / 2, sizeof e);
			low[t] += SQUARE(a - c);
			high[t] += SQUARE(b - e);
		}
	}
#pragma GCC unroll 4
	for (int t = 0; t < trials; t++) {
		for (int32_t l = 0; d + l < dims; l++) {
			float rest = SQUARE(x[d + l] - row[t][d + l]);
			if (l < LANES / 2)
				low[t][l] += rest;
			else
				high[t][l - LANES / 2] += rest;
		}
		low[t] += high[t];
		square[t] = KMEANS_ADD_LANES(low[t]);
	}
}

static inline __attribute__((always_inline)) void try_together(
	int trials, const struct seeding *s, const float *const *row, float *trial, double *sum)
{
	for (int64_t i = 0; i < s->n; i++) {
		float distance[TOGETHER];
		sum_squares(trials, get_row(s, i), row, s->dims, distance);
#pragma GCC unroll 4
		for (int t = 0; t < trials; t++) {
			float least = distance[t] < s->closest[i] ? distance[t] : s->closest[i];
			trial[t * s->n + i] = least;
			sum[t] += (double)least;
		}
	}
}

/* Computes for each of `trials` candidate rows: trial [trials,n] = min(closest, distance to the
 * candidate), and its sum. Several candidates are handled in one pass, because x is read from memory. */
KMEANS_FAST static void try_rows(
	const struct seeding *s, const float *const *row, int32_t trials, float *trial, double *sum)
{
	for (int32_t t = 0; t < trials; t++)
		sum[t] = 0;
	for (int32_t t = 0; t < trials;) {
		int32_t left = trials - t, now = left > TOGETHER ? TOGETHER - 1 : left;
		float *to = trial + t * s->n;
		if (now == 1)
			try_together(1, s, row + t, to, sum + t);
		else if (now == 2)
			try_together(2, s, row + t, to, sum + t);
		else if (now == 3)
			try_together(3, s, row + t, to, sum + t);
		else
			try_together(TOGETHER, s, row + t, to, sum + t);
		t += now;
	}
}

/* Draws a row with probability proportional to closest: the first whose running sum exceeds a
 * uniform share of the total. It therefore never coincides with a chosen row. */
static int64_t draw_row(const struct seeding *s, fv_stream *stream)
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
	double sum = 0;
	for (int64_t i = 0; i < s->n; i++)
		s->potential[i] = sum += (double)s->closest[i];
	int64_t candidate[TRIALS_MAX];
	const float *row[TRIALS_MAX];
	double potential[TRIALS_MAX];
	for (int32_t t = 0; t < trials; t++) {
		candidate[t] = draw_row(s, stream);
		row[t] = get_row(s, candidate[t]);
	}
	try_rows(s, row, trials, s->trial, potential);
	int32_t best = 0;
	for (int32_t t = 1; t < trials; t++)
		best = potential[t] < potential[best] ? t : best;
	memcpy(s->closest, s->trial + best * s->n, (size_t)s->n * sizeof *s->closest);
	return candidate[best];
}

static void mark_covered(struct seeding *s, const float *row)
{
	double sum;
	try_rows(s, &row, 1, s->closest, &sum);
}

static bool is_covered(const struct seeding *s)
{
	for (int64_t i = 0; i < s->n; i++)
		if (s->closest[i] > 0)
			return false;
	return true;
}

/* Adds rows to the *have ones in chosen until there are k, or until every row coincides with a
 * chosen one. pick [n] are the rows to choose from; NULL: the first n rows. */
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
		mark_covered(&s, x + chosen[j] * dims);
	while (*have < k && !is_covered(&s)) {
		int64_t row = add_row(&s, trials, stream);
		chosen[(*have)++] = pick ? pick[row] : row;
	}
	return FV_OK;
}

fv_status kmeans_choose_start(fv_ctx *ctx, const float *x, int64_t n, int32_t dims, int64_t batch,
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
