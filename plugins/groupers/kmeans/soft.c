/* SPDX-License-Identifier: Apache-2.0 */
/* Soft memberships: the posterior of a mixture of spherical Gaussians with equal weights and one
 * variance v, p(j | x) = exp(-|x - c_j|^2 / (2 v)) / sum_l exp(-|x - c_l|^2 / (2 v)). k-means fits
 * exactly this mixture by classification likelihood. The estimate of v is the mean squared distance
 * of the training rows to their centres, divided by the number of dimensions: G. Celeux, G.
 * Govaert, "A classification EM algorithm for clustering and two stochastic versions",
 * Computational Statistics & Data Analysis 14, 1992. */
#include "kmeans.h"

#include <math.h>

void kmeans_compute_members(const float *x, const double *centre, int32_t dims, int32_t first,
	int32_t last, double variance, float *member)
{
	int32_t nearest = first;
	double least = INFINITY, sum = 0;
	for (int32_t j = first; j < last; j++) {
		double distance = kmeans_squared_distance(x, centre + (int64_t)j * dims, dims);
		if (distance < least) {
			least = distance;
			nearest = j;
		}
	}
	for (int32_t j = first; j < last;
		j++) { /* relative to the smallest distance, so the sum is at least 1 */
		double over = kmeans_squared_distance(x, centre + (int64_t)j * dims, dims) - least;
		sum += variance > 0 ? exp(-over / (2 * variance)) : j == nearest;
	}
	for (int32_t j = first; j < last; j++) {
		double over = kmeans_squared_distance(x, centre + (int64_t)j * dims, dims) - least;
		double part = variance > 0 ? exp(-over / (2 * variance)) : j == nearest;
		member[j - first] = (float)(part / sum);
	}
}
