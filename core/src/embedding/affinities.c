/* SPDX-License-Identifier: Apache-2.0 */
#include "embedding/affinities.h"

#include <float.h>
#include <math.h>

#include "backend/kernels.h"

/* exp(-50) is 2e-22: too small to change a sum that starts from exp(0) */
static const double most_exponent = 50;

/* The entropy of the affinities minus log(perplexity), and its derivative by log(beta) */
struct balance {
	double excess, slope, sum;
};

static struct balance weigh_others(
	int64_t n, const double *distance2, double nearest, double beta, double log_perplexity)
{
	double sum = 0, first = 0, second = 0;
	for (int64_t j = 0; j < n; j++) {
		double t = (distance2[j] - nearest) * beta;
		if (t > most_exponent)
			continue;
		double e = exp(-t);
		sum += e;
		first += e * t;
		second += e * t * t;
	}
	double mean = first / sum;
	return (struct balance){log(sum) + mean - log_perplexity, mean * mean - second / sum, sum};
}

/* The smallest distance, the mean distance beyond it, and how many have the smallest */
static double find_nearest(int64_t n, const double *distance2, double *mean, int64_t *ties)
{
	double nearest = distance2[0], sum = 0;
	for (int64_t j = 1; j < n; j++)
		nearest = distance2[j] < nearest ? distance2[j] : nearest;
	*ties = 0;
	for (int64_t j = 0; j < n; j++) {
		sum += distance2[j] - nearest;
		*ties += distance2[j] == nearest;
	}
	*mean = sum / (double)n;
	return nearest;
}

/* Newton's method in log(beta), with steps of at most a factor 8, kept within the bracket that is known. */
core_affinity core_affinity_fit(int64_t n, const double *distance2, double perplexity)
{
	int64_t ties;
	double mean, nearest = find_nearest(n, distance2, &mean, &ties);
	if ((double)ties >= perplexity)
		return (core_affinity){DBL_MAX, nearest, (double)ties};
	double low = 0, high = INFINITY, beta = 1 / mean, log_perplexity = log(perplexity);
	struct balance b = {0};
	for (int round = 0; round < 200; round++) {
		b = weigh_others(n, distance2, nearest, beta, log_perplexity);
		if (b.excess > 0)
			low = beta;
		else
			high = beta;
		double step = fmin(fmax(-b.excess / b.slope, -2), 2), next = beta * exp(step);
		if (!(next > low && next < high))
			next = low > 0 && high < INFINITY ? sqrt(low) * sqrt(high)
			       : b.excess > 0             ? beta * 8
							  : beta / 8;
		if (fabs(b.excess) < 1e-14 || next == beta)
			break;
		beta = next;
	}
	return (core_affinity){beta, nearest, b.sum};
}

double core_affinity_at(const core_affinity *affinity, double distance2)
{
	double t = (distance2 - affinity->nearest) * affinity->beta;
	return exp(-t) / affinity->sum;
}

/* Rows of the other side that stay in the cache */
enum { BLOCK = 64 };

void core_distances_compute(
	const float *x, int64_t n, int64_t dims, int64_t first, int64_t last, float *out)
{
	const core_kernels *kernels = core_kernels_used();
	for (int64_t j = 0; j < n; j += BLOCK) {
		int64_t count = n - j < BLOCK ? n - j : BLOCK;
		for (int64_t i = first; i < last; i++)
			kernels->squared_distances(
				count, dims, x + i * dims, x + j * dims, out + (i - first) * n + j);
	}
}
