/* SPDX-License-Identifier: Apache-2.0 */
/* t-SNE: a map of rows in two dimensions that keeps neighbours together (van der Maaten and Hinton, "Visualizing
 * data using t-SNE", 2008; van der Maaten, "Accelerating t-SNE using tree-based algorithms", 2014).
 *
 * With conditional affinities p_j|i = exp(-b_i |x_i - x_j|^2) / sum, b_i such that their entropy is log(perplexity),
 * P = (p_j|i + p_i|j) / 2n and Q = (1 + |y_i - y_j|^2)^-1 / sum, the map y minimizes KL(P || Q) = sum P log(P/Q).
 * Euclidean distances; early exaggeration 12 for 250 iterations; learning rate n / 48, at least 50; momentum 0.5, then
 * 0.8. Stops after 300 iterations without progress. These are the defaults of scikit-learn. */
#ifndef CORE_EMBEDDING_TSNE_H
#define CORE_EMBEDDING_TSNE_H

#include <stdbool.h>

#include "base/context.h"

typedef enum core_tsne_method {
	CORE_TSNE_AUTO,  /* exact below 5,000 rows */
	CORE_TSNE_EXACT, /* all pairs; 2 n^2 bytes of memory */
	/* affinities of the 3 * perplexity nearest rows; repulsion by a quadtree, theta 0.5 */
	CORE_TSNE_BARNES_HUT,
} core_tsne_method;

typedef enum core_tsne_start {
	/* the first two principal components, the first with standard deviation 1e-4 */
	CORE_TSNE_PCA,
	CORE_TSNE_RANDOM, /* normally distributed, standard deviation 1e-4 */
} core_tsne_start;

typedef struct core_tsne_options {
	double perplexity;  /* at least 1 */
	int32_t iterations; /* at least 250 */
	core_tsne_method method;
	core_tsne_start start;
	/* of CORE_TSNE_RANDOM; of CORE_TSNE_PCA only where the rows have one component, whose second is drawn */
	uint64_t seed;
	int threads;               /* does not change the result */
	bool (*should_stop)(void); /* asked in every iteration; NULL: never */
} core_tsne_options;

/* Perplexity 30, 1,000 iterations, CORE_TSNE_AUTO, CORE_TSNE_PCA, seed 0, one thread. */
core_tsne_options core_tsne_defaults(void);

typedef struct core_tsne_result {
	double kl;         /* of the map; with Barnes-Hut, P has the nearest rows only */
	double perplexity; /* used; smaller than asked for where the rows are few */
	int64_t iterations;
	bool exact;
} core_tsne_result;

/* Maps the rows of x [n,dims] to map [n,2]. A perplexity above (n - 1) / 3 is lowered to that, with a warning.
 * Equal rows lie close together; constant columns add nothing. The same kernels (FAIRVOX_CPU) give the
 * same bits. Tells progress. Errors: FV_CONFIG for an option out of range, FV_DATA for fewer than 4 rows, no columns or
 * a number that is not finite, FV_FAILED when memory is out, FV_STOPPED. */
FV_NODISCARD fv_status core_tsne(fv_ctx *ctx, const float *x, int64_t n, int64_t dims,
	const core_tsne_options *options, float *map, core_tsne_result *result);

#endif
