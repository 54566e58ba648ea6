/* SPDX-License-Identifier: Apache-2.0 */
/* A quadtree over the points of a map. */
#ifndef CORE_EMBEDDING_QUADTREE_H
#define CORE_EMBEDDING_QUADTREE_H

#include "backend/kernels.h"

/* The points in the order of a Z curve over their bounding square, and the squares of the tree. Squares with a single
 * quadrant in use are left out; those of up to 8 points are leaves. */
typedef struct core_quadtree {
	int64_t n;
	uint32_t *order, *order2; /* [n] sorted point -> point */
	uint64_t *key, *key2;     /* [n] places on the curve, of the sorted points */
	float *x, *y;             /* [padded n] the sorted points; the padding repeats the last */
	core_square *squares;     /* [2 n] */
	int32_t n_squares;
} core_quadtree;

FV_NODISCARD fv_status core_quadtree_open(fv_ctx *ctx, int64_t n, core_quadtree *out);

/* Sorts the points and makes the squares. All coordinates must be finite. */
void core_quadtree_build(core_quadtree *tree, const core_map_points *points);

#endif
