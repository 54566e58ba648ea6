/* SPDX-License-Identifier: Apache-2.0 */
/* Affinities of rows: how likely each is the neighbour of another. */
#ifndef CORE_EMBEDDING_AFFINITIES_H
#define CORE_EMBEDDING_AFFINITIES_H

#include "base/context.h"
#include "base/team.h"

/* p_j = exp(-beta (distance2_j - nearest)) / sum: the conditional affinities of one row */
typedef struct core_affinity {
	double beta, nearest, sum;
} core_affinity;

/* Finds beta such that the entropy of p over n others is log(perplexity), to the precision of double. If more than
 * `perplexity` others are nearest with equal distance, they share p equally. */
core_affinity core_affinity_fit(int64_t n, const double *distance2, double perplexity);

double core_affinity_at(const core_affinity *affinity, double distance2);

enum { CORE_DISTANCE_ROWS = 16 };

/* Squared distances of the rows [first,last), at most CORE_DISTANCE_ROWS, from all rows of x [n,dims]: out
 * [last-first,n]. That from i to j has the same bits as that from j to i. */
void core_distances_compute(
	const float *x, int64_t n, int64_t dims, int64_t first, int64_t last, float *out);

/* Affinities P of the nearest `k` rows of each row, made symmetric: those of row i are index and p from begin[i] to
 * begin[i + 1], by index. They sum to 1. */
typedef struct core_links {
	int64_t n;
	int64_t *begin; /* [n+1] */
	int32_t *index;
	float *p;
} core_links;

FV_NODISCARD fv_status core_links_find(fv_ctx *ctx, core_team *team, const float *x, int64_t n,
	int64_t dims, int64_t k, double perplexity, core_links *out);

#endif
